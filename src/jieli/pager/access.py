"""How the pager is: for those who answer for it at a hospital. Whoever pages sees the banner."""

from datetime import date

from django.http import Http404

from jieli.directory.access import active_roles
from jieli.directory.models import Practitioner, Role

ANSWERABLE = (
    Role.Kind.COORDINATOR,
    Role.Kind.DIRECTOR,
    Role.Kind.ADMIN,
    Role.Kind.DUTY_OFFICER,
)


def answers_for_the_pager(person: Practitioner | None, on: date) -> bool:
    return active_roles(person, on).filter(kind__in=ANSWERABLE).exists()


def require(person: Practitioner | None, on: date) -> None:
    if not answers_for_the_pager(person, on):
        raise Http404
