"""手续: filed; reminded of at half of the time, escalated to the owner's desk when due."""

from datetime import datetime

from django.db.models import F, Q
from django.utils.translation import gettext as _

from jieli.cases.queries.people import Desks
from jieli.chart.models import Consent
from jieli.directory.models import Practitioner
from jieli.missions.actions.privileges import end_privilege
from jieli.missions.actions.procedures import ask_for_ends
from jieli.missions.actions.under_way import lock_mission, note, tell
from jieli.missions.models import EmergencyPrivilege, Mission, Paper
from jieli.record.actions import action, lock_free
from jieli.record.models import Event
from jieli.rules import missions as rules
from jieli.rules.refusal import Refused

BATCH = 200
FAMILY = ("family_consent",)  # written when the consent to the operation is recorded


@action
def file_paper(paper: Paper, *, text: str, by: Practitioner, now: datetime) -> Paper:
    """It is written and where it belongs; once."""
    mission = lock_mission(paper.mission_id)
    paper = Paper.objects.get(pk=paper.pk)
    if paper.done_at:
        raise Refused("This paper has been filed already.")
    if paper.kind == "return_report" and not text.strip():
        raise Refused("Write the report in a few sentences.")
    _done(mission, paper, by, now, text)
    return paper


def _done(
    mission: Mission, paper: Paper, by: Practitioner | None, now: datetime, text: str = ""
) -> None:
    paper.done_at, paper.done_by, paper.note = now, by, (text.strip() or paper.note)[:200]
    paper.save(update_fields=["done_at", "done_by", "note"])
    note(mission, "mission_paper_filed", by, now, paper=paper.kind, text=paper.note)


# ── what time owes ───────────────────────────────────────────────────────────


def sweep(now: datetime) -> int:
    """Papers, emergency privileges and operations without an end. How many rows were handled."""
    return remind_papers(now) + end_privileges(now) + ask_for_ends(now)


@action
def end_privileges(now: datetime) -> int:
    due = EmergencyPrivilege.objects.filter(until__lte=now, ended_at=None)
    wanted = due.values_list("mission__case__chain_id", flat=True)[:BATCH]
    chains = lock_free(wanted)
    rows = due.filter(mission__case__chain__in=chains).select_related(
        "mission__case__organisation", "mission__case__in_charge", "practitioner", "technique"
    )
    for row in rows:
        row.mission.case.chain = chains[row.mission.case.chain_id]
        end_privilege(row, now)
    return len(rows)


@action
def remind_papers(now: datetime) -> int:
    """Half of the time has gone, or all of it. A paper that a record proves is filed by itself."""
    open_ones = Paper.objects.filter(done_at=None, escalated_at=None).exclude(due_at=None)
    open_ones = open_ones.exclude(mission__status=Mission.Status.CANCELLED)
    open_ones = open_ones.filter(Q(reminded_at=None) | Q(due_at__lte=now)).order_by("due_at")
    rows = list(open_ones.annotate(chain=F("mission__case__chain_id")).select_related("mission"))
    wanted = [row for row in rows if _is_time(row, now) or row.kind in FAMILY]
    chains = lock_free({row.chain for row in wanted[:BATCH]})
    free = [row for row in wanted if row.chain in chains]
    return sum(_look_at(row.pk, now) for row in free)


def _is_time(paper: Paper, now: datetime) -> bool:
    return paper.due_at is not None and (
        now >= paper.due_at
        or (paper.reminded_at is None and now >= rules.remind_at(_since(paper), paper.due_at))
    )


def _since(paper: Paper) -> datetime:
    """When what it is owed for came about."""
    mission = paper.mission
    after = rules.PAPERS[mission.kind][paper.kind].after
    if after == "privilege":
        first = mission.privileges.order_by("since").values_list("since", flat=True).first()
        return first or mission.planned_at
    named = {"approved": mission.approved_at, "back": mission.back_at}
    return named.get(after) or mission.planned_at


def _look_at(pk: int, now: datetime) -> bool:
    paper = Paper.objects.select_related("organisation").get(pk=pk)
    mission = lock_mission(paper.mission_id)
    paper.mission = mission
    if paper.done_at or paper.escalated_at or paper.due_at is None:
        return False
    if paper.kind in FAMILY and _has_consent(mission):
        _done(mission, paper, None, now)
        return True
    if not _is_time(paper, now):
        return False
    over = now >= paper.due_at
    paper.reminded_at = paper.reminded_at or now
    paper.escalated_at = now if over else None
    paper.save(update_fields=["reminded_at", "escalated_at"])
    _say(mission, paper, now, over=over)
    return True


def _has_consent(mission: Mission) -> bool:
    given = Consent.objects.filter(
        case_key=mission.case.key, kind=Consent.Kind.OPERATION, answer=Consent.Answer.GIVEN
    )
    return given.exists()


def _say(mission: Mission, paper: Paper, now: datetime, *, over: bool) -> None:
    desks = Desks(now)
    desk = desks.duty(paper.organisation)
    people = [*desk, *(desks.director(paper.organisation) if over else [])]
    event = note(
        mission,
        "mission_paper_overdue" if over else "mission_paper_reminded",
        None,
        now,
        source=Event.Source.RUNNER,
        paper=paper.kind,
        place=paper.organisation.name,
        people="、".join(person.name for person in people),
    )
    text = _("A paper is overdue: open the mission.") if over else _("A paper is owed soon.")
    tell(mission, event, people, text, now=now, manner="push" if over else "silent")
