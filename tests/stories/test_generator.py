"""The generated alliance is as true as one that people made: chains, clocks, access, matching."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from jieli.cases.models import Case, Clock, Opinion, Request
from jieli.directory.models import Duty, Practitioner
from jieli.record.models import Chain
from jieli.record.queries import broken_at

pytestmark = pytest.mark.django_db(transaction=True)
SMALL = {"hospitals": 12, "practitioners": 300, "cases": 60, "open": 12, "seed": 3, "workers": 1}


@pytest.fixture
def generated() -> None:
    call_command("generate", **SMALL, clocks=50)


def test_counts_and_chains(generated: None) -> None:
    assert Case.objects.count() == 60
    assert Case.objects.filter(status="open").count() == 12
    assert Practitioner.objects.count() >= 290
    assert not [chain for chain in Chain.objects.all() if broken_at(chain)]


def test_nothing_points_nowhere(generated: None) -> None:
    """Foreign keys are not checked while copying, so they are checked here."""
    connection.check_constraints()
    assert Opinion.objects.exclude(author__roles__kind="expert").count() == 0
    assert Duty.objects.filter(line="first").exists()


def test_open_clocks_are_armed_and_stopped_ones_are_not(generated: None) -> None:
    assert Clock.objects.filter(stopped_at=None, due_at=None).exclude(target_at=None).count() == 0
    assert Clock.objects.exclude(stopped_at=None).exclude(due_at=None).count() == 0
    assert Clock.objects.filter(stage="second", about__isnull=False).count() == 50


def test_people_can_go_on_working(generated: None) -> None:
    """The sequences stand behind the copied rows: new rows do not collide."""
    assert Request.objects.filter(status="requested").exists()
    Chain.objects.create()
    again = {**SMALL, "seed": 4}
    call_command("generate", **again)
    assert Case.objects.count() == 120
