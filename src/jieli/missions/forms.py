"""What people type about sheets and missions, checked field by field."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from jieli.cases.forms import (
    LocalInstant,
    OptionalReasonForm,
    ReasonForm,
    SignedForm,
    Timed,
    instant,
    person,
)
from jieli.directory.models import Organisation, Practitioner, Technique
from jieli.missions.actions import Crew, Stretch
from jieli.missions.models import Vehicle
from jieli.missions.queries.way import TIMETABLED
from jieli.rules import checklists, transport
from jieli.rules import missions as rules
from jieli.rules.checklists import Answer
from jieli.rules.refusal import Refused

__all__ = ["OptionalReasonForm", "ReasonForm", "Timed"]
LEG_KINDS = ("prepare", "road", *TIMETABLED, "helicopter", "transfer", "reception")
LONGEST_LEG = 4 * 24 * 60  # minutes
GRADES = [(grade, grade) for grade in transport.GRADES]
ESCORTS = [(escort, escort) for escort in transport.ESCORTS]


def hospital(**kwargs: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Organisation.objects.all(),
        to_field_name="code",
        error_messages={"required": _("Choose a hospital.")},
        **kwargs,
    )


def _named(key: str) -> Practitioner | None:
    try:
        return Practitioner.objects.filter(key=UUID(key)).first()
    except ValueError:
        return None


# ── a new team ───────────────────────────────────────────────────────────────


class DispatchForm(forms.Form):
    """People, legs and things come as repeated fields of one length each."""

    start = hospital()
    kit = forms.CharField(max_length=4000, required=False)
    until = LocalInstant()
    zone = forms.CharField(max_length=10, required=False)
    exception_reason = forms.CharField(max_length=200, required=False)

    def clean_until(self) -> datetime | None:
        return instant(self.cleaned_data["until"], self.data.get("zone", "beijing"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["crew"] = self._crew()
        data["legs"] = self._legs()
        return data

    def _rows(self, *names: str) -> list[tuple[str, ...]]:
        given: Any = self.data
        columns = [given.getlist(name) for name in names]
        longest = max(map(len, columns))
        padded = [[*column, *[""] * (longest - len(column))] for column in columns]
        rows = [tuple(map(str.strip, row)) for row in zip(*padded, strict=True)]
        return [row for row in rows if row[0]]

    def _crew(self) -> list[Crew]:
        found = []
        leader = self.data.get("leads", "")
        for key, part in self._rows("person", "part"):
            who = _named(key)
            if who is None or part not in rules.PARTS:
                raise forms.ValidationError(_("Choose what each person of the team does."))
            found.append(Crew(who, part, leads=key == leader))
        return found

    def _legs(self) -> list[Stretch]:
        rows = self._rows("leg_name", "leg_kind", "leg_minutes", "leg_departs")
        return [self._leg(*row) for row in rows]

    def _leg(self, name: str, kind: str, minutes: str, departs: str) -> Stretch:
        if not minutes.isdecimal() or not 0 <= int(minutes) <= LONGEST_LEG:
            raise forms.ValidationError(_("Write the minutes of each leg, at most four days."))
        return Stretch(
            kind if kind in LEG_KINDS else "road",
            name[:120],
            float(minutes),
            departs=instant(departs, self.data.get("zone", "beijing")),
        )

    @property
    def things(self) -> Sequence[str]:
        return str(self.cleaned_data["kit"]).splitlines()


# ── a patient ────────────────────────────────────────────────────────────────


class TransferForm(forms.Form):
    end = hospital(required=False)
    end_outside = forms.CharField(max_length=120, required=False)
    stability = forms.ChoiceField(
        choices=GRADES, error_messages={"required": _("Grade the patient first: S0 to S3.")}
    )
    escort = forms.ChoiceField(choices=ESCORTS, required=False)
    newborn = forms.BooleanField(required=False)
    vehicle = forms.ModelChoiceField(Vehicle.objects.all(), required=False)
    minutes = forms.IntegerField(min_value=1, max_value=LONGEST_LEG, required=False)
    plan = forms.CharField(max_length=4000, required=False)
    tasks = forms.CharField(max_length=4000, required=False)


class AcceptanceForm(forms.Form):
    receiver = person(required=False)
    receiver_outside = forms.CharField(max_length=120, required=False)


class DestinationForm(ReasonForm):
    end = hospital(required=False)
    end_outside = forms.CharField(max_length=120, required=False)
    minutes = forms.IntegerField(min_value=1, max_value=LONGEST_LEG, required=False)


class ScoreForm(forms.Form):
    stability = forms.ChoiceField(
        choices=GRADES, error_messages={"required": _("Grade the patient first: S0 to S3.")}
    )
    escort = forms.ChoiceField(choices=ESCORTS, required=False)


class DepartureForm(Timed):
    without_consent = forms.CharField(max_length=200, required=False)


# ── steps of both ────────────────────────────────────────────────────────────


class ApprovalForm(forms.Form):
    side = forms.ChoiceField(choices=[("home", "home"), ("host", "host")], required=False)
    spoken_by = forms.CharField(max_length=80, required=False)


class LegForm(Timed):
    what = forms.ChoiceField(
        choices=[(word, word) for word in ("begin", "end", "delay", "cancel")],
        error_messages={"required": _("Say what happened on this leg.")},
    )
    minutes = forms.IntegerField(
        min_value=-LONGEST_LEG, max_value=LONGEST_LEG, required=False,
        error_messages={"invalid": _("Write the delay in minutes.")},
    )  # fmt: skip
    reason = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("what") == "delay" and not data.get("minutes"):
            raise forms.ValidationError(_("Write the delay in minutes."))
        return data


class MemberForm(forms.Form):
    person = person()
    part = forms.ChoiceField(
        choices=[(part, part) for part in rules.PARTS],
        error_messages={"required": _("Choose what each person of the team does.")},
    )


class ReplacementForm(ReasonForm):
    person = person(required=False)


class PrivilegeForm(forms.Form):
    person = person()
    technique = forms.ModelChoiceField(
        Technique.objects.all(),
        to_field_name="code",
        error_messages={"required": _("Choose a technique.")},
    )
    hours = forms.IntegerField(required=False)


class KitForm(forms.Form):
    state = forms.CharField(max_length=8, required=False)
    note = forms.CharField(max_length=120, required=False)


class CoverForm(forms.Form):
    person = person(required=False)


class NoteForm(forms.Form):
    note = forms.CharField(max_length=200, required=False)


class EntryForm(Timed):
    kind = forms.CharField(max_length=20, required=False)
    text = forms.CharField(max_length=500, error_messages={"required": _("Write something first.")})


class HandoverForm(forms.Form):
    text = forms.CharField(
        max_length=500, error_messages={"required": _("Write what was handed over.")}
    )


# ── operations ───────────────────────────────────────────────────────────────


class ProcedureForm(Timed):
    name = forms.CharField(max_length=120, error_messages={"required": _("Write what is done.")})
    operator = person(required=False)
    assistant = person(required=False)
    guide = person(required=False)
    site = hospital(required=False)
    technique = forms.ModelMultipleChoiceField(
        Technique.objects.all(), to_field_name="code", required=False
    )
    exception_reason = forms.CharField(max_length=200, required=False)


class ProcedureEndForm(Timed):
    findings = forms.CharField(max_length=4000, required=False)
    blood_loss_ml = forms.IntegerField(min_value=0, max_value=100_000, required=False)


# ── the decision sheet ───────────────────────────────────────────────────────


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


class TickForm(Timed):
    item = forms.CharField(max_length=80)
    done = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])


class GateForm(Timed):
    """`item-CODE` and `note-CODE` of everything that the gate asks."""

    operation = forms.IntegerField(min_value=1, required=False)

    def __init__(self, data: Any, asked: Sequence[checklists.Item]) -> None:
        super().__init__(data)
        self.asked = asked

    def clean(self) -> dict[str, Any]:
        try:
            checklists.check(self.asked, self.answers, get_language() or "zh")
        except Refused as refused:
            raise forms.ValidationError(gettext(refused.sentence) % refused.facts) from refused
        return super().clean() or self.cleaned_data

    @property
    def answers(self) -> dict[str, Answer]:
        return {
            code: Answer(str(self.data[name]), str(self.data.get(f"note-{code}", "")))
            for name in self.data
            if (code := name.removeprefix("item-")) != name
        }


# ── what hospitals have ──────────────────────────────────────────────────────


class SlotForm(forms.Form):
    """A place on an operating list, in one of the two zones."""

    starts_at = LocalInstant()
    zone = forms.CharField(max_length=10, required=False)
    room = forms.CharField(max_length=40, required=False)

    def clean_starts_at(self) -> datetime:
        found = instant(self.cleaned_data["starts_at"], self.data.get("zone", "beijing"))
        if found is None:
            raise forms.ValidationError(_("Write date and time, for example 2026-03-01 12:45."))
        return found
