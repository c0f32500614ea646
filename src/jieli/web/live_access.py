"""Which topics an account may follow: its own, boards if it has a desk, and cases it may see."""

from datetime import datetime
from uuid import UUID

from jieli.cases.access import visible_cases
from jieli.directory.access import person_of
from jieli.directory.models import Account
from jieli.live import topics
from jieli.record.reading import entered


def allowed_topics(account: Account, wanted: set[str], now: datetime) -> dict[str, str]:
    """Topic in the database → the name under which the browser asked for it."""
    person = person_of(account)
    if person is None:
        return {}
    allowed: dict[str, str] = {}
    if "me" in wanted:
        allowed[topics.person(person.pk)] = "me"
    if topics.BOARD in wanted:
        allowed[topics.BOARD] = topics.BOARD
    if keys := {key for key in map(_case_key, wanted) if key}:
        with entered(account, person, now):
            seen = visible_cases(person, now).filter(key__in=keys).values_list("key", flat=True)
            allowed |= {topics.case(str(key)): topics.case(str(key)) for key in seen}
    return allowed


def _case_key(topic: str) -> UUID | None:
    kind, _, text = topic.partition(":")
    if kind != "case":
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
