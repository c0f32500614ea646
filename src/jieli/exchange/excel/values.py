"""One cell to one value. What cannot be read says what is wrong and what to do."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from jieli.exchange.excel.workbook import RawCell


class BadValue(Exception):
    """What is wrong, and what to do: two msgids and the facts that fill them."""

    def __init__(self, what: str, todo: str, /, **facts: str | int) -> None:
        self.what, self.todo, self.facts = what, todo, facts
        super().__init__(what)


TIERS = {
    "national": "national", "国家": "national", "国家级": "national", "委属": "national",
    "province": "province", "省": "province", "省级": "province", "自治区": "province",
    "city": "city", "市": "city", "市级": "city", "地": "city", "地市": "city", "州": "city",
    "county": "county", "县": "county", "县级": "county", "区": "county", "区县": "county",
    "township": "township", "乡": "township", "乡镇": "township", "镇": "township",
    "社区": "township", "卫生院": "township",
}  # fmt: skip
ZONES = {
    "asia/shanghai": "Asia/Shanghai", "北京时间": "Asia/Shanghai", "北京": "Asia/Shanghai",
    "beijing": "Asia/Shanghai", "asia/urumqi": "Asia/Urumqi", "新疆时间": "Asia/Urumqi",
    "新疆": "Asia/Urumqi", "xinjiang": "Asia/Urumqi",
}  # fmt: skip
ROLES = {
    "doctor": "doctor", "医生": "doctor", "医师": "doctor", "nurse": "nurse", "护士": "nurse",
    "expert": "expert", "专家": "expert", "duty_officer": "duty_officer",
    "duty officer": "duty_officer", "总值班": "duty_officer", "coordinator": "coordinator",
    "医务部": "coordinator", "协调员": "coordinator", "director": "director", "院长": "director",
    "主任": "director", "quality_officer": "quality_officer", "quality officer": "quality_officer",
    "质控": "quality_officer", "质控员": "quality_officer",
    "programme_manager": "programme_manager", "programme manager": "programme_manager",
    "项目": "programme_manager", "项目管理": "programme_manager", "admin": "admin",
    "管理员": "admin",
}  # fmt: skip
LINES = {
    "first": "first", "一线": "first", "1": "first", "second": "second", "二线": "second",
    "2": "second", "director": "director", "三线": "director", "3": "director",
    "officer": "officer", "duty officer": "officer", "总值班": "officer",
}  # fmt: skip
LANGUAGES = {
    "zh": "zh", "汉语": "zh", "普通话": "zh", "中文": "zh", "ug": "ug", "维吾尔语": "ug",
    "维语": "ug", "en": "en", "英语": "en", "kk": "kk", "哈萨克语": "kk", "哈语": "kk", "ky": "ky",
    "柯尔克孜语": "ky", "mn": "mn", "蒙古语": "mn", "蒙语": "mn", "bo": "bo", "藏语": "bo",
    "ko": "ko", "朝鲜语": "ko", "ru": "ru", "俄语": "ru", "tg": "tg", "塔吉克语": "tg",
    "yue": "yue", "粤语": "yue", "ii": "ii", "彝语": "ii", "za": "za", "壮语": "za",
}  # fmt: skip
SEPARATORS = re.compile(r"[,，;；、/\s]+")
EARLIEST, LATEST = date(1930, 1, 1), date(2100, 1, 1)


# -- text --------------------------------------------------------------------------------------


def raw_text(cell: RawCell) -> str:
    """The cell as a person reads it: a staff number typed as a number has no decimals."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    text = str(value).strip()
    # Our own exports put this before what Excel might run as a formula.
    return text[1:] if re.match(r"'[=+\-@\t]", text) else text


def text(most: int) -> Callable[[RawCell], str]:
    """Names keep every character they have: no folding, no shortening."""

    def read(cell: RawCell) -> str:
        found = raw_text(cell)
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in found) or any(
            letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
            for letter in found
        ):
            raise BadValue("It holds an invisible control character.", "Type the cell anew.")
        if len(found) > most:
            raise BadValue(
                "It is longer than %(most)s characters.", "Shorten it to %(most)s.", most=most
            )
        return found

    return read


def code(cell: RawCell) -> str:
    found = raw_text(cell)
    if found and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", found):
        raise BadValue("This is not a code.", "Use letters, digits and - only, at most 40.")
    return found


def codes(cell: RawCell) -> tuple[str, ...]:
    found = tuple(filter(None, SEPARATORS.split(raw_text(cell))))
    for one in found:
        code(RawCell(one, "s"))
    return found


def number(cell: RawCell) -> str:
    found = raw_text(cell)
    if found and not re.fullmatch(r"[A-Za-z0-9_.\-]{1,40}", found):
        raise BadValue("This is not a staff number.", "Use letters and digits only, at most 40.")
    return found


def telephone(cell: RawCell) -> str:
    found = raw_text(cell)
    digits = re.sub(r"[\s\-()（）转]", "", found)
    if found and (len(found) > 40 or not re.fullmatch(r"\+?[0-9]{3,20}", digits)):
        raise BadValue("This is not a telephone number.", "Use digits, spaces and - only.")
    return found


def division(cell: RawCell) -> str:
    found = raw_text(cell)
    if found and not re.fullmatch(r"[0-9]{2,12}", found):
        raise BadValue("This is not a division code.", "Write 2 to 12 digits, such as 653100.")
    return found


# -- words from a list -------------------------------------------------------------------------


def word(table: Mapping[str, str], what: str, todo: str) -> Callable[[RawCell], str]:
    def read(cell: RawCell) -> str:
        found = raw_text(cell).casefold()
        if found and found not in table:
            raise BadValue(what, todo)
        return table.get(found, "")

    return read


tier = word(TIERS, "There is no such tier.", "Write 国家, 省, 市, 县 or 乡镇.")
zone = word(ZONES, "There is no such time zone.", "Write 北京时间 or 新疆时间.")
role = word(
    ROLES,
    "There is no such role.",
    "Write 医生, 护士, 专家, 总值班, 医务部, 院长, 质控, 项目 or 管理员.",
)
line = word(LINES, "There is no such line of duty.", "Write 一线, 二线, 三线 or 总值班.")


def languages(cell: RawCell) -> tuple[str, ...]:
    found = list(filter(None, SEPARATORS.split(raw_text(cell))))
    unknown = [one for one in found if one.casefold() not in LANGUAGES]
    if unknown:
        raise BadValue(
            "The language %(language)s is not known.",
            "Write 汉语, 维吾尔语, 哈萨克语 … or the two letters of ISO 639.",
            language=unknown[0][:40],
        )
    return tuple(dict.fromkeys(LANGUAGES[one.casefold()] for one in found))


# -- numbers and dates -------------------------------------------------------------------------


def degrees(limit: int) -> Callable[[RawCell], float | None]:
    def read(cell: RawCell) -> float | None:
        found = raw_text(cell)
        if not found:
            return None
        try:
            value = float(found)
        except ValueError:
            value = float("nan")
        if not -limit <= value <= limit:
            raise BadValue(
                "This is not a place on the map.",
                "Write degrees from -%(limit)s to %(limit)s.",
                limit=limit,
            )
        return value

    return read


DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
CLOCK = re.compile(r"(\d{1,2})\s*[:：时]\s*(\d{2})?\s*分?(?:[:：]00)?")
DAY_TODO = "Write it like 2026-11-21, or as an Excel date."
MOMENT_TODO = "Write it like 2026-11-21 08:00, or as an Excel date with its time."


def day(cell: RawCell) -> date | None:
    if cell.is_empty:
        return None
    if isinstance(cell.value, datetime):
        return _within(cell.value.date(), DAY_TODO)
    if isinstance(cell.value, date):
        return _within(cell.value, DAY_TODO)
    match = DAY.fullmatch(raw_text(cell))
    if not match:
        raise BadValue("This is not a date.", DAY_TODO)
    return _within(_date(match, DAY_TODO), DAY_TODO)


def moment(cell: RawCell) -> datetime | None:
    """A local time without zone; the zone is the hospital's. 24:00 is the next midnight."""
    if cell.is_empty:
        return None
    if isinstance(cell.value, datetime):
        rounded = cell.value + timedelta(seconds=30)  # Excel counts in fractions of a day
        _within(rounded.date(), MOMENT_TODO)
        return rounded.replace(second=0, microsecond=0, tzinfo=None)
    found = raw_text(cell).replace("T", " ")
    match = DAY.match(found)
    clock = CLOCK.fullmatch(found[match.end() :].strip()) if match else None
    if not match or not clock:
        raise BadValue("This is not a date with a time.", MOMENT_TODO)
    hours, minutes = int(clock[1]), int(clock[2] or 0)
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise BadValue("There is no such time of day.", MOMENT_TODO)
    on = _within(_date(match, MOMENT_TODO), MOMENT_TODO)
    return datetime.combine(on, time(0)) + timedelta(hours=hours, minutes=minutes)


def _date(match: re.Match[str], todo: str) -> date:
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadValue("There is no such day.", todo) from None


def _within(found: date, todo: str) -> date:
    if not EARLIEST <= found <= LATEST:
        raise BadValue("This date is too far away.", todo)
    return found
