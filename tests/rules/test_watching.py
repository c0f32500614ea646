"""What a watcher calls ill, as a table: no database, no clock."""

import pytest

from jieli.rules.watching import ILL, WARN, Facts, Heart, Tried, findings

RUNNER = Heart("runner", "a", 2.0)
LATE = Tried(True, 12.0)
GOOD = Tried(True, 0.2)
BAD = Tried(False, error="No answer in 8 seconds.")


def hearts(*more: Heart) -> Facts:
    return Facts(hearts=more)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (hearts(RUNNER), []),
        (hearts(), [("runner", ILL)]),
        (hearts(Heart("web", "a", 1)), [("runner", ILL)]),
        (hearts(Heart("runner", "a", 31)), [("runner", ILL)]),
        (hearts(Heart("runner", "a", 29)), []),
        (hearts(Heart("runner", "a", 3, ended=True)), [("runner", ILL)]),
        (hearts(RUNNER, Heart("runner", "b", 31)), [("runner.b", WARN)]),
        (hearts(RUNNER, Heart("runner", "b", 31, ended=True)), []),
        # A runner that began anew on the same machine has taken the dead one's place.
        (hearts(RUNNER, Heart("runner", "a", 31)), []),
        (hearts(Heart("runner", "a", 1, hanging=("messages",))), [("work.messages", ILL)]),
        (hearts(RUNNER, Heart("web", "b", 1, skew=300.0)), [("skew.b", ILL)]),
        (hearts(RUNNER, Heart("web", "b", 1, skew=-3.0)), [("skew.b", WARN)]),
        (hearts(RUNNER, Heart("web", "b", 99, skew=300.0)), []),
        (hearts(RUNNER, Heart("web", "b", 1, disk_free=2, disk_total=100)), [("disk.b", ILL)]),
        (hearts(RUNNER, Heart("web", "b", 1, disk_free=9, disk_total=100)), [("disk.b", WARN)]),
        (hearts(RUNNER, Heart("web", "b", 1, disk_free=11, disk_total=100)), []),
        (Facts((RUNNER,), ring_waits=31), [("rings", ILL)]),
        (Facts((RUNNER,), clock_waits=31), [("clocks", ILL)]),
        (Facts((RUNNER,), probe_age=211), [("probes", ILL)]),
        (Facts((RUNNER,), probe_age=200, ring_waits=29, clock_waits=29), []),
        (Facts((RUNNER,), {"voice": (BAD, BAD)}), [("transport.voice", ILL)]),
        (Facts((RUNNER,), {"voice": (BAD, GOOD)}), []),
        (Facts((RUNNER,), {"voice": (GOOD, BAD)}), []),
        (Facts((RUNNER,), {"voice": (BAD,)}), []),
        (Facts((RUNNER,), {"voice": (LATE, LATE)}), [("transport.voice", WARN)]),
        (Facts((RUNNER,), {"voice": (LATE, GOOD)}), []),
        (Facts((RUNNER,), real={"gateway": (0, 2)}), [("sends.gateway", ILL)]),
        (Facts((RUNNER,), real={"gateway": (1, 30)}), []),
        (Facts((RUNNER,), real={"gateway": (0, 1)}), []),
    ],
)
def test_findings(facts, expected):
    assert [(found.cause, found.grade) for found in findings(facts)] == expected


def test_the_worst_comes_first_and_each_cause_once():
    machine = Heart("runner", "a", 1, skew=3.0)
    again = Heart("web", "a", 1, skew=60.0, disk_free=5, disk_total=100)
    found = findings(Facts((machine, again), {"email": (BAD, BAD)}))
    assert [(one.cause, one.grade) for one in found] == [
        ("skew.a", ILL),
        ("transport.email", ILL),
        ("disk.a", WARN),
    ]


def test_a_failed_transport_says_why():
    [found] = findings(Facts((RUNNER,), {"voice": (BAD, BAD)}))
    assert found.detail == "No answer in 8 seconds."
