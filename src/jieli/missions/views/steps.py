"""The steps of a mission: one address for each noun, one form, one action, one rule of who may."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from jieli.cases.forms import checked
from jieli.cases.views import Signed, see_other
from jieli.directory.models import Practitioner
from jieli.missions import access, actions, forms
from jieli.missions.actions import Crew
from jieli.missions.actions.dispatch import agreement_between
from jieli.missions.models import Mission

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class At:
    """One step: which mission, which of its rows, by whom, when."""

    mission: Mission
    standing: access.Standing
    row: int
    me: Practitioner
    now: datetime

    @property
    def by(self) -> dict[str, Any]:
        return {"by": self.me, "now": self.now}

    def of(self, rows: QuerySet[Any]) -> Any:
        """The row of this mission that the address names."""
        found: Model | None = rows.filter(pk=self.row).first()
        if found is None:
            raise Http404
        return found


@dataclass(frozen=True, slots=True)
class Step:
    may: Callable[[access.Standing], bool]
    form: type[Form]
    act: Callable[[At, Said], object]
    of_row: bool = False


@require_POST
def step(request: Signed, key: UUID, noun: str, row: int = 0) -> HttpResponse:
    mission = access.get_mission_for(request.me, key, request.now)
    standing = access.standing_in(request.me, mission, request.now)
    found = STEPS.get(noun)
    if found is None or found.of_row != bool(row) or not found.may(standing):
        raise Http404
    said = checked(found.form(request.POST))
    found.act(At(mission, standing, row, request.me, request.now), said)
    return see_other(f"/missions/{mission.key}/")


# ── who may ──────────────────────────────────────────────────────────────────


def _moves(standing: access.Standing) -> bool:
    return standing.moves


def _sides(standing: access.Standing) -> bool:
    return standing.host or standing.sending


def _team(standing: access.Standing) -> bool:
    return standing.member or standing.sending


def _any(_standing: access.Standing) -> bool:
    return True


# ── what is done ─────────────────────────────────────────────────────────────


def _approval(at: At, said: Said) -> object:
    """For one's own hospital; whoever belongs to both says for which."""
    sides = {"host": at.standing.host, "home": at.standing.sending}
    side = said["side"] or ("host" if at.standing.host else "home")
    if not sides[side]:
        raise Http404
    return actions.approve(at.mission, side=side, spoken_by=said["spoken_by"], **at.by)


def _departure(at: At, said: Said) -> object:
    when = said["occurred_at"]
    if at.mission.kind == Mission.Kind.DISPATCH:
        return actions.depart(at.mission, occurred_at=when, **at.by)
    why = said["without_consent"]
    return actions.depart_transfer(at.mission, occurred_at=when, without_consent=why, **at.by)


def _leg(at: At, said: Said) -> object:
    leg = at.of(at.mission.legs.all())
    if said["what"] == "delay":
        return actions.report_delay(leg, minutes=said["minutes"], reason=said["reason"], **at.by)
    if said["what"] == "cancel":
        return actions.cancel_departure(leg, reason=said["reason"], **at.by)
    work = actions.begin_leg if said["what"] == "begin" else actions.end_leg
    return work(leg, occurred_at=said["occurred_at"], **at.by)


def _member(at: At, said: Said) -> object:
    return actions.add_member(at.mission, Crew(said["person"], said["part"]), **at.by)


def _replacement(at: At, said: Said) -> object:
    member = at.of(at.mission.members.all())
    return actions.replace_member(member, said["person"], reason=said["reason"], **at.by)


def _privilege(at: At, said: Said) -> object:
    agreement = agreement_between(at.mission.case, at.mission.start, "dispatch", at.now)
    return actions.give_privilege(
        at.mission,
        said["person"],
        said["technique"],
        hours=said["hours"],
        agreement=agreement,
        **at.by,
    )


def _kit(at: At, said: Said) -> object:
    item = at.of(at.mission.kit.all())
    host = at.standing.receiving
    return actions.set_kit(item, said["state"], host=host, text=said["note"], **at.by)


def _cover(at: At, said: Said) -> object:
    cover = at.of(at.mission.covers.all())
    return actions.accept_cover(cover, said["person"] or at.me, **at.by)


def _paper(at: At, said: Said) -> object:
    """Filed by the hospital that owes it, or by whoever is away for it."""
    paper = at.of(at.mission.papers.all())
    away = at.standing.member and paper.organisation_id == at.mission.start_id
    if paper.organisation_id not in at.standing.sites and not away:
        raise Http404
    return actions.file_paper(paper, text=said["note"], **at.by)


def _entry(at: At, said: Said) -> object:
    return actions.write_entry(
        at.mission, said["kind"], said["text"], occurred_at=said["occurred_at"], **at.by
    )


def _acceptance(at: At, said: Said) -> object:
    """The destination itself; of one outside the network, whoever spoke with it."""
    if not (at.standing.receiving if at.mission.end_id else _sides(at.standing)):
        raise Http404
    return actions.accept_transfer(at.mission, **said, **at.by)


def _destination(at: At, said: Said) -> object:
    return actions.redirect(at.mission, **said, **at.by)


def _timed(work: Callable[..., object]) -> Callable[[At, Said], object]:
    return lambda at, said: work(at.mission, occurred_at=said["occurred_at"], **at.by)


def _with_reason(work: Callable[..., object]) -> Callable[[At, Said], object]:
    return lambda at, said: work(at.mission, reason=said["reason"], **at.by)


STEPS: Mapping[str, Step] = {
    "approval": Step(_sides, forms.ApprovalForm, _approval),
    "departure": Step(_moves, forms.DepartureForm, _departure),
    "legs": Step(_moves, forms.LegForm, _leg, of_row=True),
    "arrival": Step(_moves, forms.Timed, _timed(actions.arrive)),
    "handover": Step(
        _moves,
        forms.HandoverForm,
        lambda at, said: actions.hand_over(at.mission, text=said["text"], **at.by),
    ),
    "way-home": Step(_team, forms.Timed, _timed(actions.leave)),
    "home": Step(_team, forms.Timed, _timed(actions.come_back)),
    "closure": Step(_moves, forms.OptionalReasonForm, _with_reason(actions.close)),
    "cancellation": Step(_moves, forms.ReasonForm, _with_reason(actions.cancel)),
    "members": Step(_moves, forms.MemberForm, _member),
    "replacements": Step(_moves, forms.ReplacementForm, _replacement, of_row=True),
    "privileges": Step(lambda s: s.host, forms.PrivilegeForm, _privilege),
    "kit": Step(_moves, forms.KitForm, _kit, of_row=True),
    "covers": Step(lambda s: s.sending, forms.CoverForm, _cover, of_row=True),
    "papers": Step(_moves, forms.NoteForm, _paper, of_row=True),
    "entries": Step(_any, forms.EntryForm, _entry),
    "acceptance": Step(_moves, forms.AcceptanceForm, _acceptance),
    "refusal": Step(lambda s: s.receiving, forms.ReasonForm, _with_reason(actions.refuse_transfer)),
    "destination": Step(_sides, forms.DestinationForm, _destination),
    "grade": Step(
        _moves,
        forms.ScoreForm,
        lambda at, said: actions.score(at.mission, **said, **at.by),
    ),
}
