"""What people type about a lecture."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jieli.cases.forms import ZONE_CHOICES, LocalInstant, instant
from jieli.directory.models import Alliance, Organisation, Practitioner
from jieli.lectures import access
from jieli.lectures.actions import Plan


class LectureForm(forms.Form):
    title = forms.CharField(
        label=_("Title"), max_length=120, help_text=_("Names no patient."),
        error_messages={"required": _("Give the lecture a title.")},
    )  # fmt: skip
    host = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Host"), to_field_name="code", empty_label=None
    )
    alliance = forms.ModelChoiceField(
        Alliance.objects.none(), label=_("For the staff of"), to_field_name="code",
        empty_label=None,
    )  # fmt: skip
    speakers = forms.CharField(
        label=_("Speakers"), max_length=400, required=False,
        help_text=_("Staff numbers, with spaces between them. You lead it in any case."),
    )  # fmt: skip
    case = forms.ChoiceField(
        label=_("Operation that is shown"), required=False,
        help_text=_("Only cases whose patient agreed to teaching. The theatre joins as speaker."),
    )  # fmt: skip
    starts_at = LocalInstant(label=_("Begins"))
    ends_at = LocalInstant(label=_("Ends"))
    zone = forms.ChoiceField(label=_("Time zone"), choices=ZONE_CHOICES, required=False)

    def __init__(self, me: Practitioner, now: datetime, data: Any = None) -> None:
        super().__init__(data)
        hosts: Any = self.fields["host"]
        hosts.queryset = access.hosts_of(me, now)
        alliances: Any = self.fields["alliance"]
        alliances.queryset = access.audiences_of(me, now)
        self._cases = {str(one.key): one for one in access.cases_to_show(me, now)}
        cases: Any = self.fields["case"]
        cases.choices = [
            ("", _("None: a lecture")),
            *((k, c.number) for k, c in self._cases.items()),
        ]
        for name in ("title", "host", "alliance", "speakers", "case", "zone"):
            self.fields[name].widget.attrs["class"] = "inp"
        for name in ("starts_at", "ends_at"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"class": "inp", "type": "datetime-local"}
            )

    def clean_starts_at(self) -> datetime:
        return self._instant("starts_at")

    def clean_ends_at(self) -> datetime:
        return self._instant("ends_at")

    def _instant(self, name: str) -> datetime:
        found = instant(self.cleaned_data[name], self.data.get("zone", "beijing"))
        if found is None:
            raise forms.ValidationError(
                gettext("Write date and time, for example 2026-03-01 12:45.")
            )
        return found

    def clean_speakers(self) -> list[Practitioner]:
        numbers = self.cleaned_data["speakers"].replace("，", " ").replace(",", " ").split()
        found = list(Practitioner.objects.filter(number__in=numbers))
        if missing := sorted(set(numbers) - {person.number for person in found}):
            raise forms.ValidationError(
                gettext("Nobody has the staff number %(number)s.") % {"number": missing[0]}
            )
        return found

    @property
    def plan(self) -> Plan:
        names = ("title", "host", "alliance", "speakers", "starts_at", "ends_at")
        filled = {name: self.cleaned_data[name] for name in names}
        return Plan(**filled, case=self._cases.get(self.cleaned_data["case"]))


class SpeakForm(forms.Form):
    seat = forms.UUIDField()
    on = forms.BooleanField(required=False)
