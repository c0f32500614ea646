"""Who may see and change what of the directory. Fetching is authorising; nothing is the default."""

from collections.abc import Collection
from datetime import date, datetime
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from jieli.directory.models import (
    Account,
    Agreement,
    Channel,
    Duty,
    DutySwap,
    Membership,
    Organisation,
    Practitioner,
    Role,
)
from jieli.rules.rostering import local_day

M = TypeVar("M", bound=Model)

COORDINATING = (Role.Kind.COORDINATOR, Role.Kind.ADMIN)
HOME_ZONE = "Asia/Shanghai"  # in which a day of the law begins


def today(now: datetime) -> date:
    return local_day(now, HOME_ZONE)


def valid_on(on: date) -> Q:
    """Rows with `valid_from` and `valid_to` that hold on a day; both ends are included."""
    return (Q(valid_from=None) | Q(valid_from__lte=on)) & (Q(valid_to=None) | Q(valid_to__gte=on))


# -- a person ----------------------------------------------------------------------------------


def person_of(account: Account | AnonymousUser) -> Practitioner | None:
    """With their presence, which every page looks at to say that they were here."""
    if not isinstance(account, Account) or not account.is_active:
        return None
    return Practitioner.objects.select_related("presence").filter(account=account).first()


def get_person(account: Account | AnonymousUser) -> Practitioner:
    person = person_of(account)
    if person is None:
        raise Http404
    return person


def active_roles(person: Practitioner | None, on: date) -> QuerySet[Role]:
    if person is None:
        return Role.objects.none()
    return Role.objects.filter(valid_on(on), practitioner=person)


def organisations_of(
    person: Practitioner | None, on: date, kinds: Collection[str] | None = None
) -> set[int]:
    roles = active_roles(person, on)
    if kinds is not None:
        roles = roles.filter(kind__in=kinds)
    return set(roles.values_list("organisation_id", flat=True))


def alliances_of(person: Practitioner | None, on: date) -> set[int]:
    """The alliances in which a hospital of this person is a member on that day."""
    return alliances_with(organisations_of(person, on), on)


def alliances_with(organisations: Collection[int], on: date) -> set[int]:
    member = Membership.objects.filter(
        Q(joined_on=None) | Q(joined_on__lte=on),
        Q(left_on=None) | Q(left_on__gt=on),
        organisation__in=organisations,
    )
    return set(member.values_list("alliance_id", flat=True))


def is_coordinator(person: Practitioner | None, organisation_id: int, on: date) -> bool:
    """Whether this person keeps the rosters, agreements and people of a hospital."""
    roles = active_roles(person, on)
    return roles.filter(organisation=organisation_id, kind__in=COORDINATING).exists()


# -- what a person may open --------------------------------------------------------------------


def get_organisation_to_coordinate(person: Practitioner, code: str, on: date) -> Organisation:
    mine = organisations_of(person, on, COORDINATING)
    return _first(Organisation.objects.filter(code=code, pk__in=mine))


def get_channel_of(person: Practitioner, channel_id: int) -> Channel:
    return _first(Channel.objects.filter(practitioner=person, pk=channel_id))


def get_turn_to_coordinate(person: Practitioner, duty_id: int, on: date) -> Duty:
    mine = organisations_of(person, on, COORDINATING)
    return _first(
        Duty.objects.select_related("organisation", "specialty", "practitioner").filter(
            pk=duty_id, organisation__in=mine
        )
    )


def get_turn_to_swap(person: Practitioner, duty_id: int, on: date) -> Duty:
    """A person may ask for a swap of their own turn, a coordinator of any at their hospital."""
    mine = organisations_of(person, on, COORDINATING)
    return _first(
        Duty.objects.select_related("organisation", "specialty", "practitioner").filter(
            Q(practitioner=person) | Q(organisation__in=mine), pk=duty_id
        )
    )


def get_swap_to_approve(person: Practitioner, swap_id: int, on: date) -> DutySwap:
    mine = organisations_of(person, on, COORDINATING)
    return _first(
        DutySwap.objects.select_related("duty__organisation", "to", "asked_by").filter(
            pk=swap_id, duty__organisation__in=mine
        )
    )


def get_agreement_to_coordinate(person: Practitioner, agreement_id: int, on: date) -> Agreement:
    mine = organisations_of(person, on, COORDINATING)
    return _first(
        Agreement.objects.filter(
            Q(from_organisation__in=mine) | Q(to_organisation__in=mine), pk=agreement_id
        )
    )


def colleagues(organisation_id: int, on: date) -> QuerySet[Practitioner]:
    """Everybody with a role at a hospital on that day, in the order of their sound."""
    held = Role.objects.filter(valid_on(on), organisation=organisation_id)
    return Practitioner.objects.filter(pk__in=held.values("practitioner")).order_by(
        "sort_key", "name", "pk"
    )


def _first(rows: QuerySet[M]) -> M:
    row = rows.first()
    if row is None:
        raise Http404
    return row
