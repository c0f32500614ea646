"""Who is on duty now, whether they can be reached, and the telephone table."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from jieli.directory.models import (
    Channel,
    Duty,
    Organisation,
    Practitioner,
    Presence,
    Specialty,
)
from jieli.rules.rostering import BY_NIGHT, PROOF_HOLDS, Window, has_night

LINES = {
    "first": gettext_lazy("first line"),
    "second": gettext_lazy("second line"),
    "director": gettext_lazy("third line"),
    "officer": gettext_lazy("duty officer"),
}
ORDER = list(LINES)


@dataclass(frozen=True, slots=True)
class OnDuty:
    duty: int
    person: Practitioner
    organisation: Organisation
    specialty: Specialty | None
    line: str
    window: Window
    night_ready: bool  # has a ringing channel proven in the last 7 days

    @property
    def post(self) -> str:
        """儿普外 一线"""
        if self.specialty is None:
            return str(LINES[self.line])
        return f"{specialty_name(self.specialty)} {LINES[self.line]}"

    @property
    def unreachable_tonight(self) -> bool:
        """A night of this turn is still to come, and nobody knows whether the telephone rings."""
        if self.line not in BY_NIGHT or self.night_ready:
            return False
        return has_night(self.window, self.organisation.zone)


def specialty_name(specialty: Specialty) -> str:
    english = (get_language() or "").startswith("en")
    return specialty.name_en if english and specialty.name_en else specialty.name


def duty_now(
    organisations: Collection[int],
    specialty: int | None,
    at: datetime,
    lines: Collection[str] = ORDER,
) -> list[OnDuty]:
    """By line; with a specialty also the lines of the whole hospital that stand behind it."""
    turns = Duty.objects.filter(organisation__in=organisations, period__contains=at, line__in=lines)
    if specialty is not None:
        turns = turns.filter(Q(specialty=specialty) | Q(specialty=None))
    rows = list(
        turns.select_related("practitioner__presence", "organisation", "specialty").order_by(
            "organisation", "specialty__order", "specialty", "pk"
        )
    )
    ready = night_ready({row.practitioner_id for row in rows}, at)
    found = [
        OnDuty(
            duty=row.pk,
            person=row.practitioner,
            organisation=row.organisation,
            specialty=row.specialty,
            line=row.line,
            window=Window(row.period.lower, row.period.upper),
            night_ready=row.practitioner_id in ready,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: ORDER.index(one.line))


def night_ready(people: Collection[int], at: datetime) -> set[int]:
    """Those with a channel that rings and was proven in the last 7 days."""
    proven = Channel.objects.filter(
        practitioner__in=people, rings=True, disabled_at=None, proven_at__gte=at - PROOF_HOLDS
    )
    return set(proven.values_list("practitioner_id", flat=True))


# -- presence ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Present:
    """One person as the presence column shows them."""

    person: Practitioner
    post: str
    detail: str
    css: str  # free, busy, far, gap
    label: str


PRESENCE = {
    Presence.State.FREE: ("free", gettext_lazy("Free")),
    Presence.State.OPERATING: ("busy", gettext_lazy("Operating")),
    Presence.State.TALKING: ("busy", gettext_lazy("Talking")),
    Presence.State.RESTING: ("far", gettext_lazy("Resting")),
    Presence.State.AWAY: ("far", gettext_lazy("Away")),
    Presence.State.ABROAD: ("far", gettext_lazy("Out of reach")),
}


IN_THE_HOUSE = ("first", "officer")


def on_lines(
    organisations: Collection[int], at: datetime, lines: Collection[str] = IN_THE_HOUSE
) -> list[OnDuty]:
    """Each person once, on their foremost line."""
    seen: dict[int, OnDuty] = {}
    for one in duty_now(organisations, None, at, lines):
        seen.setdefault(one.person.pk, one)
    return list(seen.values())


def presence_now(
    organisations: Collection[int], at: datetime, lines: Collection[str] = IN_THE_HOUSE
) -> list[Present]:
    """Said by the people themselves or by a system event, never guessed."""
    return [present(one, at) for one in on_lines(organisations, at, lines)]


def present(one: OnDuty, at: datetime) -> Present:
    presence: Presence | None = getattr(one.person, "presence", None)
    css, label = shown_presence(presence, at)
    if css == "free" and one.unreachable_tonight:
        css, label = "gap", _("Telephone not tested")
    parts = [one.post, _until(presence, at, one.organisation.zone), last_seen(presence, at)]
    return Present(one.person, one.post, listed(parts), css, label)


def listed(parts: Iterable[str]) -> str:
    """Phrases in a row, with the comma of the language."""
    said = ""
    for part in filter(None, parts):
        said = _("%(said)s, %(more)s") % {"said": said, "more": part} if said else part
    return said


def shown_presence(presence: Presence | None, at: datetime) -> tuple[str, str]:
    """Class and word; what was said `until` an instant that is past no longer holds."""
    if presence is None or not _holds(presence, at):
        return PRESENCE[Presence.State.FREE][0], str(PRESENCE[Presence.State.FREE][1])
    css, label = PRESENCE[Presence.State(presence.state)]
    if presence.state == Presence.State.AWAY and presence.away_minutes:
        return css, _("Away, %(minutes)s min") % {"minutes": presence.away_minutes}
    return css, str(label)


def _holds(presence: Presence, at: datetime) -> bool:
    return presence.until is None or presence.until > at


def _until(presence: Presence | None, at: datetime, zone: str) -> str:
    if presence is None or presence.until is None or not _holds(presence, at):
        return ""
    return _("until %(time)s") % {"time": f"{presence.until.astimezone(ZoneInfo(zone)):%H:%M}"}


def last_seen(presence: Presence | None, at: datetime) -> str:
    if presence is None or presence.last_seen_at is None:
        return ""
    minutes = int((at - presence.last_seen_at).total_seconds() // 60)
    if minutes < 2:
        return _("active now")
    if minutes < 120:
        return _("active %(minutes)s min ago") % {"minutes": minutes}
    if minutes < 48 * 60:
        return _("off line for %(hours)s h") % {"hours": minutes // 60}
    return _("off line for %(days)s d") % {"days": minutes // 1440}
