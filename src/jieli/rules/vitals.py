"""Vital signs as a table: unit, decimals, what can be a typing error, what is normal at which age.

Ranges only colour a number on the screen. They are drafts: nothing here starts a clock, rings
anybody or blocks an entry except a value that no living person has.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from jieli.rules.refusal import Refused

STATUS = "draft"
PEWS = "Bedside PEWS, zero column (content.md §3) [R]"
NEWS2 = "NEWS2, zero band (content.md §3) [R]"
GENERAL = "general knowledge, to be checked locally [M]"

BANDS = ("newborn", "infant", "child", "school", "adult")
Range = tuple[Decimal, Decimal]


def _ranges(text: str) -> dict[str, Range]:
    """ "newborn 111-149, adult 60-100" as a mapping; "all" names every band."""
    found: dict[str, Range] = {}
    for part in filter(None, text.split(",")):
        band, span = part.split()
        low, high = span.split("-")
        for name in BANDS if band == "all" else (band,):
            found[name] = (Decimal(low), Decimal(high))
    return found


@dataclass(frozen=True, slots=True)
class Vital:
    """One row of the table. Labels and units are msgids."""

    code: str
    label: str
    unit: str
    places: int = 0
    low: Decimal = Decimal(0)  # outside low..high it is a typing error
    high: Decimal = Decimal(0)
    normal: Mapping[str, Range] = field(default_factory=dict)
    source: str = GENERAL
    words: Mapping[str, str] = field(default_factory=dict)  # code -> label, when it is a choice


def _vital(
    code: str, label: str, unit: str, span: str, *, places: int = 0, normal: str = "",
    source: str = GENERAL,
) -> Vital:  # fmt: skip
    low, high = span.split("-")
    return Vital(code, label, unit, places, Decimal(low), Decimal(high), _ranges(normal), source)


_ROWS = (
    _vital("hr", "Heart rate", "/min", "0-350", source=f"{PEWS}; adult {GENERAL}",
           normal="newborn 111-149,infant 101-149,child 91-119,school 71-109,adult 60-100"),
    _vital("rr", "Resp. rate", "/min", "0-150", source=f"{PEWS}; adult {NEWS2}",
           normal="newborn 30-60,infant 25-50,child 20-40,school 20-30,adult 12-20"),
    _vital("spo2", "SpO₂", "%", "10-100", source=f"{PEWS}; adult {NEWS2}",
           normal="newborn 95-100,infant 95-100,child 95-100,school 95-100,adult 96-100"),
    _vital("sbp", "Systolic BP", "mmHg", "20-300", source=f"{PEWS}; adult {GENERAL}",
           normal="newborn 61-79,infant 81-99,child 91-109,school 91-119,adult 90-139"),
    _vital("dbp", "Diastolic BP", "mmHg", "5-200",
           normal="newborn 30-50,infant 40-65,child 45-70,school 50-80,adult 60-89"),
    _vital("temp", "Temperature", "℃", "20-45", places=1,
           source=f"newborn: danger signs (content.md §3) [M/P]; adult {NEWS2}; else {GENERAL}",
           normal="newborn 36.0-37.9,infant 36.0-37.9,child 36.0-37.9,school 36.0-37.9,"
                  "adult 36.1-38.0"),
    _vital("o2", "Oxygen", "L/min", "0-80", places=1),
    _vital("crt", "Cap. refill", "s", "0-20", places=1, source=PEWS, normal="all 0-2.9"),
    _vital("lactate", "Lactate", "mmol/L", "0-40", places=1, normal="all 0-2.0"),
    _vital("glucose", "Glucose", "mmol/L", "0-80", places=1,
           source=f"newborn low: danger signs (content.md §3) [M/P]; else {GENERAL}",
           normal="newborn 2.6-7.0,infant 3.9-7.8,child 3.9-7.8,school 3.9-7.8,adult 3.9-7.8"),
    _vital("ph", "pH", "", "6.2-8.0", places=2, normal="all 7.35-7.45"),
    _vital("weight", "Weight", "g", "250-300000"),
    _vital("gcs", "GCS", "", "3-15", normal="all 15-15"),
    Vital("effort", "Breathing effort", "", source=PEWS, words={
        "none": "Normal breathing effort", "mild": "Mild breathing effort",
        "moderate": "Moderate breathing effort", "severe": "Severe breathing effort"}),
    Vital("stability", "Stability", "", source="graded by the bedside doctor [P]", words={
        "S0": "Stability S0", "S1": "Stability S1", "S2": "Stability S2", "S3": "Stability S3"}),
)  # fmt: skip

VITALS: Mapping[str, Vital] = {row.code: row for row in _ROWS}


# ── danger signs of the newborn ──────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DangerSign:
    """One line of the interim list for newborn wards: any one of them suggests U1."""

    code: str
    label: str  # msgid
    source: str = "content.md §3, interim list [M/P]"


DANGER_SIGNS_SUGGEST = "U1"
DANGER_SIGNS = (
    DangerSign("rr", "Respiratory rate above 60 or below 30"),
    DangerSign("effort", "Grunting or indrawing"),
    DangerSign("cyanosis", "Central cyanosis, or SpO₂ below 90 after the first 10 minutes"),
    DangerSign("hr", "Heart rate below 100 or above 180"),
    DangerSign("temp", "Temperature below 36.0 or above 37.9"),
    DangerSign("crt", "Capillary refill 3 s or more"),
    DangerSign("lethargy", "Lethargy or seizure"),
    DangerSign("bilious", "Bilious vomit"),
    DangerSign("distension", "Abdominal distension"),
    DangerSign("meconium", "No meconium in 24 hours"),
    DangerSign("glucose", "Glucose below 2.6 mmol/L"),
    DangerSign("concern", "A parent or nurse is worried"),
)


# ── age ──────────────────────────────────────────────────────────────────────

_LIMITS = (
    (timedelta(days=28), "newborn"),
    (timedelta(days=365), "infant"),
    (timedelta(days=5 * 365), "child"),
    (timedelta(days=13 * 365), "school"),
)
_UNITS = {
    timedelta(minutes=1): "分钟 minute min",
    timedelta(hours=1): "小时 时 hour hr h",
    timedelta(days=1): "天 日 day d",
    timedelta(weeks=1): "周 week wk w",
    timedelta(days=30): "个月 月 month mo",
    timedelta(days=365): "岁 周岁 年 year yr y",
}
_LENGTHS = {name: length for length, names in _UNITS.items() for name in names.split()}
_AGE = re.compile(
    rf"(\d{{1,3}})(?:\.\d+)?\s*({'|'.join(sorted(_LENGTHS, key=len, reverse=True))})(?![a-rt-z])"
)


def age_band(born_at: datetime | None, age_text: str, at: datetime) -> str:
    """The band of `BANDS`, from the birth or else from the age as typed; "" when unknown."""
    age = at - born_at if born_at else _typed_age(age_text)
    if age is None or age < timedelta(0):
        return ""
    return next((band for limit, band in _LIMITS if age < limit), "adult")


def _typed_age(text: str) -> timedelta | None:
    words = unicodedata.normalize("NFKC", text).lower()
    if found := _AGE.search(words):
        return int(found[1]) * _LENGTHS[found[2]]
    return timedelta(0) if "新生儿" in words or "newborn" in words else None


# ── typing ───────────────────────────────────────────────────────────────────


def parse(code: str, text: str) -> Decimal | str:
    """A typed value as a number (or the code of a choice); a typing error is refused, with a hint.

    The fact `label` of a refusal is a msgid.
    """
    vital = VITALS.get(code)
    if vital is None:
        raise Refused("Unknown vital sign: %(label)s.", label=code[:24])
    words = unicodedata.normalize("NFKC", text).strip()
    if vital.words:
        if words not in vital.words:
            raise Refused("%(label)s: choose one of the given words.", label=vital.label)
        return words
    value = _number(vital, words)
    if vital.low <= value <= vital.high:
        return value.quantize(_step(vital))
    facts = {"label": vital.label, "value": words, "low": str(vital.low), "high": str(vital.high)}
    if guess := hint(code, value):
        raise Refused("%(label)s %(value)s cannot be right. %(guess)s?", guess=guess, **facts)
    raise Refused("%(label)s %(value)s cannot be right: write %(low)s to %(high)s.", **facts)


def _number(vital: Vital, words: str) -> Decimal:
    plain = words.replace(",", ".").replace("。", ".").removesuffix("%").strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,7}(\.[0-9]{1,6})?", plain):
        raise Refused(
            "%(label)s: “%(value)s” is not a number.", label=vital.label, value=words[:20]
        )
    return Decimal(plain)


def _step(vital: Vital) -> Decimal:
    return Decimal(1).scaleb(-vital.places)


def hint(code: str, value: Decimal) -> str:
    """What was probably meant: a forgotten point (366 for 36.6) or kilograms for grams."""
    vital = VITALS[code]
    usual = list(vital.normal.values()) or [(vital.low, vital.high)]
    low, high = min(r[0] for r in usual), max(r[1] for r in usual)
    slack = max((high - low) / 2, high / 10)
    for power in (3,) if code == "weight" else (-1, -2):
        guess = value.scaleb(power).quantize(_step(vital))
        near = low - slack <= guess <= high + slack
        if near and vital.low <= guess <= vital.high and guess.scaleb(-power) == value:
            return str(guess)
    return ""


def check_together(values: Mapping[str, Decimal | str]) -> None:
    """What two values cannot be at once."""
    sbp, dbp = values.get("sbp"), values.get("dbp")
    if isinstance(sbp, Decimal) and isinstance(dbp, Decimal) and dbp >= sbp:
        raise Refused(
            "Diastolic %(dbp)s is not below systolic %(sbp)s. Were they swapped?",
            dbp=str(dbp),
            sbp=str(sbp),
        )


# ── reading ──────────────────────────────────────────────────────────────────


def normal_range(code: str, band: str) -> Range | None:
    vital = VITALS.get(code)
    return vital.normal.get(band) if vital else None


def grade(code: str, value: Decimal, band: str) -> str:
    """ "low", "normal" or "high" for the age; "" where no range is known."""
    if (span := normal_range(code, band)) is None:
        return ""
    return "low" if value < span[0] else "high" if value > span[1] else "normal"


def shown(code: str, value: Decimal) -> str:
    return str(value.quantize(_step(VITALS[code])))


# ── the small line under a value ─────────────────────────────────────────────

WIDTH, HEIGHT, EDGE = 100.0, 34.0, 3.0


@dataclass(frozen=True, slots=True)
class Spark:
    """Coordinates in a box of 100 by 34; the band is the normal range."""

    line: str
    end: str
    band_y: str = ""
    band_height: str = ""


def spark(points: Sequence[tuple[datetime, Decimal]], normal: Range | None) -> Spark | None:
    """The line of the values in time, oldest left, or None when there is nothing to draw."""
    if not points:
        return None
    values = [float(value) for _, value in points]
    low, high = min(values), max(values)
    if normal:
        low, high = min(low, float(normal[0])), max(high, float(normal[1]))
    reach = (high - low) or 1.0

    def y(value: float) -> float:
        return HEIGHT - EDGE - (value - low) / reach * (HEIGHT - 2 * EDGE)

    spots = [(x, y(value)) for x, value in zip(_across(points), values, strict=True)]
    line = "L".join(f"{x:.1f} {spot:.1f}" for x, spot in spots)
    end = f"M{spots[-1][0]:.1f} {spots[-1][1]:.1f}h0"
    if not normal:
        return Spark(f"M{line}", end)
    top, bottom = y(float(normal[1])), y(float(normal[0]))
    return Spark(f"M{line}", end, f"{top:.1f}", f"{max(bottom - top, 1.0):.1f}")


def _across(points: Sequence[tuple[datetime, Decimal]]) -> list[float]:
    first, last = points[0][0], points[-1][0]
    length = (last - first).total_seconds()
    if not length:
        return [WIDTH] * len(points)
    return [(at - first).total_seconds() / length * WIDTH for at, _ in points]
