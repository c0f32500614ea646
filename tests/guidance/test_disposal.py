"""What guidance says about a case goes when the case is disposed of."""

import uuid

import pytest
from django.apps import apps
from django.db import connection

from jieli.cases.models import Case
from jieli.chart.models import Document
from jieli.directory.models import Technique
from jieli.guidance.models import GuidanceSession, LifeException
from tests.cases.test_disposal import SECRET, age, confirm, propose, story, world
from tests.cases.world import minutes

__all__ = ["world"]  # a fixture
pytestmark = pytest.mark.django_db


def told_of(world, case: Case) -> GuidanceSession:
    """A row in every table of guidance that names the secret where it can."""
    session = GuidanceSession.objects.create(
        case=case, number=1, organisation=world.county, name=SECRET, operator=world.doctor,
        guide=world.alice, planned_by=world.doctor, planned_at=minutes(10),
    )  # fmt: skip
    technique, _ = Technique.objects.get_or_create(code="T", name="T")
    session.techniques.add(technique)
    by = {"by": world.doctor, "at": minutes(11)}
    session.checks.create(item="stop", answer="yes", text=SECRET, **by)
    document = Document.objects.create(
        patient=case.patient, case_key=case.key, kind="pdf", title="x",
        media_type="application/pdf", size=9, sha256="0" * 64, occurred_at=minutes(5),
        recorded_at=minutes(5), by=world.doctor,
    )  # fmt: skip
    session.mdts.create(document=document, signed_by=SECRET, signed_at=minutes(10), **by)
    LifeException.objects.create(session=session, decider=world.doctor, reason=SECRET, **by)
    session.stays.create(since=minutes(12))
    session.gaps.create(since=minutes(12))
    session.entries.create(
        number=1, kind="note", text=SECRET, client_key=uuid.uuid4(), occurred_at=minutes(13),
        recorded_at=minutes(13), by=world.doctor,
    )  # fmt: skip
    return session


def tables() -> list[str]:
    found = apps.get_app_config("guidance").get_models(include_auto_created=True)
    return [model._meta.db_table for model in found]


def rows() -> dict[str, int]:
    found = {}
    for table in tables():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


def test_it_goes_with_the_case_and_that_of_others_stays(world):
    case, other = age(story(world)), age(story(world, "别人"))
    told_of(world, case)
    left = told_of(world, other)
    assert set(rows().values()) == {2}
    proposed = propose(world, case)
    assert confirm(world, proposed).status_code == 303
    connection.check_constraints()
    assert set(rows().values()) == {1}
    assert GuidanceSession.objects.get() == left
