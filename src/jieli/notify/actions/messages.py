"""The messages themselves: owed, no longer worth sending, read."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from jieli.directory.models import Channel, Practitioner
from jieli.live import actions as live
from jieli.live import topics
from jieli.notify.models import Message
from jieli.record.actions import action, ledger
from jieli.record.models import Event
from jieli.record.rows import insert


def tell(
    event: Event,
    practitioners: Iterable[Practitioner],
    *,
    manner: str,
    title: str,
    text: str,
    path: str,
    now: datetime,
    ring_key: UUID | None = None,
    urgency: str = "",
) -> None:
    """Owe each person one message because of one event. Title and text name no patient."""
    people = list({person.pk: person for person in practitioners}.values())
    ledger().add(
        _write,
        [
            Message(
                event=event,
                practitioner=person,
                manner=manner,
                title=title[:120],
                text=text[:300],
                path=path,
                ring_key=ring_key,
                urgency=urgency,
                created_at=now,
                due_at=now,
            )
            for person in people
        ],
    )
    live.publish([topics.person(person.pk) for person in people], event, event.verb)


@action
def owe(
    person: Practitioner,
    *,
    purpose: str,
    title: str,
    text: str,
    path: str,
    now: datetime,
    verb: str,
    manner: str = Message.Manner.RING,
    only: Channel | None = None,
) -> Message:
    """A message because of no case: a probe, or a proof. `only`: by that channel and no other."""
    message = Message.objects.create(
        purpose=purpose,
        practitioner=person,
        only=only,
        manner=manner,
        title=title[:120],
        text=text[:300],
        path=path,
        created_at=now,
        due_at=now,
    )
    live.publish([topics.person(person.pk)], None, verb)
    return message


def _write(messages: list[Message]) -> None:
    for message in messages:
        assert message.event is not None  # noqa: S101 - what is told here is told of an event
        message.event_id = message.event.pk  # known since the events were written
    insert(messages, once=True)


def withdraw(about: Iterable[UUID] | Event, *, now: datetime) -> int:
    """No longer worth sending: rings that ended, or everything owed because of one event."""
    if ledger().holds(_write):
        ledger().write()  # what this action owes may be what it takes back
    messages = Message.objects.filter(withdrawn_at=None)
    if isinstance(about, Event):
        messages = messages.filter(event=about)
    else:
        messages = messages.filter(ring_key__in=list(about))
    return messages.update(withdrawn_at=now, due_at=None)


def mark_read(person: Practitioner, message: Message, now: datetime) -> None:
    """Read by its owner; it is not sent any more."""
    Message.objects.filter(pk=message.pk, practitioner=person, read_at=None).update(
        read_at=now, due_at=None
    )


def mark_all_read(person: Practitioner, now: datetime) -> int:
    """Everything but what still rings."""
    return (
        Message.objects.filter(practitioner=person, read_at=None)
        .exclude(manner=Message.Manner.RING, withdrawn_at=None)
        .update(read_at=now, due_at=None)
    )
