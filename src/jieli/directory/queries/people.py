"""What a person has of their own: hospitals, channels, turns, swaps to decide."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from jieli.directory.access import COORDINATING, active_roles, today
from jieli.directory.models import Channel, Duty, DutySwap, Organisation, Practitioner
from jieli.directory.queries.roster import caution_words
from jieli.rules import rostering
from jieli.rules.rostering import TEST_HOLDS, Turn, Window

KINDS = {
    Channel.Kind.GATEWAY: _("Telephone or text message"),
    Channel.Kind.APPRISE: _("WeCom, DingTalk or Feishu"),
    Channel.Kind.EMAIL: _("Mail"),
    Channel.Kind.IN_APP: _("This page"),
}


@dataclass(frozen=True, slots=True)
class Mine:
    """One hospital of mine, and whether I keep its rosters."""

    organisation: Organisation
    coordinates: bool


def hospitals_of(person: Practitioner, now: datetime) -> list[Mine]:
    """Where I coordinate first, then by sound."""
    found: dict[int, Mine] = {}
    roles = active_roles(person, today(now)).select_related("organisation").order_by("pk")
    for role in roles:
        held = found.get(role.organisation_id)
        coordinates = role.kind in COORDINATING or bool(held and held.coordinates)
        found[role.organisation_id] = Mine(role.organisation, coordinates)
    return sorted(
        found.values(),
        key=lambda m: (not m.coordinates, m.organisation.sort_key, m.organisation.pk),
    )


def coordinated_by(person: Practitioner, now: datetime) -> list[Organisation]:
    return [mine.organisation for mine in hospitals_of(person, now) if mine.coordinates]


def channels_of(person: Practitioner) -> list[Channel]:
    return list(Channel.objects.filter(practitioner=person).order_by("order", "pk"))


@dataclass(frozen=True, slots=True)
class ShownChannel:
    channel: Channel
    label: str
    state: str  # proven, stale, waiting (for the word that it rang), untested, failed
    first: bool
    last: bool


def shown_channels(person: Practitioner, now: datetime) -> list[ShownChannel]:
    mine = channels_of(person)
    return [
        ShownChannel(
            channel,
            str(KINDS[Channel.Kind(channel.kind)]),
            _channel_state(channel, now),
            first=place == 0,
            last=place == len(mine) - 1,
        )
        for place, channel in enumerate(mine)
    ]


def _channel_state(channel: Channel, now: datetime) -> str:
    if channel.disabled_at:
        return "failed"
    tested, proven = channel.tested_at, channel.proven_at
    if tested and now - tested <= TEST_HOLDS and (proven is None or proven < tested):
        return "waiting"
    if proven is None:
        return "untested"
    return "proven" if rostering.is_proven(proven, now) else "stale"


def turns_ahead(person: Practitioner, now: datetime) -> list[Duty]:
    """My own turns that are not over."""
    turns = Duty.objects.filter(practitioner=person, period__endswith__gt=now)
    return list(turns.select_related("organisation", "specialty").order_by("period")[:20])


@dataclass(frozen=True, slots=True)
class AskedSwap:
    swap: DutySwap
    cautions: list[str]  # what the person who takes the turn would have to bear


def open_swaps(organisations: Collection[int], now: datetime) -> list[AskedSwap]:
    """Swaps nobody has decided, with the rest of whoever would take the turn."""
    swaps = list(
        DutySwap.objects.filter(
            duty__organisation__in=organisations,
            approved_at=None,
            refused_at=None,
            duty__period__endswith__gt=now,
        )
        .select_related("duty__organisation", "duty__specialty", "duty__practitioner", "to")
        .order_by(F("duty__period"), "pk")
    )
    takers = {swap.to_id for swap in swaps}
    turns: dict[int, list[Turn]] = {}
    for duty in Duty.objects.filter(practitioner__in=takers, period__endswith__gt=now):
        window = Window(duty.period.lower, duty.period.upper)
        turns.setdefault(duty.practitioner_id, []).append(
            Turn(duty.practitioner_id, duty.line, window)
        )
    return [AskedSwap(swap, _cautions(swap, turns.get(swap.to_id, []))) for swap in swaps]


def _cautions(swap: DutySwap, turns: list[Turn]) -> list[str]:
    zone = swap.duty.organisation.zone
    window = Window(swap.duty.period.lower, swap.duty.period.upper)
    before = set(rostering.cautions(turns, zone))
    after = rostering.cautions([*turns, Turn(swap.to_id, swap.duty.line, window)], zone)
    return [caution_words(found, zone) for found in after if found not in before]
