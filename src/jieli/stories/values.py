"""Reading single values of a story file: each says in a sentence what is wrong with its value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jieli.stories import words
from jieli.stories.lines import Lined
from jieli.stories.script import Story
from jieli.stories.verbs import ALIASES, INDICATIONS, OPTIONS, VERBS

CHANNELS = ("gateway", "in_app", "none")
PRESENCES = ("free", "operating", "talking", "resting", "away", "abroad")
_PATIENT = (
    "name unknown sex age language born id1_kind id1_value id2_kind id2_value national_id "
    "hospital_number insurance mother telephone weight note"
)
PATIENT_FIELDS = frozenset(_PATIENT.split())


def near(word: str, known: Iterable[str]) -> str:
    """A hint for a slip of the pen."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f" Did you mean `{close[0]}`?" if close else ""


def refuse(sentence: str) -> Any:
    raise ValueError(sentence)


def block_of(line: int, **values: Any) -> Lined:
    block = Lined(line)
    block.update(values)
    return block


def word(value: Any) -> str:
    text = str(value).strip()
    return text or refuse("write a name")


def texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]


LEG_FIELDS = ("name", "kind", "minutes", "departs")


def legs(value: Any) -> list[dict[str, Any]]:
    """Rows of a journey: a name, and minutes; `departs` is told in minutes from T+0."""
    rows = [dict(each) for each in value] if isinstance(value, list) else refuse("write a list")
    for row in rows:
        if unknown := set(row) - set(LEG_FIELDS):
            refuse(f"a leg has no {', '.join(sorted(unknown))}")
        if not row.get("name") or not isinstance(row.get("minutes", 0), int):
            refuse("a leg has a name and whole minutes")
        if not isinstance(row.get("departs", 0), int | float):
            refuse("a leg departs at minutes from T+0")
    return rows


def one_of(known: Iterable[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = str(value)
        return text if text in known else refuse(f"write one of {', '.join(known)}")

    return read


def from_to(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value)
        return number if low <= number <= high else refuse(f"write {low} to {high}")

    return read


def pair(value: Any) -> tuple[float, float]:
    if isinstance(value, Lined):
        value = list(value.values())
    latitude, longitude = value
    return float(latitude), float(longitude)


def zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone; write Asia/Shanghai or Asia/Urumqi") from None


def zone_word(value: Any) -> str:
    """Which of the two zones of a form a text names; Beijing unless it says Xinjiang."""
    text = str(value or "").lower()
    return "xinjiang" if any(w in text for w in ("新疆", "xinjiang", "urumqi")) else "beijing"


def day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if re.fullmatch(r"\d{4}", str(value)):
        return date(int(value), 7, 1)
    return date.fromisoformat(str(value))


def clock(value: Any) -> time:
    """18:55, as on the clock of the place."""
    return time.fromisoformat(str(value).strip().zfill(5))


def weekdays(value: Any) -> tuple[int, ...]:
    return tuple(sorted({from_to(1, 7)(each) for each in texts(value)}))


def hours(value: Any) -> int:
    match = re.fullmatch(r"(\d+)\s*(h|d|小时|天)?", str(value).strip())
    if not match:
        raise ValueError("write hours, as 72h")
    return int(match[1]) * (24 if match[2] in ("d", "天") else 1)


def level(value: Any) -> int:
    match = re.fullmatch(r"[lL]?([0-5])", str(value).strip())
    if match:
        return int(match[1])
    return 0 if str(value) == "none" else refuse("write L0 to L5")


def technique(value: Any) -> str:
    text = str(value).strip()
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        return text.upper()
    raise ValueError("a technique is a code such as PGS-LAP-NEO")


def specialty(value: Any) -> str:
    return words.specialty(str(value)) or refuse("no such specialty; docs/stories.md lists them")


def specialties(value: Any) -> list[str]:
    return [specialty(each) for each in texts(value)]


def duty(value: Any) -> str:
    if value is False or str(value).lower() in ("none", "off", "no"):
        return "none"
    return one_of(("first", "second", "director", "officer"))(value)


def indication(value: Any) -> str:
    return INDICATIONS.get(str(value).lower()) or refuse("confirmed, not_indicated or undetermined")


def option(value: Any) -> str:
    text = str(value).strip().upper().replace("-", "_").replace(" ", "_")
    return OPTIONS.get(text) or refuse("no such option; LOCAL, LIVE, DISPATCH, TRANSFER …")


def alternatives(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(option(chosen), str(why)) for chosen, why in value.items()]
    return [
        (option(each.get("option")), str(each.get("why") or each.get("why_not") or ""))
        for each in value
    ]


def watches(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(str(what), str(limit)) for what, limit in value.items()]
    if isinstance(value, str):
        value = [value]
    return [
        (str(each.get("what", "")), str(each.get("limit", "")))
        if isinstance(each, dict)
        else (str(each), "")
        for each in value
    ]


def field_name(verb: str, key: str) -> str:
    if key in VERBS[verb]:
        return key
    lower = key.lower().replace("-", "_")
    return ALIASES.get(verb, {}).get(lower, lower)


def techniques(story: Story) -> set[str]:
    found = {code for site in story.sites.values() for code in site.capability}
    found |= {p.technique for person in story.cast.values() for p in person.privileges}
    return found | set(story.techniques)
