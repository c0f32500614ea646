"""What the files look like: their columns in both languages, an example row."""

from jieli.exchange.csv import values as own
from jieli.exchange.excel import values
from jieli.exchange.excel.columns import Column, Kind, plain

MINUTES = own.whole(1, 10_000)

HUBS = Kind(
    "hubs",
    "枢纽",
    "Hubs",
    (
        Column("code", "枢纽代码", "Hub", values.code, True, example="KHG"),
        Column("name", "枢纽名称", "Name", values.text(80), True, example="喀什机场"),
        Column("kind", "类型", "Kind", own.hub_kind, example="机场"),
        Column("latitude", "纬度", "Latitude", values.degrees(90), True, example="39.54"),
        Column("longitude", "经度", "Longitude", values.degrees(180), True, example="76.02"),
        Column("zone", "时区", "Zone", own.zone, example="新疆时间"),
        Column("cutoff", "截止分钟", "Cut-off minutes", own.whole(0, 600), example="45"),
        Column("connection", "转机分钟", "Connection minutes", own.whole(0, 600), example="40"),
        Column("closed_from", "宵禁起", "Closed from", own.clock, example="23:30"),
        Column("closed_to", "宵禁止", "Closed to", own.clock, example="06:00"),
    ),
)
TIMETABLE = Kind(
    "timetable",
    "时刻表",
    "Timetable",
    (
        Column("mode", "方式", "Mode", own.mode, example="航班"),
        Column("number", "班次", "Number", values.text(20), True, example="HJ6873"),
        Column("start", "出发枢纽", "From hub", values.code, True, example="PVG"),
        Column("end", "到达枢纽", "To hub", values.code, True, example="URC"),
        Column("departs", "出发时刻", "Departs", own.clock, True, example="18:55"),
        Column("minutes", "历时分钟", "Block minutes", MINUTES, True, example="305"),
        Column("weekdays", "星期", "Weekdays", own.weekdays, example="1-7"),
        Column("valid_from", "有效起", "Valid from", values.day, example="2026-01-01"),
        Column("valid_to", "有效止", "Valid to", values.day, example="2026-12-31"),
        Column("source", "来源", "Source", values.text(120), example="冬春航季"),
    ),
)
ROADS = Kind(
    "roads",
    "道路",
    "Roads",
    (
        Column("start", "起点代码", "Road from", values.code, True, example="KHG"),
        Column("end", "终点医院", "Road to", values.code, True, example="lanshui"),
        Column("minutes", "行车分钟", "Road minutes", MINUTES, True, example="45"),
        Column("km", "公里", "Kilometres", own.whole(0, 20_000), example="22"),
        Column("source", "来源", "Source", values.text(120), example="急救车实测"),
    ),
)
VEHICLES = Kind(
    "vehicles",
    "车辆",
    "Vehicles",
    (
        Column("organisation", "机构代码", "Organisation", values.code, True, example="lanshui"),
        Column("name", "车辆名称", "Vehicle", values.text(80), True, example="一号救护车"),
        Column("kind", "车型", "Vehicle kind", own.vehicle, True, example="救护车"),
        Column("carries", "可转运级别", "Carries", own.grade, example="S2"),
        Column("incubator", "暖箱", "Incubator", own.yes, example="有"),
        Column("crew", "随车人员", "Crew", values.text(120), example="医护各一"),
        Column("ready_minutes", "出车分钟", "Ready minutes", own.whole(0, 1440), example="20"),
        Column("speed", "时速", "Speed km/h", own.whole(1, 1200), example="70"),
        Column("state", "状态", "State", own.state, example="可用"),
    ),
)
RESOURCES = Kind(
    "resources",
    "资源",
    "Resources",
    (
        Column("organisation", "机构代码", "Organisation", values.code, True, example="lanshui"),
        Column("kind", "资源", "Resource", own.thing, True, example="重症床位"),
        Column("free", "空余数", "Free", own.whole(0, 999), True, example="2"),
        Column("note", "备注", "Note", values.text(120)),
    ),
)
KINDS = (HUBS, TIMETABLE, ROADS, VEHICLES, RESOURCES)


def kind_of(header: list[str]) -> Kind | None:
    """By its columns: the kind all of whose needed columns are there."""
    headings = {plain(heading) for heading in header}
    fitting = [kind for kind in KINDS if _needed(kind) <= _fields(kind, headings)]
    return max(fitting, key=lambda kind: len(_fields(kind, headings)), default=None)


def _needed(kind: Kind) -> set[str]:
    return {column.field for column in kind.columns if column.required}


def _fields(kind: Kind, headings: set[str]) -> set[str]:
    return {
        column.field
        for column in kind.columns
        if headings & {plain(column.chinese), plain(column.english), plain(column.field)}
    }
