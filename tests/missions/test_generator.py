"""The generator over the demo alliance: what it reads, what it writes, and RI-1 from end to end."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jieli.cases import actions as cases
from jieli.chart.models import Consent
from jieli.directory.models import Approval, Privilege
from jieli.missions import actions
from jieli.missions.models import Departure, LinkTest, Resource
from jieli.missions.queries.generator import Draft, generate
from jieli.rules.planner import Plan, instance, plan
from jieli.rules.refusal import Refused
from jieli.stories.rows import PASSWORD
from tests.missions.kashgar import Kashgar, grade, kashgar

pytestmark = pytest.mark.django_db
DISPATCH = "dispatch-sch"


@pytest.fixture
def world() -> Kashgar:
    return kashgar()


def draft(world: Kashgar, **corrections: str) -> Draft:
    found = generate(world.case, world.signed_at, corrections)
    assert found is not None
    return found


def planned(found: Draft, windows: list[float] | None = None) -> Plan:
    given = found.instance
    if windows:
        given = {**given, "case": {**given["case"], "windows": windows}}
    return plan(instance(given))


def barred(found: Plan) -> dict[str, tuple[str, ...]]:
    return {v.id: v.figures.bars for v in found.verdicts}


def test_the_newborn_of_kashgar(world):
    found = draft(world)
    answer = planned(found, [840, 960, 1440])
    assert answer.ranked[0] == DISPATCH
    chances = dict(answer[DISPATCH].figures.chances)
    assert chances[840] == pytest.approx(0.0, abs=0.002)
    assert chances[960] == pytest.approx(0.955, abs=0.002)
    assert chances[1440] == pytest.approx(0.998, abs=0.002)
    assert found.words[DISPATCH]["facts"]["path"] == pytest.approx(885, abs=1)
    bars = barred(answer)
    assert bars["local"] == ("C1", "C3")
    assert bars["live-sch"] == ("C2", "C3")
    assert bars["transfer-tianshan-road"] == ("C4",)
    assert "C5" in bars["transfer-tianshan-air"]


def test_what_the_draft_hangs_on(world):
    found = draft(world)
    assert found.opinion is not None
    assert found.t0 == world.signed_at
    assert (found.pathway, found.content) == ("neonatal_obstruction", "pathways-2")
    assert found.approved  # by nobody real: the demonstration says so of itself
    people = {p["part"]: p["name"] for p in found.words[DISPATCH]["people"]}
    assert people == {"operator": "沈砚秋", "anaesthetist": "陆知遥"}
    assert found.words[DISPATCH]["start_organisation"] == "sch"
    assert found.words[DISPATCH]["end_organisation"] == "kashgar2"
    flights = [leg for leg in found.words[DISPATCH]["legs"] if leg["kind"] == "flight"]
    assert [f["name"] for f in flights] == ["HJ6873", "HJ2201"]
    assert Departure.objects.get(pk=flights[0]["departure"]).number == "HJ6873"


def test_inputs_say_from_where_and_what_corrects_them(world):
    inputs = {each["name"]: each for each in draft(world).inputs}
    assert inputs["stability"]["value"] == "S3"
    assert inputs["stability"]["by"] == "迪丽拜尔"
    assert not inputs["window:hard"]["correctable"]
    assert inputs["link"]["estimate"]
    assert inputs["resource:kashgar2:theatre"]["value"] == 1
    heads = {name.partition(":")[0] for name in inputs}
    assert heads >= {"departure", "road", "resource", "person", "vehicle", "prep", "sign"}


def test_a_correction_changes_the_sheet_and_is_named(world):
    evening = Departure.objects.get(number="HJ6873")
    name = f"departure:{evening.pk}@{date(2026, 3, 1).isoformat()}"
    full = generate(world.case, world.signed_at, {name: "full"})
    assert full is not None
    assert full.words[DISPATCH]["facts"]["path"] > 1440
    with pytest.raises(Refused):
        generate(world.case, world.signed_at, {"weather": "bad"})


def test_without_a_pathway_there_is_no_sheet(world):
    world.case.requests.update(technique=None, specialty=_other("neurology"))
    world.case.opinions.all()
    assert generate(world.case, world.signed_at, {}) is None


def _other(code: str) -> Any:
    from jieli.directory.models import Specialty

    return Specialty.objects.get(code=code)


def test_without_an_opinion_minutes_count_from_the_anchor():
    world = kashgar(confirmed=False)
    found = draft(world)
    assert found.opinion is None
    assert found.t0 == world.case.anchor_at
    assert world.signed_at > found.t0
    starts = [leg["begins"] for words in found.words.values() for leg in words["legs"]]
    assert min(starts) == world.signed_at.astimezone(found.t0.tzinfo).isoformat()


def test_approval_of_the_content_holds_for_the_alliance_and_ends(world):
    day = date(2026, 3, 1)
    assert world.case.alliance is not None
    Approval.objects.create(
        alliance=world.case.alliance,
        content="pathways-2",
        by="医务部",
        approved_on=day - timedelta(days=9),
        expires_on=day,
    )
    assert draft(world).approved
    Approval.objects.update(expires_on=day - timedelta(days=1))
    assert not draft(world).approved


def test_the_last_stability_counts_and_one_struck_out_does_not(world):
    grade(world.case, world.people["RES"], "S1", world.signed_at)
    assert draft(world).instance["case"]["stability"] == "S1"
    from jieli.chart.models import Observation

    Observation.objects.filter(text="S1").update(wrong_at=world.signed_at, wrong_why="x")
    assert draft(world).instance["case"]["stability"] == "S3"


def test_a_refused_operation_bars_everything(world):
    Consent.objects.create(
        patient=world.case.patient,
        case_key=world.case.key,
        kind="operation",
        answer="refused",
        given_by="父亲",
        occurred_at=world.signed_at,
        recorded_at=world.signed_at,
        by=world.people["RES"],
    )
    answer = planned(draft(world))
    assert not answer.ranked
    assert all("C7" in bars for bars in barred(answer).values())


def test_a_failed_link_and_an_empty_theatre(world):
    LinkTest.objects.create(
        organisation=world.case.organisation, at=world.signed_at, passed=False, failure_share=0.2
    )
    Resource.objects.filter(organisation=world.case.organisation, kind="theatre").update(free=0)
    found = draft(world)
    assert next(i for i in found.inputs if i["name"] == "link")["value"] == "failed"
    assert "C3" in barred(planned(found))[DISPATCH]


def test_without_the_privilege_nobody_is_sent(world):
    Privilege.objects.filter(technique__code="PGS-LAP-NEO").delete()
    assert not [i for i in draft(world).words if i.startswith(("dispatch", "live"))]


def test_queries_do_not_grow_with_the_network(world):
    with CaptureQueriesContext(
        connection,
    ) as few:
        draft(world)
    assert len(few) <= 32


def test_the_chosen_option_becomes_a_team_once(world):
    from_sheet = world.case
    sheet = from_sheet.sheets.first() or actions.make_sheet(
        from_sheet, trigger="asked", now=world.signed_at
    )
    doctor = from_sheet.in_charge
    now = world.signed_at + timedelta(minutes=5)
    cases.acknowledge(from_sheet.opinions.get(), by=doctor, now=now)
    sheet = from_sheet.sheets.first()
    with pytest.raises(Refused, match="by hand"):
        actions.plan_chosen(from_sheet, by=doctor, now=now)
    chosen = actions.Chosen(DISPATCH, "马上出发")
    actions.choose(sheet, chosen, by=doctor, secret=PASSWORD, now=now)
    mission = actions.plan_chosen(from_sheet, by=doctor, now=now)
    names = set(mission.members.values_list("practitioner__name", flat=True))
    assert names == {"沈砚秋", "陆知遥"}
    assert mission.start.code == "sch"
    kinds = list(mission.legs.values_list("kind", flat=True))
    assert "flight" in kinds
    assert not {"delay", "to_incision"} & set(kinds)
    assert mission.kit.count() == 8
    with pytest.raises(Refused, match="already"):
        actions.plan_chosen(from_sheet, by=doctor, now=now)
