"""What missions, the sheet and operations say about a case goes when the case is disposed of."""

import pytest
from django.apps import apps
from django.db import connection

from jieli.cases.models import Case
from jieli.chart.models import Checklist, Procedure
from jieli.directory.models import Technique
from jieli.missions.models import Assent, Choice, Correction, Mission, Sheet, Temporised
from tests.cases.test_disposal import SECRET, age, confirm, propose, story, world
from tests.cases.world import minutes

__all__ = ["world"]  # a fixture
pytestmark = pytest.mark.django_db


def told_of(world, case: Case) -> None:
    """A row in every table of missions that names the secret where it can."""
    decision = case.decisions.get()
    mission = Mission.objects.create(
        number=f"M{case.pk}", case=case, patient=case.patient, decision=decision, kind="dispatch",
        template="DISPATCH", start=world.hub, end=world.county, planned_by=world.doctor,
        planned_at=minutes(10), plan=SECRET, closed_why=SECRET,
    )  # fmt: skip
    span = (minutes(10), minutes(20))
    technique, _ = Technique.objects.get_or_create(code="T", name="T")
    mission.members.create(practitioner=world.alice, part="nurse", period=span, left_at=minutes(20))
    mission.legs.create(position=0, kind="road", name=SECRET)
    mission.papers.create(kind="invitation", organisation=world.county, note=SECRET)
    mission.kit.create(position=0, name=SECRET)
    mission.covers.create(away=world.alice, what=SECRET, period=span)
    mission.privileges.create(
        practitioner=world.alice, organisation=world.county, technique=technique,
        since=minutes(10), until=minutes(20), by=world.doctor,
    )  # fmt: skip
    mission.entries.create(
        kind="event", text=SECRET, by=world.doctor, occurred_at=minutes(11), recorded_at=minutes(11)
    )
    sheet = Sheet.objects.create(
        case=case, version=9, t0=minutes(0), made_at=minutes(5), trigger=SECRET[:40],
        instance={"x": SECRET}, answer={}, words={}, inputs=[],
    )  # fmt: skip
    Choice.objects.create(decision=decision, sheet=sheet, option="x")
    Assent.objects.create(
        decision=decision, by=world.alice, agrees=False, note=SECRET, at=minutes(9)
    )
    Temporised.objects.create(
        case=case, item=SECRET, by=world.doctor, occurred_at=minutes(9), recorded_at=minutes(9)
    )
    Correction.objects.create(case=case, name="x", value=SECRET, by=world.doctor, at=minutes(9))
    Checklist.objects.create(
        patient=case.patient, case_key=case.key, gate="sign_in", operation=1, content="x",
        answers={"x": ["no", SECRET]}, occurred_at=minutes(9), recorded_at=minutes(9),
        by=world.doctor,
    )  # fmt: skip
    done = Procedure.objects.create(
        patient=case.patient, case_key=case.key, organisation=world.county, name=SECRET,
        operator=world.doctor, started_at=minutes(12), recorded_at=minutes(12), by=world.doctor,
    )  # fmt: skip
    done.techniques.add(technique)


def tables() -> list[str]:
    ours = [m for m in apps.get_models() if m._meta.app_label == "missions"]
    chart = ("chart_procedure", "chart_procedure_techniques", "chart_checklist")
    return [*(m._meta.db_table for m in ours), *chart]


def naming_the_secret() -> list[str]:
    found = []
    for table in tables():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{SECRET}%"])
            found += [table] * bool(cursor.fetchone()[0])
    return found


def test_it_goes_with_the_case_and_that_of_others_stays(world):
    case, other = age(story(world)), age(story(world, "别人"))
    told_of(world, case)
    assert len(naming_the_secret()) >= 9
    told_of(world, other)
    Mission.objects.filter(case=other).update(plan="", closed_why="")
    proposed = propose(world, case)
    assert confirm(world, proposed).status_code == 303
    connection.check_constraints()
    assert not Mission.objects.filter(case=case).exists()
    assert not Sheet.objects.filter(case=case).exists()
    left = Mission.objects.get(case=other)
    for rows in (left.members, left.legs, left.papers, left.kit, left.covers, left.privileges):
        assert rows.count() == 1
    assert (Choice.objects.count(), Assent.objects.count(), Correction.objects.count()) == (1, 1, 1)
    assert Procedure.objects.get().techniques.count() == 1
