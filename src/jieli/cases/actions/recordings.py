"""录像: heads into the case's chain, letting go when the time is over, clips for teaching."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from jieli.cases.access import need_treating
from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, Hold
from jieli.cases.queries.recordings import identifying
from jieli.directory.models import Practitioner, Technique
from jieli.record.actions import action, unhurried
from jieli.record.models import Event
from jieli.rooms import recordings as rooms
from jieli.rooms import store
from jieli.rooms.models import ClipSource, Recording, TeachingClip
from jieli.rules import recordings as rules
from jieli.rules import webm
from jieli.rules.refusal import Refused

logger = logging.getLogger(__name__)
BATCH = 200
TOGETHER = timedelta(minutes=10)
AGED = timedelta(days=3 * 365)

# Whether what is recorded of a case may be used for teaching; None: nobody was asked.
Consent = Callable[[Case], bool | None]
_consent: Consent | None = None


def use_teaching_consent(asked: Consent) -> None:
    global _consent
    _consent = asked


def teaching_consent(case: Case) -> bool | None:
    """Without anybody who keeps such consent there is none."""
    return _consent(case) if _consent else None


# ── the chain ────────────────────────────────────────────────────────────────


def keep_recordings(now: datetime) -> int:
    """Heads of runs that have ended, into the chains of their cases. For runners."""
    waiting: dict[UUID, list[Recording]] = {}
    for recording in rooms.to_keep(now).exclude(room__case_key=None)[:BATCH]:
        if (key := recording.room.case_key) is not None:
            waiting.setdefault(key, []).append(recording)
    return sum(_kept(key, runs, now) for key, runs in waiting.items() if _ready(runs, now))


def _ready(runs: list[Recording], now: datetime) -> bool:
    """Several in one event: an operation of hours must not fill its own time line."""
    ended = min(run.ended_at or run.heard_at for run in runs)
    return ended < now - TOGETHER or not rooms.goes_on(runs[0].room, now)


def _kept(case_key: UUID, runs: list[Recording], now: datetime) -> int:
    """One case that cannot be written must not keep the others from it."""
    try:
        keep_runs(case_key, runs, now=now)
    except Exception:
        logger.exception("recordings of %s could not be put on record", case_key)
        return 0
    return len(runs)


@action
def keep_runs(case_key: UUID, runs: Sequence[Recording], *, now: datetime) -> None:
    """From here on nobody changes a second of them unseen: their heads are in the case's chain."""
    case = lock_case(Case.objects.values_list("pk", flat=True).get(key=case_key))
    sealed = [rooms.seal(run, now=now) for run in runs]
    people = {run.by_id: run.by for run in runs}
    log(
        case,
        "recording_kept",
        by=runs[0].by if len(people) == 1 else None,
        now=now,
        source=Event.Source.RUNNER,
        runs=len(runs),
        feeds=len({run.feed for run in runs}),
        seconds=sum(one.seconds for one in sealed),
        missing=sum(one.missing for one in sealed),
        heads=" ".join(f"{run.key}={one.head}" for run, one in zip(runs, sealed, strict=True)),
    )


def let_recordings_go(now: datetime) -> int:
    """What the law asks for is over, the case is closed and nobody holds it. For runners."""
    old = Recording.objects.filter(gone_at=None, started_at__lt=now - AGED)
    keys = old.exclude(room__case_key=None).values("room__case_key")
    held = Hold.objects.filter(ended_at=None).values("case")
    due = Case.objects.filter(key__in=keys, status=Case.Status.CLOSED).exclude(pk__in=held)
    found = list(due.filter(closed_at__lt=now - AGED).order_by("closed_at")[:BATCH])
    return sum(_let_go(case, now=now) for case in found) + rooms.remove_leftovers(now)


@action
def _let_go(case: Case, *, now: datetime) -> int:
    """The database judges by its own clock, and says how many went."""
    case = lock_case(case.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT jieli_let_recordings_go(%s)", [case.key])
        gone = int(cursor.fetchone()[0])
    if gone:
        log(case, "recordings_let_go", by=None, now=now, runs=gone)
    return gone


# ── teaching ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Cut:
    """From where to where of which run, under which title."""

    recording: Recording
    begin: timedelta
    end: timedelta
    title: str
    technique: Technique | None
    seen: bool  # somebody has watched it all, and nobody can be recognised
    sound: bool = False


@action
def make_clip(case: Case, cut: Cut, *, by: Practitioner, now: datetime) -> TeachingClip:
    """A cut without anything of the patient, made by the treating side; the case stays unnamed."""
    need_treating(by, case, now)
    rules.check_clip(
        consent=teaching_consent(case), title=cut.title, seen=cut.seen, begin=cut.begin, end=cut.end
    )
    rules.check_title(cut.title, identifying(case))
    clip = TeachingClip(
        title=cut.title.strip()[:120], technique=cut.technique, organisation=case.organisation,
        made_by=by, made_at=now, sound=cut.sound,
    )  # fmt: skip
    unhurried()
    _write(clip, cut)
    case = lock_case(case.pk)
    clip.save(force_insert=True)
    ClipSource.objects.create(
        clip=clip, case_key=case.key, recording=cut.recording, begin_ms=_ms(cut.begin),
        end_ms=_ms(cut.end),
    )  # fmt: skip
    log(case, "clip_made", by=by, now=now, clip=str(clip.key), title=clip.title,
        seconds=round(clip.ms / 1000), sound=clip.sound)  # fmt: skip
    return clip


def _write(clip: TeachingClip, cut: Cut) -> None:
    run = rooms.run_of(cut.recording)
    try:
        film = run.film()
        made = webm.make(film, sound=cut.sound, begin=_ms(cut.begin), end=_ms(cut.end))
    except FileNotFoundError:
        raise Refused("This recording cannot be read.") from None
    picture = film.picture
    if picture is None:
        raise Refused("There is no picture in this part.")
    clip.ms, clip.mime, clip.width, clip.height = made.ms, made.kind, picture.width, picture.height
    clip.size, clip.sha256 = store.place_clip(clip.key, run.content(made.slice(0, made.size)))


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


@action
def withdraw_clip(clip: TeachingClip, why: str, *, by: Practitioner | None, now: datetime) -> None:
    """Nobody sees it from now on; a runner removes the file. Its source says which case."""
    source = ClipSource.objects.filter(clip=clip).first()
    case = None
    if source is not None:
        case = lock_case(Case.objects.values_list("pk", flat=True).get(key=source.case_key))
    clip.withdrawn_at, clip.withdrawn_why = now, why[:200]
    if not TeachingClip.objects.filter(pk=clip.pk, withdrawn_at=None).update(
        withdrawn_at=now, withdrawn_why=clip.withdrawn_why
    ):
        raise Refused("This clip was withdrawn already.")
    if case is not None:
        log(case, "clip_withdrawn", by=by, now=now, clip=str(clip.key), title=clip.title,
            reason=clip.withdrawn_why)  # fmt: skip


def withdraw_clips(now: datetime) -> int:
    """Clips whose patient's consent to teaching is not there any more. For runners."""
    sources = ClipSource.objects.filter(clip__withdrawn_at=None).select_related("clip")
    cases = {case.key: case for case in Case.objects.filter(key__in=sources.values("case_key"))}
    agreed = {key: teaching_consent(case) is True for key, case in cases.items()}
    gone = [source.clip for source in sources if not agreed.get(source.case_key, False)]
    for clip in gone[:BATCH]:
        withdraw_clip(clip, CONSENT, by=None, now=now)
    return len(gone)


CONSENT = "consent"
