"""手术示教: an operation is shown to an alliance only with consent, and as long as it stands."""

from typing import Any

import pytest
from django.db import connection
from django.http import Http404

from jieli.cases import actions as cases
from jieli.cases.actions import recordings
from jieli.cases.models import Case
from jieli.lectures import actions
from jieli.lectures.access import cases_to_show
from jieli.lectures.actions import Plan
from jieli.lectures.models import Lecture, Shown
from jieli.rooms.models import Room
from jieli.rules.refusal import Refused
from tests.cases.test_row_security import as_person
from tests.cases.world import minutes, verbs
from tests.lectures.test_lectures import Hall, client, hall

pytestmark = pytest.mark.django_db
__all__ = ["hall"]  # the fixture


@pytest.fixture
def agreed() -> dict[str, Any]:
    """What the patient's consent to teaching is, as guidance would tell it."""
    return {"consent": True}


@pytest.fixture
def case(hall: Hall, agreed: dict[str, Any]) -> Any:
    before = recordings._consent
    cases.use_teaching_consent(lambda _case: agreed["consent"])
    request = hall.raised("U1")
    cases.accept(request, by=hall.alice, now=minutes(1))
    yield request.case
    recordings._consent = before


def planned(hall: Hall, case: Case, **changed: Any) -> Lecture:
    plan: dict[str, Any] = {
        "title": "腹腔镜手术示教", "host": hall.county, "alliance": hall.alliance,
        "speakers": [hall.doctor, hall.alice], "starts_at": minutes(10), "ends_at": minutes(90),
        "case": case,
    }  # fmt: skip
    return actions.plan_lecture(Plan(**(plan | changed)), by=hall.doctor, now=minutes(2))


def test_it_is_on_the_cases_record_and_the_audience_learns_of_no_case(hall, case):
    lecture = planned(hall, case)
    assert verbs(case)[-1] == "lecture_planned"
    for who in ("carol", "second_doctor", "outsider"):
        page = client(hall.people[who]).get(f"/lectures/{lecture.room.key}/").content.decode()
        assert case.number not in page
        assert str(case.key) not in page
    with as_person(hall.outsider, 11):
        assert Room.objects.filter(pk=lecture.room_id).exists()
        assert not Shown.objects.exists()
    with as_person(hall.doctor, 11):
        assert Shown.objects.get().case_key == case.key


@pytest.mark.parametrize(
    ("consent", "changed", "why"),
    [
        (None, {}, "Nobody has asked"),
        (False, {}, "does not agree"),
        (True, {"title": "马某之子的手术"}, "names the patient"),
    ],
)
def test_without_consent_or_with_a_name_nothing_is_planned(
    consent, changed, why, hall, case, agreed
):
    agreed["consent"] = consent
    with pytest.raises(Refused, match=why):
        planned(hall, case, **changed)
    assert not Lecture.objects.exists()


def test_only_the_treating_side_shows_its_operation(hall, case):
    with pytest.raises(Http404):
        plan = Plan("示教", hall.hub, hall.alliance, [], minutes(10), minutes(20), case)
        actions.plan_lecture(plan, by=hall.alice, now=minutes(2))
    assert cases_to_show(hall.doctor, minutes(2)) == [case]
    assert cases_to_show(hall.alice, minutes(2)) == []


def test_a_case_offered_by_somebody_else_is_not_taken_from_a_form(hall, case):
    page = client(hall.alice).post(
        "/lectures/new/",
        {"title": "x", "host": "hub", "alliance": "test", "case": str(case.key),
         "starts_at": "2026-03-01T15:00", "ends_at": "2026-03-01T16:00"},
    )  # fmt: skip
    assert page.status_code == 422
    assert not Lecture.objects.exists()


@pytest.mark.parametrize("how", ["withdrawn", "closed"])
def test_when_the_consent_ends_everybody_is_out_at_once(how, hall, case, agreed):
    lecture = planned(hall, case)
    seat, _ticket = actions.join_lecture(lecture, by=hall.carol, now=minutes(12))
    assert actions.end_shown(minutes(13)) == 0
    if how == "withdrawn":
        agreed["consent"] = False
    else:
        cases.close_case(case, by=hall.doctor, reason="转走", now=minutes(13))
    assert actions.end_shown(minutes(14)) == 1
    seat.refresh_from_db()
    assert seat.left_at == minutes(14)
    assert verbs(case)[-1] == "lecture_stopped"
    assert actions.end_shown(minutes(15)) == 0
    with pytest.raises(Refused):
        actions.join_lecture(
            Lecture.objects.select_related("room").get(), by=hall.carol, now=minutes(15)
        )


def test_a_disposal_forgets_which_case_was_shown(hall, case):
    planned(hall, case)
    with connection.cursor() as cursor:
        cursor.execute("update cases_case set disposed_at = now() where id = %s", [case.pk])
    assert not Shown.objects.exists()
