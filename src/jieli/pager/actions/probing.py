"""Test rings: once a minute through every way out that is set up, by the path of a real ring.

A real ring is a Message row; a lane sends it and writes Attempts. So is a test ring: only who
receives it differs. With an echo address it goes the whole way out; without one it goes to our own
receiver (`notify.transports.loopback`), and the other side is only knocked at. The page says which.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, connections
from django.db.models import QuerySet
from django.db.models.functions import Now

from jieli.directory.models import Channel, Practitioner
from jieli.notify import actions as notify
from jieli.notify.models import Attempt, Message
from jieli.notify.transports import KNOCKS, lanes, loopback
from jieli.notify.transports.letter import TransportError
from jieli.pager.actions.listening import Listening
from jieli.pager.models import Probe
from jieli.record.actions import action
from jieli.rules.retention import kept_for
from jieli.rules.watching import PATIENCE_SECONDS

log = logging.getLogger(__name__)

NUMBER = "jieli-probe"  # the staff number of nobody: the person to whom test rings go
TITLE = "Jieli test ring"
TEXT = "The pager tries itself. No patient is waiting."
KNOCK_SECONDS = 5.0
CLOCK_AFTER = 5.0  # a probe clock falls due so long after it was set
LOST = "It did not arrive."


@dataclass(frozen=True, slots=True)
class Way:
    """One transport that is set up here, and to where its test rings go."""

    transport: str
    kind: str  # of the channel
    address: str
    rings: bool
    proves: str


def ways() -> list[Way]:
    """What is tried. A way out that this installation does not have is not."""
    found = [Way("in_app", "in_app", "", False, Probe.Way.WHOLE)]
    if settings.JIELI_GATEWAY_URL:
        echo = settings.PROBE_TELEPHONE
        proves = Probe.Way.WHOLE if echo else Probe.Way.LOOPBACK
        number = echo or loopback.TELEPHONE
        found.append(Way("voice", "gateway", number, True, proves))
        found.append(Way("sms", "gateway", number, False, proves))
    if settings.PROBE_MESSENGER:
        found.append(Way("apprise", "apprise", settings.PROBE_MESSENGER, False, Probe.Way.HANDED))
    elif Channel.objects.filter(kind=Channel.Kind.APPRISE).exclude(
        practitioner__number=NUMBER
    ).exists():  # fmt: skip
        found.append(Way("apprise", "apprise", loopback.MESSENGER, False, Probe.Way.LOOPBACK))
    if settings.EMAIL_HOST:
        proves = Probe.Way.HANDED if settings.PROBE_MAIL else Probe.Way.LOOPBACK
        found.append(Way("email", "email", settings.PROBE_MAIL or loopback.MAIL, False, proves))
    return found


# ── one round a minute ───────────────────────────────────────────────────────


def probe(now: datetime) -> int:
    """Begin this minute's test rings, unless another runner has; give up on those that are lost."""
    give_up()
    begun = [way for way in ways() if _begin(way, now)]
    _begin_clock()
    return len(begun)


def _begin(way: Way, now: datetime) -> bool:
    """One way that fails to begin must not keep the others from being tried."""
    try:
        key = _claim(way.transport, way.proves)
        if key is None:
            return False
        if way.transport == "in_app":
            threading.Thread(target=_listen, args=(way, key, now), daemon=True).start()
            return True
        _owe(way, key, now)
        if way.proves == Probe.Way.LOOPBACK and way.kind in KNOCKS:
            threading.Thread(target=_knock, args=(way.kind, key), daemon=True).start()
    except Exception:
        log.exception("a test ring could not be begun", extra={"transport": way.transport})
        return False
    return True


CLAIM = """
    INSERT INTO pager_probe (key, transport, minute, way, due_at, error)
    VALUES (gen_random_uuid(), %s, date_trunc('minute', statement_timestamp()), %s,
            statement_timestamp() + make_interval(secs => %s), '')
    ON CONFLICT (transport, minute) DO NOTHING RETURNING key
"""


def _claim(transport: str, proves: str, after: float = 0.0) -> UUID | None:
    """The key of a new row, or None when this minute is already taken."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [transport, proves, after])
        row = cursor.fetchone()
    return row[0] if row else None


@action
def _owe(way: Way, key: UUID, now: datetime) -> None:
    channel = _channel(way)
    message = notify.owe(
        channel.practitioner,
        only=channel,
        purpose=Message.Purpose.PROBE,
        title=TITLE,
        text=TEXT,
        path="/pager/",
        now=now,
        verb=f"probe:{key}",
    )
    Probe.objects.filter(key=key).update(message=message, due_at=Now())


def _channel(way: Way) -> Channel:
    """The probe's own channel, as the settings say today; a refusal of yesterday is forgotten."""
    channel, _made = Channel.objects.get_or_create(
        practitioner=probe_person(), kind=way.kind, rings=way.rings
    )
    channel.address, channel.disabled_at, channel.last_error = way.address, None, ""
    channel.save(update_fields=["address", "disabled_at", "last_error"])
    return channel


def probe_person() -> Practitioner:
    """Nobody: no account, no post, on no roster; test rings are owed to this row."""
    person, _made = Practitioner.objects.get_or_create(number=NUMBER, defaults={"name": "Jieli"})
    return person


def _knock(kind: str, key: UUID) -> None:
    """In a thread of its own: is the other side there?"""
    try:
        lane = lanes.lane(f"{kind}-door")
        lane.within(KNOCK_SECONDS + 1, lambda: KNOCKS[kind](timeout=KNOCK_SECONDS))
    except TransportError as fault:
        fail(Probe.objects.filter(key=key), str(fault))
    except Exception:
        log.exception("the other side could not be asked", extra={"transport": kind})
        fail(Probe.objects.filter(key=key), LOST)
    finally:
        connections.close_all()


def _listen(way: Way, key: UUID, now: datetime) -> None:
    """In a thread of its own: the ring is owed once the stream is open, and heard by it."""
    try:
        person = probe_person()
        with Listening(person, now) as stream:
            _owe(way, key, now)
            stream.wait_for(f"probe:{key}", PATIENCE_SECONDS - 10)
        arrive(Probe.objects.filter(key=key))
    except TransportError as fault:
        fail(Probe.objects.filter(key=key), str(fault))
    except Exception:
        log.exception("the stream could not be tried")
        fail(Probe.objects.filter(key=key), LOST)
    finally:
        connections.close_all()


# ── what became of it ────────────────────────────────────────────────────────


def note_progress(message: Message, attempt: Attempt) -> None:
    """Called with every step of sending a test ring."""
    probes = Probe.objects.filter(message=message)
    mine = probes.filter(finished_at=None)
    if attempt.state == Attempt.State.FAILED:
        mine.update(error=attempt.error)  # it is tried again
        return
    probes.filter(sent_at=None).update(sent_at=Now())  # it may have arrived before we knew
    mine.update(error="")
    arrive(mine.filter(way=Probe.Way.HANDED))
    if attempt.ringing_at:
        arrive(mine.filter(way=Probe.Way.WHOLE).exclude(transport="in_app"))


def note_arrival(letter_id: str) -> None:
    """Our own receiver has it."""
    try:
        key = UUID(letter_id.partition(".")[0])
    except ValueError:
        return
    try:
        arrive(Probe.objects.filter(message__key=key, way=Probe.Way.LOOPBACK))
    finally:
        connections.close_all()


def arrive(probes: QuerySet[Probe]) -> None:
    probes.filter(finished_at=None).update(arrived_at=Now(), finished_at=Now(), error="")


def fail(probes: QuerySet[Probe], error: str) -> None:
    """Also one that arrived at our own receiver: the other side is not there."""
    probes.update(error=error[:300], finished_at=Now())


GIVE_UP = """
    UPDATE pager_probe SET finished_at = statement_timestamp(),
           error = CASE WHEN error = '' THEN %s ELSE error END
     WHERE finished_at IS NULL AND due_at < statement_timestamp() - make_interval(secs => %s)
    RETURNING message_id
"""


@action
def give_up() -> None:
    """A test ring that has not arrived in time is lost, and no longer worth sending."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_UP, [LOST, PATIENCE_SECONDS])
        lost = [message for (message,) in cursor.fetchall() if message]
    Message.objects.filter(pk__in=lost).update(due_at=None)


# ── the probe clock ──────────────────────────────────────────────────────────


def _begin_clock() -> None:
    _claim("clock", Probe.Way.WHOLE, CLOCK_AFTER)


def fire_probe_clocks(now: datetime) -> int:
    """Called where all clocks are fired, by the same thread: as late as they are."""
    due = Probe.objects.filter(transport="clock", finished_at=None, due_at__lte=Now())
    return due.update(sent_at=Now(), arrived_at=Now(), finished_at=Now())


# ── what is no longer needed ─────────────────────────────────────────────────

KEPT = kept_for("probes")
MESSAGES_KEPT = timedelta(hours=2)
BATCH = 5_000


def prune(now: datetime) -> int:
    """Forget test rings of last week, and the messages of those of this morning."""
    return sum(_pruned())


def _pruned() -> Iterator[int]:
    messages = Message.objects.filter(
        purpose=Message.Purpose.PROBE, probes__minute__lt=Now() - MESSAGES_KEPT
    )
    yield Message.objects.filter(
        pk__in=list(messages.values_list("pk", flat=True)[:BATCH])
    ).delete()[0]
    old = Probe.objects.filter(minute__lt=Now() - KEPT).values("pk")[:BATCH]
    yield Probe.objects.filter(pk__in=old).delete()[0]
