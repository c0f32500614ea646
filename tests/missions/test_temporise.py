"""先稳住: ticked item by item, with a clock of its own that starts with the approved sheet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jieli.cases.actions import fire_clocks
from jieli.cases.models import Clock
from jieli.directory.models import Approval
from jieli.missions import actions
from jieli.missions.models import Temporised
from jieli.missions.queries.content import pathways
from jieli.record.queries import broken_at
from jieli.rules.refusal import Refused
from tests.cases.races import DONE, at_once
from tests.exchange.test_pages import as_
from tests.missions.kashgar import Kashgar, kashgar

pytestmark = pytest.mark.django_db
ITEMS = [one.code for one in pathways().pathways["neonatal_obstruction"].temporise.items]
SIGNED = 90


@pytest.fixture
def world() -> Kashgar:
    """Kashgar before the opinion, its content approved."""
    made = kashgar(confirmed=False)
    Approval.objects.update_or_create(
        alliance=made.case.alliance,
        content=pathways().version,
        defaults={
            "by": "医务部",
            "approved_on": date(2026, 1, 1),
            "expires_on": date(2027, 1, 1),
        },
    )
    return made


def at(world: Kashgar, minute: float):
    return world.signed_at + timedelta(minutes=minute - SIGNED)


def tick(world: Kashgar, item: str, minute: float, **more) -> None:
    actions.tick(world.case, item, by=world.people["RES"], now=at(world, minute), **more)


def sheet(world: Kashgar, minute: float = SIGNED):
    return actions.make_sheet(world.case, trigger="asked", now=at(world, minute))


def clock(world: Kashgar) -> Clock | None:
    return world.case.clocks.filter(name=Clock.Name.TEMPORISE).first()


def said(world: Kashgar) -> list[str]:
    return list(world.case.chain.events.order_by("seq").values_list("verb", flat=True))


def test_it_is_ticked_before_anybody_has_compared_anything(world):
    tick(world, "decompression", 50)
    [row] = Temporised.objects.all()
    assert (row.item, row.by, row.occurred_at) == (
        "decompression", world.people["RES"], at(world, 50),
    )  # fmt: skip
    assert said(world)[-1] == "temporised"


def test_the_clock_starts_with_the_sheet_and_the_last_thing_stops_it(world):
    for n, item in enumerate(ITEMS[:3]):
        tick(world, item, 50 + n)
    sheet(world)
    running = clock(world)
    assert (running.started_at, running.target_at) == (at(world, 90), at(world, 120))
    for n, item in enumerate(ITEMS[3:]):
        assert clock(world).stopped_at is None
        tick(world, item, 95 + n)
    assert clock(world).stopped_at == at(world, 98)
    sheet(world, 100)
    assert world.case.clocks.filter(name=Clock.Name.TEMPORISE).count() == 1


def test_all_done_before_the_sheet_needs_no_clock(world):
    for item in ITEMS:
        tick(world, item, 60)
    sheet(world)
    assert clock(world) is None


def test_a_draft_shows_the_set_and_starts_no_clock(world):
    Approval.objects.all().delete()
    sheet(world)
    assert clock(world) is None
    tick(world, "warm", 95)
    assert Temporised.objects.count() == 1


def test_who_treats_hears_of_a_set_that_is_not_done(world):
    sheet(world)
    fire_clocks(at(world, 121))
    assert clock(world).stage == "target"
    assert {
        e.data["clock"] for e in world.case.chain.events.filter(verb="clock_target_missed")
    } >= {"temporise"}


def test_a_late_entry_stops_the_clock_at_the_time_of_the_fact(world):
    sheet(world)
    for item in ITEMS[:-1]:
        tick(world, item, 95)
    with pytest.raises(Refused):
        tick(world, ITEMS[-1], 150, occurred_at=at(world, 105))  # why is it late?
    tick(world, ITEMS[-1], 150, occurred_at=at(world, 105), late_reason="在抢救")
    assert clock(world).stopped_at == at(world, 105)


def test_twice_nonsense_and_a_tick_taken_back(world):
    tick(world, "warm", 50)
    for item in ("warm", "dragon", ""):
        with pytest.raises(Refused):
            tick(world, item, 51)
    actions.untick(world.case, "warm", by=world.people["RES"], now=at(world, 52))
    with pytest.raises(Refused):
        actions.untick(world.case, "warm", by=world.people["RES"], now=at(world, 53))
    tick(world, "warm", 54)
    assert [r.undone_at is None for r in Temporised.objects.order_by("id")] == [False, True]
    assert said(world)[-3:] == ["temporised", "temporised_undone", "temporised"]
    world.case.chain.refresh_from_db()
    assert broken_at(world.case.chain) is None


def test_only_who_treats_ticks_and_the_page_says_how_far_it_is(world, monkeypatch):
    now = at(world, 92)
    monkeypatch.setattr("jieli.web.middleware.now", lambda: now)
    monkeypatch.setattr("jieli.web.context.now", lambda: now)
    sheet(world)
    path = f"/cases/{world.case.key}/sheet/temporised/"
    doctor, expert = as_(world.people["RES"]), as_(world.people["SURG"])
    given = {"item": "warm", "done": "yes"}
    assert expert.post(path, given).status_code == 404
    answer = doctor.post(path, {**given, "sheet": "1"})
    assert (answer.status_code, answer["Location"]) == (
        303, f"/cases/{world.case.key}/sheet/#at-once",
    )  # fmt: skip
    assert doctor.post(path, {"item": "warm", "done": "perhaps"}).status_code == 409
    assert doctor.post(path, given).status_code == 409
    for page in (f"/cases/{world.case.key}/", f"/cases/{world.case.key}/sheet/"):
        shown = doctor.get(page).content.decode()
        assert f"1 of {len(ITEMS)} done" in shown
        assert path in shown
        assert path not in expert.get(page).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_engines
def test_two_nurses_tick_the_same_thing_at_once(world):
    came = at_once(*[lambda: tick(world, "warm", 50)] * 6)
    assert [state for state, _why in came].count(DONE) == 1
    assert Temporised.objects.count() == 1
