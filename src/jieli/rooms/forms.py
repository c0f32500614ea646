"""What a page in a room sends by form."""

from django import forms


class FrameForm(forms.Form):
    feed = forms.CharField(max_length=40, required=False)
