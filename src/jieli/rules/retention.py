"""How long what is kept, by kind, with its source. Pure: the table is read by sweeps and screens.

Periods of the law are the shortest that are allowed; what nobody regulates is our proposal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from jieli.rules.refusal import Refused


class Ends(StrEnum):
    """Who lets it go when its time is over."""

    OFFICE = "office"  # two people of the records office, case by case
    SWEEP = "sweep"  # a runner, by itself
    WITH_CASE = "with_case"  # whatever ends the case it belongs to
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Keep:
    """One kind of thing: for years, or for a shorter while, and then who lets it go."""

    what: str  # msgid
    ends: Ends
    source: str
    years: int = 0
    period: timedelta = timedelta()


RULES_2013 = "医疗机构病历管理规定（2013 年版）第二十九条"
REMOTE_2018 = "远程医疗服务管理规范（试行）（2018）：双方按病历管理规定保存"
ONLINE_2022 = "互联网诊疗监管细则（试行）（2022）第二十一条"
CYBER_LAW = "网络安全法第二十一条：网络日志不少于六个月"
PROPOSED = "建议值，没有明文规定"

KEPT: Mapping[str, Keep] = {
    "inpatient": Keep("Record of an in-patient", Ends.OFFICE, RULES_2013, years=30),
    "outpatient": Keep("Record of an out-patient", Ends.OFFICE, RULES_2013, years=15),
    "images": Keep("Images and reports of a case", Ends.WITH_CASE, REMOTE_2018, years=15),
    "media": Keep("Sound, video and chat of a consultation", Ends.WITH_CASE, ONLINE_2022, years=3),
    # The law's shortest; what a case's room recorded then goes by itself, unless the case is held.
    "recordings": Keep("Recordings of a video room", Ends.SWEEP, ONLINE_2022, years=3),
    "readings": Keep("Who read a case", Ends.WITH_CASE, CYBER_LAW, years=15),
    "messages": Keep("Messages about a case", Ends.WITH_CASE, ONLINE_2022, years=3),
    "chains": Keep("Hashes of events, daily roots, disposals", Ends.NEVER, PROPOSED),
    "accounts": Keep("Who let whom in or out", Ends.NEVER, CYBER_LAW),
    "keys_of_writes": Keep(
        "Answers once given to a write", Ends.SWEEP, PROPOSED, period=timedelta(days=7)
    ),
    "incoming": Keep("Unfinished uploads", Ends.SWEEP, PROPOSED, period=timedelta(days=1)),
    "probes": Keep("Test rings of the pager", Ends.SWEEP, PROPOSED, period=timedelta(days=8)),
    "live_notes": Keep("Notes to open pages", Ends.SWEEP, PROPOSED, period=timedelta(hours=24)),
    "copies": Keep(
        "Link to a copy made for a patient", Ends.SWEEP, PROPOSED, period=timedelta(days=1)
    ),
}

INPATIENT, OUTPATIENT = "inpatient", "outpatient"


def kept_for(kind: str) -> timedelta:
    return KEPT[kind].period


def years_of(setting: str) -> int:
    """Years of a case's record. Nobody said whether in-patient or not: the longer period."""
    return KEPT[setting if setting in KEPT else INPATIENT].years


def due_on(setting: str, last: date) -> date:
    """The first day on which a record may be disposed of; `last` is the patient's last visit."""
    year = last.year + years_of(setting)
    try:
        same = last.replace(year=year)
    except ValueError:  # 29 February
        same = date(year, 3, 1)
    return same + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a case may be disposed of."""

    setting: str
    is_open: bool  # this case, or another of the patient
    last: date | None  # the patient's last visit at the hospital; None while one goes on
    held: bool
    disposed: bool = False


def check_disposal(facts: Facts, today: date) -> date:
    """The day on which it became due, or a refusal that says why it stays."""
    if facts.disposed:
        raise Refused("This case was disposed of already.")
    if facts.held:
        raise Refused("A hold keeps this case. End the hold first.")
    if facts.is_open or facts.last is None:
        raise Refused("The patient has an open case: nothing of it may be disposed of.")
    due = due_on(facts.setting, facts.last)
    if today < due:
        raise Refused("This case must be kept until %(day)s.", day=f"{due:%Y-%m-%d}")
    return due


def check_confirmation(proposed_by: int, by: int) -> None:
    if proposed_by == by:
        raise Refused("Somebody else must confirm what you proposed.")


def too_early(setting: str, known_since: date, disposed: date) -> bool:
    """Whether a record that a root knows since then cannot have been due yet."""
    return disposed < due_on(setting, known_since)
