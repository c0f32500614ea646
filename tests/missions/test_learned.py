"""What other missions teach, and who is away with one: known to everybody, seen by nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.missions.models import Leg, Member, Mission
from jieli.missions.queries.generator import generate
from jieli.missions.queries.learned import away, leg_times
from jieli.record.reading import entered
from jieli.rules.planner import instance, plan
from tests.missions.kashgar import Kashgar, kashgar

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
DISPATCH = "dispatch-sch"


@pytest.fixture
def world() -> Kashgar:
    return kashgar()


def mission(world: Kashgar, number: str = "M-1") -> Mission:
    return Mission.objects.create(
        number=number,
        case=world.case,
        kind="dispatch",
        template="DISPATCH",
        start=world.people["SURG"].roles.first().organisation,
        end=world.case.organisation,
        planned_by=world.people["RES"],
        planned_at=world.signed_at,
    )


def went(world: Kashgar, kind: str, route: str, minutes: float, many: int = 1) -> None:
    to = mission(world)
    for position in range(many):
        Leg.objects.create(
            mission=to,
            position=position,
            kind=kind,
            route=route,
            name="x",
            started_at=world.signed_at,
            ended_at=world.signed_at + timedelta(minutes=minutes),
        )


def median_of(world: Kashgar, kind: str) -> float:
    found = generate(world.case, world.signed_at, {})
    assert found is not None
    return next(
        float(leg["median"]) for leg in found.words[DISPATCH]["legs"] if leg["kind"] == kind
    )


def test_legs_that_went_draw_the_prior(world):
    assert median_of(world, "to_incision") == 80
    went(world, "to_incision", "kashgar2", 160, many=10)
    assert median_of(world, "to_incision") == pytest.approx((80 * 160) ** 0.5, rel=0.01)


def test_a_road_is_learned_on_its_own_route(world):
    went(world, "road", "KHG>kashgar2", 90, many=10)
    found = generate(world.case, world.signed_at, {})
    assert found is not None
    roads = [leg for leg in found.words[DISPATCH]["legs"] if leg["kind"] == "road"]
    assert [round(leg["median"]) for leg in roads] == [60, round((45 * 90) ** 0.5)]


def test_a_leg_without_an_end_or_without_length_teaches_nothing(world):
    to = mission(world)
    Leg.objects.create(
        mission=to, position=0, kind="road", route="a>b", name="x", started_at=world.signed_at
    )
    Leg.objects.create(
        mission=to, position=1, kind="road", route="a>b", name="x",
        started_at=world.signed_at, ended_at=world.signed_at,
    )  # fmt: skip
    assert leg_times(["a>b"]) == {}


def test_who_is_in_another_team_cannot_be_sent(world):
    surgeon = world.people["SURG"]
    span = DateTimeTZRange(world.signed_at, world.signed_at + timedelta(days=2))
    Member.objects.create(
        mission=mission(world), practitioner=surgeon, part="operator", period=span
    )
    found = generate(world.case, world.signed_at, {})
    assert found is not None
    sent = {p["name"] for p in found.words[DISPATCH]["people"]}
    assert surgeon.name not in sent  # somebody else of the same hospital goes


def test_whoever_looks_sees_the_same_sheet(world):
    """With the rights of the web role, as one who may not see the missions of others."""
    other = kashgar_elsewhere(world)
    went(other, "to_incision", "kashgar2", 160, many=10)
    plain = generate(world.case, world.signed_at, {})
    doctor = world.people["RES"]
    with entered(doctor.account, doctor, world.signed_at):
        assert not Leg.objects.filter(mission__case=other.case).exists()
        seen = generate(world.case, world.signed_at, {})
    assert plain is not None
    assert seen is not None
    assert seen.instance == plain.instance
    assert plan(instance(seen.instance)).ranked[0] == DISPATCH


def kashgar_elsewhere(world: Kashgar) -> Kashgar:
    """Another case, at a hospital where the doctor of the first has no post."""
    from jieli.cases.actions import raise_request
    from jieli.cases.actions.requests import Ask
    from jieli.cases.models import Case
    from jieli.chart.models import Patient
    from jieli.directory.models import Organisation, Practitioner, Specialty

    site = Organisation.objects.get(code="hekou6")
    ask = Ask(
        organisation=site,
        specialty=Specialty.objects.get(code="paediatric-surgery"),
        urgency="U1",
        problem="腹胀",
        callback="0994-5550601",
    )
    by = Practitioner.objects.get(number="HK-0901")
    patient = Patient.objects.create(name="某之子", unknown=True, organisation=site)
    request = raise_request(ask, patient, by=by, now=world.signed_at)
    case = Case.objects.get(pk=request.case_id)
    return Kashgar(case, request, world.people, world.signed_at)


def test_absence_is_cut_to_what_was_asked(world):
    surgeon, at = world.people["SURG"], world.signed_at
    Member.objects.create(
        mission=mission(world),
        practitioner=surgeon,
        part="operator",
        period=DateTimeTZRange(at - timedelta(days=40), at + timedelta(days=40)),
    )
    found = away([surgeon.pk], at - timedelta(days=28), at + timedelta(days=4))
    assert found == {surgeon.pk: ((at - timedelta(days=28), at + timedelta(days=4)),)}
    assert away([], at, at + timedelta(days=1)) == {}
