"""Cells that only these files have: clocks, weekdays, whole numbers, modes and kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jieli.exchange.excel.values import SEPARATORS, ZONES, BadValue, raw_text, word
from jieli.exchange.excel.workbook import RawCell
from jieli.rules.resources import KINDS as THINGS

HUB_KINDS = {"airport": "airport", "机场": "airport", "station": "station", "车站": "station",
             "火车站": "station", "pier": "pier", "码头": "pier"}  # fmt: skip
MODES = {"flight": "flight", "航班": "flight", "train": "train", "火车": "train",
         "ferry": "ferry", "轮渡": "ferry"}  # fmt: skip
VEHICLES = {"ambulance": "ambulance", "救护车": "ambulance", "retrieval": "retrieval",
            "转运队": "retrieval", "helicopter": "helicopter", "直升机": "helicopter",
            "aircraft": "aircraft", "飞机": "aircraft"}  # fmt: skip
STATES = {"free": "free", "可用": "free", "away": "away", "外出": "away", "broken": "broken",
          "停用": "broken"}  # fmt: skip
GRADES = {grade.casefold(): grade for grade in ("S0", "S1", "S2", "S3")}
YES = {"yes": "yes", "有": "yes", "是": "yes", "1": "yes", "no": "", "无": "", "否": "", "0": ""}
KINDS = {
    spelling.casefold(): code
    for code, (chinese, english) in THINGS.items()
    for spelling in (code, chinese, english)
}
DAILY = ("daily", "每天", "每日")

hub_kind = word(HUB_KINDS, "There is no such kind of hub.", "Write 机场, 车站 or 码头.")
mode = word(MODES, "There is no such mode.", "Write 航班, 火车 or 轮渡.")
vehicle = word(VEHICLES, "There is no such vehicle.", "Write 救护车, 转运队, 直升机 or 飞机.")
state = word(STATES, "There is no such state.", "Write 可用, 外出 or 停用.")
grade = word(GRADES, "There is no such grade.", "Write S0, S1, S2 or S3.")
yes = word(YES, "This is neither yes nor no.", "Write 有 or 无.")
thing = word(KINDS, "There is no such thing.", "Write its name as on the page of resources.")


def whole(low: int, high: int) -> Callable[[RawCell], int | None]:
    def read(cell: RawCell) -> int | None:
        found = raw_text(cell)
        if not found:
            return None
        if not re.fullmatch(r"[0-9]{1,7}", found) or not low <= int(found) <= high:
            raise BadValue(
                "This is not a whole number from %(low)s to %(high)s.",
                "Write digits only.",
                low=low,
                high=high,
            )
        return int(found)

    return read


def clock(cell: RawCell) -> time | None:
    found = raw_text(cell).replace("：", ":")
    if not found:
        return None
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::00)?", found)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise BadValue("There is no such time of day.", "Write it like 18:55.")
    return time(int(match[1]), int(match[2]))


def weekdays(cell: RawCell) -> tuple[int, ...]:
    """1 is Monday. 135, 1,3,5 and 1-5 are read; empty or 每天 is every day."""
    found = raw_text(cell)
    if not found or found.casefold() in DAILY:
        return ()
    spans = re.sub(r"([1-7])\s*[-–~至]\s*([1-7])", _span, found)
    digits = SEPARATORS.sub("", spans)
    if not re.fullmatch(r"[1-7]+", digits):
        raise BadValue("These are not days of the week.", "Write 1 for Monday to 7, such as 1-5.")
    return tuple(sorted({int(digit) for digit in digits}))


def _span(match: re.Match[str]) -> str:
    return "".join(str(day) for day in range(int(match[1]), int(match[2]) + 1)) or "x"


def zone(cell: RawCell) -> str:
    """In words, or any name of the zone database."""
    found = raw_text(cell)
    known: Mapping[str, str] = ZONES
    if not found or found.casefold() in known:
        return known.get(found.casefold(), "")
    try:
        return str(ZoneInfo(found))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValue(
            "There is no such time zone.", "Write 北京时间, 新疆时间 or a name like Asia/Tokyo."
        ) from None
