"""Facts of the patient's chart, written under the case's lock and told to its screens."""

from collections.abc import Mapping
from datetime import datetime

from jieli.cases.actions.spine import lock_case, need_late_reason, publish, stop_clocks, when
from jieli.cases.models import Case, Clock
from jieli.chart import actions as chart
from jieli.chart.models import Consent, Document, Incoming, Observation
from jieli.chart.store.keep import Kept
from jieli.directory.models import Practitioner
from jieli.record.actions import action

CONSENT_CLOCKS = {
    Consent.Kind.REMOTE_CONSULT: Clock.Name.CONSENT_CONSULT,
    Consent.Kind.OPERATION: Clock.Name.CONSENT_OPERATION,
}


@action
def observe(
    case: Case,
    values: Mapping[str, str],
    *,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
) -> list[Observation]:
    """Vital signs and results, all measured at one time."""
    case = lock_case(case.pk)
    rows, event = chart.observe(
        case.chain,
        case.patient,
        case.key,
        values,
        occurred_at=when(occurred_at, now),
        by=by,
        now=now,
    )
    publish(case, event)
    return rows


@action
def add_document(
    case: Case,
    kept: Kept,
    *,
    title: str,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    awaits: str = "",
) -> Document:
    """Attach a file that the store has judged and kept."""
    case = lock_case(case.pk)
    document, event = chart.add_document(
        case.chain,
        case.patient,
        case.key,
        kept,
        title=title,
        awaits=awaits,
        occurred_at=when(occurred_at, now),
        by=by,
        now=now,
    )
    publish(case, event)
    return document


@action
def finish_upload(
    case: Case, incoming: Incoming, kept: Kept, *, title: str, by: Practitioner, now: datetime
) -> Document:
    """The pieces have become one file, judged and kept: a document, or the original of one."""
    case = lock_case(case.pk)
    if (document := incoming.original_of) is not None:
        event = chart.add_original(case.chain, document, kept, by=by, now=now)
        publish(case, event)
    else:
        document = add_document(case, kept, title=title, awaits=incoming.follows, by=by, now=now)
    chart.forget_incoming(incoming)
    return document


@action
def record_consent(
    case: Case,
    *,
    kind: str,
    answer: str,
    given_by: str,
    remotely: bool,
    interpreter: str,
    language: str,
    by: Practitioner,
    now: datetime,
    occurred_at: datetime | None = None,
    late_reason: str = "",
) -> Consent:
    """What the family answered stops the consent leg, whichever answer it was."""
    case = lock_case(case.pk)
    at = when(occurred_at, now)
    need_late_reason(at, now, late_reason)
    consent, event = chart.record_consent(
        case.chain,
        case.patient,
        case.key,
        kind=kind,
        answer=answer,
        given_by=given_by,
        remotely=remotely,
        interpreter=interpreter,
        language=language,
        occurred_at=at,
        by=by,
        now=now,
    )
    publish(case, event)
    stop_clocks(case, CONSENT_CLOCKS[Consent.Kind(kind)], at, by=by, now=now)
    return consent
