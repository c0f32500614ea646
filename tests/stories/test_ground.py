"""Hubs, timetables, roads, vehicles, things of a story file: read, mistakes named, put in place."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from jieli.missions.models import Departure, Hub, Resource, Road, Vehicle
from jieli.stories import demo, reading, rows
from jieli.stories.script import ScriptError, Story

HEAD = """story: x
t0: 2026-03-01T12:45
sites:
  here: {name: 此处医院, lat: 40, lon: 80}
"""
GROUND = """hubs:
  STN: {name: 车站, kind: station, lat: 40.1, lon: 80.1, closed_from: "23:30", closed_to: 6:00}
timetables:
  - {number: G1, mode: train, from: STN, to: KHG, departs: 7:05, minutes: 90, weekdays: [1, 5],
     until: 2026-12-31}
roads:
  - {from: STN, to: here, minutes: 12, km: 9}
  - {from: here, to: cangling, minutes: 400}
vehicles:
  - {site: here, name: 一号车, carries: S2, incubator: true}
resources:
  here: {theatre: 1, hp_cartridge: 4}
"""


def read(text: str) -> Story:
    return reading.parse(HEAD + text, "x.yaml", demo.alliance())


def test_everything_is_read():
    story = read(GROUND)
    assert story.hubs["STN"].closed_to == time(6)
    (line,) = story.timetables
    assert (line.departs, line.weekdays, line.until) == (time(7, 5), (1, 5), date(2026, 12, 31))
    assert [(r.start, r.end) for r in story.roads] == [("STN", "here"), ("here", "cangling")]
    assert story.resources == {"here": {"theatre": 1, "hp_cartridge": 4}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("to: KHG", "to: XXX", "no such hub"),
        ("departs: 7:05", "departs: 27:05", "departs"),
        ("minutes: 90", "minutes: 0", "write 1 to"),
        ("weekdays: [1, 5]", "weekdays: [8]", "write 1 to 7"),
        ("mode: train", "mode: rocket", "write one of"),
        ("mode: train", "moed: train", "Unknown key `moed`"),
        ("lat: 40.1", "lat: 140.1", "write -90 to 90"),
        ("lat: 40.1, ", "", "`lat` is missing"),
        ("{from: STN, to: here", "{from: nowhere, to: here", "no such site"),
        ("carries: S2", "carries: S9", "write one of"),
        ("hp_cartridge: 4", "dragons: 4", "Unknown key `dragons`"),
        ("hp_cartridge: 4", "hp_cartridge: -4", "write 0 to"),
        ("here: {theatre", "nowhere: {theatre", "no such site"),
    ],
)
def test_mistakes_are_named_with_their_line(old, new, said):
    assert old in GROUND
    with pytest.raises(ScriptError) as fault:
        read(GROUND.replace(old, new))
    assert said in str(fault.value)
    assert all(each.startswith("x.yaml:") for each in fault.value.sentences)


@pytest.mark.django_db
def test_put_twice_is_put_once():
    now = datetime(2026, 3, 1, 4, 45, tzinfo=UTC)
    demo.load_alliance(now)
    before = [model.objects.count() for model in (Hub, Departure, Road, Vehicle, Resource)]
    for _again in range(2):
        rows.put(read(GROUND), now, answering=set())
    after = [model.objects.count() for model in (Hub, Departure, Road, Vehicle, Resource)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 2, 1, 2]
    assert Road.objects.get(start_hub__code="STN").end.code == "here"
