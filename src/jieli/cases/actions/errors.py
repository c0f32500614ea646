"""Entered in error: nothing is deleted. It is struck out, and the record says who, when and why."""

from datetime import datetime
from typing import Any

from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, Handover
from jieli.chart.models import Document, Erring, Observation
from jieli.directory.models import Practitioner
from jieli.record.actions import action
from jieli.rules import uploads
from jieli.rules.refusal import Refused

SHORTEST_WHY = 2


@action
def mark_observation(
    case: Case, observation: Observation, *, why: str, by: Practitioner, now: datetime
) -> Observation:
    """A wrong value: trends and vital signs no longer use it."""
    case = lock_case(case.pk)
    observation.refresh_from_db()
    _strike(observation, why, by, now)
    shown = observation.text if observation.value is None else f"{observation.value.normalize():f}"
    log(
        case,
        "observation_marked_wrong",
        by=by,
        now=now,
        vital=observation.code,
        value=shown,
        measured_at=observation.occurred_at.isoformat(),
        observation=observation.pk,
        why=observation.wrong_why,
    )
    return observation


@action
def mark_document(
    case: Case,
    document: Document,
    *,
    title: str = "",
    why: str,
    by: Practitioner,
    now: datetime,
) -> Document:
    """A wrong title gets the right one beside it; without one the whole file is struck out."""
    case = lock_case(case.pk)
    document.refresh_from_db()
    right = uploads.plain(title, uploads.TITLE_LENGTH)
    facts: dict[str, Any] = {"document": str(document.key), "sha256": document.full_sha256}
    if right:
        _need(document, why)
        if right == document.title:
            raise Refused("This is the title that it has.")
        was, document.title_was, document.title = document.title, document.title, right
        document.save(update_fields=["title", "title_was"])
        log(
            case, "document_retitled", by=by, now=now, was=was, title=right, why=_said(why), **facts
        )
        return document
    _strike(document, why, by, now)
    log(
        case,
        "document_marked_wrong",
        by=by,
        now=now,
        title=document.title,
        why=document.wrong_why,
        **facts,
    )
    return document


@action
def mark_handover(
    case: Case, handover: Handover, *, why: str, by: Practitioner, now: datetime
) -> Handover:
    """A wrong version of the ISBAR; the one before it counts again."""
    case = lock_case(case.pk)
    handover.refresh_from_db()
    _strike(handover, why, by, now)
    log(
        case,
        "handover_marked_wrong",
        by=by,
        now=now,
        version=handover.version,
        why=handover.wrong_why,
    )
    return handover


def _strike(row: Erring, why: str, by: Practitioner, now: datetime) -> None:
    _need(row, why)
    row.wrong_at, row.wrong_by, row.wrong_why = now, by, _said(why)
    row.save(update_fields=["wrong_at", "wrong_by", "wrong_why"])


def _need(row: Erring, why: str) -> None:
    if row.wrong_at:
        raise Refused("This has been struck out already.")
    if len(_said(why)) < SHORTEST_WHY:
        raise Refused("Say in a few words what is wrong.")


def _said(why: str) -> str:
    return uploads.plain(why, 200)
