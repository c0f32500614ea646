"""Accounts, sessions, staff and other systems, as their screens show them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from jieli.directory.access import roles_held, today, valid_on
from jieli.directory.models import (
    Account,
    AccountEvent,
    Duty,
    Invitation,
    Organisation,
    Practitioner,
    Role,
    ServiceAccount,
    WrongSecret,
)

ROLES = {
    Role.Kind.DOCTOR: _("Doctor"),
    Role.Kind.NURSE: _("Nurse"),
    Role.Kind.EXPERT: _("Expert"),
    Role.Kind.DUTY_OFFICER: _("Duty officer"),
    Role.Kind.COORDINATOR: _("Coordinator"),
    Role.Kind.DIRECTOR: _("Director"),
    Role.Kind.QUALITY: _("Quality officer"),
    Role.Kind.PROGRAMME: _("Programme manager"),
    Role.Kind.ADMIN: _("Administrator"),
}
EVENTS = {
    AccountEvent.Kind.INVITED: _("invited"),
    AccountEvent.Kind.OPENED: _("account opened for the hospital's sign-in"),
    AccountEvent.Kind.JOINED: _("joined and set a password"),
    AccountEvent.Kind.RENEWED: _("set a new password by an invitation"),
    AccountEvent.Kind.LEFT: _("left"),
    AccountEvent.Kind.LINKED: _("linked to the hospital's sign-in"),
    AccountEvent.Kind.PASSWORD: _("changed the password"),
    AccountEvent.Kind.PASSKEY_ADDED: _("added a passkey"),
    AccountEvent.Kind.PASSKEY_REMOVED: _("removed a passkey"),
    AccountEvent.Kind.APP_ADDED: _("set up an authenticator app"),
    AccountEvent.Kind.APP_REMOVED: _("removed the authenticator app"),
    AccountEvent.Kind.CODES_MADE: _("made recovery codes"),
    AccountEvent.Kind.SESSIONS_ENDED: _("signed devices out"),
}
SHOWN_EVENTS = 12
SHOWN_STAFF = 200


def idle_facts(person: Practitioner | None, now: datetime) -> tuple[set[str], bool]:
    """What decides how long a session may lie unused: roles, and whether on duty now."""
    if person is None:
        return set(), False
    kinds = {role.kind for role in roles_held(person, today(now))}
    return kinds, Duty.objects.filter(practitioner=person, period__contains=now).exists()


def wrong_since(account: Account, since: datetime | None) -> int:
    wrong = WrongSecret.objects.filter(account=account)
    return (wrong.filter(at__gt=since) if since else wrong).count()


# -- my own ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Factors:
    passkeys: list[Authenticator]
    app: Authenticator | None
    codes_left: int | None  # None: there are none

    @property
    def second(self) -> bool:
        return bool(self.passkeys or self.app)


def factors_of(account: Account) -> Factors:
    held = list(Authenticator.objects.filter(user=account).order_by("pk"))
    kinds = Authenticator.Type
    codes = next((one for one in held if one.type == kinds.RECOVERY_CODES), None)
    return Factors(
        [one for one in held if one.type == kinds.WEBAUTHN],
        next((one for one in held if one.type == kinds.TOTP), None),
        len(codes.wrap().get_unused_codes()) if codes else None,
    )


@dataclass(frozen=True, slots=True)
class ShownSession:
    session: UserSession
    system: str  # Windows, Android, …
    browser: str
    current: bool

    @property
    def phone(self) -> bool:
        return self.system in {"Android", "iPhone", "HarmonyOS"}


# The first that matches: Edge also says Chrome, and everybody says Safari.
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "HarmonyOS": "HarmonyOS",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}
BROWSERS = {
    "MicroMessenger": "微信",
    "Edg": "Edge",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}


def sessions_of(account: Account, current_key: str | None) -> list[ShownSession]:
    """This device first, then the latest used."""
    found = [
        ShownSession(
            one,
            _first(SYSTEMS, one.user_agent),
            _first(BROWSERS, one.user_agent),
            one.session_key == current_key,
        )
        for one in UserSession.objects.filter(user=account).order_by("-last_seen_at")
    ]
    return sorted(found, key=lambda one: not one.current)


def _first(words: dict[str, str], text: str) -> str:
    return next((shown for word, shown in words.items() if word in text), "")


@dataclass(frozen=True, slots=True)
class ShownEvent:
    event: AccountEvent
    words: str


def account_events(person: Practitioner) -> list[ShownEvent]:
    rows = AccountEvent.objects.filter(practitioner=person).select_related("by", "organisation")
    latest = rows.order_by("-at", "-pk")[:SHOWN_EVENTS]
    return [ShownEvent(row, str(EVENTS[AccountEvent.Kind(row.kind)])) for row in latest]


# -- staff -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    person: Practitioner
    posts: str
    state: str  # active, linked (single sign-on only), invited, none, left
    invitation: Invitation | None
    second: bool  # has a passkey or an authenticator app
    last_seen: datetime | None


def staff_of(
    site: Organisation, now: datetime, *, shown: str = "here", text: str = ""
) -> list[Member]:
    """Who has a post here, or had one, in the order of their sound; the first `SHOWN_STAFF`."""
    on = today(now)
    held = Role.objects.filter(organisation=site)
    here = set(held.filter(valid_on(on)).values_list("practitioner_id", flat=True))
    wanted = here if shown != "left" else set(held.values_list("practitioner_id", flat=True)) - here
    fits = Q(name__icontains=text) | Q(number__icontains=text) | Q(sort_key__icontains=text)
    people = list(
        Practitioner.objects.filter(fits, pk__in=wanted)
        .select_related("account")
        .order_by("sort_key", "name", "pk")[:SHOWN_STAFF]
    )
    return _members(people, site, now, here)


def _members(
    people: list[Practitioner], site: Organisation, now: datetime, here: Collection[int]
) -> list[Member]:
    ids = [one.pk for one in people]
    accounts = [one.account_id for one in people if one.account_id]
    posts: dict[int, list[str]] = {}
    for role in Role.objects.filter(
        valid_on(today(now)) if ids and ids[0] in here else Q(),
        practitioner__in=ids,
        organisation=site,
    ).order_by("pk"):
        words = str(ROLES[Role.Kind(role.kind)])
        if words not in posts.setdefault(role.practitioner_id, []):
            posts[role.practitioner_id].append(words)
    open_ = Invitation.objects.filter(
        practitioner__in=ids, used_at=None, ended_at=None, expires_at__gt=now
    )
    invitations = {one.practitioner_id: one for one in open_}
    second = set(
        Authenticator.objects.filter(user__in=accounts, type__in=["totp", "webauthn"]).values_list(
            "user_id", flat=True
        )
    )
    seen = dict(
        UserSession.objects.filter(user__in=accounts)
        .values_list("user_id")
        .annotate(last=Max("last_seen_at"))
    )
    return [
        Member(
            one,
            ", ".join(posts.get(one.pk, [])),
            _state(one, invitations.get(one.pk), one.pk in here),
            invitations.get(one.pk),
            one.account_id in second,
            seen.get(one.account_id) or (one.account.last_login if one.account else None),
        )
        for one in people
    ]


def _state(person: Practitioner, invitation: Invitation | None, here: bool) -> str:
    if not here:
        return "left"
    account = person.account
    if account and account.is_active and account.password:
        return "active" if account.has_usable_password() else "linked"
    return "invited" if invitation else "none"


def services_of(sites: Collection[int]) -> list[ServiceAccount]:
    rows = ServiceAccount.objects.filter(organisation__in=sites)
    return list(rows.select_related("organisation", "made_by").order_by("ended_at", "-made_at"))
