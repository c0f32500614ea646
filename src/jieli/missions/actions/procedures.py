"""手术记录: plain record of what was done by whom; its start stops the clock of definitive care."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import lock_case, log, need_late_reason, stop_clocks, when
from jieli.cases.models import Case, Clock
from jieli.chart.models import Procedure
from jieli.directory.access import TREATING_KINDS, organisations_of, today
from jieli.directory.actions.presence import note_busy, note_free
from jieli.directory.models import Organisation, Practitioner, Presence, Technique
from jieli.missions.actions.privileges import lacking
from jieli.missions.actions.transfer import end_open_transfers
from jieli.missions.actions.under_way import away_with_team
from jieli.notify import actions as notify
from jieli.record.actions import action, lock_free
from jieli.record.models import Event
from jieli.rules import operations
from jieli.rules.refusal import Refused

ASKED_AFTER = timedelta(hours=4)  # most operations are over by then; one that is not says so
LONGEST = timedelta(hours=6)  # an end that nobody records must not hide a person for ever
BATCH = 200

LiveLink = Callable[[Procedure, datetime], bool]
_live_links: list[LiveLink] = []


def use_live_link(look: LiveLink) -> None:
    """The front door names who knows of an operation whether it was guided over a live link."""
    if look not in _live_links:
        _live_links.append(look)


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done, by whom, where."""

    name: str
    operator: Practitioner
    organisation: Organisation
    techniques: Sequence[Technique] = ()
    assistant: Practitioner | None = None
    exception_reason: str = ""  # no privilege, and why it is done all the same
    guide: Practitioner | None = None  # stands beside and advises


@action
def start_procedure(
    case: Case,
    operation: Operation,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
) -> Procedure:
    """The incision. Whoever operates holds a privilege here, or the exception is put on record."""
    case = lock_case(case.pk)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    missing = _check(case, operation, at)
    procedure = Procedure.objects.create(
        patient=case.patient,
        case_key=case.key,
        organisation=operation.organisation,
        name=operation.name.strip()[:120],
        operator=operation.operator,
        assistant=operation.assistant,
        guide=operation.guide,
        mode=_mode(operation, at),  # seen again at the end: nobody was guided for a minute yet
        level=operations.level_of(technique.level for technique in operation.techniques),
        started_at=at,
        recorded_at=now,
        by=by,
    )
    procedure.techniques.set(operation.techniques)
    log(
        case, "procedure_started", by=by, now=now, occurred_at=at,
        procedure=str(procedure.key), name=procedure.name, person=operation.operator.name,
        place=operation.organisation.name, mode=procedure.mode, level=procedure.level or 0,
        guide=operation.guide.name if operation.guide else "",
    )  # fmt: skip
    if missing:
        log(
            case, "procedure_excepted", by=by, now=now, occurred_at=at,
            procedure=str(procedure.key), person=operation.operator.name,
            technique="、".join(t.name for t in missing), text=operation.exception_reason[:200],
        )  # fmt: skip
    note_busy(_hands(procedure), Presence.State.OPERATING, at + LONGEST)
    stop_clocks(case, Clock.Name.DEFINITIVE_CARE, at, by=by, now=now)
    if operation.organisation.pk == case.organisation_id:
        end_open_transfers(case, "operated", by=by, now=now)
    return procedure


def _mode(operation: Operation | Procedure, at: datetime, *, live: bool = False) -> str:
    """Who belongs to the hospital on that day is of it; everybody else is a visitor."""
    site, day = operation.organisation.pk, today(at)

    def local(person: Practitioner) -> bool:
        return site in organisations_of(person, day, TREATING_KINDS)

    beside = [person for person in (operation.assistant, operation.guide) if person]
    return operations.mode_of(
        operator_local=local(operation.operator),
        visitor_beside=any(not local(person) for person in beside),
        live_link=live,
    )


@action
def renew_modes(case: Case, by: Practitioner | None, now: datetime) -> int:
    """What the record says by now of how each operation was done; how many changed."""
    case = lock_case(case.pk)
    rows = Procedure.objects.filter(case_key=case.key, wrong_at=None).exclude(mode="")
    rows = rows.select_related("operator", "assistant", "guide", "organisation")
    return sum(_renew_mode(case, row, by, now) for row in rows.order_by("started_at", "id"))


def _renew_mode(case: Case, row: Procedure, by: Practitioner | None, now: datetime) -> bool:
    live = any(look(row, now) for look in _live_links)
    was, row.mode = row.mode, _mode(row, row.started_at, live=live)
    if row.mode == was:
        return False
    row.save(update_fields=["mode"])
    log(
        case, "procedure_mode_set", by=by, now=now,
        procedure=str(row.key), name=row.name, was=was, mode=row.mode,
    )  # fmt: skip
    return True


def _hands(procedure: Procedure) -> list[int]:
    return [pk for pk in (procedure.operator_id, procedure.assistant_id) if pk]


def _check(case: Case, operation: Operation, at: datetime) -> list[Technique]:
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed.")
    if not operation.name.strip():
        raise Refused("Write what is done.")
    if operation.assistant and operation.assistant.pk == operation.operator.pk:
        raise Refused("The assistant is another person than the operator.")
    if operation.guide and operation.guide.pk in (
        operation.operator.pk,
        operation.assistant and operation.assistant.pk,
    ):
        raise Refused("Who guides is another person than those who operate.")
    missing = lacking(
        operation.operator,
        list(operation.techniques),
        site=operation.organisation,
        case_id=case.pk,
        at=at,
    )
    if missing and not operation.exception_reason.strip():
        raise Refused(
            "%(name)s holds no privilege for %(technique)s here: say why it is done all the same.",
            name=operation.operator.name,
            technique="、".join(technique.name for technique in missing),
        )
    return missing


@action
def end_procedure(
    procedure: Procedure,
    case: Case,
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
    findings: str = "",
    blood_loss_ml: int | None = None,
) -> Procedure:
    """The last stitch; once."""
    case = lock_case(case.pk)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    procedure.refresh_from_db()
    if procedure.ended_at:
        raise Refused("The end of this operation has been recorded already.")
    if at < procedure.started_at:
        raise Refused("An operation cannot end before it began.")
    procedure.ended_at, procedure.findings = at, findings
    procedure.blood_loss_ml = blood_loss_ml
    procedure.save(update_fields=["ended_at", "findings", "blood_loss_ml"])
    freed = note_free(_hands(procedure), Presence.State.OPERATING)
    for mission in case.missions.filter(kind="dispatch", left_at__isnull=False):
        away_with_team(mission, freed)  # done here, and not at home yet
    log(
        case, "procedure_ended", by=by, now=now, occurred_at=at,
        procedure=str(procedure.key), name=procedure.name,
    )  # fmt: skip
    renew_modes(case, by, now)
    procedure.refresh_from_db()
    return procedure


@action
def ask_for_ends(now: datetime) -> int:
    """Ask once whether an operation has ended: until then whoever operates is not rung.

    A person who is still at the table says so (presence "operating"); nobody has to.
    """
    due = Procedure.objects.filter(
        ended_at=None, asked_at=None, wrong_at=None, started_at__lte=now - ASKED_AFTER
    )
    keys = due.order_by("started_at").values_list("case_key", flat=True)[:BATCH]
    chain_of = dict(Case.objects.filter(key__in=list(keys)).values_list("key", "chain_id"))
    free = lock_free(chain_of.values())
    # Read again, now that nobody else can write: an end may have been recorded meanwhile.
    mine = [key for key, chain in chain_of.items() if chain in free]
    of_key = {case.key: case for case in Case.objects.filter(key__in=mine)}
    asked = list(due.filter(case_key__in=mine).select_related("operator", "by"))
    for row in asked:
        case = of_key[row.case_key]
        case.chain = free[case.chain_id]
        _ask(row, case, now)
    Procedure.objects.filter(pk__in=[row.pk for row in asked]).update(asked_at=now)
    return len(asked)


def _ask(row: Procedure, case: Case, now: datetime) -> None:
    """Whoever recorded the beginning is asked aloud, the operator without a sound."""
    if case.status != Case.Status.OPEN:
        return
    event = log(
        case, "procedure_end_asked", by=None, now=now, source=Event.Source.RUNNER,
        procedure=str(row.key), name=row.name,
    )  # fmt: skip
    for person, manner in ((row.by, "push"), (row.operator, "silent")):
        if manner == "silent" and row.operator_id == row.by_id:
            continue
        notify.tell(
            event,
            [person],
            manner=manner,
            title=f"{case.urgency} {case.number}",
            text=_("Has the operation ended? Record the end, so that the operator can be rung."),
            path=f"/procedures/{row.key}/end/",
            urgency=case.urgency,
            now=now,
        )
