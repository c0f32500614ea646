"""The expert advises and signs; the treating side marks it read, decides and signs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from jieli.cases.actions.ringing import end_rings, title_of
from jieli.cases.actions.spine import (
    cancel_clocks,
    grant,
    lock_case,
    lock_request,
    log,
    start_clock,
    stop_clocks,
)
from jieli.cases.models import (
    Alternative,
    Candidate,
    Case,
    Clock,
    Decision,
    Opinion,
    Request,
    Template,
    Watch,
)
from jieli.directory.models import Grant, Practitioner
from jieli.notify import actions as notify
from jieli.record import actions as records
from jieli.record.actions import action
from jieli.rules import addenda, relay
from jieli.rules.refusal import Refused

Follower = Callable[[Opinion, datetime], None]
_followers: list[Follower] = []


def use_opinion(follower: Follower) -> None:
    """The front door names what follows a signed opinion in the same action."""
    if follower not in _followers:
        _followers.append(follower)


@dataclass(frozen=True, slots=True)
class Advice:
    """What the expert writes: the guided form."""

    indication: str
    assessment: str
    recommendation: str = ""
    by_when: str = ""
    looked_at: str = ""
    watches: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What the treating hospital decides, and what it did not choose and why."""

    chosen: str
    text: str
    reason: str = ""
    alternatives: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """That what is signed now belongs to an earlier version: adds to it, or replaces it."""

    of: Opinion | Decision
    replaces: bool = False
    why: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        return {"corrects": self.of, "replaces": self.replaces, "why": self.why.strip()}

    @property
    def signed(self) -> dict[str, object]:
        """What is signed of it: which text it belongs to, beyond doubt."""
        return {
            "corrects_version": self.of.version,
            "corrects_sha256": bytes(self.of.signature.content_hash).hex(),
            "replaces": self.replaces,
            "why": self.why.strip(),
        }


def _check_correction(
    correction: Correction | None, versions: Iterable[Opinion | Decision], by: int, *, own: bool
) -> None:
    if correction is not None:
        addenda.check_correction(
            [version_of(one) for one in versions],
            correction.of.version,
            by,
            own=own,
            replaces=correction.replaces,
            why=correction.why,
        )


def version_of(signed: Opinion | Decision) -> addenda.Version:
    """The row as the rules see it."""
    first: Any = signed.corrects
    corrects = first.version if first else None
    return addenda.Version(signed.version, signed.author_id, corrects, signed.replaces)


def _amends(correction: Correction | None) -> dict[str, Any]:
    """What the event says of it."""
    if correction is None:
        return {}
    return {"corrects": correction.of.version, "replaces": correction.replaces}


@action
def sign_opinion(
    request: Request,
    advice: Advice,
    *,
    by: Practitioner,
    secret: str,
    now: datetime,
    correction: Correction | None = None,
) -> Opinion:
    """Sign one version of an opinion. It is never edited; a later version is an addendum."""
    request = lock_request(request.pk)
    _may_advise(request, by)
    before = request.case.opinions.select_related("corrects", "signature")
    _check_correction(correction, before, by.pk, own=True)
    if request.case.status != Case.Status.OPEN and correction is None:
        raise Refused("This case is closed: only an addendum to a signed opinion can be added.")
    status = relay.after(request.status, "sign")
    more = correction.signed if correction else {}
    signature = records.sign(
        {"case": request.case.number, "kind": "opinion", **asdict(advice), **more},
        by=by,
        secret=secret,
        now=now,
    )
    version = request.case.opinions.aggregate(last=Max("version"))["last"] or 0
    opinion = Opinion.objects.create(
        case=request.case,
        request=request,
        version=version + 1,
        author=by,
        indication=advice.indication,
        assessment=advice.assessment,
        recommendation=advice.recommendation,
        by_when=advice.by_when,
        looked_at=advice.looked_at,
        signature=signature,
        signed_at=now,
        **(correction.fields if correction else {}),
    )
    Watch.objects.bulk_create(
        Watch(opinion=opinion, position=i, what=what, limit=limit)
        for i, (what, limit) in enumerate(advice.watches)
    )
    _finish_request(request, status, by, now)
    event = log(
        request.case,
        "opinion_amended" if correction else "opinion_signed",
        by=by,
        now=now,
        version=opinion.version,
        indication=advice.indication,
        hash=bytes(signature.content_hash).hex(),
        provider=signature.provider,
        **_amends(correction),
    )
    grant(request.case, [by.pk], Grant.Why.ADVISED, now)
    _move_clocks_on(request, opinion, by, now)
    notify.tell(
        event,
        [request.case.in_charge],
        manner=relay.manner("push", request.urgency, now, request.case.organisation.zone),
        title=title_of(request),
        text=_("A signed opinion was corrected or added to: read it and mark it understood.")
        if correction
        else _("A signed opinion has come: read it and mark it understood."),
        path=f"/cases/{request.case.key}/",
        urgency=request.urgency,
        now=now,
    )
    for follow in _followers:
        follow(opinion, now)
    return opinion


def _may_advise(request: Request, by: Practitioner) -> None:
    candidate = request.candidates.filter(practitioner=by).first()
    if candidate is None or candidate.barred == "own_case":
        raise Refused("Only an expert who was asked can sign the opinion.")
    if candidate.line == Candidate.Line.OFFICER:
        raise Refused("A duty officer finds the expert; the expert signs the opinion.")
    if by.pk == request.case.in_charge_id:
        raise Refused("Opinion and decision are signed by two people: you lead the treatment here.")


def _finish_request(request: Request, status: str, by: Practitioner, now: datetime) -> None:
    if request.accepted_by is None:
        request.accepted_by, request.accepted_at = by, now
    request.status, request.due_at = status, None
    request.save(update_fields=["status", "accepted_by", "accepted_at", "due_at"])
    end_rings(request, now=now)


def _move_clocks_on(request: Request, opinion: Opinion, by: Practitioner, now: datetime) -> None:
    case = request.case
    for name in (Clock.Name.ACCEPT, Clock.Name.OPINION):
        stop_clocks(case, name, now, by=by, now=now, request=request)
    # A written opinion is no voice contact: that promise lapses, it is not counted as kept.
    cancel_clocks(case, now, names=[Clock.Name.EXPERT_LIVE], request=request)
    start_clock(case, Clock.Name.READ, now, now=now, request=request, about=opinion.key)


@action
def acknowledge(
    opinion: Opinion, *, by: Practitioner, now: datetime, disagreement: str = ""
) -> Opinion:
    """The treating side has read and understood. It does not say that it will do so."""
    case = lock_case(opinion.case_id)
    opinion = Opinion.objects.select_related("request__specialty", "author").get(pk=opinion.pk)
    if opinion.author_id == by.pk:
        raise Refused("The author cannot mark their own opinion as read.")
    if opinion.acknowledged_at:
        return opinion
    opinion.acknowledged_at, opinion.acknowledged_by = now, by
    opinion.disagreement = disagreement
    opinion.save(update_fields=["acknowledged_at", "acknowledged_by", "disagreement"])
    verb = "opinion_disagreed" if disagreement else "opinion_acknowledged"
    event = log(case, verb, by=by, now=now, version=opinion.version, text=disagreement)
    stop_clocks(case, Clock.Name.READ, now, by=by, now=now, about=opinion.key)
    if case.status == Case.Status.OPEN and not _is_decided(opinion):
        start_clock(case, Clock.Name.DECISION, now, now=now, request=opinion.request)
    opinion.request.case = case
    text = _("Read and understood by %(name)s.") % {"name": by.name}
    if disagreement:
        text = _("%(name)s has read your opinion and disagrees.") % {"name": by.name}
    notify.tell(
        event,
        [opinion.author],
        manner="push" if disagreement and case.urgency in ("U0", "U1") else "silent",
        title=title_of(opinion.request),
        text=text,
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return opinion


def _is_decided(opinion: Opinion) -> bool:
    """Whether a decision was signed on this opinion, or on the one that it belongs to."""
    read: Opinion | None = opinion
    while read is not None:
        if read.decisions.exists():
            return True
        read = Opinion.objects.filter(addenda=read).first()
    return False


@action
def sign_decision(
    case: Case,
    choice: Choice,
    *,
    opinion: Opinion | None,
    by: Practitioner,
    secret: str,
    now: datetime,
    correction: Correction | None = None,
) -> Decision:
    """The treating hospital decides: another person than the one who advised."""
    case = lock_case(case.pk)
    before = case.decisions.select_related("corrects", "signature")
    _check_correction(correction, before, by.pk, own=False)
    if case.status != Case.Status.OPEN and correction is None:
        raise Refused("This case is closed: a decision can no longer be signed.")
    if opinion is not None:
        opinion.refresh_from_db()
        if not opinion.acknowledged_at:
            raise Refused("Mark the opinion as read and understood before you decide.")
    if case.opinions.filter(author=by).exists():
        raise Refused("Opinion and decision are signed by two people: you wrote the opinion.")
    if choice.chosen in {option for option, _why in choice.alternatives}:
        raise Refused("The chosen option cannot also be one that was not chosen.")
    more = correction.signed if correction else {}
    content = {"case": case.number, "kind": "decision", **asdict(choice), **more}
    signature = records.sign(content, by=by, secret=secret, now=now)
    version = case.decisions.aggregate(last=Max("version"))["last"] or 0
    decision = Decision.objects.create(
        case=case,
        opinion=opinion,
        version=version + 1,
        author=by,
        chosen=choice.chosen,
        text=choice.text,
        reason=choice.reason,
        signature=signature,
        signed_at=now,
        **(correction.fields if correction else {}),
    )
    Alternative.objects.bulk_create(
        Alternative(decision=decision, option=option, why_not=why)
        for option, why in choice.alternatives
    )
    event = log(
        case,
        "decision_amended" if correction else "decision_signed",
        by=by,
        now=now,
        version=decision.version,
        chosen=choice.chosen,
        hash=bytes(signature.content_hash).hex(),
        provider=signature.provider,
        **_amends(correction),
    )
    stop_clocks(case, Clock.Name.DECISION, now, by=by, now=now)
    if choice.chosen != Template.OBSERVE and case.status == Case.Status.OPEN:
        start_clock(case, Clock.Name.CONSENT_OPERATION, now, now=now)
    experts = Practitioner.objects.filter(opinions__case=case).distinct()
    notify.tell(
        event,
        experts,
        manner="silent",
        title=f"{case.urgency} {case.organisation.name}",
        text=_("The treating hospital has corrected or added to its decision.")
        if correction
        else _("The treating hospital has decided."),
        path=f"/cases/{case.key}/",
        urgency=case.urgency,
        now=now,
    )
    return decision
