# ruff: noqa: E501 a table of addresses reads best with one row a line
"""Every address of missions: works for whom it should, 404 for the wrong person, 405 for the method."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jieli.missions import actions
from jieli.missions.models import Mission
from jieli.missions.views.steps import STEPS
from jieli.stories.models import DemoTime
from tests.cases.world import minutes, verbs
from tests.missions.world import Alliance

pytestmark = pytest.mark.django_db
OK = {200, 204, 303}


@pytest.fixture
def world(settings) -> Alliance:
    settings.JIELI_DEMO = True  # the shown time stands still at T0 + 50 minutes
    DemoTime.objects.create(shown_at=minutes(50), real_at=minutes(50), speed=0)
    return Alliance()


@pytest.fixture
def case(world):
    return world.decided()


def sign_in(client, person):
    client.force_login(person.account)


def team(world, case, status: str) -> Mission:
    made = {"planned": world.planned, "approved": world.approved, "away": world.away}
    if status in made:
        return made[status](case, -20)
    mission = world.away(case, -30)
    actions.arrive(mission, by=world.alice, now=minutes(41))
    if status in ("returning", "home"):
        actions.leave(mission, by=world.alice, now=minutes(42))
    if status == "home":
        actions.come_back(mission, by=world.alice, now=minutes(43))
    return mission


def journey(world, case, status: str) -> Mission:
    mission = world.transfer(case, 10)
    if status == "planned":
        return mission
    actions.accept_transfer(mission, by=world.hub_doctor, now=minutes(12))
    actions.file_paper(
        mission.papers.get(kind="transfer_consent"), text="", by=world.doctor, now=minutes(13)
    )
    actions.score(mission, "S1", by=world.doctor, now=minutes(30))
    if status in ("away", "on_site"):
        actions.depart_transfer(mission, by=world.doctor, now=minutes(35))
    if status == "on_site":
        actions.arrive(mission, by=world.doctor, now=minutes(45))
    return mission


# noun, of which mission, in which state, what is typed, who may, who of those who see it may not, the verb
TABLE = [
    ("approval", team, "planned", {}, "county_officer", None, "mission_approved"),
    ("approval", team, "planned", {"spoken_by": "纪云舒"}, "officer", None, "mission_approved"),
    ("departure", team, "approved", {}, "alice", None, "mission_departed"),
    ("legs:leg", team, "away", {"what": "end"}, "alice", None, "mission_leg_ended"),
    ("legs:leg", team, "away", {"what": "delay", "minutes": "45", "reason": "封路"}, "doctor", None, "mission_leg_delayed"),
    ("arrival", team, "away", {}, "bob", None, "mission_arrived"),
    ("handover", team, "on_site", {"text": "交接完"}, "alice", None, "mission_handed_over"),
    ("way-home", team, "on_site", {}, "alice", "doctor", "mission_left_site"),
    ("home", team, "returning", {}, "alice", "doctor", "mission_back"),
    ("closure", team, "home", {"reason": "手续后补"}, "officer", None, "mission_closed"),
    ("cancellation", team, "planned", {"reason": "不需要"}, "doctor", None, "mission_cancelled"),
    ("members", team, "planned", {"person": "dora", "part": "nurse"}, "officer", None, "mission_member_added"),
    ("replacements:member", team, "away", {"person": "dora", "reason": "病"}, "alice", None, "mission_member_replaced"),
    ("privileges", team, "planned", {"person": "bob", "technique": "PGS-1"}, "doctor", "alice", "mission_privilege_given"),
    ("kit:kit", team, "planned", {"state": "packed"}, "alice", None, "mission_kit_set"),
    ("kit:kit", team, "planned", {"state": "host"}, "doctor", None, "mission_kit_set"),
    ("covers:cover", team, "planned", {"person": "dora"}, "officer", "doctor", "mission_cover_taken"),
    ("papers:home_approval", team, "approved", {"note": "已签"}, "officer", "doctor", "mission_paper_filed"),
    ("papers:invitation", team, "approved", {}, "doctor", "officer", "mission_paper_filed"),
    ("entries", team, "away", {"kind": "event", "text": "转机"}, "alice", None, "mission_entry"),
    ("acceptance", journey, "planned", {}, "alice", "doctor", "mission_accepted"),
    ("acceptance", journey, "planned", {"receiver": "hub_doctor"}, "officer", "doctor", "mission_accepted"),
    ("refusal", journey, "planned", {"reason": "满床"}, "alice", "doctor", "mission_refused"),
    ("destination", journey, "approved", {"end": "city", "reason": "满床"}, "doctor", "hub_doctor", "mission_redirected"),
    ("grade", journey, "approved", {"stability": "S1"}, "doctor", None, "mission_scored"),
    ("departure", journey, "approved", {}, "doctor", None, "mission_departed"),
    ("arrival", journey, "away", {}, "hub_doctor", None, "mission_arrived"),
    ("handover", journey, "on_site", {"text": "已交接"}, "hub_doctor", None, "mission_handed_over"),
]  # fmt: skip
IDS = [f"{row[0]}-{row[2]}-{row[4]}" for row in TABLE]


def address(mission: Mission, noun: str) -> str:
    noun, _, row = noun.partition(":")
    base = f"/missions/{mission.key}/{noun}/"
    if not row:
        return base
    found = {
        "leg": lambda: mission.legs.filter(ended_at=None).first(),
        "member": lambda: mission.members.order_by("pk").first(),
        "kit": lambda: mission.kit.first(),
        "cover": lambda: mission.covers.first(),
    }.get(row, lambda: mission.papers.get(kind=row))()
    return f"{base}{found.pk}/"


def typed(world, data: dict[str, str]) -> dict[str, str]:
    people = {k: str(world.people[v].key) for k, v in data.items() if k in ("person", "receiver")}
    return {**data, **people}


def test_the_table_has_every_step():
    assert {row[0].partition(":")[0] for row in TABLE} == set(STEPS)


@pytest.mark.parametrize(("noun", "of", "status", "data", "who", "wrong", "verb"), TABLE, ids=IDS)
def test_a_step_is_taken_by_whom_it_should(
    client, world, case, noun, of, status, data, who, wrong, verb
):
    mission = of(world, case, status)
    path, data = address(mission, noun), typed(world, data)
    for name in filter(None, {"outsider", "city_doctor", wrong}):
        sign_in(client, world.people[name])
        length = case.chain.events.count()
        assert client.post(path, data).status_code == 404, name
        assert case.chain.events.count() == length
    sign_in(client, world.people[who])
    assert client.get(path).status_code == 405
    answer = client.post(path, data)
    assert (answer.status_code, answer.get("Location")) == (303, f"/missions/{mission.key}/"), (
        answer.content[:600]
    )
    assert verb in verbs(case)
    page = client.get(f"/missions/{mission.key}/")
    assert page.status_code in ((200, 404) if noun.startswith("replacements") else (200,))


@pytest.mark.parametrize(
    ("noun", "data", "said"),
    [
        ("legs:leg", {"what": "delay", "minutes": "soon"}, "minutes"),
        ("legs:leg", {"what": "delay"}, "Write the delay in minutes"),
        ("legs:leg", {}, "what happened on this leg"),
        ("cancellation", {"reason": ""}, "Say why"),
        ("members", {"person": "not-a-key", "part": "nurse"}, ""),
        ("entries", {"kind": "event", "text": ""}, "Write something first"),
    ],
)
def test_bad_input_gets_one_sentence_and_nothing_is_stored(client, world, case, noun, data, said):
    mission = team(world, case, "away")
    sign_in(client, world.alice)
    length = case.chain.events.count()
    answer = client.post(address(mission, noun), data, headers={"Accept-Language": "en"})
    assert answer.status_code in (409, 422)
    assert said in answer.content.decode()
    assert case.chain.events.count() == length


def test_a_noun_that_is_none_and_a_row_of_another_mission_are_not_there(client, world, case):
    mission = team(world, case, "away")
    other = world.planned(world.decided(20), 40, world.dora)
    sign_in(client, world.doctor)
    leg = other.legs.first()
    for path in ("dance/", "legs/", "arrival/1/", f"legs/{leg.pk}/"):
        assert client.post(f"/missions/{mission.key}/{path}", {"what": "end"}).status_code == 404, (
            path
        )


def test_the_same_entry_sent_twice_is_one(client, world, case):
    mission = team(world, case, "away")
    sign_in(client, world.alice)
    body = {"kind": "treated", "text": "补液", "_key": "0b6f0f0e-7b1c-4a43-9a37-3e5b6e5c1a11"}
    for _ in range(3):
        assert client.post(f"/missions/{mission.key}/entries/", body).status_code == 303
    assert mission.entries.count() == 1


# ── pages ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("of", "status"),
    [
        (team, "planned"),
        (team, "approved"),
        (team, "away"),
        (team, "on_site"),
        (team, "returning"),
        (team, "home"),
        (journey, "planned"),
        (journey, "approved"),
        (journey, "away"),
        (journey, "on_site"),
    ],
)
def test_every_page_shows_itself_to_every_side(client, world, case, of, status, language):
    mission = of(world, case, status)
    mission.refresh_from_db()
    base = f"/missions/{mission.key}/"
    parts = [
        f"{base}live/{part}/"
        for part in ("head", "way", "papers", "patient", "team", "things", "entries")
    ]
    client.cookies["django_language"] = language
    for name in ("doctor", "officer", "alice", "county_director"):
        sign_in(client, world.people[name])
        for path in (
            base,
            *parts,
            f"/cases/{case.key}/",
            f"/cases/{case.key}/under-way/",
            "/missions/",
        ):
            answer = client.get(path)
            assert answer.status_code == 200, (name, path)
            assert client.post(path, {}).status_code in (404, 405), path
    for name in ("outsider", "city_doctor"):
        sign_in(client, world.people[name])
        for path in (base, parts[0], f"{base}papers.pdf", f"/cases/{case.key}/under-way/"):
            assert client.get(path).status_code == 404, (name, path)
        assert mission.number not in client.get("/missions/").content.decode()
    assert client.get(f"{base}live/nothing/").status_code == 404


@pytest.mark.parametrize("of", [team, journey])
def test_the_papers_are_a_pdf_with_the_five_items(client, world, case, of):
    mission = of(world, case, "planned")
    sign_in(client, world.doctor)
    answer = client.get(f"/missions/{mission.key}/papers.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")


def test_the_invitation_says_all_five(world, case):
    from jieli.missions.queries.paper import _invitation
    from jieli.rules.missions import INVITATION_ITEMS

    sheet = _invitation(team(world, case, "approved"), minutes(50))
    assert len(sheet["rows"]) == len(INVITATION_ITEMS) == 5
    assert all(any(line.strip() for line in lines) for _label, lines in sheet["rows"])


# ── new ones ─────────────────────────────────────────────────────────────────


def dispatch_form(world) -> dict[str, object]:
    return {
        "start": "hub",
        "person": [str(world.alice.key), str(world.dora.key), ""],
        "part": ["operator", "nurse", "operator"],
        "leg_name": ["备齐", "飞喀什", ""],
        "leg_kind": ["prepare", "flight", "road"],
        "leg_minutes": ["60", "300", ""],
        "leg_departs": ["", "2026-03-01T17:00", ""],
        "kit": "器械包\n\n保温毯\n器械包",
        "zone": "beijing",
    }


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("doctor", True),
        ("alice", True),
        ("officer", True),
        ("outsider", False),
        ("hub_doctor", False),
    ],
)
def test_who_may_plan_a_team(client, world, case, who, may):
    sign_in(client, world.people[who])
    path = f"/cases/{case.key}/missions/new/"
    assert client.get(path).status_code == (200 if may else 404)
    answer = client.post(path, dispatch_form(world))
    assert answer.status_code == (303 if may else 404)
    if may:
        mission = Mission.objects.get(case=case)
        assert [m.practitioner.name for m in mission.members.order_by("pk")] == ["alice", "dora"]
        assert [leg.planned_minutes for leg in mission.legs.all()] == [60, 300]
        assert [item.name for item in mission.kit.all()] == ["器械包", "保温毯"]
        assert client.delete(path).status_code == 405


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"start": "nowhere"}, 422), ({"person": ["x"], "part": ["operator"]}, 422),
        ({"part": ["pilot", "nurse"]}, 422), ({"leg_minutes": ["soon"]}, 422), ({"leg_minutes": ["99999"]}, 422),
        ({"leg_departs": ["", "tomorrow"]}, 422), ({"person": [], "part": []}, 409), ({"start": "city"}, 409),
    ],
)  # fmt: skip
def test_a_bad_plan_is_not_stored(client, world, case, change, status):
    sign_in(client, world.doctor)
    answer = client.post(f"/cases/{case.key}/missions/new/", {**dispatch_form(world), **change})
    assert answer.status_code == status
    assert Mission.objects.count() == 0


def test_a_transfer_from_its_page_and_the_way_back(client, world, case):
    path = f"/cases/{case.key}/transfers/new/"
    for name in ("outsider", "alice", "officer"):  # the patient is not at their hospital
        sign_in(client, world.people[name])
        assert client.get(path).status_code == 404
    sign_in(client, world.doctor)
    assert client.get(path).status_code == 200
    assert client.post(path, {"end": "hub"}).status_code == 422
    assert client.post(path, {"stability": "S1"}).status_code == 409
    sent = client.post(path, {"end": "hub", "stability": "S1", "minutes": "90", "newborn": "on"})
    assert sent.status_code == 303
    there = Mission.objects.get()
    assert (there.kind, there.legs.get().planned_minutes) == ("transfer", 90)
    actions.accept_transfer(there, by=world.hub_doctor, now=minutes(51))
    actions.score(there, "S1", by=world.doctor, now=minutes(52))
    actions.depart_transfer(there, by=world.doctor, now=minutes(53), without_consent="急")
    actions.arrive(there, by=world.doctor, now=minutes(54))
    actions.hand_over(there, text="已交接", by=world.doctor, now=minutes(55))
    DemoTime.objects.update(shown_at=minutes(60), real_at=minutes(60))
    assert client.get(path).status_code == 404  # now it is at the other hospital
    sign_in(client, world.hub_doctor)
    page = client.get(path)
    assert 'name="plan"' in page.content.decode()
    data = {"end": "county", "stability": "S0", "plan": "造口护理", "tasks": "拆线\n复查钠"}
    assert client.post(path, data).status_code == 303
    back = Mission.objects.get(kind="return")
    assert (back.start, back.end, back.entries.count()) == (world.hub, world.county, 2)
    sign_in(client, world.second_doctor)
    assert client.post(f"/missions/{back.key}/acceptance/").status_code == 303


def test_an_operation_from_its_page(client, world, case):
    path = f"/cases/{case.key}/procedures/new/"
    for name in ("outsider", "alice"):  # not there yet
        sign_in(client, world.people[name])
        assert client.get(path).status_code == 404
    world.approved(case, 10)
    sign_in(client, world.alice)
    assert client.get(path).status_code == 200
    assert client.post(path, {}).status_code == 422
    data = {
        "name": "肠造瘘",
        "technique": ["PGS-1"],
        "_key": "0b6f0f0e-7b1c-4a43-9a37-3e5b6e5c1a22",
    }
    for _ in range(2):
        assert client.post(path, data).status_code == 303
    procedure = case.patient.procedures.get()
    assert (procedure.operator, procedure.organisation) == (world.alice, world.county)
    end = f"/procedures/{procedure.key}/end/"
    sign_in(client, world.outsider)
    assert client.get(end).status_code == 404
    sign_in(client, world.doctor)
    assert client.get(end).status_code == 200
    assert client.post(end, {"blood_loss_ml": "x"}).status_code == 422
    assert client.post(end, {"findings": "闭锁"}).status_code == 303
    assert client.post(end, {"findings": "闭锁"}).status_code == 409
    assert client.delete(end).status_code == 405
    export = json.loads(client.get(f"/cases/{case.key}/export.json").content)
    assert export["procedures"][0]["operator"]["number"] == "alice"
    assert export["missions"][0]["kind"] == "dispatch"


def test_the_case_page_offers_only_what_one_may(client, world, case):
    asked = {
        "doctor": {"missions", "transfers", "procedures"},
        "alice": {"missions"},
        "hub_doctor": None,
    }
    for name, offered in asked.items():
        sign_in(client, world.people[name])
        page = client.get(f"/cases/{case.key}/")
        if offered is None:
            assert page.status_code == 404
            continue
        text = page.content.decode()
        for noun in ("missions", "transfers", "procedures"):
            assert (f"/cases/{case.key}/{noun}/new/" in text) == (noun in offered), (name, noun)


def test_the_list_asks_no_more_for_many_than_for_one(client, world, case):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/missions/").status_code == 200
        return len(asked)

    sign_in(client, world.doctor)
    world.planned(case, 20, world.dora)
    queries()  # what is asked once by a process
    one = queries()
    for n in range(4):
        world.planned(world.decided(n * 2 - 30), -10 + n, world.expert(f"e{n}"))
    assert queries() == one
