"""Reads of the patient's record, each named for what a screen shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404

from jieli.chart.models import Consent, Document, Identifier, Observation, Patient, Procedure
from jieli.keys import seals
from jieli.keys.phase import sealing
from jieli.rules import numbers, vitals
from jieli.rules.vitals import Spark

# Numbers that name one person wherever they are; the others only within one hospital.
EVERYWHERE = (Identifier.Kind.NATIONAL, Identifier.Kind.INSURANCE)
SURE = (*EVERYWHERE, Identifier.Kind.HOSPITAL)
TREND_ROWS = 600
TREND_POINTS = 40


# ── the patient ──────────────────────────────────────────────────────────────


def find_patient(identifiers: Iterable[tuple[str, str]], organisation_id: int) -> Patient | None:
    """The one patient whom these numbers name for sure; a mother's number names twins, too."""
    sure = [(kind, value) for kind, value in identifiers if kind in SURE]
    return _matching(sure, organisation_id).first()


def patients_like(
    identifiers: Iterable[tuple[str, str]], organisation_id: int
) -> QuerySet[Patient]:
    """Whoever shares any of these numbers: to warn of an open case before the form is filled."""
    return _matching(list(identifiers), organisation_id)


def _matching(identifiers: Sequence[tuple[str, str]], organisation_id: int) -> QuerySet[Patient]:
    same = Q(pk__in=[])
    for kind, value in identifiers:
        number = Q(identifiers__kind=kind) & _is(kind, value)
        same |= number if kind in EVERYWHERE else number & Q(organisation_id=organisation_id)
    return Patient.objects.filter(same).order_by("pk").distinct()


def _is(kind: str, value: str) -> Q:
    """By the blind index; before numbers are sealed also as an older version wrote them."""
    found = Q(identifiers__mark__in=seals.marks(kind, value))
    if sealing():
        return found
    written = [numbers.plain(value), numbers.normal(kind, value)]
    return found | Q(identifiers__mark=None, identifiers__value__in_plain=written)


# ── measured values ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Measured:
    """One tile: the last value, whether it is out of range for the age, and the line so far."""

    code: str
    label: str  # msgid
    value: str
    unit: str
    note: str  # shown after the unit: the oxygen under which a saturation was measured
    grade: str  # low, normal, high or ""
    arrow: str
    spark: Spark | None
    at: datetime

    @property
    def off(self) -> bool:
        return self.grade in ("low", "high")

    @property
    def word(self) -> str:
        """The msgid of the grade."""
        return {"low": "Low", "high": "High", "normal": "Normal"}.get(self.grade, "")


@dataclass(frozen=True, slots=True)
class Trend:
    tiles: list[Measured]
    words: list[str]  # msgids: effort, stability
    since: datetime | None
    until: datetime | None
    band: str


def trend(case_key: UUID) -> Trend:
    """The latest values of a case with their course, in one query."""
    latest = list(
        Observation.objects.filter(case_key=case_key, wrong_at=None)
        .select_related("patient")
        .order_by("-occurred_at", "-pk")[:TREND_ROWS]
    )
    latest.reverse()
    if not latest:
        return Trend([], [], None, None, "")
    patient, until = latest[-1].patient, latest[-1].occurred_at
    band = vitals.age_band(patient.born_at, patient.age_text, until)
    series = _series(latest)
    tiles = [
        _tile(code, series, band)
        for code in vitals.VITALS
        if code in series and code not in ("o2", "dbp")
    ]
    if "sbp" not in series and "dbp" in series:
        tiles.append(_tile("dbp", series, band))
    return Trend(tiles, _words(latest), latest[0].occurred_at, until, band)


def _series(rows: Iterable[Observation]) -> dict[str, list[tuple[datetime, Decimal]]]:
    series: dict[str, list[tuple[datetime, Decimal]]] = {}
    for row in rows:
        if row.value is not None and row.code in vitals.VITALS:
            series.setdefault(row.code, []).append((row.occurred_at, row.value))
    return {code: points[-TREND_POINTS:] for code, points in series.items()}


def _words(rows: Iterable[Observation]) -> list[str]:
    last = {row.code: row.text for row in rows if row.text}
    return [
        row.words[last[code]]
        for code, row in vitals.VITALS.items()
        if row.words and last.get(code) in row.words
    ]


def _tile(code: str, series: dict[str, list[tuple[datetime, Decimal]]], band: str) -> Measured:
    row, points = vitals.VITALS[code], series[code]
    at, value = points[-1]
    shown, note = vitals.shown(code, value), ""
    if code == "sbp" and (low := _at(series.get("dbp"), at)) is not None:
        shown = f"{shown}/{vitals.shown('dbp', low)}"
    if code == "spo2" and (oxygen := _at(series.get("o2"), at)) is not None:
        note = f"O₂ {oxygen.normalize():f} L"
    return Measured(
        code=code,
        label=row.label,
        value=shown,
        unit=row.unit,
        note=note,
        grade=vitals.grade(code, value, band),
        arrow=_arrow(points),
        spark=vitals.spark(points, vitals.normal_range(code, band)),
        at=at,
    )


def _at(points: Sequence[tuple[datetime, Decimal]] | None, at: datetime) -> Decimal | None:
    return next((value for when, value in reversed(points or []) if when == at), None)


def _arrow(points: Sequence[tuple[datetime, Decimal]]) -> str:
    if len(points) < 2 or points[-1][1] == points[-2][1]:
        return ""
    return "↑" if points[-1][1] > points[-2][1] else "↓"


def observations_of(case_key: UUID) -> QuerySet[Observation]:
    """Every value, newest first, also those that were struck out."""
    return (
        Observation.objects.filter(case_key=case_key)
        .select_related("by", "wrong_by")
        .order_by("-occurred_at", "-pk")
    )


def get_observation(case_key: UUID, pk: int) -> Observation:
    """One value of this case; the caller has checked access to the case."""
    observation = observations_of(case_key).filter(pk=pk).first()
    if observation is None:
        raise Http404
    return observation


# ── documents and consent ────────────────────────────────────────────────────


def documents_of(case_key: UUID) -> QuerySet[Document]:
    """Newest first."""
    return (
        Document.objects.filter(case_key=case_key)
        .select_related("by", "wrong_by")
        .order_by("-occurred_at", "-pk")
    )


def get_document(case_key: UUID, key: UUID) -> Document:
    """One document of this case; the caller has checked access to the case."""
    document = documents_of(case_key).filter(key=key).first()
    if document is None:
        raise Http404
    return document


def awaiting_original(case_key: UUID, sha256: str) -> Document | None:
    """The small picture that is already here, when the same original is announced again."""
    return documents_of(case_key).filter(awaits=sha256).first() if sha256 else None


def procedures_of(case_key: UUID) -> QuerySet[Procedure]:
    """What was operated, in order."""
    rows = Procedure.objects.filter(case_key=case_key).order_by("started_at", "id")
    return rows.select_related(
        "organisation", "operator", "assistant", "guide", "wrong_by"
    ).prefetch_related("techniques")


def consents_of(case_key: UUID) -> QuerySet[Consent]:
    """Newest first."""
    return (
        Consent.objects.filter(case_key=case_key)
        .select_related("by")
        .order_by("-occurred_at", "-pk")
    )
