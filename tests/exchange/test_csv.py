"""Timetables, roads, vehicles and resources from CSV: what is read, named as bad, and stored."""

from __future__ import annotations

from datetime import date, time

import pytest
from django.core.management import CommandError, call_command

from jieli.exchange.actions import StillBad, confirm_csv, keep_upload, rehearse_csv
from jieli.exchange.csv.columns import KINDS, kind_of
from jieli.exchange.csv.preview import preview
from jieli.exchange.csv.reading import read
from jieli.exchange.csv.writing import template
from jieli.missions.models import Departure, Hub, Resource, Road, Vehicle
from jieli.rules.refusal import Refused
from tests.directory.world import NOW

HUBS = """枢纽代码,枢纽名称,类型,纬度,经度,时区,宵禁起,宵禁止
PVG,浦东,机场,31.14,121.81,,,
KHG,喀什,,39.54,76.02,新疆时间,23:30,06:00
"""
LINES = """Mode,Number,From hub,To hub,Departs,Block minutes,Weekdays,Valid to
flight,HJ1,PVG,KHG,15:30,380,1-5,2026-12-31
,HJ2,KHG,PVG,9:05,365,,
"""
HEADINGS = "Number,From hub,To hub,Departs,Block minutes"
NO_FILES = [b"", b"\n\n", b"a\x00b", b"\xff\xfe\x00", b'Number,"From\nx', b"x,y\n1,2\n"]


def put(text: str, world, who=None):
    who = who or world.coordinator
    found = preview(text.encode(), who, NOW)
    assert not found.bad, [(b.address, b.what) for b in found.bad]
    return found.store(by=who, now=NOW)


def bad(text: str, world) -> list[tuple[str, str]]:
    return [(b.address, b.value) for b in preview(text.encode(), world.coordinator, NOW).bad]


def test_hubs_then_lines_and_the_same_file_again_changes_nothing(world):
    assert put(HUBS, world).added == 2
    assert put(LINES, world).added == 2
    again = [put(HUBS, world), put(LINES, world)]
    assert [(t.added, t.changed, t.same) for t in again] == [(0, 0, 2), (0, 0, 2)]
    khg = Hub.objects.get(code="KHG")
    assert (khg.zone, khg.closed_from, khg.cutoff) == ("Asia/Urumqi", time(23, 30), 45)
    first, second = Departure.objects.order_by("number")
    assert (first.weekdays, first.valid_to) == ([1, 2, 3, 4, 5], date(2026, 12, 31))
    assert (second.departs, second.weekdays, second.mode) == (time(9, 5), [], "flight")


def test_a_changed_block_changes_that_line_only(world):
    put(HUBS, world)
    put(LINES, world)
    tally = put(LINES.replace("380", "395"), world)
    assert (tally.added, tally.changed, tally.same) == (0, 1, 1)
    assert Departure.objects.get(number="HJ1").minutes == 395


def test_roads_from_a_hub_and_from_a_hospital(world):
    put(HUBS, world)
    mine = world.centre.code
    tally = put(f"起点代码,终点医院,行车分钟,公里\nKHG,{mine},45,22\n", world)
    assert tally.added == 1
    road = Road.objects.get()
    assert (road.start_hub.code, road.start, road.minutes) == ("KHG", None, 45)
    assert put(f"起点代码,终点医院,行车分钟\nKHG,{mine},50\n", world).changed == 1
    assert Road.objects.get().km == 22


def test_vehicles_and_resources_of_ones_own_hospital(world):
    code = world.centre.code
    put(f"机构代码,车辆名称,车型,暖箱,状态\n{code},一号,救护车,有,可用\n", world)
    put(f"机构代码,资源,空余数\n{code},重症床位,2\n", world)
    van, beds = Vehicle.objects.get(), Resource.objects.get()
    assert (van.incubator, van.state, van.confirmed_by) == (True, "free", world.coordinator)
    assert (beds.kind, beds.free, beds.confirmed_at) == ("icu_bed", 2, NOW)


def test_a_formula_is_text(world):
    put(HUBS, world)
    put(
        "Number,From hub,To hub,Departs,Block minutes,Source\n=1+1,PVG,KHG,15:30,380,@SUM(A1)\n",
        world,
    )
    line = Departure.objects.get()
    assert (line.number, line.source) == ("=1+1", "@SUM(A1)")


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("HJ1,PVG,XXX,15:30,380", ["C2"]),
        ("HJ1,PVG,KHG,25:30,380", ["D2"]),
        ("HJ1,PVG,KHG,15:30,0", ["E2"]),
        ("HJ1,PVG,KHG,15:30,=6*60", ["E2"]),
        ("HJ1,PVG,PVG,15:30,380", ["C2"]),
        (",PVG,KHG,,380", ["A2", "D2"]),
        ("HJ1,PVG,KHG,15:30,380\nHJ1,PVG,KHG,15:30,390", ["D3"]),
    ],
)
def test_bad_cells_are_named_and_nothing_is_stored(world, row, cells):
    put(HUBS, world)
    found = bad(f"Number,From hub,To hub,Departs,Block minutes\n{row}\n", world)
    assert [address for address, _value in found] == cells
    assert not Departure.objects.exists()


@pytest.mark.parametrize("days", ["8", "0", "Mon", "1-9", "7-1"])
def test_no_such_weekdays(world, days):
    put(HUBS, world)
    text = f"Number,From hub,To hub,Departs,Block minutes,Weekdays\nA,PVG,KHG,15:30,3,{days}\n"
    assert [address for address, _value in bad(text, world)] == ["F2"]


def test_another_hospitals_beds_are_not_ones_own(world):
    text = "机构代码,资源,空余数\nnowhere,重症床位,2\n"
    assert [address for address, _value in bad(text, world)] == ["A2"]


@pytest.mark.parametrize("content", [*NO_FILES, HUBS.split("\n")[0].encode()])
def test_what_is_no_such_file_is_refused_with_a_sentence(world, content):
    with pytest.raises(Refused) as refusal:
        preview(content, world.coordinator, NOW)
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_as_spreadsheets_write_it(encoding, delimiter):
    sheet = read(HUBS.replace(",", delimiter).encode(encoding))
    assert sheet.header[0] == "枢纽代码"
    assert sheet.rows[1][0] == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("english", [True, False])
def test_each_template_is_known_again(kind, english):
    assert kind_of(read(template(kind, english=english)).header) is kind


def test_a_rehearsal_stores_nothing_and_confirming_is_once(world):
    content = HUBS.encode()
    found = preview(content, world.coordinator, NOW)
    assert rehearse_csv(found, by=world.coordinator, now=NOW).added == 2
    assert not Hub.objects.exists()
    kept = keep_upload(world.coordinator.account, "hubs.csv", content, now=NOW)
    assert confirm_csv(kept, by=world.coordinator, now=NOW).added == 2
    with pytest.raises(Refused):
        confirm_csv(kept, by=world.coordinator, now=NOW)


def test_what_has_become_bad_since_the_preview_is_not_stored(world):
    put(HUBS, world)
    kept = keep_upload(world.coordinator.account, "x.csv", LINES.encode(), now=NOW)
    Hub.objects.filter(code="KHG").delete()
    with pytest.raises(StillBad):
        confirm_csv(kept, by=world.coordinator, now=NOW)
    assert not Departure.objects.exists()


def test_from_the_command_line(world, tmp_path, capsys):
    file = tmp_path / "hubs.csv"
    file.write_text(HUBS, "utf-8")
    call_command("timetables", str(file), by=world.coordinator.number)
    assert "2 new" in capsys.readouterr().out
    file.write_text(HUBS.replace("31.14", "131"), "utf-8")
    with pytest.raises(CommandError, match="D2"):
        call_command("timetables", str(file), by=world.coordinator.number)
    for arguments in ([str(tmp_path / "none.csv")], [str(file)]):
        with pytest.raises(CommandError):
            call_command("timetables", *arguments, by="nobody-0")
