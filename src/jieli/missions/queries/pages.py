"""Everything that a page of missions shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from jieli.cases.access import standing_of
from jieli.cases.models import Case, Clock
from jieli.cases.queries import words_under_way as words
from jieli.cases.queries.clock_strip import approval_of, rows
from jieli.cases.queries.lists import heading
from jieli.cases.queries.people import official_day, standings
from jieli.cases.queries.words import word
from jieli.chart.queries import procedures_of
from jieli.directory.models import Organisation, Practitioner, Role, Technique
from jieli.missions import access
from jieli.missions.actions.transfer import last_score, physicians
from jieli.missions.models import Cover, KitItem, Mission, Paper, Vehicle
from jieli.missions.queries import people
from jieli.missions.queries.at_once import at_once
from jieli.missions.queries.facts import pathway_of
from jieli.missions.queries.gates import gates_at_hand
from jieli.missions.queries.lists import is_open, lines, status_word
from jieli.missions.queries.risks import is_tight, risks
from jieli.missions.queries.way import Way, way
from jieli.rules import eta, transport
from jieli.rules import missions as rules


@dataclass
class Sight:
    """One mission before one person at one instant: what several parts need is read once."""

    mission: Mission
    me: Practitioner
    now: datetime

    @cached_property
    def standing(self) -> access.Standing:
        return access.standing_in(self.me, self.mission, self.now)

    @cached_property
    def way(self) -> Way:
        return way(self.mission, self.now)

    @cached_property
    def moves(self) -> set[str]:
        """What may follow now, for whoever may say so."""
        return rules.moves_from(self.mission.kind, self.mission.status)

    @property
    def shared(self) -> dict[str, Any]:
        return {
            "mission": self.mission,
            "case": self.mission.case,
            "standing": self.standing,
            "moves": self.moves if self.standing.moves else set(),
            "is_team": self.mission.kind == Mission.Kind.DISPATCH,
            "open": is_open(self.mission),
            "receiver": self.mission.receiver.name
            if self.mission.receiver
            else self.mission.receiver_outside,
        }


def mission_page(mission: Mission, me: Practitioner, now: datetime) -> dict[str, Any]:
    sight = Sight(mission, me, now)
    context = sight.shared
    for make in PARTS.values():
        context |= make(sight)
    return context | acts(sight)


def part(mission: Mission, me: Practitioner, now: datetime, name: str) -> dict[str, Any]:
    sight = Sight(mission, me, now)
    return sight.shared | PARTS[name](sight)


# ── head ─────────────────────────────────────────────────────────────────────


def head_part(sight: Sight) -> dict[str, Any]:
    mission = sight.mission
    return {
        "heading": heading(mission.case),
        "kind_label": word(words.KINDS, mission.kind),
        "status_label": status_word(mission),
        "where": [mission.start.name, mission.end.name if mission.end else mission.end_outside],
        "closed_why": word(words.WHY_ENDED, mission.closed_why),
        "risks": risks(mission, sight.way, sight.now),
        "may_accept": _may_accept(sight),
        "clocks": _clocks(sight),
    }


def _may_accept(sight: Sight) -> bool:
    """A desk writes down for whom it speaks; a physician of the destination just says yes."""
    end = sight.mission.end
    if end is None or not sight.standing.receiving:
        return False
    return physicians(end, sight.now).filter(pk=sight.me.pk).exists()


def _clocks(sight: Sight) -> list[Any]:
    case = sight.mission.case
    found = Clock.objects.filter(
        case=case, name=Clock.Name.DEFINITIVE_CARE, cancelled_at=None
    ).order_by("started_at")
    approved = approval_of(case, sight.now) is not None
    return rows(found, sight.now, approved=approved, may_act=False)


# ── legs ─────────────────────────────────────────────────────────────────────

ICONS = {"flight": "plane", "helicopter": "plane", "transfer": "swap", "reception": "home"}


@dataclass(frozen=True, slots=True)
class LegRow:
    """One stretch as a reader sees it."""

    leg: Any
    eta: eta.Eta
    css: str  # done, cur, todo
    icon: str
    took: timedelta | None
    kind: str
    tight: bool
    off: timedelta | None  # how far from the plan
    later: bool  # and in which direction


def way_part(sight: Sight) -> dict[str, Any]:
    found, current = [], False
    for leg, expected in sight.way.legs:
        css = "done" if leg.ended_at else "todo" if current else "cur"
        current = current or css == "cur"
        found.append(_leg_row(leg, expected, css if sight.mission.left_at else css_before(css)))
    done = sum(1 for row in found if row.css == "done")
    ahead = [row for row in found if not row.leg.ended_at]
    return {"legs": found, "legs_done": done, "ahead": ahead, "arrival": sight.way.arrival}


def css_before(css: str) -> str:
    return "todo" if css == "cur" else css


def _leg_row(leg: Any, expected: eta.Eta, css: str) -> LegRow:
    behind = expected.end - leg.planned_end if expected.end and leg.planned_end else None
    return LegRow(
        leg,
        expected,
        css,
        "check" if css == "done" else ICONS.get(leg.kind, "move"),
        leg.ended_at - leg.started_at if leg.ended_at and leg.started_at else None,
        word(words.LEGS, leg.kind),
        is_tight(expected),
        abs(behind) if behind and abs(behind) >= timedelta(minutes=5) else None,
        bool(behind and behind > timedelta(0)),
    )


# ── papers, people, things ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PaperRow:
    paper: Paper
    label: str
    state: str
    left: timedelta | None
    may_file: bool


def papers_part(sight: Sight) -> dict[str, Any]:
    found = sight.mission.papers.select_related("organisation", "done_by")
    shown = [_paper_row(paper, sight) for paper in found]
    far = timedelta(days=3650)
    shown.sort(key=lambda row: (row.paper.done_at is not None, row.left or far))
    return {"papers": shown, "papers_owed": sum(1 for row in shown if not row.paper.done_at)}


def _paper_row(paper: Paper, sight: Sight) -> PaperRow:
    left = paper.due_at - sight.now if paper.due_at else None
    state = "met" if paper.done_at else "ok"
    if left is not None and not paper.done_at:
        state = "breach" if left < timedelta(0) else "ok"
        if timedelta(0) <= left < timedelta(hours=2):
            state = "warn"
    mine = paper.organisation_id in sight.standing.sites or (
        sight.standing.member and paper.organisation_id == sight.mission.start_id
    )
    return PaperRow(
        paper,
        word(words.PAPERS, paper.kind),
        state,
        left,
        mine and not paper.done_at and paper.kind != "return_report",
    )


def team_part(sight: Sight) -> dict[str, Any]:
    mission = sight.mission
    members = mission.members.select_related("practitioner").order_by("left_at", "-leads", "pk")
    lent = mission.privileges.select_related("practitioner", "technique", "organisation", "by")
    return {
        "members": [(member, word(words.PARTS, member.part)) for member in members],
        "privileges": list(lent.order_by("until", "pk")),
    }


def things_part(sight: Sight) -> dict[str, Any]:
    items = list(sight.mission.kit.select_related("by"))
    covers = sight.mission.covers.select_related("away", "substitute", "duty").order_by("pk")
    ready = (KitItem.State.PACKED, KitItem.State.HOST)
    return {
        "kit": [
            (item, word(words.KIT, item.name), word(words.KIT_STATES, item.state)) for item in items
        ],
        "kit_ready": sum(1 for item in items if item.state in ready),
        "covers": [(cover, _candidates(cover, sight)) for cover in covers],
    }


def _candidates(cover: Cover, sight: Sight) -> list[Practitioner]:
    """Who could take it; looked for only while it is open and by whoever may say so."""
    if cover.accepted_at or not sight.standing.sending:
        return []
    return people.for_cover(cover, sight.now)


def patient_part(sight: Sight) -> dict[str, Any]:
    """A transfer: destination, receiver, escort, the last grade and whether it is fresh."""
    mission = sight.mission
    if mission.kind == Mission.Kind.DISPATCH:
        return {}
    stability, scored_at = last_score(mission)
    fresh = scored_at is not None and sight.now - scored_at <= transport.FRESH
    return {
        "stability": stability,
        "scored_at": scored_at,
        "score_fresh": fresh,
        "escort": word(words.ESCORTS, mission.escort),
        "enough": mission.escort in transport.ESCORTS
        and stability in transport.TABLE
        and transport.suffices(mission.escort, stability),
        "content": transport.VERSION,
    }


def entries_part(sight: Sight) -> dict[str, Any]:
    found = sight.mission.entries.select_related("by").order_by("-occurred_at", "-pk")[:50]
    late = timedelta(minutes=5)
    return {
        "entries": [
            (e, word(words.ENTRIES, e.kind), e.recorded_at - e.occurred_at > late) for e in found
        ]
    }


PARTS: Mapping[str, Callable[[Sight], dict[str, Any]]] = {
    "head": head_part,
    "way": way_part,
    "papers": papers_part,
    "patient": patient_part,
    "team": team_part,
    "things": things_part,
    "entries": entries_part,
}


# ── forms beside the parts ───────────────────────────────────────────────────


def acts(sight: Sight) -> dict[str, Any]:
    """What the forms offer; they stand outside the parts that fetch themselves again."""
    mission = sight.mission
    is_team = mission.kind == Mission.Kind.DISPATCH
    return {
        "parts": _pairs(words.PARTS),
        "entry_kinds": [
            (k, w) for k, w in _pairs(words.ENTRIES) if k not in ("handed_over", "refused")
        ],
        "escorts": _pairs(words.ESCORTS),
        "grades": transport.GRADES,
        "destinations": [] if is_team else people.hospitals(mission.start, sight.now),
        "physicians": list(physicians(mission.end, sight.now)[:60])
        if mission.end and not is_team and sight.standing.receiving
        else [],
        "colleagues": people.of_hospital(mission.start, mission.case, sight.now) if is_team else [],
        "techniques": list(Technique.objects.order_by("name")[:300]) if is_team else [],
        "report": mission.papers.filter(kind="return_report", done_at=None)
        .exclude(due_at=None)
        .first(),
    }


def _pairs(table: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in table.items()]


# ── the part of the case page ────────────────────────────────────────────────


def under_way(case: Case, me: Practitioner, now: datetime) -> dict[str, Any]:
    """Missions and operations of a case, and what this person may begin."""
    found = case.missions.select_related("case__patient", "case__organisation", "start", "end")
    standing = standing_of(me, case, now)
    here = access.where_is(case)
    mine = {r.organisation_id for r in me.roles.all() if r.holds_on(official_day(now))}
    is_case_open = case.status == Case.Status.OPEN
    pathway = pathway_of(case)
    return {
        "case": case,
        "standing": standing,
        "at_once": at_once(case, pathway.code) if pathway else None,
        "lines": lines(found.order_by("-pk"), now),
        "gates": gates_at_hand(case),
        "procedures": list(procedures_of(case.key)),
        "may_send": is_case_open
        and (standing.treating or standing.asked or standing.desk)
        and case.decisions.exists(),
        "may_move": here.pk in mine and is_case_open,
        "sheet": case.sheets.only("version", "case_id").first(),
        "may_compare": is_case_open
        and pathway is not None
        and (standing.treating or standing.asked or standing.desk),
        "may_operate": is_case_open and access.may_operate(me, case, now),
    }


# ── new ones ─────────────────────────────────────────────────────────────────


def new_dispatch(case: Case, start: str, me: Practitioner, now: datetime) -> dict[str, Any]:
    """Hospitals that may be asked for a team, and the people of the chosen one."""
    sites = _asked(case, now)
    mine = [role.organisation for role in me.roles.select_related("organisation")]
    own = [site for site in mine if site.pk != case.organisation_id]
    offered = list({site.pk: site for site in [*own, *sites]}.values())
    chosen = next((site for site in offered if site.code == start), None)
    chosen = chosen or (offered[0] if offered else None)
    return {
        "case": case,
        "heading": heading(case),
        "sites": offered,
        "chosen": chosen,
        "people": people.of_hospital(chosen, case, now) if chosen else [],
        "parts": _pairs(words.PARTS),
        "leg_kinds": [pair for pair in _pairs(words.LEGS) if pair[0] != "approval"],
        "rows": range(4),
        "leg_rows": range(3),
        "more_legs": range(5),
        "decision": case.decisions.first(),
    }


def _asked(case: Case, now: datetime) -> list[Organisation]:
    held = standings(case.organisation_id, None, official_day(now)).values()
    return [s.agreement.to_organisation for s in held if s.state != "expired"]


def new_transfer(case: Case, now: datetime) -> dict[str, Any]:
    start = access.where_is(case)
    return {
        "case": case,
        "heading": heading(case),
        "start": start,
        "sites": people.hospitals(start, now),
        "grades": transport.GRADES,
        "escorts": _pairs(words.ESCORTS),
        "vehicles": list(Vehicle.objects.filter(organisation=start, state=Vehicle.State.FREE)),
        "back": start.pk != case.organisation_id,
        "content": transport.VERSION,
    }


def _experts(case: Case) -> dict[int, Practitioner]:
    """Experts who took the case: one of them may stand beside."""
    taken = case.requests.exclude(accepted_by=None).values("accepted_by")
    return {person.pk: person for person in Practitioner.objects.filter(pk__in=taken)}


def new_procedure(case: Case, me: Practitioner, now: datetime) -> dict[str, Any]:
    here = access.where_is(case)
    wanted = case.requests.exclude(technique=None).values_list("technique", flat=True)
    team = Practitioner.objects.filter(
        pk__in=case.missions.filter(members__left_at=None).values("members__practitioner")
    )
    local = people.of_hospital(here, case, now, kinds=(Role.Kind.DOCTOR, Role.Kind.EXPERT))
    found = {p.pk: p for p in [*team, *(one.person for one in local)]}
    return {
        "case": case,
        "heading": heading(case),
        "here": here,
        "operators": list(found.values()),
        "guides": list({**found, **_experts(case)}.values()),
        "techniques": list(Technique.objects.order_by("name")[:300]),
        "wanted": set(wanted),
    }
