"""What people type, checked field by field. Whether it may be done is asked in `actions`."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from jieli.directory.models import (
    Agreement,
    Duty,
    Organisation,
    Practitioner,
    Specialty,
)
from jieli.directory.queries import LINES
from jieli.directory.queries.agreements import MODES
from jieli.directory.queries.duty import PRESENCE, specialty_name
from jieli.directory.queries.people import KINDS

LOCAL = "%Y-%m-%dT%H:%M"
INSTANT_FORMATS = [LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"]


class Instant(forms.DateTimeField):
    """A wall-clock time in the zone that the reader chose; an offset in the text wins."""

    def __init__(self, **kwargs: Any) -> None:
        picker = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)
        super().__init__(widget=picker, input_formats=INSTANT_FORMATS, **kwargs)


class Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        picker = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=picker, input_formats=["%Y-%m-%d"], **kwargs)


class Styled(forms.Form):
    """Every field looks like the design's, and says so when it is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
                field.widget.attrs.setdefault("class", "inp")


class PeopleField(forms.ModelChoiceField):
    def label_from_instance(self, person: Practitioner) -> str:
        return f"{person.name} {person.title}".strip()


class SpecialtyField(forms.ModelChoiceField):
    def label_from_instance(self, specialty: Specialty) -> str:
        return specialty_name(specialty)


class SpecialtiesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, specialty: Specialty) -> str:
        return specialty_name(specialty)


class OrganisationField(forms.ModelChoiceField):
    def label_from_instance(self, organisation: Organisation) -> str:
        return organisation.name


# -- me ----------------------------------------------------------------------------------------


class PresenceForm(Styled):
    state = forms.ChoiceField(
        choices=[(state, label) for state, (_css, label) in PRESENCE.items()],
        widget=forms.RadioSelect,
    )
    until = Instant(required=False, label=_("Until when"))
    away_minutes = forms.IntegerField(required=False, label=_("Minutes away"), min_value=1)


class ChannelForm(Styled):
    kind = forms.ChoiceField(choices=list(KINDS.items()), label=_("Way to reach me"))
    address = forms.CharField(
        required=False, max_length=400, label=_("Number or address"), strip=True
    )
    rings = forms.BooleanField(required=False, label=_("Wakes me at night"))


# -- rosters -----------------------------------------------------------------------------------


class TurnForm(Styled):
    specialty = SpecialtyField(
        queryset=Specialty.objects.order_by("order", "pk"),
        to_field_name="code",
        required=False,
        label=_("Specialty"),
        empty_label=_("none: the whole hospital"),
    )
    line = forms.ChoiceField(
        choices=[(line, label) for line, label in LINES.items()], label=_("Line of duty")
    )
    practitioner = PeopleField(
        queryset=Practitioner.objects.none(), to_field_name="number", label=_("Person on duty")
    )
    start = Instant(label=_("Begins"))
    end = Instant(label=_("Ends"))
    note = forms.CharField(required=False, max_length=120, label=_("Remark on the turn"))

    def __init__(self, *args: Any, people: QuerySet[Practitioner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["practitioner"].queryset = people  # type: ignore[attr-defined]


class SwapForm(Styled):
    to = PeopleField(
        queryset=Practitioner.objects.none(), to_field_name="number", label=_("Who takes it")
    )
    reason = forms.CharField(required=False, max_length=200, label=_("Why swap"))

    def __init__(
        self, *args: Any, duty: Duty, people: QuerySet[Practitioner], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        others = people.exclude(pk=duty.practitioner_id)
        self.fields["to"].queryset = others  # type: ignore[attr-defined]


# -- agreements --------------------------------------------------------------------------------


class AgreementForm(Styled):
    asking = OrganisationField(
        queryset=Organisation.objects.none(), to_field_name="code", label=_("Who asks")
    )
    answering = OrganisationField(
        queryset=Organisation.objects.none(), to_field_name="code", label=_("Who answers")
    )
    kind = forms.CharField(required=False, max_length=60, label=_("Kind of agreement"))
    modes = forms.MultipleChoiceField(
        choices=[(mode, MODES[mode]) for mode in Agreement.Mode.values],
        widget=forms.CheckboxSelectMultiple,
        label=_("What may be asked"),
    )
    specialties = SpecialtiesField(
        queryset=Specialty.objects.order_by("order", "pk"),
        to_field_name="code",
        required=False,
        label=_("Specialties"),
    )
    valid_from = Day(required=False, label=_("Begins"))
    valid_to = Day(required=False, label=_("Ends"))
    signed = forms.BooleanField(required=False, label=_("Both hospitals have signed"))

    def __init__(
        self, *args: Any, mine: Iterable[int], others: Iterable[int], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.mine = set(mine)
        sites = Organisation.objects.filter(pk__in=self.mine | set(others)).order_by("sort_key")
        self.fields["asking"].queryset = sites  # type: ignore[attr-defined]
        self.fields["answering"].queryset = sites  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        parties = [given.get(name) for name in ("asking", "answering")]
        if all(parties) and not any(party.pk in self.mine for party in parties if party):
            self.add_error("asking", _("One of the two must be a hospital that you coordinate."))
        return given
