from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from jieli.directory import access
from jieli.directory.models import Membership, Role
from tests.directory.world import TODAY


def test_an_account_is_a_person(world):
    assert access.person_of(world.zhu.account) == world.zhu
    assert access.person_of(AnonymousUser()) is None


def test_a_closed_account_is_nobody(world):
    world.zhu.account.is_active = False
    assert access.person_of(world.zhu.account) is None


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (None, None, True),
        (TODAY, TODAY, True),
        (TODAY + timedelta(days=1), None, False),
        (None, TODAY - timedelta(days=1), False),
    ],
)
def test_a_role_holds_between_its_dates(world, valid_from, valid_to, holds):
    Role.objects.filter(practitioner=world.zhu).update(valid_from=valid_from, valid_to=valid_to)
    assert access.active_roles(world.zhu, TODAY).exists() is holds
    assert access.organisations_of(world.zhu, TODAY) == ({world.centre.pk} if holds else set())


def test_without_a_person_there_is_nothing(world):
    assert access.organisations_of(None, TODAY) == set()
    assert not access.alliances_of(None, TODAY)
    assert not access.is_coordinator(None, world.centre.pk, TODAY)


def test_a_person_without_a_role_has_no_hospital(world):
    assert access.organisations_of(world.nobody, TODAY) == set()


def test_kinds_narrow_the_hospitals(world):
    assert access.organisations_of(world.zhu, TODAY, {Role.Kind.EXPERT}) == {world.centre.pk}
    assert access.organisations_of(world.zhu, TODAY, {Role.Kind.DIRECTOR}) == set()
    assert access.organisations_of(world.zhu, TODAY, ()) == set()


def test_alliances_end_with_membership(world):
    assert list(access.alliances_of(world.zhu, TODAY)) == [world.alliance]
    Membership.objects.update(left_on=TODAY)
    assert not access.alliances_of(world.zhu, TODAY)


def test_who_coordinates(world):
    assert access.is_coordinator(world.coordinator, world.centre.pk, TODAY)
    assert access.is_coordinator(world.admin, world.centre.pk, TODAY)
    assert not access.is_coordinator(world.coordinator, world.county.pk, TODAY)
    assert not access.is_coordinator(world.zhu, world.centre.pk, TODAY)


def test_fetching_is_authorising(world):
    with pytest.raises(Http404):
        access.get_organisation_to_coordinate(world.zhu, "centre", TODAY)
    with pytest.raises(Http404):
        access.get_organisation_to_coordinate(world.outsider, "centre", TODAY)


def test_the_day_begins_in_beijing(world):
    from tests.directory.world import at

    assert access.today(at("21 00:30")) == date(2026, 11, 21)
    assert access.today(at("21 23:59")) == date(2026, 11, 21)
