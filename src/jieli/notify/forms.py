"""What a gateway may report about an attempt."""

from django import forms

STATES = ("ringing", "answered", "failed")


class ReportForm(forms.Form):
    attempt = forms.UUIDField()
    state = forms.ChoiceField(choices=[(state, state) for state in STATES])
    error = forms.CharField(required=False, max_length=300)
