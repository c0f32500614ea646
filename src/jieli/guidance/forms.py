"""What people and the theatre's browser say about a session, checked field by field."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from jieli.cases.forms import Timed, person
from jieli.directory.models import Technique
from jieli.guidance.actions import Report
from jieli.rules import guidance as rules

YES_NO = [("yes", "yes"), ("no", "no")]


class PlanForm(forms.Form):
    name = forms.CharField(max_length=120, error_messages={"required": _("Write what is done.")})
    technique = forms.ModelMultipleChoiceField(
        Technique.objects.all(),
        to_field_name="code",
        error_messages={
            "required": _("Choose the techniques: privileges are looked up by them."),
        },
    )
    operator = person()
    guide = person()


class CheckForm(forms.Form):
    answer = forms.ChoiceField(choices=YES_NO, error_messages={"required": _("Answer yes or no.")})
    text = forms.CharField(max_length=200, required=False)
    person = person(required=False)


class ExceptionForm(forms.Form):
    decider = person()
    reason = forms.CharField(
        max_length=200, error_messages={"required": _("Say in a few words why.")}
    )


class MdtForm(Timed):
    document = forms.UUIDField(
        error_messages={
            "required": _("Choose a document of this case."),
            "invalid": _("Choose a document of this case."),
        }
    )
    signed_by = forms.CharField(
        max_length=200, error_messages={"required": _("Say who signed the document.")}
    )


class MoveForm(forms.Form):
    reason = forms.CharField(max_length=200, required=False)


class AttendanceForm(forms.Form):
    here = forms.ChoiceField(
        choices=YES_NO, error_messages={"required": _("Say whether you are there.")}
    )


class LinkForm(forms.Form):
    """Instants are ISO 8601 with a zone, in the server's time."""

    state = forms.ChoiceField(choices=[(rules.UP, rules.UP), (rules.DOWN, rules.DOWN)])
    at = forms.CharField(max_length=40)
    since = forms.CharField(max_length=40, required=False)
    delay_ms = forms.IntegerField(min_value=0, max_value=600_000, required=False)
    step = forms.ChoiceField(choices=[(step, step) for step in rules.STEPS], required=False)

    def clean_at(self) -> datetime:
        return _instant(self.cleaned_data["at"])

    def clean_since(self) -> datetime | None:
        text = self.cleaned_data["since"]
        return _instant(text) if text else None

    @property
    def report(self) -> Report:
        return Report(**self.cleaned_data)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise forms.ValidationError("ISO 8601") from None
    if found.tzinfo is None:
        raise forms.ValidationError("ISO 8601 with a zone")
    return found


class EntryForm(Timed):
    """`client_key` is the device's own; a form without script carries the key of its page."""

    kind = forms.CharField(max_length=12)
    text = forms.CharField(max_length=300, required=False)
    amount = forms.IntegerField(
        required=False, error_messages={"invalid": _("Write the blood loss in mL.")}
    )
    client_key = forms.UUIDField(required=False)

    @property
    def entry(self) -> dict[str, Any]:
        data = self.cleaned_data
        key = data["client_key"] or _key(str(self.data.get("_key", "")))
        given = {"text": data["text"], "amount": data["amount"], "client_key": key}
        return given | self.timing


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()
