"""Two at the same moment on a session: one wins, the other gets one clear sentence."""

from __future__ import annotations

import uuid

import pytest

from jieli.guidance import actions
from jieli.guidance.actions import Report
from jieli.guidance.models import GuidanceSession
from jieli.record.queries import broken_at
from tests.cases.races import DONE, REFUSED, at_once
from tests.cases.world import verbs
from tests.guidance.world import Theatre, at, status
from tests.missions.test_races import said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]
TIMES = 6


@pytest.fixture
def world() -> Theatre:
    return Theatre()


def suspended(world, n: int) -> GuidanceSession:
    session = world.running(world.decided(n * 60), n * 60 + 20)
    assert actions.sweep(at(n * 60 + 22)) == 2
    return session


def holds(session) -> bool:
    session.case.chain.refresh_from_db()
    return broken_at(session.case.chain) is None


def move(world, session, step, who, minute, why=""):
    return lambda: actions.move(session, step, why=why, by=world.people[who], now=at(minute))


def test_two_say_continue(world):
    for n in range(TIMES):
        session = suspended(world, n)
        came = at_once(
            *(move(world, session, "continue", who, n * 60 + 23)
              for who in ("doctor", "second_doctor"))
        )  # fmt: skip
        assert said(came) == (1, {"Somebody has confirmed this already."})
        assert verbs(session.case).count("guidance_continued") == 1
        assert holds(session)


def test_one_says_continue_and_one_convert(world):
    """Whoever converts is right in the end; nobody continues what was converted."""
    for n in range(TIMES):
        session = suspended(world, n)
        came = at_once(
            move(world, session, "continue", "doctor", n * 60 + 23),
            move(world, session, "convert", "second_doctor", n * 60 + 23, "中转"),
        )
        assert came[1][0] == DONE
        assert came[0] in [(DONE, ""), (REFUSED, "This guidance has ended.")]
        assert status(session) == "converted"
        assert holds(session)


def test_a_report_and_the_runner(world):
    """Just at 40 s: either it was degraded and is running again, or it never was."""
    for n in range(TIMES):
        session = world.running(world.decided(n * 60), n * 60 + 20)
        moment = at(n * 60 + 20, 40)
        came = at_once(
            lambda s=session, m=moment: actions.report_link(
                s, Report("up", m), by=world.doctor, now=m
            ),
            lambda m=moment: actions.sweep(m),
        )
        assert [state for state, _why in came] == [DONE, DONE]
        told = verbs(session.case)
        assert status(session) == "running"
        assert told.count("guidance_degraded") == told.count("guidance_link_back")
        assert holds(session)
        actions.move(session, "end", by=world.doctor, now=moment)


def test_two_runners_say_it_once(world):
    session = world.running()
    came = at_once(*[lambda: actions.sweep(at(23))] * 3)
    assert said(came) == (3, set())
    told = verbs(session.case)
    assert (told.count("guidance_degraded"), told.count("guidance_suspended")) == (1, 1)


def test_a_start_from_two_telephones(world):
    for n in range(TIMES):
        session = world.ready(world.decided(n * 60), n * 60 + 10)
        came = at_once(
            *(
                lambda who=who, s=session, m=n * 60 + 20: actions.start(
                    s, by=world.people[who], now=at(m)
                )
                for who in ("doctor", "second_doctor")
            )
        )
        assert said(came)[0] == 1
        assert verbs(session.case).count("guidance_started") == 1


def test_entries_of_both_sides_are_numbered_without_holes(world):
    session = world.running()
    key = uuid.uuid4()
    came = at_once(
        *(
            lambda who=who, k=k: actions.write_entry(
                session, "advice", client_key=k, by=world.people[who], now=at(21)
            )
            for who, k in [("doctor", uuid.uuid4()), ("alice", key), ("alice", key)]
        )
    )
    assert said(came) == (3, set())
    assert list(session.entries.values_list("number", flat=True).order_by("number")) == [1, 2]
