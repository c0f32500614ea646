"""术前预检: answers, the MDT document of a level 4 operation, a life-saving exception."""

from datetime import datetime

from django.utils.translation import gettext as _

from jieli.cases.actions.spine import when
from jieli.cases.queries.people import Desks
from jieli.chart.models import Document
from jieli.directory.access import TREATING_KINDS, active_roles, today
from jieli.directory.models import Practitioner
from jieli.guidance.actions.sessions import lock_session, need_open, note
from jieli.guidance.models import GuidanceSession, LifeException, MdtPaper, PreCheck
from jieli.notify import actions as notify
from jieli.record.actions import action
from jieli.rules import guidance as rules
from jieli.rules.refusal import Refused

SHORTEST_WHY = 2


@action
def answer(
    session: GuidanceSession,
    item: str,
    value: str,
    *,
    text: str = "",
    person: Practitioner | None = None,
    by: Practitioner,
    now: datetime,
) -> PreCheck:
    """One answer to one item; a later one counts instead, both stay."""
    session = _planned(session)
    text = text.strip()[:200]
    _check(session, item, value, text, person, now)
    row = PreCheck.objects.create(
        session=session, item=item, answer=value, text=text, person=person, by=by, at=now
    )
    note(
        session, "guidance_checked", by, now,
        check=item, answer=value, text=text, person=person.name if person else "",
    )  # fmt: skip
    return row


def _planned(session: GuidanceSession) -> GuidanceSession:
    session = lock_session(session.pk)
    need_open(session)
    if session.status in rules.OVER:
        raise Refused("This guidance has ended.")
    return session


def _check(
    session: GuidanceSession,
    item: str,
    value: str,
    text: str,
    person: Practitioner | None,
    now: datetime,
) -> None:
    if item not in rules.ANSWERED:
        raise Refused("This is looked up, not answered.")
    # Consent to teaching use may be given or taken back at any time; the others come before.
    if session.status != rules.PLANNED and item not in ("teaching", "telephone"):
        raise Refused("The pre-check is over: the guidance has started.")
    if value not in (rules.YES, rules.NO):
        raise Refused("Answer yes or no.")
    if value == rules.NO:
        return
    if item == "telephone" and not any(letter.isdecimal() for letter in text):
        raise Refused("Write the telephone number on which both sides can be reached.")
    if item == "responsible" and (person is None or not _treats(session, person, now)):
        raise Refused("Name a person of the treating hospital who is legally responsible.")
    if item == "link" and (person is None or len(text) < SHORTEST_WHY):
        raise Refused("A link that was not measured is declared by a named person, with a reason.")
    if item == "teaching" and len(text) < SHORTEST_WHY:
        raise Refused("Say who gave the consent.")


def _treats(session: GuidanceSession, person: Practitioner, now: datetime) -> bool:
    roles = active_roles(person, today(now))
    return roles.filter(organisation=session.organisation_id, kind__in=TREATING_KINDS).exists()


@action
def choose_mdt(
    session: GuidanceSession,
    document: Document,
    *,
    signed_by: str,
    signed_at: datetime | None = None,
    by: Practitioner,
    now: datetime,
) -> MdtPaper:
    """A document of the case is the signed record of the discussion before the operation."""
    session = _planned(session)
    if session.status != rules.PLANNED:
        raise Refused("The pre-check is over: the guidance has started.")
    document.refresh_from_db()
    if document.case_key != session.case.key or document.wrong_at:
        raise Refused("Choose a document of this case.")
    if len(signed_by.strip()) < SHORTEST_WHY:
        raise Refused("Say who signed the document.")
    row = MdtPaper.objects.create(
        session=session,
        document=document,
        signed_by=signed_by.strip()[:200],
        signed_at=when(signed_at, now),
        by=by,
        at=now,
    )
    note(
        session, "guidance_mdt_chosen", by, now,
        title=document.title, people=row.signed_by, signed=row.signed_at.isoformat(),
    )  # fmt: skip
    return row


@action
def except_for_life(
    session: GuidanceSession,
    *,
    decider: Practitioner,
    reason: str,
    by: Practitioner,
    now: datetime,
) -> LifeException:
    """Without the authority for this level, without the MDT or before a consent: decided by name.

    It never stands in for the guide's privilege, nor for stopping safely without the link.
    """
    session = _planned(session)
    if session.status != rules.PLANNED:
        raise Refused("The pre-check is over: the guidance has started.")
    if LifeException.objects.filter(session=session).exists():
        raise Refused("This exception is on record already.")
    if not _treats(session, decider, now):
        raise Refused("Who decides on an exception belongs to the treating hospital.")
    if len(reason.strip()) < SHORTEST_WHY:
        raise Refused("Say in a few words why.")
    row = LifeException.objects.create(
        session=session, decider=decider, reason=reason.strip()[:200], by=by, at=now
    )
    event = note(session, "guidance_excepted", by, now, person=decider.name, text=row.reason)
    desk = [one for one in Desks(now).duty(session.organisation) if one.pk != by.pk]
    notify.tell(
        event,
        desk,
        manner="silent",
        title=f"{session.case.urgency} {session.case.number}",
        text=_("A life-saving exception is on record and has to be filed."),
        path=f"/guidance/{session.key}/",
        urgency=session.case.urgency,
        now=now,
    )
    return row


@action
def file_exception(session: GuidanceSession, *, by: Practitioner, now: datetime) -> LifeException:
    """It has gone to whoever keeps such exceptions; once."""
    session = lock_session(session.pk)
    row = LifeException.objects.filter(session=session).first()
    if row is None:
        raise Refused("There is no exception to be filed.")
    if row.filed_at:
        raise Refused("This exception has been filed already.")
    row.filed_at, row.filed_by = now, by
    row.save(update_fields=["filed_at", "filed_by"])
    note(session, "guidance_exception_filed", by, now)
    return row
