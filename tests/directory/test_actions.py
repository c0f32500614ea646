import threading
from datetime import timedelta

import pytest
from django.db import connection

from jieli.directory import access, actions
from jieli.directory.models import Channel, Duty, Presence
from jieli.rules.refusal import Refused
from tests.directory import world as worlds
from tests.directory.world import NOW, at, night_telephone, turn


def put(world, who, start="22 08:00", end="23 08:00", **changes):
    given = {
        "organisation": world.centre,
        "specialty": world.surgery,
        "line": "first",
        "start": at(start),
        "end": at(end),
        "by": world.coordinator,
        "now": NOW,
    }
    return actions.put_on_duty(who, **given | changes)


# -- presence ----------------------------------------------------------------------------------


def test_presence_is_said_until_an_instant(world):
    until = NOW + timedelta(hours=2)
    said = actions.set_presence(world.zhu, "operating", until=until, by=world.zhu, now=NOW)
    assert (said.state, said.until) == ("operating", until)
    free = actions.set_presence(world.zhu, "free", until=until, by=world.zhu, now=NOW)
    assert (free.state, free.until) == ("free", None)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"state": "asleep"}, "no such state"),
        ({"state": "operating", "until": NOW}, "in the future"),
        ({"state": "away", "away_minutes": 0}, "in minutes"),
        ({"state": "away", "away_minutes": 10_000}, "in minutes"),
    ],
)
def test_presence_that_makes_no_sense_is_refused(world, given, sentence):
    with pytest.raises(Refused, match=sentence):
        actions.set_presence(world.zhu, by=world.zhu, now=NOW, **given)


def test_touch_writes_at_most_once_a_minute(world, django_assert_num_queries):
    actions.touch(by=world.zhu, now=NOW)
    zhu = access.person_of(world.zhu.account)
    with django_assert_num_queries(0):
        actions.touch(by=zhu, now=NOW + timedelta(seconds=59))
    assert Presence.objects.get(practitioner=world.zhu).last_seen_at == NOW
    actions.touch(by=world.zhu, now=NOW + timedelta(seconds=60))
    assert Presence.objects.get(practitioner=world.zhu).last_seen_at == NOW + timedelta(seconds=60)


def test_touch_never_goes_back(world):
    actions.touch(by=world.zhu, now=NOW)
    actions.touch(by=world.zhu, now=NOW - timedelta(hours=1))
    assert Presence.objects.get(practitioner=world.zhu).last_seen_at == NOW


# -- channels ----------------------------------------------------------------------------------


def add(world, kind="gateway", address="0998-555 0131", **changes):
    return actions.add_channel(world.zhu, kind, address, by=world.zhu, now=NOW, **changes)


def test_channels_stand_in_the_persons_order(world):
    first, second, third = add(world), add(world, "email", "zhu@hospital.cn"), add(world, "in_app")
    actions.move_channel(third, up=True, by=world.zhu, now=NOW)
    actions.move_channel(first, up=True, by=world.zhu, now=NOW)
    order = Channel.objects.filter(practitioner=world.zhu).order_by("order")
    assert list(order) == [first, third, second]


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("gateway", "no number"),
        ("gateway", "123"),
        ("email", "zhu@"),
        ("apprise", "json://127.0.0.1/"),
        ("apprise", "https://example.org"),
        ("apprise", "wecombot://"),
        ("apprise", "wecombot://a b"),
        ("pigeon", "home"),
    ],
)
def test_an_address_that_cannot_work_is_refused(world, kind, address):
    with pytest.raises(Refused):
        add(world, kind, address)


def test_the_same_channel_twice_is_refused(world):
    add(world)
    with pytest.raises(Refused, match="already"):
        add(world, address="0998 5550131")


def test_what_cannot_wake_anybody_does_not_ring(world):
    with pytest.raises(Refused, match="wake"):
        add(world, "email", "zhu@hospital.cn", rings=True)


def test_nobody_has_channels_without_end(world):
    for number in range(8):
        add(world, address=f"0998555{number:04d}")
    with pytest.raises(Refused, match="remove one"):
        add(world, address="09985559999")


def test_a_ring_is_proven_only_after_a_test(world):
    rung = []
    actions.use_test_ring(lambda channel, now: rung.append(channel.pk))
    channel = add(world, rings=True)
    with pytest.raises(Refused, match="test ring first"):
        actions.prove_channel(channel, by=world.zhu, now=NOW)
    actions.test_channel(channel, by=world.zhu, now=NOW)
    with pytest.raises(Refused, match="test ring first"):
        actions.prove_channel(channel, by=world.zhu, now=NOW + timedelta(minutes=16))
    actions.prove_channel(channel, by=world.zhu, now=NOW + timedelta(minutes=1))
    channel.refresh_from_db()
    assert rung == [channel.pk]
    assert (channel.proven_at, channel.proven_by) == (NOW + timedelta(minutes=1), world.zhu)


# -- rosters -----------------------------------------------------------------------------------


def test_a_turn_on_the_roster(world):
    duty = put(world, world.zhu)
    assert Duty.objects.get() == duty


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"end": "22 08:00"}, "ends before it begins"),
        ({"line": "third"}, "no such line"),
        ({"specialty": None}, "choose one"),
        ({"line": "officer"}, "leave the specialty empty"),
    ],
)
def test_a_turn_that_makes_no_sense_is_refused(world, changes, sentence):
    with pytest.raises(Refused, match=sentence):
        put(world, world.zhu, **changes)


def test_only_people_of_the_hospital_are_on_duty(world):
    with pytest.raises(Refused, match="no post"):
        put(world, world.county_doctor)


def test_nobody_is_on_duty_twice(world):
    put(world, world.zhu)
    with pytest.raises(Refused, match="祝南星 already has a turn"):
        put(world, world.zhu, "22 20:00", "23 20:00", line="second")
    put(world, world.zhu, "23 08:00", "24 08:00")


def test_the_database_says_so_too(world):
    """Also for a second specialty and hospital, which the first look does not see."""
    put(world, world.zhu)
    with pytest.raises(Refused, match="already has a turn"):
        put(world, world.zhu, specialty=world.obstetrics)


def test_a_turn_that_has_begun_ends_now(world):
    begun = turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    later = turn(world.zhu, world.centre, world.surgery, "23 08:00", "24 08:00")
    over = turn(world.zhu, world.centre, world.surgery, "19 08:00", "20 08:00")
    actions.take_off_duty(begun, by=world.coordinator, now=NOW)
    actions.take_off_duty(later, by=world.coordinator, now=NOW)
    with pytest.raises(Refused, match="is over"):
        actions.take_off_duty(over, by=world.coordinator, now=NOW)
    assert set(Duty.objects.all()) == {begun, over}
    assert Duty.objects.get(pk=begun.pk).period.upper == NOW


def test_a_swap_changes_hands_when_approved(world):
    duty = put(world, world.zhu)
    swap = actions.ask_swap(duty, world.ji, reason="进修", by=world.zhu, now=NOW)
    other = actions.ask_swap(duty, world.coordinator, by=world.zhu, now=NOW)
    actions.approve_swap(swap, by=world.coordinator, now=NOW)
    duty.refresh_from_db()
    other.refresh_from_db()
    assert duty.practitioner == world.ji
    assert other.refused_at == NOW
    with pytest.raises(Refused, match="already been decided"):
        actions.approve_swap(swap, by=world.coordinator, now=NOW)


def test_a_swap_in_the_middle_of_a_turn_keeps_what_was(world):
    duty = turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    swap = actions.ask_swap(duty, world.ji, by=world.zhu, now=NOW)
    actions.approve_swap(swap, by=world.coordinator, now=NOW)
    shown = {d.practitioner.name: (d.period.lower, d.period.upper) for d in Duty.objects.all()}
    assert shown == {"祝南星": (at("21 08:00"), NOW), "季怀远": (NOW, at("22 08:00"))}


def test_a_swap_into_another_turn_is_refused_in_one_sentence(world):
    duty = put(world, world.zhu)
    put(world, world.ji, line="second")
    swap = actions.ask_swap(duty, world.ji, by=world.zhu, now=NOW)
    with pytest.raises(Refused, match="季怀远 already has a turn"):
        actions.approve_swap(swap, by=world.coordinator, now=NOW)
    duty.refresh_from_db()
    assert duty.practitioner == world.zhu


def test_a_swap_can_be_refused_and_is_asked_once(world):
    duty = put(world, world.zhu)
    swap = actions.ask_swap(duty, world.ji, by=world.zhu, now=NOW)
    with pytest.raises(Refused, match="already been asked"):
        actions.ask_swap(duty, world.ji, by=world.zhu, now=NOW)
    actions.refuse_swap(swap, by=world.coordinator, now=NOW)
    actions.ask_swap(duty, world.ji, by=world.zhu, now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_engines
def test_two_coordinators_put_the_same_person_on_duty_at_once():
    world = worlds.build()
    gate = threading.Barrier(6)
    said: list[str] = []

    def race(specialty):
        gate.wait()
        try:
            put(world, world.zhu, specialty=specialty)
            said.append("won")
        except Refused as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    for _round in range(5):
        said.clear()
        Duty.objects.all().delete()
        specialties = [world.surgery, world.obstetrics] * 3
        threads = [threading.Thread(target=race, args=(one,)) for one in specialties]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(set(said)) == sorted(
            {"won", "祝南星 already has a turn at that time; take it off first."}
        )
        assert said.count("won") == 1
        assert Duty.objects.count() == 1


# -- agreements --------------------------------------------------------------------------------


def open_agreement(world, **changes):
    given = {"modes": ["consult"], "by": world.coordinator, "now": NOW}
    return actions.open_agreement(world.county, world.centre, **given | changes)


def test_an_agreement_opens_and_ends(world):
    agreement = open_agreement(world, specialties=[world.surgery], signed=False)
    actions.sign_agreement(agreement, by=world.coordinator, now=NOW)
    actions.end_agreement(agreement, by=world.coordinator, now=NOW)
    agreement.refresh_from_db()
    assert agreement.signed
    assert str(agreement.valid_to) == "2026-11-20"
    with pytest.raises(Refused, match="already ended"):
        actions.end_agreement(agreement, by=world.coordinator, now=NOW)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modes": []}, "at least one"),
        ({"modes": ["everything"]}, "at least one"),
        ({"valid_from": at("21 08:00").date(), "valid_to": at("20 08:00").date()}, "before"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused(world, changes, sentence):
    with pytest.raises(Refused, match=sentence):
        open_agreement(world, **changes)


def test_a_hospital_makes_no_agreement_with_itself(world):
    with pytest.raises(Refused, match="between two"):
        actions.open_agreement(
            world.centre, world.centre, ["consult"], by=world.coordinator, now=NOW
        )


def test_a_removed_channel_is_gone(world):
    channel = night_telephone(world.zhu)
    actions.remove_channel(channel, by=world.zhu, now=NOW)
    assert not Channel.objects.exists()
