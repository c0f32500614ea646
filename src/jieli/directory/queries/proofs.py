"""Whose night telephone is not proven for the nights ahead of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jieli.directory.models import Channel, Duty, Organisation, Practitioner
from jieli.rules.proofs import AHEAD, LEAD, is_civil, is_needed
from jieli.rules.rostering import BY_NIGHT, PROOF_HOLDS, Window, nights


@dataclass(slots=True)
class NightsAhead:
    """One person's coming nights on duty, and the channel that is to wake them."""

    person: Practitioner
    zone: str
    nights: list[datetime]  # when each begins, or now when it has begun
    channel: Channel | None  # the one that rings and was proven last, else their first


def to_be_called(now: datetime) -> list[NightsAhead]:
    """Of all hospitals where the hour is civil, those whose proof does not reach far enough."""
    zones = Organisation.objects.order_by().values_list("zone", flat=True).distinct()
    civil = [zone for zone in zones if is_civil(now, zone)]
    if not civil:
        return []
    fresh = now - PROOF_HOLDS + LEAD  # what was proven later needs no call today
    stale = Channel.objects.filter(rings=True, disabled_at=None).exclude(proven_at__gte=fresh)
    turns = Duty.objects.filter(
        organisation__zone__in=civil, practitioner__in=stale.values("practitioner")
    )
    return _by_person(turns, now, AHEAD)


def nights_ahead(
    now: datetime, ahead: timedelta, organisations: Collection[int]
) -> list[NightsAhead]:
    """Two queries, however many people there are."""
    return _by_person(Duty.objects.filter(organisation__in=organisations), now, ahead)


def _by_person(turns: QuerySet[Duty], now: datetime, span: timedelta) -> list[NightsAhead]:
    turns = turns.filter(
        line__in=BY_NIGHT, period__overlap=DateTimeTZRange(now, now + span)
    ).select_related("organisation", "practitioner__presence")
    found: dict[int, NightsAhead] = {}
    for turn in turns.order_by("period", "pk"):
        window = Window(max(turn.period.lower, now), turn.period.upper)
        begins = [n.start for n in nights(window, turn.organisation.zone) if n.start < now + span]
        if begins:
            person = turn.practitioner
            held = found.setdefault(
                person.pk, NightsAhead(person, turn.organisation.zone, [], None)
            )
            held.nights += begins
    for channel in _ringing(found):
        found[channel.practitioner_id].channel = _better(
            found[channel.practitioner_id].channel, channel
        )
    return list(found.values())


def _ringing(people: Collection[int]) -> list[Channel]:
    rings = Channel.objects.filter(practitioner__in=people, rings=True, disabled_at=None)
    return list(rings.select_related("practitioner").order_by("order", "pk"))


def _better(held: Channel | None, channel: Channel) -> Channel:
    if held is None or (channel.proven_at and not held.proven_at):
        return channel
    later = held.proven_at and channel.proven_at and channel.proven_at > held.proven_at
    return channel if later else held


@dataclass(frozen=True, slots=True)
class Unproven:
    """One line of the coordinator's summary."""

    person: Practitioner
    nights: int
    first: datetime
    words: str
    tested_at: datetime | None  # the last test call


def unproven(
    organisations: Collection[int], now: datetime, span: timedelta = AHEAD
) -> list[Unproven]:
    """Who has a night ahead on which nobody knows whether the telephone rings; soonest first."""
    found = []
    for ahead in nights_ahead(now, span, organisations):
        proven_at = ahead.channel.proven_at if ahead.channel else None
        missing = [n for n in ahead.nights if proven_at is None or n - proven_at > PROOF_HOLDS]
        if missing and is_needed(proven_at, ahead.nights, now):
            words = _why(ahead, len(missing))
            tested_at = ahead.channel.tested_at if ahead.channel else None
            found.append(Unproven(ahead.person, len(missing), min(missing), words, tested_at))
    return sorted(found, key=lambda one: (one.first, one.person.sort_key, one.person.pk))


def tonight(organisations: Collection[int], now: datetime) -> list[Unproven]:
    """Of the next 24 hours, for the board."""
    return unproven(organisations, now, timedelta(days=1))


def _why(ahead: NightsAhead, count: int) -> str:
    said = ngettext("%(count)s night", "%(count)s nights", count) % {"count": count}
    if ahead.channel is None:
        return _("%(said)s, no telephone that rings") % {"said": said}
    if ahead.channel.proven_at is None:
        return _("%(said)s, never proven") % {"said": said}
    return _("%(said)s, proof runs out") % {"said": said}
