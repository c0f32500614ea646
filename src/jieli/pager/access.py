"""How the pager is: for those who answer for it at a hospital. Whoever pages sees the banner."""

from datetime import date

from django.http import Http404

from jieli.directory.access import roles_held
from jieli.directory.models import Practitioner, Role

ANSWERABLE = (
    Role.Kind.COORDINATOR,
    Role.Kind.DIRECTOR,
    Role.Kind.ADMIN,
    Role.Kind.DUTY_OFFICER,
)


def answers_for_the_pager(person: Practitioner | None, on: date) -> bool:
    return any(role.kind in ANSWERABLE for role in roles_held(person, on))


def require(person: Practitioner | None, on: date) -> None:
    if not answers_for_the_pager(person, on):
        raise Http404
