"""Writes to the patient's record. Those about a case get its chain, locked by the caller."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from jieli.chart.models import Consent, Document, Identifier, Incoming, Observation, Patient
from jieli.chart.queries import find_patient
from jieli.chart.store import incoming as store
from jieli.chart.store.keep import Kept, forget, keep
from jieli.directory.models import Organisation, Practitioner
from jieli.keys import seals
from jieli.record.actions import record, unhurried
from jieli.record.models import Chain, Event
from jieli.rules import uploads, vitals
from jieli.rules.numbers import normal, plain
from jieli.rules.refusal import Refused
from jieli.rules.retention import kept_for

P = ParamSpec("P")
T = TypeVar("T")

IDENTIFIER_LENGTH = 60


# ── the patient ──────────────────────────────────────────────────────────────


def register_patient(
    *,
    name: str,
    organisation: Organisation,
    identifiers: Iterable[tuple[str, str]] = (),
    unknown: bool = False,
    sex: str = Patient.Sex.UNKNOWN,
    born_at: datetime | None = None,
    age_text: str = "",
    language: str = "",
) -> Patient:
    """The patient with these identifiers: found again, or new. Two identifiers, or unknown."""
    numbers = clean_identifiers(identifiers)
    shown = uploads.plain(name, 120)
    _check_identity(shown, numbers, unknown=unknown)
    _one_at_a_time(numbers)
    patient = find_patient(numbers, organisation.pk)
    if patient is None:
        patient = Patient(name=shown, unknown=unknown, organisation=organisation)
    _complete(patient, sex=sex, born_at=born_at, age_text=age_text[:40], language=language[:8])
    known = {(i.kind, normal(i.kind, i.value)) for i in patient.identifiers.all()}
    Identifier.objects.bulk_create(
        Identifier(patient=patient, kind=kind, value=value, mark=seals.mark(kind, value))
        for kind, value in numbers
        if (kind, normal(kind, value)) not in known
    )
    return patient


def clean_identifiers(identifiers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without spaces and dashes, half-width, capitals; once each, empty ones left out."""
    found: dict[tuple[str, str], str] = {}
    for kind, text in identifiers:
        value = plain(text)
        if not value:
            continue
        if kind not in Identifier.Kind.values:
            raise Refused("Say which kind of number this is.")
        if len(value) > IDENTIFIER_LENGTH:
            raise Refused("The number is too long. Check it.")
        found.setdefault((kind, normal(kind, value)), value)
    return [(kind, value) for (kind, _same), value in found.items()]


def _check_identity(name: str, numbers: Sequence[tuple[str, str]], *, unknown: bool) -> None:
    if not name:
        raise Refused("Write the name, or for an unknown patient whose newborn or where found.")
    if not unknown and not numbers:
        raise Refused(
            "Two identifiers are needed: the name and a number. Or mark the patient as unknown."
        )


def _one_at_a_time(numbers: Iterable[tuple[str, str]]) -> None:
    """Two people who register one patient in the same second must find each other's row."""
    found = {key for kind, value in numbers for key in _lock_keys(kind, value)}
    with connection.cursor() as cursor:
        for key in sorted(found):
            cursor.execute("select pg_advisory_xact_lock(%s)", [key])


def _lock_keys(kind: str, value: str) -> list[int]:
    """No number is named to the database, not even in a statement."""
    text = f"{kind}:{normal(kind, value)}".encode()
    marks = seals.marks(kind, value) or [hashlib.sha256(text).digest()]
    return [int.from_bytes(mark[:8], signed=True) for mark in marks]


def _complete(patient: Patient, **facts: object) -> None:
    """Fill what was empty; what is known already is not overwritten from an emergency form."""
    for field, value in facts.items():
        if value and getattr(patient, field) in ("", None, Patient.Sex.UNKNOWN):
            setattr(patient, field, value)
    patient.save()


# ── measured values ──────────────────────────────────────────────────────────


def observe(
    chain: Chain,
    patient: Patient,
    case_key: UUID,
    values: Mapping[str, str],
    *,
    occurred_at: datetime,
    by: Practitioner,
    now: datetime,
    source: str = Event.Source.SCREEN,
) -> tuple[list[Observation], Event]:
    """Record the values that were filled in, all measured at one time."""
    read = read_vitals(values)
    rows = [
        Observation(
            patient=patient,
            case_key=case_key,
            code=code,
            value=value if isinstance(value, Decimal) else None,
            text=value if isinstance(value, str) else "",
            occurred_at=occurred_at,
            recorded_at=now,
            by=by,
        )
        for code, value in read.items()
    ]
    Observation.objects.bulk_create(rows)
    event = record(
        chain,
        "vitals_observed",
        by=by,
        now=now,
        occurred_at=occurred_at,
        data={code: str(value) for code, value in read.items()},
        source=source,
    )
    return rows, event


def read_vitals(values: Mapping[str, str]) -> dict[str, Decimal | str]:
    """Typed values as numbers and codes; also for a form, to say beside the field what is wrong."""
    filled = {code: text for code, text in values.items() if text.strip()}
    if not filled:
        raise Refused("Write at least one value.")
    read = {code: _in_words(vitals.parse)(code, text) for code, text in filled.items()}
    vitals.check_together(read)
    return read


def _in_words(parse: Callable[P, T]) -> Callable[P, T]:
    """The rules name a vital sign by its msgid; people read it in their language."""

    def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return parse(*args, **kwargs)
        except Refused as refused:
            facts = dict(refused.facts)
            facts["label"] = _(str(facts["label"]))
            raise Refused(refused.sentence, **facts) from None

    return translated


# ── documents ────────────────────────────────────────────────────────────────


def keep_file(upload: UploadedFile) -> Kept:
    """Judge and store the bytes. Slow: call it before the case is locked."""
    unhurried()
    return keep(upload)


def add_document(
    chain: Chain,
    patient: Patient,
    case_key: UUID,
    kept: Kept,
    *,
    occurred_at: datetime,
    by: Practitioner,
    now: datetime,
    title: str = "",
    awaits: str = "",
    source: str = Event.Source.SCREEN,
) -> tuple[Document, Event]:
    """Attach a kept file to the case, under the title typed or else the file's name."""
    document = Document.objects.create(
        patient=patient,
        case_key=case_key,
        kind=kept.kind,
        title=uploads.plain(title, uploads.TITLE_LENGTH) or kept.name or _(TITLES[kept.kind]),
        media_type=kept.media_type,
        size=kept.size,
        sha256=kept.sha256,
        has_picture=kept.has_picture,
        width=kept.width,
        height=kept.height,
        awaits=awaits if kept.kind == Document.Kind.PHOTO else "",
        occurred_at=occurred_at,
        recorded_at=now,
        by=by,
    )
    event = record(
        chain,
        "document_added",
        by=by,
        now=now,
        occurred_at=occurred_at,
        data={
            "document": str(document.key),
            "kind": kept.kind,
            "title": document.title,
            "size": kept.size,
            "sha256": kept.sha256,
        },
        source=source,
    )
    return document, event


def remove_files(hashes: Iterable[str]) -> None:
    """Files of a disposed case. One that came again meanwhile under another case stays."""
    for sha256 in hashes:
        named = Q(sha256=sha256) | Q(original_sha256=sha256)
        if not Document.objects.filter(named).exists():
            forget(sha256)


# ── files in pieces ──────────────────────────────────────────────────────────

KEPT = kept_for("incoming")


def announce_file(
    case_key: UUID,
    *,
    name: str,
    size: int,
    sha256: str,
    by: Practitioner,
    now: datetime,
    follows: str = "",
    original_of: Document | None = None,
) -> Incoming:
    """A place for a file that will come in pieces; the same file goes on where it stopped."""
    uploads.check_announced(size)
    mine = Incoming.objects.filter(by=by)
    same = mine.filter(case_key=case_key, sha256=sha256, size=size, original_of=original_of)
    if (begun := same.order_by("-at").first()) is not None:
        return begun
    if mine.filter(at__gt=now - KEPT).count() >= uploads.OPEN_LIMIT:
        raise Refused(
            "%(limit)s files are under way. Let some arrive first.", limit=uploads.OPEN_LIMIT
        )
    return Incoming.objects.create(
        case_key=case_key,
        by=by,
        name=uploads.title_of(name),
        size=size,
        sha256=sha256,
        follows=follows,
        original_of=original_of,
        at=now,
    )


def receive_part(incoming: Incoming, at: int, stream: store.Stream, *, now: datetime) -> int:
    """Write a piece; how far the file has come. A piece from elsewhere changes nothing."""
    limit = min(incoming.size, at + uploads.PART_LIMIT)
    return store.append(incoming.key, at, stream, limit=limit, now=now)


def reached(incoming: Incoming) -> int:
    return store.reached(incoming.key)


def keep_incoming(incoming: Incoming) -> Kept:
    """Check that all is there and unchanged, then judge it as any file. Slow: before any lock."""
    unhurried()
    if store.reached(incoming.key) != incoming.size:
        raise Refused("Parts of the file are missing. Send it again.")
    if store.digest(incoming.key) != incoming.sha256:
        store.forget(incoming.key)
        raise Refused("The file arrived damaged. Send it again.")
    try:
        with store.opened(incoming.key, incoming.name) as file:
            return keep(file)
    except Refused:
        store.forget(incoming.key)
        raise


def forget_incoming(incoming: Incoming) -> None:
    """It has become a document."""
    incoming.delete()
    transaction.on_commit(partial(store.forget, incoming.key), robust=True)


def sweep_incoming(*, now: datetime) -> int:
    """What nobody has continued for a day."""
    store.sweep(now - KEPT)
    old = Incoming.objects.filter(at__lte=now - KEPT)
    gone = [one.pk for one in old if not store.path_of(one.key).exists()]
    return Incoming.objects.filter(pk__in=gone).delete()[0]


def add_original(
    chain: Chain,
    document: Document,
    kept: Kept,
    *,
    by: Practitioner,
    now: datetime,
    source: str = Event.Source.SCREEN,
) -> Event:
    """The picture as the camera took it, behind the small one that came first."""
    if kept.kind != Document.Kind.PHOTO:
        raise Refused("The original of a photo must be a photo.")
    document.awaits = ""
    document.original_sha256, document.original_size = kept.sha256, kept.size
    document.original_width, document.original_height = kept.width, kept.height
    document.original_at = now
    document.save()
    return record(
        chain,
        "original_added",
        by=by,
        now=now,
        occurred_at=document.occurred_at,
        data={
            "document": str(document.key),
            "title": document.title,
            "size": kept.size,
            "sha256": kept.sha256,
        },
        source=source,
    )


TITLES = {
    Document.Kind.PHOTO.value: "Photo",
    Document.Kind.PDF.value: "PDF",
    Document.Kind.DICOM.value: "DICOM image",
}


# ── consent ──────────────────────────────────────────────────────────────────


def record_consent(
    chain: Chain,
    patient: Patient,
    case_key: UUID,
    *,
    kind: str,
    given_by: str,
    occurred_at: datetime,
    by: Practitioner,
    now: datetime,
    answer: str = Consent.Answer.GIVEN,
    remotely: bool = False,
    interpreter: str = "",
    language: str = "",
    source: str = Event.Source.SCREEN,
) -> tuple[Consent, Event]:
    """What the patient or family answered, who answered, and through which interpreter."""
    who = uploads.plain(given_by, 80)
    if not who:
        raise Refused("Write who answered: patient, father, mother or guardian.")
    if kind not in Consent.Kind.values or answer not in Consent.Answer.values:
        raise Refused("Say what was asked and what was answered.")
    consent = Consent.objects.create(
        patient=patient,
        case_key=case_key,
        kind=kind,
        answer=answer,
        given_by=who,
        remotely=remotely,
        interpreter=uploads.plain(interpreter, 80),
        language=language[:8],
        occurred_at=occurred_at,
        recorded_at=now,
        by=by,
    )
    event = record(
        chain,
        f"consent_{consent.answer}",
        by=by,
        now=now,
        occurred_at=occurred_at,
        data={
            "kind": consent.kind,
            "given_by": consent.given_by,
            "remotely": consent.remotely,
            "interpreter": consent.interpreter,
            "language": consent.language,
        },
        source=source,
    )
    return consent, event
