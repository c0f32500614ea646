"""Two cases want the same surgeon: the joint answer, and what it costs each."""

import pytest

from jieli.missions.actions import Chosen, choose, sheets
from jieli.missions.queries.joint import joint
from tests.cases.world import PASSWORD, World, minutes
from tests.missions.compared import advised, draft

pytestmark = pytest.mark.django_db
SURGEON = {"key": "k-1", "name": "沈砚秋", "title": "", "site": "", "part": "operator"}


def made(*options):
    """A draft with these ways: (id, quality, whether the surgeon is needed)."""

    def generate(case, now, corrections):
        listed = [
            {"id": name, "template": "DISPATCH" if needs else "LOCAL", "time": 60, "quality": q}
            for name, q, needs in options
        ]
        words = {
            name: {"template": "DISPATCH" if needs else "LOCAL", "barred": [], "legs": [],
                   "people": [SURGEON] if needs else []}
            for name, _q, needs in options
        }  # fmt: skip
        instance = {"case": {"windows": [240], "stability": "S1"}, "options": listed}
        return draft(case, now, corrections, instance=instance, words=words, inputs=[])

    return generate


def test_who_loses_least_goes_without(monkeypatch):
    world = World()
    monkeypatch.setattr(sheets, "generate", made(("team", 0.95, True), ("here", 0.9, False)))
    one = advised(world)
    monkeypatch.setattr(sheets, "generate", made(("team", 0.9, True), ("here", 0.2, False)))
    other = advised(world)
    found = joint(world.doctor, minutes(40))
    rows = {row.case.pk: row for row in found.rows}
    assert set(rows) == {one.pk, other.pk}
    assert (rows[one.pk].same, rows[one.pk].cost) == (False, "5")
    assert (rows[other.pk].same, rows[other.pk].cost) == (True, "")
    assert found.contested == ["沈砚秋"]
    assert not joint(world.outsider, minutes(40)).rows
    chosen = Chosen("team", "请派队", "")
    choose(other.sheets.first(), chosen, by=world.doctor, secret=PASSWORD, now=minutes(45))
    assert [row.case.pk for row in joint(world.doctor, minutes(50)).rows] == [one.pk]
