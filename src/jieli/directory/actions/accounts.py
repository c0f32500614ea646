"""Joining and leaving: invitations, accounts, sessions. Each step says who, when and why."""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from jieli.directory.access import today, valid_on
from jieli.directory.actions.rosters import take_off_duty
from jieli.directory.models import (
    Account,
    AccountEvent,
    Channel,
    Duty,
    Invitation,
    Organisation,
    Practitioner,
    Role,
    Specialty,
)
from jieli.rules.names import sort_key
from jieli.rules.refusal import Refused

Kind = AccountEvent.Kind
BATCH = 5000


def note(
    kind: str,
    person: Practitioner,
    *,
    by: Practitioner | None,
    now: datetime,
    organisation: Organisation | None = None,
    reason: str = "",
) -> AccountEvent:
    return AccountEvent.objects.create(
        practitioner=person, kind=kind, by=by, at=now, organisation=organisation, reason=reason
    )


# -- joining -----------------------------------------------------------------------------------


@transaction.atomic
def engage(
    organisation: Organisation,
    *,
    number: str,
    name: str,
    kind: str,
    title: str = "",
    specialty: Specialty | None = None,
    by: Practitioner,
    now: datetime,
) -> Practitioner:
    """Somebody new, with one post at this hospital from today on."""
    _may_give(kind, organisation, by, now)
    if Practitioner.objects.filter(number=number).exists():
        raise Refused("There is somebody with this staff number already.")
    person = Practitioner.objects.create(
        number=number, name=name, title=title, sort_key=sort_key(name)
    )
    Role.objects.create(
        practitioner=person,
        organisation=organisation,
        kind=kind,
        specialty=specialty,
        valid_from=today(now),
    )
    return person


def _may_give(kind: str, organisation: Organisation, by: Practitioner, now: datetime) -> None:
    if kind == Role.Kind.ADMIN and not _is_admin(by, organisation, now):
        raise Refused("Only an administrator of the hospital makes another administrator.")


def _is_admin(person: Practitioner, organisation: Organisation, now: datetime) -> bool:
    roles = Role.objects.filter(valid_on(today(now)), practitioner=person)
    return roles.filter(organisation=organisation, kind=Role.Kind.ADMIN).exists()


@transaction.atomic
def open_account(
    person: Practitioner, organisation: Organisation, *, by: Practitioner, now: datetime
) -> Account:
    """For the hospital's single sign-on: an account that no password opens."""
    _lock(person)
    _may_let_in(person, organisation, by, now)
    held = Practitioner.objects.select_related("account").get(pk=person.pk)
    if held.account is not None and held.account.is_active:
        raise Refused("This person has an account already.")
    account, _renewed = _account_of(held)
    account.is_active = True
    account.save(update_fields=["is_active"])
    note(Kind.OPENED, person, by=by, now=now, organisation=organisation)
    return account


@transaction.atomic
def invite(
    person: Practitioner,
    organisation: Organisation,
    *,
    by: Practitioner,
    hours: int,
    now: datetime,
) -> tuple[Invitation, str]:
    """A new link; older ones end. The secret in it is returned once and kept nowhere."""
    _lock(person)
    _may_let_in(person, organisation, by, now)
    _end_invitations(person, now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        practitioner=person,
        organisation=organisation,
        token_hash=digest(token),
        made_by=by,
        made_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    note(Kind.INVITED, person, by=by, now=now, organisation=organisation)
    return invitation, token


def _may_let_in(
    person: Practitioner, organisation: Organisation, by: Practitioner, now: datetime
) -> None:
    held = Role.objects.filter(valid_on(today(now)), practitioner=person)
    if not held.filter(organisation=organisation).exists():
        raise Refused("This person has no post at your hospital.")
    if held.filter(kind=Role.Kind.ADMIN).exists() and not _is_admin(by, organisation, now):
        raise Refused("Only an administrator of the hospital invites an administrator.")
    if by == person:
        raise Refused("You change your own password under Me, Security.")


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def open_invitation(token: str, now: datetime) -> Invitation | None:
    """The invitation behind a link, while it may still be used."""
    found = Invitation.objects.select_related("practitioner", "organisation", "made_by")
    return found.filter(
        token_hash=digest(token), used_at=None, ended_at=None, expires_at__gt=now
    ).first()


@transaction.atomic
def take_up(token: str, password: str, *, now: datetime) -> Account:
    """The person sets a password: once. Whoever was signed in before is signed out."""
    found = open_invitation(token, now)
    if found is None:
        raise Refused("This invitation is used up or too old. Ask for a new one.")
    _lock(found.practitioner)
    invitation = Invitation.objects.select_for_update().get(pk=found.pk)
    if invitation.used_at or invitation.ended_at:
        raise Refused("This invitation is used up or too old. Ask for a new one.")
    person = Practitioner.objects.select_related("account").get(pk=found.practitioner_id)
    account, renewed = _account_of(person)
    account.set_password(password)
    account.is_active = True
    account.save(update_fields=["password", "is_active"])
    end_sessions(account)
    invitation.used_at = now
    invitation.save(update_fields=["used_at"])
    note(
        Kind.RENEWED if renewed else Kind.JOINED,
        person,
        by=person,
        now=now,
        organisation=invitation.organisation,
    )
    return account


def _account_of(person: Practitioner) -> tuple[Account, bool]:
    if person.account is not None:
        return person.account, person.account.is_active
    if Account.objects.filter(login=person.number).exists():
        raise Refused("This staff number belongs to another account. Ask an administrator.")
    person.account = Account.objects.create_account(person.number)
    person.save(update_fields=["account"])
    return person.account, False


# -- leaving -----------------------------------------------------------------------------------


@transaction.atomic
def leave(
    person: Practitioner,
    organisation: Organisation,
    *,
    reason: str,
    by: Practitioner,
    now: datetime,
) -> None:
    """At once: posts, turns and invitations here end, sessions end; without another post, all."""
    _lock(person)
    here = Role.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=today(now)),
        practitioner=person,
        organisation=organisation,
    )
    _may_end(here, person, organisation, by, now)
    here.update(valid_to=today(now) - timedelta(days=1))
    for duty in Duty.objects.filter(
        practitioner=person, organisation=organisation, period__endswith__gt=now
    ):
        take_off_duty(duty, by=by, now=now)
    Invitation.objects.filter(
        practitioner=person, organisation=organisation, used_at=None, ended_at=None
    ).update(ended_at=now)
    elsewhere = Role.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=today(now)), practitioner=person
    )
    if not elsewhere.exists():
        _close(person, now)
    if person.account is not None:
        end_sessions(person.account)
    note(Kind.LEFT, person, by=by, now=now, organisation=organisation, reason=reason)


def _may_end(
    here: QuerySet[Role],
    person: Practitioner,
    organisation: Organisation,
    by: Practitioner,
    now: datetime,
) -> None:
    if by == person:
        raise Refused("Somebody else of your hospital records that you leave.")
    if not here.exists():
        raise Refused("This person has no post at your hospital.")
    if here.filter(kind=Role.Kind.ADMIN).exists() and not _is_admin(by, organisation, now):
        raise Refused("Only an administrator of the hospital ends another administrator's post.")


def _close(person: Practitioner, now: datetime) -> None:
    _end_invitations(person, now)
    Channel.objects.filter(practitioner=person, disabled_at=None).update(
        disabled_at=now, proven_at=None
    )
    if person.account is not None:
        person.account.is_active = False
        person.account.save(update_fields=["is_active"])


def _end_invitations(person: Practitioner, now: datetime) -> None:
    Invitation.objects.filter(practitioner=person, used_at=None, ended_at=None).update(ended_at=now)


# -- sessions ----------------------------------------------------------------------------------


@transaction.atomic
def end_sessions(account: Account, *, keep: str = "", only: int | None = None) -> int:
    """Sign devices out: all, all but the one with the key `keep`, or only one. How many."""
    held = UserSession.objects.filter(user=account).exclude(session_key=keep)
    if only is not None:
        held = held.filter(pk=only)
    keys = list(held.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    held.filter(session_key__in=keys).delete()
    return len(keys)


def end_session(key: str) -> None:
    """This device signs out by itself; Django forgets the session, we forget the device."""
    UserSession.objects.filter(session_key=key).delete()


def move_session(old: str, new: str) -> None:
    """A session that got a new key is still the same device."""
    if old != new:
        UserSession.objects.filter(session_key=old).update(session_key=new)


def forget_sessions(now: datetime) -> int:
    """Expired sessions, and devices whose session is gone, in batches."""
    old = Session.objects.filter(expire_date__lt=now).values("pk")[:BATCH]
    ended = Session.objects.filter(pk__in=old).delete()[0]
    held = Session.objects.filter(pk=OuterRef("session_key"))
    lost = UserSession.objects.filter(~Exists(held)).values("pk")[:BATCH]
    return ended + UserSession.objects.filter(pk__in=lost).delete()[0]


def _lock(person: Practitioner) -> None:
    Practitioner.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
