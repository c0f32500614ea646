"""One workbook in: bad cells named, all or nothing, twice is once."""

import datetime

import pytest

from jieli.directory.models import Department, Duty, Membership, Organisation, Practitioner, Role
from jieli.exchange import actions
from jieli.exchange.excel.preview import preview
from jieli.rules.refusal import Refused
from tests.directory.world import NOW, at
from tests.directory.world import turn as on_roster
from tests.exchange.books import book, person, site, turn


def look(content, who):
    return preview(content, who, NOW)


def bring(content, who):
    found = look(content, who)
    assert [f"{bad.address} {bad.what}" for bad in found.bad] == []
    return actions.import_rows(found, by=who, now=NOW)


BAD_PEOPLE = [
    # row, address, what is wrong
    ({"姓名": None}, "B2", "is missing"),
    ({"工号": "=1+1"}, "A2", "formula"),
    ({"机构代码": "elsewhere"}, "C2", "You coordinate no hospital"),
    ({"机构代码": "no such place"}, "C2", "not a code"),
    ({"专科": "魔法科"}, "D2", "no such specialty"),
    ({"专科": None}, "D2", "expert needs a specialty"),
    ({"角色": "将军"}, "E2", "no such role"),
    ({"角色": "管理员"}, "E2", "Only an administrator"),
    ({"手机": "call me"}, "F2", "not a telephone"),
    ({"任职起": "2026-12-01", "任职止": "2026-11-01"}, "H2", "ends before"),
    ({"任职起": "sometime"}, "G2", "not a date"),
    ({"执业起始": "2030-01-01"}, "I2", "not come yet"),
    ({"语言": "Klingon"}, "J2", "is not known"),
    ({"姓名": "长" * 81}, "B2", "longer than 80"),
    ({"姓名": "a\u202eb"}, "B2", "invisible control"),
    ({"工号": "o1"}, "A2", "somebody with another name"),
]


@pytest.mark.parametrize(("changes", "address", "what"), BAD_PEOPLE)
def test_a_bad_cell_of_people_is_named(world, changes, address, what):
    found = look(book(人员=[person(**changes)]), world.coordinator)
    said = {bad.address: bad.wrong_en for bad in map(English, found.bad)}
    assert list(said) == [address]
    assert what in said[address]


BAD_TURNS = [
    ({"机构代码": "county"}, "A2", "You coordinate no hospital"),
    ({"专科": "魔法科"}, "B2", "no such specialty"),
    ({"专科": None}, "B2", "belongs to a specialty"),
    ({"班次": "四线"}, "C2", "no such line"),
    ({"班次": "总值班"}, "B2", "serves the whole hospital"),
    ({"工号": "9999", "姓名": None}, "D2", "Nobody has this staff number"),
    ({"姓名": "祝北星"}, "E2", "belongs to 祝南星"),
    ({"工号": "d1", "姓名": None}, "D2", "no post at the hospital"),
    ({"开始": "明天"}, "F2", "not a date with a time"),
    ({"结束": "2026-11-22 08:00"}, "G2", "ends before"),
    ({"结束": "2027-11-22 08:00"}, "G2", "longer than 31 days"),
    ({"结束": None}, "G2", "is missing"),
    ({"开始": "2026-11-22 20:00"}, "F2", "already has a turn from 11-21 08:00"),
    ({"开始": "2026-11-18 08:00", "结束": "2026-11-19 08:00", "工号": "e2", "姓名": "季怀远"},
     "D2", "This turn is over"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "address", "what"), BAD_TURNS)
def test_a_bad_cell_of_a_roster_is_named(world, changes, address, what):
    on_roster(world.zhu, world.centre, world.surgery, "21 08:00", "23 08:00")
    on_roster(world.zhu, world.centre, world.surgery, "18 08:00", "19 08:00")
    found = look(book(值班=[turn(**changes)]), world.coordinator)
    said = {bad.address: bad.wrong_en for bad in map(English, found.bad)}
    assert list(said) == [address]
    assert what in said[address]


BAD_SITES = [
    ({"层级": "星级"}, "C2", "no such tier"),
    ({"纬度": 139.47}, "D2", "not a place"),
    ({"时区": "月球"}, "F2", "no such time zone"),
    ({"医联体代码": "moon"}, "H2", "None of your alliances"),
    ({"机构代码": "elsewhere"}, "A2", "do not coordinate"),
    ({"行政区划代码": "north"}, "I2", "not a division code"),
]


@pytest.mark.parametrize(("changes", "address", "what"), BAD_SITES)
def test_a_bad_cell_of_hospitals_is_named(world, changes, address, what):
    found = look(book(机构=[site(**changes)]), world.admin)
    said = {bad.address: bad.wrong_en for bad in map(English, found.bad)}
    assert list(said) == [address]
    assert what in said[address]


class English:
    """A bad cell as an English reader sees it."""

    def __init__(self, bad):
        from django.utils import translation

        with translation.override("en"):
            self.address, self.wrong_en, self.to_do = bad.address, bad.wrong, bad.to_do
        assert self.to_do


def test_every_bad_cell_is_named_at_once(world):
    rows = [person(姓名=None, 角色="将军"), person(工号="2", 手机="x"), person(工号="3")]
    found = look(book(人员=rows), world.coordinator)
    assert [bad.address for bad in found.bad] == ["B2", "E2", "F3"]


def test_a_missing_column_is_named(world):
    import io

    from openpyxl import load_workbook

    made = load_workbook(io.BytesIO(book(人员=[person()])))
    made["人员"]["B1"] = "Nickname"
    out = io.BytesIO()
    made.save(out)
    (bad,) = look(out.getvalue(), world.coordinator).bad
    assert bad.what == "The column %(column)s is missing."
    assert "姓名" in bad.wrong


@pytest.mark.parametrize(
    ("first", "second", "address"),
    [
        (person(), person(), "A3"),  # the same post twice
        (person(), person(姓名="另一人", 角色="医生"), "B3"),  # another name
    ],
)
def test_two_rows_of_one_person_must_agree(world, first, second, address):
    found = look(book(人员=[first, second]), world.coordinator)
    assert [bad.address for bad in found.bad] == [address]


def test_two_turns_of_one_person_must_not_overlap(world):
    rows = [
        turn(),
        turn(开始="2026-11-24 07:00", 结束="2026-11-25 08:00"),
        turn(开始="2026-11-25 08:00", 结束="2026-11-26 08:00"),
    ]
    found = look(book(值班=rows), world.coordinator)
    assert [(bad.address, bad.facts["row"]) for bad in found.bad] == [("F3", "2")]


def test_the_same_turn_twice_is_bad(world):
    found = look(book(值班=[turn(), turn()]), world.coordinator)
    assert {bad.address for bad in found.bad} == {"F3"}


# -- what is imported --------------------------------------------------------------------------


def test_a_whole_alliance_in_one_workbook(world):
    """New hospital, its people and their roster, sheets in the wrong order."""
    content = book(
        值班=[turn(机构代码="newtown", 工号="n10", 姓名="𠮷·䶮", 专科="obstetrics")],
        人员=[person(工号="n10", 姓名="𠮷·䶮", 机构代码="newtown", 专科="产科", 语言="维语、汉语")],
        机构=[site(时区="新疆时间", 医联体代码="cangling", 纬度=39.5, 经度=75.9)],
    )
    bring(content, world.admin)
    made = Organisation.objects.get(code="newtown")
    who = Practitioner.objects.get(number="n10")
    duty = Duty.objects.get()
    assert (made.zone, made.tier, made.sort_key) == (
        "Asia/Urumqi",
        "township",
        "xin zhen wei sheng yuan",
    )
    assert Membership.objects.filter(organisation=made, alliance=world.alliance).exists()
    assert (who.name, who.languages) == ("𠮷·䶮", ["ug", "zh"])
    assert duty.period.lower == at("23 10:00")  # 08:00 in Xinjiang
    assert Role.objects.filter(practitioner=world.admin, organisation=made, kind="admin").exists()


def test_the_same_file_twice_changes_nothing(world):
    content = book(
        机构=[site(医联体代码="cangling")],
        人员=[person(), person(角色="医生"), person(工号="20", 机构代码="newtown")],
        值班=[turn(), turn(班次="二线", 工号="e2", 姓名="季怀远")],
    )
    first = bring(content, world.admin)
    counts = [m.objects.count() for m in (Organisation, Practitioner, Role, Duty, Membership)]
    second = bring(content, world.admin)
    assert [
        m.objects.count() for m in (Organisation, Practitioner, Role, Duty, Membership)
    ] == counts
    assert (first["people"].added, first["roster"].added) == (2, 2)
    for tally in second.values():
        assert (tally.added, tally.changed, tally.removed) == (0, 0, 0)


def test_a_file_updates_by_number(world):
    bring(book(人员=[person(工号="e1", 姓名="祝南星", 职称="主任医师")]), world.coordinator)
    world.zhu.refresh_from_db()
    assert world.zhu.title == "主任医师"
    assert world.zhu.telephone == "0998-555 0131"  # an empty cell leaves what is known
    assert Role.objects.filter(practitioner=world.zhu).count() == 1


def test_a_department_of_a_file_is_made_once(world):
    from tests.exchange import books

    books.HEADINGS["人员"] = [*books.PEOPLE, "科室"]
    try:
        content = book(人员=[person(科室="新科"), person(工号="2", 科室="新科")])
    finally:
        books.HEADINGS["人员"] = books.PEOPLE
    bring(content, world.coordinator)
    assert Department.objects.filter(organisation=world.centre, name="新科").count() == 1


def test_each_time_named_gets_the_people_of_the_file(world):
    bring(book(值班=[turn()]), world.coordinator)
    tallies = bring(book(值班=[turn(工号="e2", 姓名="季怀远")]), world.coordinator)
    assert [duty.practitioner for duty in Duty.objects.all()] == [world.ji]
    assert (tallies["roster"].added, tallies["roster"].removed) == (1, 1)


def test_two_people_change_places_in_one_file(world):
    bring(book(值班=[turn(), turn(班次="二线", 工号="e2", 姓名="季怀远")]), world.coordinator)
    bring(book(值班=[turn(班次="二线"), turn(工号="e2", 姓名="季怀远")]), world.coordinator)
    assert {(d.line, d.practitioner.name) for d in Duty.objects.all()} == {
        ("first", "季怀远"),
        ("second", "祝南星"),
    }


def test_excel_dates_and_numbers(world):
    row = turn(
        开始=datetime.datetime(2026, 11, 23, 8),
        结束=datetime.datetime(2026, 11, 24, 8),
    )
    bring(book(值班=[row], 人员=[person(工号=10023, 手机=13800000000)]), world.coordinator)
    assert Duty.objects.get().period.lower == at("23 08:00")
    assert Practitioner.objects.get(number="10023").telephone == "13800000000"


def test_staff_of_another_hospital_get_a_post_but_keep_their_own_data(world):
    row = person(工号="o1", 姓名="曾别处", 手机="0998 1234567", 角色="医生")
    bring(book(人员=[row]), world.coordinator)
    world.outsider.refresh_from_db()
    assert world.outsider.telephone == "0998-555 0131"
    assert Role.objects.filter(practitioner=world.outsider, organisation=world.centre).exists()
    again = person(工号="o1", 姓名="曾别处", 手机="0998 7654321", 角色="护士")
    bring(book(人员=[again]), world.coordinator)
    world.outsider.refresh_from_db()
    assert world.outsider.telephone == "0998-555 0131"


def test_a_coordinator_adds_no_hospital(world):
    (bad,) = look(book(机构=[site()]), world.coordinator).bad
    assert bad.what == "Only an administrator may add a hospital."


def test_an_empty_workbook_is_refused(world):
    with pytest.raises(Refused, match="no rows"):
        look(book(人员=[]), world.coordinator)


def test_a_workbook_of_something_else_is_refused(world):
    from tests.exchange import books

    books.HEADINGS["菜单"] = ["早", "午"]
    with pytest.raises(Refused, match="No sheet named"):
        look(book(菜单=[{"早": "粥"}]), world.coordinator)


def test_english_headings_are_read_too(world):
    import io

    from openpyxl import Workbook

    made = Workbook()
    made.worksheets[0].title = "Sheet1"
    made.worksheets[0].append(["Staff number", "Name *", "Organisation", "Role", "Specialty"])
    made.worksheets[0].append(["77", "Mary Ann", "centre", "Expert", "Paediatric surgery"])
    out = io.BytesIO()
    made.save(out)
    bring(out.getvalue(), world.coordinator)
    assert Practitioner.objects.get(number="77").name == "Mary Ann"


@pytest.mark.slow
def test_five_thousand_people_take_seconds(world, django_assert_max_num_queries):
    rows = [person(工号=f"p{n}", 姓名=f"某{n}") for n in range(5000)]
    content = book(人员=rows)
    with django_assert_max_num_queries(40):
        bring(content, world.coordinator)
    assert Practitioner.objects.filter(number__startswith="p").count() == 5000


# -- the waiting workbook ----------------------------------------------------------------------


def test_nothing_is_stored_by_a_rehearsal(world):
    found = look(book(人员=[person()]), world.coordinator)
    tallies = actions.rehearse(found, by=world.coordinator, now=NOW)
    assert tallies["people"].added == 1
    assert not Practitioner.objects.filter(number="10023").exists()


def test_confirming_checks_again(world):
    content = book(值班=[turn()])
    kept = actions.keep_upload(world.coordinator.account, "a.xlsx", content, now=NOW)
    on_roster(world.zhu, world.centre, world.obstetrics, "23 20:00", "24 20:00")
    with pytest.raises(actions.StillBad):
        actions.confirm_upload(kept, by=world.coordinator, now=NOW)
    assert Duty.objects.count() == 1


def test_confirming_twice_imports_once(world):
    content = book(值班=[turn()])
    kept = actions.keep_upload(world.coordinator.account, "a.xlsx", content, now=NOW)
    actions.confirm_upload(kept, by=world.coordinator, now=NOW)
    with pytest.raises(Refused, match="already been imported"):
        actions.confirm_upload(kept, by=world.coordinator, now=NOW)


def test_a_waiting_workbook_is_forgotten_after_an_hour(world):
    actions.keep_upload(world.coordinator.account, "a.xlsx", b"x", now=NOW)
    assert actions.sweep_uploads(now=NOW + datetime.timedelta(minutes=59)) == 0
    assert actions.sweep_uploads(now=NOW + datetime.timedelta(minutes=60)) == 1
