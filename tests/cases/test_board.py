"""The board: by the limit that runs out first, and each figure opens to just its rows."""

import pytest
from django.db.models import Q

from jieli.cases import actions
from jieli.cases.access import visible_cases
from jieli.cases.actions import Advice
from jieli.cases.queries import lists
from jieli.directory import access
from jieli.record.reading import entered
from tests.cases.world import PASSWORD, World, minutes

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def world() -> World:
    return World()


def board(world, who, shown="all", page=1, minute=50):
    person = access.person_of(world.people[who].account)
    with entered(person.account, person, minutes(minute)):
        return lists.board(person, {world.county.pk}, minutes(minute), shown=shown, page=page)


def titles(found):
    return [line.case.pk for line in found.lines]


def test_each_figure_counts_the_rows_that_it_opens(world):
    late, unread, ringing, closed = (world.raised("U1", minutes(n)).case for n in (0, 40, 49, 41))
    for case in (late, unread):
        request = case.requests.get()
        actions.accept(request, by=world.alice, now=minutes(41))
    opinion = actions.sign_opinion(
        unread.requests.get(), Advice("confirmed", "肠闭锁"), by=world.alice, secret=PASSWORD,
        now=minutes(49),
    )  # fmt: skip
    actions.close_case(closed, by=world.doctor, reason="好转", now=minutes(45))
    wanted = {
        "all": {late, unread, ringing},
        "ours": {late, unread, ringing},
        "unread": {unread},
        "breach": {late},
        "undecided": {unread},
        "closed": {closed},
        "mine": {unread},  # the doctor must read the opinion
    }
    for shown, cases in wanted.items():
        found = board(world, "doctor", shown, minute=150 if shown == "breach" else 50)
        if shown == "breach":
            assert late.pk in titles(found)
            continue
        assert set(titles(found)) == {case.pk for case in cases}, shown
        assert found.counts[shown] == found.total == len(cases), shown
    assert ringing.pk in titles(board(world, "doctor", "ringing"))
    assert opinion.acknowledged_at is None
    assert set(titles(board(world, "alice", "mine"))) >= {late.pk}
    assert board(world, "outsider").total == 0


def test_the_limit_that_runs_out_first_is_on_top_and_a_case_without_one_at_the_end(world):
    urgent, planned = world.raised("U1").case, world.raised("U3").case
    other = world.raised("U2", minutes(1)).case
    none = world.raised("U1").case
    type(none).objects.filter(pk=none.pk).update(next_limit_at=None)
    order = titles(board(world, "doctor", minute=2))
    assert order[-1] == none.pk
    limits = {c.pk: c.next_limit_at for c in (urgent, planned, other)}
    known = [pk for pk in order if pk in limits]
    assert known == sorted(limits, key=lambda pk: (limits[pk], pk))


def test_pages_follow_each_other_without_a_gap(world):
    cases = [world.raised("U2", minutes(n)).case.pk for n in range(lists.PAGE + 2)]
    first, second = board(world, "doctor"), board(world, "doctor", page=2)
    assert (len(first.lines), len(second.lines), first.pages) == (lists.PAGE, 2, 2)
    assert sorted(titles(first) + titles(second)) == sorted(cases)
    assert titles(board(world, "doctor", page=99)) == titles(second)


@pytest.mark.parametrize("minute", [50, 60 * 24 + 30, 60 * 24 * 9])
def test_the_database_counts_for_each_person_just_what_both_checks_let_them_see(world, minute):
    request = world.raised("U1")
    actions.accept(request, by=world.alice, now=minutes(1))
    world.raised("U0", minutes(2))
    closed = world.raised("U2", minutes(3)).case
    actions.close_case(closed, by=world.doctor, reason="好转", now=minutes(40))
    for who in world.people.values():
        person = access.person_of(who.account)
        with entered(who.account, person, minutes(minute)):
            counted = {pk for shown in ("all", "closed") for pk in found_for(person, shown, minute)}
            recent = Q(status="open") | Q(closed_at__gt=minutes(minute) - lists.CLOSED_SHOWN)
            seen = visible_cases(person, minutes(minute)).filter(recent)
            assert counted == set(seen.values_list("pk", flat=True)), who.name
    assert not found_for(person, "all", minute), "nobody has entered"


def found_for(person, shown, minute):
    ids, counts = lists._counted(person, set(), minutes(minute), shown, 1)
    assert len(ids) == counts[shown]
    return ids
