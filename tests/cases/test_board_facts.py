"""What boards count stands on the case's own row: after each action it equals the rows it is of."""

import pytest
from django.db import connection

from jieli.cases import actions
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Case
from jieli.directory.models import Duty
from tests.cases.world import PASSWORD, World, minutes, run

pytestmark = [pytest.mark.django_db]

# Written here once more, from the rows, so that a mistake in the one is not one in the other.
TRUE = """
    SELECT (SELECT min(coalesce(k.hard_at, k.target_at)) FROM cases_clock k
             WHERE k.case_id = c.id AND k.stopped_at IS NULL AND k.cancelled_at IS NULL),
           (SELECT count(*) > 0 FROM cases_ring i JOIN cases_request r ON r.id = i.request_id
             WHERE r.case_id = c.id AND i.answer = '' AND NOT i.silent),
           (SELECT count(*) > 0 FROM cases_opinion o
             WHERE o.case_id = c.id AND o.acknowledged_at IS NULL),
           (SELECT count(*) > 0 FROM cases_opinion o LEFT JOIN cases_decision d
                ON d.opinion_id = o.id WHERE o.case_id = c.id AND d.id IS NULL)
      FROM cases_case c WHERE c.id = %s"""


def facts(case: Case) -> tuple[object, ...]:
    kept = Case.objects.values_list("late_at", "ringing", "unread", "undecided").get(pk=case.pk)
    with connection.cursor() as cursor:
        cursor.execute(TRUE, [case.pk])
        assert cursor.fetchone() == kept
    return kept[1:]


def test_a_case_from_the_page_to_its_end():
    world = World()
    request = world.raised("U1")
    case = request.case
    assert facts(case) == (True, False, False)
    for minute in (0.5, 1, 3, 6, 11):  # rings roll on, the list ends, clocks fire
        run(minutes(minute))
        facts(case)
    actions.accept(request, by=world.alice, now=minutes(12))
    assert facts(case) == (False, False, False)
    again = actions.raise_again(case, world.ask("U0"), by=world.doctor, now=minutes(13))
    assert facts(case) == (True, False, False)
    actions.withdraw(again, by=world.doctor, reason="误报", now=minutes(14))
    assert facts(case) == (False, False, False)
    actions.record_contact(
        request, by=world.doctor, practitioner=world.alice, channel="telephone", now=minutes(15)
    )
    advice = Advice(indication="confirmed", assessment="考虑肠闭锁")
    opinion = actions.sign_opinion(
        request, advice, by=world.alice, secret=PASSWORD, now=minutes(20)
    )
    assert facts(case) == (False, True, True)
    actions.acknowledge(opinion, by=world.doctor, now=minutes(22))
    assert facts(case) == (False, False, True)
    opinion.refresh_from_db()
    actions.sign_decision(
        case, Choice("DISPATCH", "立即派队"), opinion=opinion, by=world.doctor, secret=PASSWORD,
        now=minutes(30),
    )  # fmt: skip
    assert facts(case) == (False, False, False)
    run(minutes(300))
    facts(case)
    actions.close_case(case, by=world.doctor, reason="好转", now=minutes(400))
    assert facts(case) == (False, False, False)


def test_a_case_that_nobody_can_answer_and_one_that_changes_its_level():
    world = World()
    Duty.objects.all().delete()
    silent = world.raised("U2")
    facts(silent.case)
    case = world.raised("U3").case
    assert facts(case)[0] is False  # a planned request wakes nobody
    actions.change_urgency(
        case, "U0", by=world.doctor, may_lower=False, reason="恶化", now=minutes(5)
    )
    facts(case)


def test_rows_that_came_by_another_way_are_counted_anew():
    world = World()
    case = world.raised("U1").case
    Case.objects.update(late_at=None, ringing=False)
    actions.renew_boards(minutes(1))
    assert facts(case) == (True, False, False)
