from datetime import date, timedelta

import pytest

from jieli.directory import actions, queries
from jieli.directory.models import Agreement, Presence
from tests.directory.world import NOW, TODAY, at, night_telephone, person, turn


@pytest.fixture(autouse=True)
def english(settings):
    from django.utils import translation

    with translation.override("en"):
        yield


@pytest.fixture
def roster(world):
    """Surgery today: Zhu first, Ji second; the officer of the house; tomorrow nobody first."""
    turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    turn(world.ji, world.centre, world.surgery, "21 08:00", "23 08:00", "second")
    turn(world.coordinator, world.centre, None, "21 08:00", "28 08:00", "officer")
    turn(world.admin, world.centre, None, "21 08:00", "28 08:00", "director")
    for who in (world.zhu, world.ji, world.coordinator):
        night_telephone(who)
    return world


def test_who_is_on_duty_now(roster):
    rows = queries.duty_now([roster.centre.pk], roster.surgery.pk, NOW)
    assert [(row.line, row.person.name) for row in rows] == [
        ("first", "祝南星"),
        ("second", "季怀远"),
        ("director", "单秀兰"),
        ("officer", "林见川"),
    ]
    assert rows[0].night_ready
    assert queries.duty_now([roster.county.pk], None, NOW) == []


def test_the_hand_over_belongs_to_the_next(roster):
    turn(roster.zhu, roster.centre, roster.surgery, "22 08:00", "23 08:00")
    rows = queries.duty_now([roster.centre.pk], None, at("22 08:00"))
    assert [row.window.start for row in rows if row.line == "first"] == [at("22 08:00")]


def test_a_week_with_its_gaps(roster):
    week = queries.week_roster(roster.centre.pk, TODAY, now=NOW)
    officers, surgery = week.rows
    assert (officers.label, surgery.label) == ("duty officer", "Paediatric surgery")
    today, tomorrow = surgery.cells[:2]
    assert [t.person.name for t in today.first + today.second] == ["祝南星", "季怀远"]
    assert today.gaps == []
    assert today.day.is_now
    assert [gap.words for gap in tomorrow.gaps] == ["no first line"]
    assert len(week.gaps) == 6 + 5  # first line from tomorrow, second from the day after
    assert week.turns == 4


def test_a_gap_of_some_hours_is_named_with_its_hours(world):
    turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    turn(world.ji, world.centre, world.surgery, "21 08:00", "21 18:00", "second")
    turn(world.admin, world.centre, world.surgery, "21 22:00", "22 08:00", "second")
    for who in (world.zhu, world.ji, world.admin):
        night_telephone(who)
    week = queries.week_roster(world.centre.pk, TODAY, now=NOW)
    (gap,) = week.rows[0].cells[0].gaps
    assert gap.words == "18–22 without second line"
    assert [t.hours for t in week.rows[0].cells[0].second] == ["08–18", "22–08"]


@pytest.mark.parametrize("proven", [None, NOW - timedelta(days=8)])
def test_a_night_without_a_proven_telephone_is_a_gap(world, proven):
    turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    night_telephone(world.zhu, proven)
    week = queries.week_roster(world.centre.pk, TODAY, now=NOW)
    (gap,) = week.rows[0].cells[0].gaps
    assert gap.words == "night telephone not tested"
    assert gap.people == (world.zhu,)
    tonight = queries.night_gaps([world.centre.pk], now=NOW)
    assert [gap.why for gap in tonight] == ["no_night_channel", "nobody"]


def test_before_the_hand_over_it_is_still_yesterday(roster):
    week = queries.week_roster(roster.centre.pk, TODAY, now=at("22 07:59"))
    assert [day.is_now for day in week.days[:2]] == [True, False]


def test_the_week_costs_the_same_for_many_people(roster, django_assert_max_num_queries):
    for number in range(30):
        who = person(f"x{number}", f"某{number}", roster.centre)
        turn(who, roster.centre, roster.obstetrics, "21 08:00", "22 08:00", "second")
    with django_assert_max_num_queries(4):
        week = queries.week_roster(roster.centre.pk, TODAY, now=NOW)
        assert len(week.rows[2].cells[0].second) == 30


# -- presence and telephones -------------------------------------------------------------------


def test_who_is_here(roster):
    Presence.objects.create(
        practitioner=roster.zhu,
        state="operating",
        until=at("21 21:40"),
        last_seen_at=NOW - timedelta(minutes=20),
    )
    zhu, officer = queries.presence_now([roster.centre.pk], NOW)
    assert (zhu.css, zhu.label) == ("busy", "Operating")
    assert zhu.detail == "Paediatric surgery first line, until 21:40, active 20 min ago"
    assert (officer.css, officer.label) == ("free", "Free")
    (zhu, _officer) = queries.presence_now([roster.centre.pk], at("21 21:40"))
    assert (zhu.css, zhu.label) == ("free", "Free")


def test_a_free_person_whose_telephone_is_not_tested(world):
    turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00")
    (zhu,) = queries.presence_now([world.centre.pk], NOW)
    assert (zhu.css, zhu.label) == ("gap", "Telephone not tested")


def test_the_telephone_table(roster):
    (table,) = queries.telephone_list([roster.centre.pk], NOW)
    assert [row.label for row in table.rows] == ["duty officer", "Paediatric surgery"]
    assert table.rows[1].first[0].telephone == "0998-555 0131"
    assert table.officer and table.officer.name == "林见川"


def test_a_hospital_without_a_roster_still_has_a_number(world):
    (table,) = queries.telephone_list([world.county.pk], NOW)
    assert table.officer and table.officer.telephone == "0998-555 0100"


# -- agreements --------------------------------------------------------------------------------


def agree(world, start, end, **changes):
    given = {
        "from_organisation": world.centre,
        "to_organisation": world.county,
        "modes": ["consult"],
        "valid_from": start,
        "valid_to": end,
    }
    return Agreement.objects.create(**given | changes)


@pytest.mark.parametrize(
    ("start", "end", "signed", "state", "words", "to_do"),
    [
        (date(2023, 11, 18), date(2026, 11, 18), True, "breach", "expired 3 d ago", True),
        (date(2023, 12, 5), date(2026, 12, 5), True, "warn", "14 d left", True),
        (date(2025, 3, 1), date(2028, 2, 29), True, "ok", "15 months left", False),
        (date(2026, 12, 1), None, True, "future", "begins in 10 d", False),
        (None, None, True, "ok", "no end", False),
        (None, None, False, "draft", "to be signed", True),
        (None, TODAY, True, "warn", "0 d left", True),
    ],
)
def test_how_an_agreement_stands(world, start, end, signed, state, words, to_do):
    made = agree(world, start, end, signed=signed)
    (term,) = [t for t in queries.agreements_of(world.zhu, NOW) if t.agreement == made]
    assert (term.state, term.words, term.to_do) == (state, words, to_do)


def test_a_renewed_agreement_is_done(world):
    old = agree(world, date(2023, 1, 1), date(2026, 11, 1))
    agree(world, date(2026, 11, 2), date(2029, 11, 1))
    (term,) = [t for t in queries.agreements_of(world.zhu, NOW) if t.agreement == old]
    assert not term.to_do


def test_what_may_be_asked(roster):
    (asked,) = queries.specialties_that_may_be_asked(roster.county.pk, NOW)
    assert asked.specialty == roster.surgery
    assert asked.organisations == [roster.centre]
    assert asked.on_duty == 1


@pytest.mark.parametrize(
    "change",
    [{"signed": False}, {"valid_to": date(2026, 11, 20)}, {"modes": ["transfer"]}],
)
def test_without_a_valid_agreement_nothing_may_be_asked(roster, change):
    Agreement.objects.update(**change)
    assert queries.specialties_that_may_be_asked(roster.county.pk, NOW) == []


def test_an_agreement_may_name_its_specialties(roster):
    agreement = Agreement.objects.get()
    agreement.specialties.set([roster.obstetrics])
    assert queries.specialties_that_may_be_asked(roster.county.pk, NOW) == []
    agreement.specialties.add(roster.surgery)
    assert len(queries.specialties_that_may_be_asked(roster.county.pk, NOW)) == 1


# -- swaps -------------------------------------------------------------------------------------


def test_an_open_swap_tells_what_it_costs(world):
    for day in (23, 24):
        turn(world.ji, world.centre, world.surgery, f"{day} 08:00", f"{day + 1} 08:00")
    mine = turn(world.zhu, world.centre, world.surgery, "25 08:00", "26 08:00")
    actions.ask_swap(mine, world.ji, by=world.zhu, now=NOW)
    (asked,) = queries.open_swaps([world.centre.pk], NOW)
    assert asked.cautions == ["from 11-23 on duty 3 days in a row, the rule is at most 2"]


def test_my_hospitals(world):
    assert [m.coordinates for m in queries.hospitals_of(world.coordinator, NOW)] == [True]
    assert queries.coordinated_by(world.zhu, NOW) == []
    assert queries.hospitals_of(world.nobody, NOW) == []
