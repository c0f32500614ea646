"""What people type on the decision sheet."""

from django import forms
from django.utils.translation import gettext_lazy as _

from jieli.cases.forms import SignedForm


class ChoiceForm(SignedForm):
    """One option of one version of the sheet, in the treating doctor's words."""

    version = forms.IntegerField(min_value=1, required=False)
    option = forms.CharField(
        max_length=60, error_messages={"required": _("Choose what will be done.")}
    )
    text = forms.CharField(
        max_length=4000, error_messages={"required": _("Write the decision in a sentence.")}
    )
    reason = forms.CharField(max_length=2000, required=False)


class CorrectionForm(forms.Form):
    name = forms.CharField(max_length=120)
    value = forms.CharField(max_length=200, error_messages={"required": _("Say how it is.")})
    reason = forms.CharField(max_length=200, required=False)


class UndoForm(forms.Form):
    name = forms.CharField(max_length=120)


class AssentForm(forms.Form):
    agrees = forms.ChoiceField(
        choices=[("yes", "yes"), ("no", "no")],
        error_messages={"required": _("Say whether you agree.")},
    )
    note = forms.CharField(max_length=300, required=False)
