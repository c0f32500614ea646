"""Who was rung, how long, what they answered, what was tried, and who is still to come."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from jieli.cases.models import Candidate, Request, Ring
from jieli.cases.queries import words
from jieli.cases.queries.words import word
from jieli.notify.queries import Tried, what_was_tried

CLASSES = {"accepted": "yes", "": "on"}


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder."""

    name: str
    role_label: str
    cls: str
    result_label: str
    seconds_label: str
    phone: str
    ring_key: UUID | None = None
    tried: tuple[str, ...] = ()


def with_people(requests: QuerySet[Request]) -> QuerySet[Request]:
    """With their lists and rings, in the order in which a ladder shows them."""
    people = Candidate.objects.select_related("practitioner", "organisation")
    rings = Ring.objects.select_related("practitioner", "passed_to")
    return requests.prefetch_related(
        Prefetch("candidates", people.order_by("position")),
        Prefetch("rings", rings.order_by("started_at", "id")),
    ).order_by("id")


def ladder(request: Request, now: datetime) -> list[Rung]:
    """Rings in the order they were started, then the people who come next, then the barred.

    The request comes with both, as `with_people` reads them.
    """
    rings, people = list(request.rings.all()), list(request.candidates.all())
    rung = {ring.practitioner_id for ring in rings}
    waiting = [c for c in people if c.practitioner_id not in rung]
    places = {c.practitioner_id: c.organisation.name for c in people}
    shown = _latest(rings)
    tried = what_was_tried(ring.key for ring in shown)
    return [_of_ring(ring, places, tried.get(ring.key, []), now) for ring in shown] + [
        _of_candidate(c, searching=request.accepted_by_id is None) for c in waiting
    ]


def _latest(rings: list[Ring]) -> list[Ring]:
    """One line a person: the last ring that was loud, else the silent one; earlier rounds count."""
    by_person: dict[int, list[Ring]] = defaultdict(list)
    for ring in rings:
        by_person[ring.practitioner_id].append(ring)
    return [
        max(many, key=lambda r: (not r.silent or bool(r.answer), r.started_at))
        for many in by_person.values()
    ]


def _of_ring(ring: Ring, places: dict[int, str], tried: list[Tried], now: datetime) -> Rung:
    answer = word(words.ANSWERS, ring.answer)
    cls = CLASSES.get(ring.answer, "no")
    if ring.silent and not ring.answer:
        answer, cls = _("Told silently"), ""
    if ring.answer == "declined":
        answer = f"{answer}: {word(words.REASONS, ring.reason)}"
    if ring.passed_to:
        answer = _("Passed on to %(name)s") % {"name": ring.passed_to.name}
    end = ring.answered_at or now
    seconds = max(0, int((end - (ring.ringing_at or ring.started_at)).total_seconds()))
    shows = cls != "" and ring.answer != "withdrawn"
    line = word(words.LINES, ring.line)
    place = places.get(ring.practitioner_id, "")
    again = _("round %(n)s") % {"n": ring.round} if ring.round > 1 else ""
    return Rung(
        name=ring.practitioner.name,
        role_label=" · ".join(filter(None, (place, line, again))),
        cls=cls,
        result_label=answer,
        seconds_label=_("%(n)s s") % {"n": seconds} if shows else "",
        phone=ring.practitioner.telephone,
        ring_key=ring.key,
        tried=tuple(_way(one) for one in tried),
    )


def _way(tried: Tried) -> str:
    """One way that was tried, and what became of it."""
    return " ".join(filter(None, (_(tried.kind_label), _(tried.state_label), tried.why)))


def _of_candidate(candidate: Candidate, *, searching: bool) -> Rung:
    barred = word(words.BARS, candidate.barred) if candidate.barred else ""
    waiting = _("next") if searching else ""
    return Rung(
        name=candidate.practitioner.name,
        role_label=f"{candidate.organisation.name} · {word(words.LINES, candidate.line)}",
        cls="no" if barred else "",
        result_label=_("Not asked: %(why)s") % {"why": barred} if barred else waiting,
        seconds_label="",
        phone=candidate.practitioner.telephone,
    )
