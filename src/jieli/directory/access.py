"""Who may see and change what of the directory. Fetching is authorising; nothing is the default."""

from collections.abc import Collection
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from jieli.directory.models import (
    Account,
    Agreement,
    Alliance,
    Channel,
    Duty,
    DutySwap,
    Grant,
    Invitation,
    Membership,
    Organisation,
    Practitioner,
    Role,
    ServiceAccount,
)
from jieli.rules.rostering import local_day

M = TypeVar("M", bound=Model)

COORDINATING = (Role.Kind.COORDINATOR, Role.Kind.ADMIN)
# Whose role opens the cases of their own hospital, and whose those that its desk was asked for.
TREATING_KINDS = frozenset(
    {
        Role.Kind.DOCTOR,
        Role.Kind.NURSE,
        Role.Kind.EXPERT,
        Role.Kind.COORDINATOR,
        Role.Kind.DUTY_OFFICER,
        Role.Kind.DIRECTOR,
    }
)
DESK_KINDS = frozenset({Role.Kind.COORDINATOR, Role.Kind.DUTY_OFFICER, Role.Kind.DIRECTOR})
# Who looks after the record as a whole, and who lets go of cases, holds them, makes copies of them.
RECORD_KINDS = frozenset({Role.Kind.DIRECTOR, Role.Kind.QUALITY, Role.Kind.ADMIN})
OFFICE_KINDS = frozenset({Role.Kind.COORDINATOR, Role.Kind.DIRECTOR})
HOME_ZONE = "Asia/Shanghai"  # in which a day of the law begins


def today(now: datetime) -> date:
    return local_day(now, HOME_ZONE)


def valid_on(on: date) -> Q:
    """Rows with `valid_from` and `valid_to` that hold on a day; both ends are included."""
    return (Q(valid_from=None) | Q(valid_from__lte=on)) & (Q(valid_to=None) | Q(valid_to__gte=on))


# -- a person ----------------------------------------------------------------------------------


def person_of(account: Account | AnonymousUser) -> Practitioner | None:
    """With their presence and their roles: every page looks at both."""
    if not isinstance(account, Account) or not account.is_active:
        return None
    people = Practitioner.objects.select_related("presence").prefetch_related("roles")
    return people.filter(account=account).first()


def get_person(account: Account | AnonymousUser) -> Practitioner:
    person = person_of(account)
    if person is None:
        raise Http404
    return person


def active_roles(person: Practitioner | None, on: date) -> QuerySet[Role]:
    if person is None:
        return Role.objects.none()
    return Role.objects.filter(valid_on(on), practitioner=person)


def roles_held(person: Practitioner | None, on: date) -> list[Role]:
    """As `active_roles`, of a person who comes with their roles: read no second time."""
    return [role for role in person.roles.all() if role.holds_on(on)] if person else []


def organisations_of(
    person: Practitioner | None, on: date, kinds: Collection[str] | None = None
) -> set[int]:
    held = roles_held(person, on)
    return {role.organisation_id for role in held if kinds is None or role.kind in kinds}


def alliances_of(person: Practitioner | None, on: date) -> QuerySet[Alliance]:
    """The alliances in which a hospital of this person is a member on that day."""
    member = Membership.objects.filter(
        Q(joined_on=None) | Q(joined_on__lte=on),
        Q(left_on=None) | Q(left_on__gt=on),
        organisation__in=organisations_of(person, on),
    )
    return Alliance.objects.filter(pk__in=member.values("alliance"))


def is_coordinator(person: Practitioner | None, organisation_id: int, on: date) -> bool:
    """Whether this person keeps the rosters, agreements and people of a hospital."""
    return organisation_id in organisations_of(person, on, COORDINATING)


def grants_of(person: Practitioner | None, now: datetime) -> QuerySet[Grant]:
    """Grants that hold now: the person's own, and those of hospitals where their role counts."""
    if person is None:  # an empty holder would match every hospital's grants
        return Grant.objects.none()
    by_kind: dict[str, set[int]] = {"treating": set(), "desk": set()}
    for role in roles_held(person, today(now)):
        if role.kind in TREATING_KINDS:
            by_kind["treating"].add(role.organisation_id)
        if role.kind in DESK_KINDS:
            by_kind["desk"].add(role.organisation_id)
    holders = (
        Q(practitioner=person),
        Q(organisation__in=by_kind["treating"], why=Grant.Why.TREATING),
        Q(organisation__in=by_kind["desk"], why=Grant.Why.DESK),
    )
    # Spelled out, so that each alternative has an index: most grants of a hospital are over.
    valid = (Q(until=None), Q(until__gt=now))
    return Grant.objects.filter(reduce(or_, (holds & q for holds in holders for q in valid)))


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


def get_colleague(site: Organisation, key: UUID) -> Practitioner:
    """Somebody who has or had a post at a hospital that was fetched to be coordinated."""
    held = Role.objects.filter(organisation=site).values("practitioner")
    return _first(Practitioner.objects.select_related("account").filter(key=key, pk__in=held))


def get_invitation(site: Organisation, invitation_id: int) -> Invitation:
    rows = Invitation.objects.select_related("practitioner")
    return _first(rows.filter(pk=invitation_id, organisation=site))


def get_organisation_to_administer(person: Practitioner, code: str, on: date) -> Organisation:
    mine = organisations_of(person, on, (Role.Kind.ADMIN,))
    return _first(Organisation.objects.filter(code=code, pk__in=mine))


def get_service_to_administer(person: Practitioner, service_id: int, on: date) -> ServiceAccount:
    mine = organisations_of(person, on, (Role.Kind.ADMIN,))
    return _first(
        ServiceAccount.objects.select_related("organisation").filter(
            pk=service_id, organisation__in=mine
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
