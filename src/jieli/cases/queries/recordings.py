"""The recordings of a case on one time line: feeds, runs, gaps, chapters, and what was drawn."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jieli.cases.models import Case
from jieli.cases.queries import words
from jieli.cases.queries.timeline import entries
from jieli.directory.access import OFFICE_KINDS, TREATING_KINDS, organisations_of, today
from jieli.directory.models import Practitioner, Technique
from jieli.record.queries import events_of
from jieli.rooms import recordings as rooms
from jieli.rooms import store
from jieli.rooms.models import LogLine, Recording, Room
from jieli.rules import recordings as rules
from jieli.rules import rooms as room_rules
from jieli.rules.roots import Fault

N = gettext_noop
# What one looks for afterwards. Everything else of a case has its own page.
CHAPTERS = (
    "procedure_started", "procedure_ended", "checklist_signed", "room_joined", "contact_made",
    "opinion_signed", "decision_signed", "vitals_observed", "note_written", "clock_hard_missed",
)  # fmt: skip
LINES = {
    room_rules.FREEZE: N("Picture frozen"),
    room_rules.KEPT: N("Picture kept in the record"),
    room_rules.STEP: N("The link carried less, or more again"),
    room_rules.TEXT_LINE: N("Written in the room"),
}
INK = (room_rules.STROKE, room_rules.UNDO, room_rules.CLEAR, room_rules.FREEZE, room_rules.LIVE)
MOST = 5_000  # lines of a room's log for one page
AROUND = 3600  # seconds before the first and after the last picture that still belong to it


@dataclass(frozen=True, slots=True)
class Chapter:
    """Something that one may want to see again."""

    at: datetime
    words: str
    kind: str  # an icon's name
    who: str = ""


More = Callable[[Case], Iterable[Chapter]]
_more: list[More] = []


def use_chapters(more: More) -> None:
    """Guidance adds its entries: advice, blood loss, what was followed and what was not."""
    if more not in _more:
        _more.append(more)


@dataclass(slots=True)
class FeedLine:
    """One picture of one seat, in as many runs as it took."""

    name: str
    words: str
    who: str
    copy: bool
    runs: list[Recording] = field(default_factory=list)
    gaps: list[rules.Span] = field(default_factory=list)
    seconds: int = 0

    def bars(self, begin: datetime, whole: float) -> list[dict[str, float]]:
        """Where on a line of 1,000 there is a picture."""
        spans = rules.joined(rules.Span(run.started_at, run.ends_at) for run in self.runs)
        return [
            {
                "x": round((span.begins - begin).total_seconds() / whole * 1000, 1),
                "w": max(1.0, round((span.ends - span.begins).total_seconds() / whole * 1000, 1)),
            }
            for span in spans
        ]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything that the page of a case's recordings shows."""

    feeds: list[FeedLine]
    chapters: list[Chapter]
    begin: datetime | None
    end: datetime | None
    waiting: int  # runs of which a browser still has a part
    gone: int  # runs that were let go

    @property
    def whole(self) -> float:
        assert self.begin and self.end  # noqa: S101 - asked when there is something
        return max(1.0, (self.end - self.begin).total_seconds())


def recorded(case: Case) -> Recorded:
    room = Room.objects.filter(case_key=case.key).first()
    runs = list(_runs(room)) if room else []
    feeds = _feeds([run for run in runs if run.gone_at is None])
    shown = [run for feed in feeds for run in feed.runs]
    begin = min((run.started_at for run in shown), default=None)
    end = max((run.ends_at for run in shown), default=None)
    waiting = sum(run.ended_at is None or run.length != run.chunks for run in shown)
    gone = sum(run.gone_at is not None for run in runs)
    chapters = _chapters(case, room, begin, end) if begin and end else []
    return Recorded(feeds, chapters, begin, end, waiting, gone)


def _runs(room: Room | None) -> Iterator[Recording]:
    rows = Recording.objects.filter(room=room, chunks__gt=0)
    yield from rows.select_related("by", "seat__organisation").order_by("started_at", "pk")


def _feeds(runs: Iterable[Recording]) -> list[FeedLine]:
    """The pictures of those at the table first; second copies last."""
    found: dict[tuple[str, bool, int], FeedLine] = {}
    for run in runs:
        name = (run.feed, run.copy, run.by_id if run.copy else 0)
        shown = str(words.PICTURES.get(run.source, words.PICTURES["overview"]))
        line = found.setdefault(name, FeedLine(run.feed, shown, run.by.name, run.copy))
        line.runs.append(run)
    for line in found.values():
        spans = [rules.Span(run.started_at, run.ends_at) for run in line.runs]
        line.gaps, line.seconds = rules.gaps(spans), rules.seconds(spans)
    order = list(words.PICTURES)
    return sorted(
        found.values(), key=lambda line: (line.copy, order.index(line.runs[0].source), line.name)
    )


def _chapters(case: Case, room: Room | None, begin: datetime, end: datetime) -> list[Chapter]:
    found = [*_of_events(case, begin, end), *_of_lines(room, begin, end)]
    for more in _more:
        found += [one for one in more(case) if _near(one.at, begin, end)]
    return sorted(found, key=lambda chapter: chapter.at)


def _near(at: datetime, begin: datetime, end: datetime) -> bool:
    return (begin - at).total_seconds() < AROUND and (at - end).total_seconds() < AROUND


def _of_events(case: Case, begin: datetime, end: datetime) -> Iterator[Chapter]:
    rows = events_of(case.chain).filter(verb__in=CHAPTERS)
    for entry in entries(rows.order_by("seq")):
        if _near(entry.at, begin, end):
            yield Chapter(entry.at, entry.title, entry.icon, entry.detail)


def _of_lines(room: Room | None, begin: datetime, end: datetime) -> Iterator[Chapter]:
    rows = LogLine.objects.filter(room=room, kind__in=LINES, at__range=(begin, end))
    for line in rows.select_related("seat__practitioner").order_by("number")[:MOST]:
        who = line.seat.practitioner.name if line.seat else ""
        what = _(LINES[line.kind])
        said = str(line.data.get("text", ""))[:80] if line.kind == room_rules.TEXT_LINE else ""
        yield Chapter(line.at, f"{what}: {said}" if said else what, _ICONS[line.kind], who)


_ICONS = {
    room_rules.FREEZE: "freeze",
    room_rules.KEPT: "film",
    room_rules.STEP: "net",
    room_rules.TEXT_LINE: "msg",
}


def for_player(case: Case, found: Recorded) -> dict[str, Any]:
    """The same for the script of the page: runs with their addresses, and what was drawn."""
    if found.begin is None or found.end is None:
        return {}
    return {
        "begin": _ms(found.begin),
        "end": _ms(found.end),
        "feeds": [
            {
                "id": feed.name,
                "runs": [
                    {
                        "key": str(run.key),
                        "file": f"/rooms/recordings/{run.key}/file/",
                        "begin": _ms(run.started_at),
                        "end": _ms(run.ends_at),
                    }
                    for run in feed.runs
                ],
            }
            for feed in found.feeds
        ],
        "ink": list(_ink(case)),
    }


def _ink(case: Case) -> Iterator[dict[str, Any]]:
    rows = LogLine.objects.filter(room__case_key=case.key, kind__in=INK).select_related("seat")
    for line in rows.order_by("number")[:MOST]:
        yield {
            "n": line.number, "id": str(line.ref), "seat": str(line.seat.key if line.seat else ""),
            "kind": line.kind, "feed": line.feed, "at": _ms(line.at), "d": line.data,
        }  # fmt: skip


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def page(case: Case, person: Practitioner, now: datetime) -> dict[str, Any]:
    found = recorded(case)
    roles = organisations_of(person, today(now), TREATING_KINDS)
    return {
        "case": case,
        "heading": case.problem,
        "found": found,
        "lines": [Drawn(feed, found) for feed in found.feeds] if found.begin else [],
        "marks": [
            {"x": _place(chapter.at, found), "chapter": chapter} for chapter in found.chapters
        ],
        "may_download": may_download(person, case, now),
        "may_cut": case.organisation_id in roles,
        "techniques": Technique.objects.order_by("name"),
    }


def _place(at: datetime, found: Recorded) -> float:
    """On a line of 1,000."""
    begin = found.begin or at
    return round(min(1000.0, max(0.0, (at - begin).total_seconds() / found.whole * 1000)), 1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A feed with its bars on the time line."""

    feed: FeedLine
    found: Recorded

    @property
    def bars(self) -> list[dict[str, float]]:
        return self.feed.bars(self.found.begin, self.found.whole) if self.found.begin else []


def file_name(case: Case, recording: Recording) -> str:
    """Number of the case, picture and time; nothing of the patient."""
    ending = "mkv" if "matroska" in recording.mime or "h264" in recording.mime else "webm"
    at = f"{recording.started_at:%Y%m%dT%H%M%SZ}"
    return f"{case.number}-{recording.source}-{at}.{ending}"


LIBRARY = 200


def library(person: Practitioner, technique: str, now: datetime) -> dict[str, Any]:
    """Clips that may be shown, of one technique or of all."""
    clips = rooms.visible_clips(person, now)
    techniques = Technique.objects.filter(pk__in=clips.values("technique")).order_by("name")
    chosen = techniques.filter(pk=int(technique)).first() if technique.isdecimal() else None
    if chosen is not None:
        clips = clips.filter(technique=chosen)
    shown = clips.select_related("organisation", "technique", "made_by").order_by("-made_at")
    return {"clips": shown[:LIBRARY], "techniques": techniques, "chosen": chosen}


# ── who may do more than look ────────────────────────────────────────────────


def may_download(person: Practitioner, case: Case, now: datetime) -> bool:
    """Both sides keep the record: the records office of the treating hospital, and of a hospital
    whose people sat in the room. Nobody else takes a file away.
    """
    offices = organisations_of(person, today(now), OFFICE_KINDS)
    if case.organisation_id in offices:
        return True
    sat = Room.objects.filter(case_key=case.key, seats__organisation__in=offices)
    return bool(offices) and sat.exists()


def identifying(case: Case) -> list[str]:
    """What must not stand in the title of a clip."""
    patient = case.patient
    numbers = [str(identifier.value) for identifier in patient.identifiers.all()]
    return [patient.name, case.number, *numbers]


# ── whether it still is what it was ──────────────────────────────────────────


def recording_faults(number: str | None = None) -> Iterator[Fault]:
    """Runs that are not what their case's chain says, or whose files are. For `jieli verify`."""
    cases = Case.objects.filter(Exists(Room.objects.filter(case_key=OuterRef("key"))))
    if number:
        cases = cases.filter(number=number)
    for case in cases.select_related("chain").order_by("pk").iterator():
        told = _told(case)
        runs = Recording.objects.filter(room__case_key=case.key, gone_at=None).order_by("pk")
        for recording in runs.iterator():
            for why in _faults(recording, told.get(str(recording.key))):
                yield Fault(case.number, f"recording {recording.key}: {why}")


def _told(case: Case) -> dict[str, str]:
    """The head that the chain named last for each run. Its text lies sealed: it is read here."""
    found: dict[str, str] = {}
    for event in case.chain.events.filter(verb="recording_kept").order_by("seq"):
        found |= rules.told_heads(str(event.data.get("heads", "")))
    return found


def _faults(recording: Recording, told: str | None) -> Iterator[str]:
    chunks = rooms.said(recording)
    if told is not None and recording.kept_at is None:
        told = None  # more came since; the next event names it
    if told is not None or recording.kept_at is not None:
        length = recording.length or max((c.number for c in chunks), default=-1) + 1
        if not rules.head_of(chunks, length) == recording.head == told:
            yield "its pieces are not those that the record names"
    for chunk in chunks:
        path = store.path_of(recording.key, chunk.number)
        if not path.exists():
            yield f"piece {chunk.number} is gone"
        elif path.stat().st_size != chunk.size or store.digest(path) != chunk.sha256:
            yield f"piece {chunk.number} was changed"
