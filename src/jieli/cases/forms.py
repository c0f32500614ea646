"""What people type, checked field by field. Business rules are asked in `actions`."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from jieli.cases.actions.care import ISBAR
from jieli.cases.actions.opinions import Correction
from jieli.cases.actions.requests import DECLINE_REASONS
from jieli.cases.models import (
    Case,
    Contact,
    Decision,
    Handover,
    Opinion,
    Outcome,
    Template,
    Urgency,
)
from jieli.cases.queries.words import RELATIONS
from jieli.chart.models import Consent, Identifier, Patient
from jieli.directory.models import Organisation, Practitioner, Specialty, Technique
from jieli.rules.clocks import PAUSES
from jieli.rules.refusal import Refused
from jieli.rules.vitals import VITALS

ZONES = {"beijing": ZoneInfo("Asia/Shanghai"), "xinjiang": ZoneInfo("Asia/Urumqi")}
ZONE_CHOICES = [("beijing", _("Beijing time")), ("xinjiang", _("Xinjiang time"))]
LOCAL = "%Y-%m-%dT%H:%M"


class LocalInstant(forms.CharField):
    """A wall-clock time as typed; the form joins it with its zone to an instant in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=32, **kwargs)


def person(**kwargs: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Practitioner.objects.all(),
        to_field_name="key",
        error_messages={"required": _("Choose a person.")},
        **kwargs,
    )


class Timed(forms.Form):
    """Fields of every fact that may be entered later than it happened."""

    occurred_at = LocalInstant()
    zone = forms.ChoiceField(choices=ZONE_CHOICES, required=False)
    late_reason = forms.CharField(max_length=200, required=False)

    def clean_occurred_at(self) -> datetime | None:
        return instant(self.cleaned_data["occurred_at"], self.data.get("zone", "beijing"))

    @property
    def timing(self) -> dict[str, Any]:
        return {
            "occurred_at": self.cleaned_data["occurred_at"],
            "late_reason": self.cleaned_data["late_reason"],
        }


def instant(text: str, zone: str) -> datetime | None:
    """`2026-03-01T12:45` in one of the two zones, as an aware instant; seconds are allowed."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise forms.ValidationError(
            _("Write date and time, for example 2026-03-01 12:45.")
        ) from None
    if local.tzinfo is not None:
        return local
    return local.replace(tzinfo=ZONES.get(zone, ZONES["beijing"]))


class RequestForm(forms.Form):
    """The page: five answers ring a phone; the rest is written while it rings."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), to_field_name="code", required=False
    )
    specialty = forms.ModelChoiceField(
        Specialty.objects.all(),
        to_field_name="code",
        error_messages={"required": _("Choose a specialty.")},
    )
    technique = forms.ModelChoiceField(
        Technique.objects.all(), to_field_name="code", required=False
    )
    urgency = forms.ChoiceField(
        choices=Urgency.choices, error_messages={"required": _("Choose how urgent it is.")}
    )
    problem = forms.CharField(
        max_length=120, error_messages={"required": _("Write in one sentence what is wrong.")}
    )
    callback = forms.CharField(
        max_length=60, error_messages={"required": _("Write a number on which you can be reached.")}
    )
    patient_name = forms.CharField(max_length=120, required=False)
    patient_unknown = forms.BooleanField(required=False)
    patient_sex = forms.ChoiceField(choices=Patient.Sex.choices, required=False)
    patient_age = forms.CharField(max_length=40, required=False)
    patient_language = forms.CharField(max_length=8, required=False)
    id1_kind = forms.ChoiceField(choices=Identifier.Kind.choices, required=False)
    id1_value = forms.CharField(max_length=60, required=False)
    id2_kind = forms.ChoiceField(choices=Identifier.Kind.choices, required=False)
    id2_value = forms.CharField(max_length=60, required=False)
    onset_at = LocalInstant()
    zone = forms.ChoiceField(choices=ZONE_CHOICES, required=False)
    exception_reason = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, organisations: Any, known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]
        self.known = known  # the case, and so the patient, is there already

    def clean_onset_at(self) -> datetime | None:
        return instant(self.cleaned_data["onset_at"], self.data.get("zone", "beijing"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.known:
            return data
        if not data.get("patient_name"):
            self.add_error(
                "patient_name",
                _("Write the name, or for an unknown patient whose newborn or where found."),
            )
        if not data.get("patient_unknown") and not self.identifiers:
            self.add_error(
                "id1_value",
                _("Two identifiers are needed: the name and a number. Or mark as unknown."),
            )
        return data

    @property
    def identifiers(self) -> list[tuple[str, str]]:
        data = self.cleaned_data
        pairs = [
            (data.get(f"id{i}_kind") or "hospital_number", data.get(f"id{i}_value")) for i in (1, 2)
        ]
        return [(kind, value) for kind, value in pairs if value]


class AcceptanceForm(Timed):
    pass


class RefusalForm(forms.Form):
    reason = forms.ChoiceField(
        choices=[(r, r) for r in DECLINE_REASONS],
        error_messages={"required": _("Choose a reason for declining.")},
    )
    note = forms.CharField(max_length=200, required=False)


class ReferralForm(forms.Form):
    to = forms.ModelChoiceField(
        Practitioner.objects.all(),
        to_field_name="key",
        error_messages={"required": _("Choose to whom.")},
    )
    note = forms.CharField(max_length=200, required=False)


class RingForm(forms.Form):
    person = forms.ModelChoiceField(Practitioner.objects.all(), to_field_name="key", required=False)


class ContactForm(Timed):
    channel = forms.ChoiceField(choices=Contact.By.choices)
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.all(), to_field_name="key", required=False
    )
    failed = forms.BooleanField(required=False)
    note = forms.CharField(max_length=200, required=False)


class AppointmentForm(forms.Form):
    meets_at = LocalInstant()
    zone = forms.ChoiceField(choices=ZONE_CHOICES, required=False)

    def clean_meets_at(self) -> datetime:
        at = instant(self.cleaned_data["meets_at"], self.data.get("zone", "beijing"))
        if at is None:
            raise forms.ValidationError(_("Write date and time, for example 2026-03-01 12:45."))
        return at


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=200, error_messages={"required": _("Say why, in a few words.")}
    )


class GlassForm(forms.Form):
    number = forms.CharField(
        max_length=24, error_messages={"required": _("Write the number of the case.")}
    )
    code = forms.CharField(max_length=12, required=False)
    reason = forms.CharField(max_length=300, required=False)


class GlassReviewForm(forms.Form):
    verdict = forms.CharField(max_length=14, required=False)
    note = forms.CharField(max_length=300, required=False)


class OptionalReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, required=False)


class ClosureForm(OptionalReasonForm):
    setting = forms.ChoiceField(choices=Case.Setting.choices, required=False)


class HoldForm(forms.Form):
    number = forms.CharField(
        max_length=24, error_messages={"required": _("Write the number of the case.")}
    )
    why = forms.CharField(
        max_length=300, error_messages={"required": _("Say why, in a few words.")}
    )


class HoldEndForm(forms.Form):
    why = forms.CharField(
        max_length=300, error_messages={"required": _("Say why, in a few words.")}
    )


class ProposalForm(forms.Form):
    case = forms.UUIDField()


class CopyForm(forms.Form):
    given_to = forms.CharField(
        max_length=80, error_messages={"required": _("Write who receives the copy.")}
    )
    relation = forms.ChoiceField(
        choices=[(code, code) for code in RELATIONS],
        error_messages={"required": _("Say what they are to the patient.")},
    )
    identity = forms.BooleanField(
        error_messages={"required": _("Tick that you have seen their identity paper.")}
    )


class PauseForm(forms.Form):
    code = forms.ChoiceField(choices=[(code, code) for code in PAUSES])
    minutes = forms.IntegerField(min_value=1, required=False)
    reason = forms.CharField(max_length=200, required=False)


class UrgencyForm(forms.Form):
    urgency = forms.ChoiceField(choices=Urgency.choices)
    reason = forms.CharField(max_length=200, required=False)


class HandoverForm(Timed, forms.ModelForm):
    onset_at = LocalInstant()

    class Meta:
        model = Handover
        fields = list(ISBAR)

    def clean_onset_at(self) -> datetime | None:
        return instant(self.cleaned_data["onset_at"], self.data.get("zone", "beijing"))

    @property
    def sent(self) -> dict[str, Any]:
        """Only what was on the form: what it left out keeps its last value."""
        return {n: self.cleaned_data[n] for n in ISBAR if n in self.data}


class ObservationForm(Timed):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in VITALS:
            self.fields[code] = forms.CharField(max_length=40, required=False)

    @property
    def values(self) -> dict[str, str]:
        return {code: self.cleaned_data[code] for code in VITALS if self.cleaned_data.get(code)}


class NoteForm(Timed):
    text = forms.CharField(
        max_length=2000, error_messages={"required": _("Write something first.")}
    )


class DocumentForm(Timed):
    title = forms.CharField(max_length=120, required=False)


class UploadForm(forms.Form):
    """What a device says of a file that it will send in pieces."""

    name = forms.CharField(max_length=255, required=False)
    size = forms.IntegerField(min_value=0, max_value=2**40)
    sha256 = forms.RegexField(r"^[0-9a-f]{64}$")
    follows = forms.RegexField(r"^[0-9a-f]{64}$", required=False)
    original_of = forms.UUIDField(required=False)


class ConsentForm(Timed):
    kind = forms.ChoiceField(choices=Consent.Kind.choices)
    answer = forms.ChoiceField(choices=Consent.Answer.choices, required=False)
    given_by = forms.CharField(
        max_length=80, error_messages={"required": _("Write who answered: patient or parent.")}
    )
    remotely = forms.BooleanField(required=False)
    interpreter = forms.CharField(max_length=80, required=False)
    language = forms.CharField(max_length=8, required=False)


class SignedForm(forms.Form):
    """What is signed asks for the password, unless the person was just asked another way."""

    password = forms.CharField(
        strip=False, error_messages={"required": _("Enter your password once more to sign.")}
    )

    def __init__(self, *args: Any, proof: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.proof = proof
        self.fields["password"].required = not proof

    @property
    def secret(self) -> str:
        """What was typed counts first."""
        return str(self.cleaned_data["password"] or self.proof)


class AddendumForm(SignedForm):
    """What is signed may belong to an earlier version: it adds to it, or replaces it."""

    corrects = forms.UUIDField(required=False)
    manner = forms.ChoiceField(choices=[("adds", "adds"), ("replaces", "replaces")], required=False)
    why = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("manner") == "replaces" and data.get("corrects") and not data.get("why"):
            self.add_error("why", _("Say why the signed version is replaced."))
        return data

    def correction(self, of: Opinion | Decision | None) -> Correction | None:
        if of is None:
            return None
        return Correction(of, self.cleaned_data["manner"] == "replaces", self.cleaned_data["why"])


class ErrorForm(forms.Form):
    """Why it was entered in error; for a document perhaps the right title."""

    why = forms.CharField(
        max_length=200, error_messages={"required": _("Say in a few words what is wrong.")}
    )
    title = forms.CharField(max_length=120, required=False)


class OpinionForm(AddendumForm):
    """The guided form. Rows to watch come as two lists of one length."""

    request = forms.UUIDField(required=False)
    indication = forms.ChoiceField(
        choices=Opinion.Indication.choices,
        error_messages={"required": _("Choose whether it is indicated.")},
    )
    assessment = forms.CharField(
        max_length=4000, error_messages={"required": _("Write your assessment.")}
    )
    recommendation = forms.CharField(max_length=4000, required=False)
    by_when = forms.CharField(max_length=120, required=False)
    looked_at = forms.CharField(max_length=300, required=False)

    @property
    def watches(self) -> list[tuple[str, str]]:
        return pairs(self.data, "watch_what", "watch_limit")


class AcknowledgementForm(forms.Form):
    understood = forms.BooleanField(
        error_messages={"required": _("Tick that you have read and understood it.")}
    )
    disagreement = forms.CharField(max_length=2000, required=False)


class DecisionForm(AddendumForm):
    opinion = forms.UUIDField(required=False)
    chosen = forms.ChoiceField(
        choices=Template.choices, error_messages={"required": _("Choose what will be done.")}
    )
    text = forms.CharField(
        max_length=4000, error_messages={"required": _("Write the decision in a sentence.")}
    )
    reason = forms.CharField(max_length=2000, required=False)

    @property
    def alternatives(self) -> list[tuple[str, str]]:
        found = pairs(self.data, "alternative_option", "alternative_why")
        return [(option, why) for option, why in found if option in Template.values and why]


def pairs(data: Any, first: str, second: str) -> list[tuple[str, str]]:
    """Two repeated fields as rows; rows without a first part are left out."""
    rows = zip(data.getlist(first), data.getlist(second), strict=False)
    return [(a.strip()[:120], b.strip()[:300]) for a, b in rows if a.strip()]


class CareForm(forms.Form):
    to = forms.ModelChoiceField(Practitioner.objects.all(), to_field_name="key")
    note = forms.CharField(max_length=200, required=False)


class OutcomeForm(Timed):
    day = forms.IntegerField(min_value=0, max_value=3650)
    state = forms.ChoiceField(choices=Outcome.State.choices)
    note = forms.CharField(max_length=300, required=False)


def checked(form: forms.BaseForm) -> dict[str, Any]:
    """The cleaned values of a one-step form, or a refusal with the first thing that is wrong."""
    if form.is_valid():
        return form.cleaned_data
    raise Refused(str(next(iter(form.errors.values()))[0]))


class Seconds(forms.FloatField):
    """From the beginning of a run, as a span of time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=86_400, **kwargs)

    def clean(self, value: Any) -> timedelta | None:
        seconds = super().clean(value)
        return None if seconds is None else timedelta(seconds=seconds)


class ClipForm(forms.Form):
    """A cut for teaching: which run, from where to where, and what it shows."""

    recording = forms.UUIDField()
    begin = Seconds()
    end = Seconds()
    title = forms.CharField(max_length=120)
    technique = forms.ModelChoiceField(Technique.objects.all(), required=False)
    seen = forms.BooleanField(required=False)
    sound = forms.BooleanField(required=False)


class WithdrawalForm(forms.Form):
    why = forms.CharField(max_length=200)
