"""The decision sheet: made at an event, corrected in place, chosen from and signed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from jieli.cases import actions as cases
from jieli.cases.actions.promise import promise_care, promise_temporise
from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, Decision, Opinion
from jieli.cases.queries.people import Desks
from jieli.directory.models import Practitioner
from jieli.missions.models import Assent, Choice, Correction, Sheet
from jieli.missions.queries import saying
from jieli.missions.queries.content import pathways
from jieli.missions.queries.corrections import corrections_of
from jieli.missions.queries.facts import temporised
from jieli.missions.queries.generator import Draft, generate
from jieli.notify import actions as notify
from jieli.record.actions import action
from jieli.record.models import Event
from jieli.rules import sheets as rules
from jieli.rules.corrections import check_correction
from jieli.rules.pathways import Temporise
from jieli.rules.planner import Plan, instance, plan
from jieli.rules.planner.answers import as_json
from jieli.rules.refusal import Refused

log_ = logging.getLogger(__name__)
CORRECTED = "correction"


@action
def make_sheet(
    case: Case, *, trigger: str, now: datetime, by: Practitioner | None = None
) -> Sheet | None:
    """Compare the options as they stand now, and keep that as a new version.

    None when no pathway of the content fits the case: then people decide without a sheet.
    """
    case = lock_case(case.pk)
    if case.status != Case.Status.OPEN:
        raise Refused("This case is closed: its options are not compared any more.")
    compared = _compare(case, now)
    return _keep(case, *compared, trigger=trigger, by=by, now=now) if compared else None


def _compare(case: Case, now: datetime) -> tuple[Draft, Plan] | None:
    """Reads and rules only."""
    draft = generate(case, now, corrections_of(case))
    return (draft, plan(instance(draft.instance))) if draft else None


def _keep(
    case: Case,
    draft: Draft,
    planned: Plan,
    *,
    trigger: str,
    by: Practitioner | None,
    now: datetime,
) -> Sheet:
    before = case.sheets.first()
    values = {v.id: v.value for v in planned.verdicts}
    best = rules.best(planned.ranked, values, before.best if before else "")
    sheet = Sheet.objects.create(
        case=case,
        version=before.version + 1 if before else 1,
        opinion=draft.opinion,
        t0=draft.t0,
        made_at=now,
        made_by=by,
        trigger=trigger,
        pathway=draft.pathway,
        content=draft.content,
        approved=draft.approved,
        instance=draft.instance,
        answer=as_json(planned),
        words={**draft.words, "pruned": draft.pruned},
        inputs=draft.inputs,
        best=best.option if best else "",
    )
    log(
        case,
        "sheet_made",
        by=by,
        now=now,
        source=Event.Source.SCREEN if by else Event.Source.RUNNER,
        version=sheet.version,
        option=_template(draft, best.option) if best else "NONE",
        options=len(planned.verdicts),
        free=len(planned.ranked),
    )
    if draft.approved:  # a draft is shown, and calls nobody and starts nothing
        target, hard = (int(w) for w in (draft.instance["case"]["windows"] * 2)[:2])
        promise_care(case, draft.t0, target, hard, now=now)
        _start_temporising(case, pathways().pathways[draft.pathway].temporise, now)
        _announce(sheet, before, planned, now)
    return sheet


def _start_temporising(case: Case, given: Temporise | None, now: datetime) -> None:
    """What is done at once has a clock of its own, unless all of it is done already."""
    if given is None or given.within is None:
        return
    if not {one.code for one in given.items} <= temporised(case):
        promise_temporise(case, now, given.within)


def _template(draft: Draft, option: str) -> str:
    return str(draft.words[option]["template"])


def after_opinion(opinion: Opinion, now: datetime) -> None:
    """An indication was confirmed: compare at once. A mistake of ours must not undo the opinion."""
    if opinion.indication != Opinion.Indication.CONFIRMED:
        return
    if opinion.case.status != Case.Status.OPEN:
        return
    try:
        with transaction.atomic():  # what a read breaks is whole again behind it
            compared = _compare(opinion.case, now)
    except Exception:
        log_.exception("no sheet could be made after an opinion")
        return
    if compared:
        _keep(opinion.case, *compared, trigger="opinion_signed", by=None, now=now)


# ── what must be said at once ────────────────────────────────────────────────


def _announce(sheet: Sheet, before: Sheet | None, planned: Plan, now: datetime) -> None:
    """A window that nobody makes any more, and an empty ranking: once each, when it becomes so."""
    lost, was = _lost(planned), _lost_before(before)
    fresh = [w for w in lost.windows if w not in was]
    if not lost.all:
        for window in fresh:
            _say(sheet, "target_out_of_reach", "push", now, minutes=int(window))
    elif fresh or before is None:
        _say(sheet, "nothing_feasible", "ring", now, minutes=int(lost.windows[-1]))


def _lost(planned: Plan) -> rules.Missed:
    free = [dict(v.figures.chances) for v in planned.verdicts if v.place is not None]
    return rules.missed(planned.instance.case.windows, free)


def _lost_before(before: Sheet | None) -> Sequence[float]:
    return _lost(plan(instance(before.instance))).windows if before else ()


def _say(sheet: Sheet, verb: str, manner: str, now: datetime, *, minutes: int) -> None:
    case = sheet.case
    event = log(
        case,
        verb,
        by=None,
        now=now,
        source=Event.Source.RUNNER,
        version=sheet.version,
        minutes=minutes,
    )
    people: list[Practitioner] = [case.in_charge]
    if sheet.opinion is not None:
        people.append(sheet.opinion.author)
    if manner == "ring":
        people += Desks(now).director(case.organisation) or Desks(now).duty(case.organisation)
    notify.tell(
        event,
        people,
        manner=manner,
        title=f"{case.urgency} {case.organisation.name}",
        text=_("No option is feasible: open the sheet and decide.")
        if verb == "nothing_feasible"
        else _("No option makes the target any more: open the sheet."),
        path=f"/cases/{case.key}/sheet/",
        urgency=case.urgency,
        now=now,
    )


@action
def tell_family(sheet: Sheet, *, by: Practitioner, now: datetime) -> None:
    """The family and the ward know that it will take longer than the target."""
    case = lock_case(sheet.case_id)
    log(case, "delay_told", by=by, now=now, version=sheet.version)


# ── corrections ──────────────────────────────────────────────────────────────


@action
def correct(
    case: Case, name: str, value: str, *, reason: str, by: Practitioner, now: datetime
) -> Sheet | None:
    """An input is not as the sheet believes: say how it is, and compare anew."""
    case = lock_case(case.pk)
    latest = case.sheets.first()
    known = {str(one["name"]): one for one in latest.inputs} if latest else {}
    if name not in known or not known[name].get("correctable"):
        raise Refused("This is not one of the sheet's inputs: load the page again.")
    check_correction(name, value)
    was = str(known[name].get("value", ""))
    Correction.objects.create(
        case=case, name=name, value=value, was=was[:200], reason=reason, by=by, at=now
    )
    log(
        case,
        "input_corrected",
        by=by,
        now=now,
        what=saying.label(known[name], latest.pathway if latest else ""),
        value=value,
        reason=reason,
    )
    return make_sheet(case, trigger=CORRECTED, by=by, now=now)


@action
def undo_correction(case: Case, name: str, *, by: Practitioner, now: datetime) -> Sheet | None:
    """Back to what the sheet knew by itself."""
    case = lock_case(case.pk)
    held = Correction.objects.filter(case=case, name=name, undone_at=None)
    if not held.exists():
        raise Refused("This correction has been taken back already.")
    held.update(undone_at=now)
    log(case, "correction_undone", by=by, now=now, what=name)
    return make_sheet(case, trigger=CORRECTED, by=by, now=now)


# ── choose and sign ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the treating doctor takes from the sheet, in his or her words."""

    option: str
    text: str
    reason: str = ""


@action
def choose(
    sheet: Sheet, chosen: Chosen, *, by: Practitioner, secret: str, now: datetime
) -> Decision:
    """Sign a decision for one option of the latest version. The other options' reasons go along."""
    case = lock_case(sheet.case_id)
    latest = case.sheets.first()
    if latest is None or latest.pk != sheet.pk:
        raise Refused("The options were compared anew meanwhile: look at them, then sign.")
    if chosen.option not in sheet.answer["options"]:
        raise Refused("This option is not on the sheet.")
    place = _place(sheet, chosen.option)
    _need_reason(sheet, chosen, place)
    template = str(sheet.words[chosen.option]["template"])
    decision = cases.sign_decision(
        case,
        cases.Choice(template, chosen.text, chosen.reason, _alternatives(sheet, chosen.option)),
        opinion=sheet.opinion,
        by=by,
        secret=secret,
        now=now,
    )
    against = chosen.option != sheet.best
    Choice.objects.create(
        decision=decision,
        sheet=sheet,
        option=chosen.option,
        place=place,
        against=against,
        exception=place is None,
    )
    log(
        case,
        "option_chosen",
        by=by,
        now=now,
        version=sheet.version,
        option=template,
        place=place or "–",
        against=int(against),
    )
    return decision


def _place(sheet: Sheet, option: str) -> int | None:
    ranked: list[str] = sheet.answer["ranked"]
    return ranked.index(option) + 1 if option in ranked else None


def _need_reason(sheet: Sheet, chosen: Chosen, place: int | None) -> None:
    if place is None and not chosen.reason:
        raise Refused(
            "This option is barred. It can be signed as a life-saving exception: write the reason."
        )
    if chosen.option != sheet.best and not chosen.reason:
        raise Refused("This is not the option that ranks first: write why you choose it.")


def _alternatives(sheet: Sheet, chosen: str) -> list[tuple[str, str]]:
    """Of each other way the best option, and why it was not taken."""
    own = sheet.words[chosen]["template"]
    found: dict[str, str] = {}
    answers: Mapping[str, Any] = sheet.answer["options"]
    in_order = [*sheet.answer["ranked"], *(o for o in answers if o not in sheet.answer["ranked"])]
    for option in in_order:
        template = str(sheet.words[option]["template"])
        if template != own and template not in found:
            found[template] = saying.why_not(sheet, option)[:300]
    return list(found.items())


@action
def assent(
    decision: Decision, *, agrees: bool, note: str, by: Practitioner, now: datetime
) -> Assent:
    """The expert agrees, or dissents and says why. The treating doctor's decision stands."""
    case = lock_case(decision.case_id)
    if by.pk == decision.author_id:
        raise Refused("Whoever signed the decision cannot agree with it as well.")
    if not agrees and not note:
        raise Refused("Say why you disagree.")
    held = Assent.objects.filter(decision=decision, by=by).first()
    if held is not None:
        raise Refused("You have said that already.")
    given = Assent.objects.create(decision=decision, by=by, agrees=agrees, note=note, at=now)
    event = log(
        case,
        "assent_given" if agrees else "dissent_given",
        by=by,
        now=now,
        version=decision.version,
        text=note,
    )
    if not agrees:
        notify.tell(
            event,
            [decision.author],
            manner="push",
            title=f"{case.urgency} {case.organisation.name}",
            text=_("%(name)s disagrees with the decision.") % {"name": by.name},
            path=f"/cases/{case.key}/sheet/",
            urgency=case.urgency,
            now=now,
        )
    return given
