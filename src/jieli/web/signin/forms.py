"""What people type at the door and about accounts."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from jieli.directory.forms import SpecialtyField, Styled
from jieli.directory.models import Account, Role, Specialty
from jieli.directory.queries.accounts import ROLES
from jieli.rules.scopes import LONGEST_DAYS, SCOPES

SCOPE_WORDS = {
    "fhir.read": _("Read by FHIR"),
    "fhir.write": _("Write by FHIR"),
    "hl7v2.receive": _("Send us HL7 v2 messages"),
    "dicomweb.read": _("Read images by DICOMweb"),
    "dicomweb.write": _("Send us images by DICOMweb"),
}
_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "current-password"})
_NEW = forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": "12"})


class SignInForm(Styled):
    username = forms.CharField(
        max_length=64, error_messages={"required": _("Enter your staff number.")}
    )
    password = forms.CharField(
        max_length=4096, strip=False, error_messages={"required": _("Enter your password.")}
    )


class CodeForm(Styled):
    code = forms.CharField(max_length=40, required=False, label=_("Code"))
    credential = forms.CharField(max_length=20_000, required=False)
    trust = forms.BooleanField(required=False)


class AgainForm(Styled):
    password = forms.CharField(max_length=4096, strip=False, required=False)
    code = forms.CharField(max_length=40, required=False)
    credential = forms.CharField(max_length=20_000, required=False)


class NewPasswordForm(Styled):
    """Twice the same, by the rules for everybody."""

    password = forms.CharField(
        max_length=4096, strip=False, widget=_NEW, label=_("New password, at least 12 characters")
    )
    again = forms.CharField(max_length=4096, strip=False, widget=_NEW, label=_("Once more"))

    def __init__(self, *args: Any, account: Account | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        password, again = given.get("password"), given.get("again")
        if password and again and password != again:
            self.add_error("again", _("The two passwords differ."))
        elif password:
            try:
                validate_password(password, self.account)
            except forms.ValidationError as fault:
                self.add_error("password", fault)
        return given


class PasskeyForm(forms.Form):
    credential = forms.CharField(max_length=20_000)
    name = forms.CharField(max_length=60, required=False)


class EngageForm(Styled):
    number = forms.CharField(max_length=40, label=_("Staff number"))
    name = forms.CharField(max_length=80, label=_("Name"))
    title = forms.CharField(max_length=40, required=False, label=_("Professional title"))
    kind = forms.ChoiceField(choices=list(ROLES.items()), label=_("Post"))
    specialty = SpecialtyField(
        queryset=Specialty.objects.order_by("order", "pk"), required=False, label=_("Specialty")
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("kind") == Role.Kind.EXPERT and not given.get("specialty"):
            self.add_error("specialty", _("An expert has a specialty."))
        return given


class LeaveForm(Styled):
    reason = forms.CharField(
        max_length=200, label=_("Why"), error_messages={"required": _("Say why in a few words.")}
    )


class ServiceForm(Styled):
    name = forms.CharField(max_length=80, label=_("Name of the other system"))
    scopes = forms.MultipleChoiceField(
        choices=[(scope, SCOPE_WORDS[scope]) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        label=_("What it may do"),
        error_messages={"required": _("Choose what the other system may do.")},
    )
    days = forms.IntegerField(
        min_value=1, max_value=LONGEST_DAYS, initial=180, label=_("Valid for how many days")
    )
