"""Every number of a person is sealed in its column; pages, rings and searches go on with it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command

from jieli.cases.models import Case, Request
from jieli.cases.queries import pages
from jieli.chart import actions as chart
from jieli.chart.models import Identifier, Patient
from jieli.directory.actions.channels import add_channel
from jieli.directory.models import Channel, Practitioner
from jieli.keys import ring
from jieli.keys.seals import Unreadable
from jieli.notify.models import Attempt, Message
from jieli.record.models import Event, IdempotencyKey
from jieli.rules.refusal import Refused
from tests.cases.world import T0, World, minutes
from tests.keys.conftest import everything, stored

pytestmark = pytest.mark.django_db
NATIONAL, HOSPITAL, PHONE, MOTHER = "65010119900307123X", "ZY77120934", "13899017766", "13777012288"
NAME = "阿依努尔·测试者"


@pytest.fixture
def world(monkeypatch: Any) -> World:
    monkeypatch.setattr("jieli.web.middleware.now", lambda: minutes(1))
    return World()


def raise_form(**more: str) -> dict[str, str]:
    return {
        "specialty": "paediatric-surgery", "urgency": "U1", "problem": "疑似肠闭锁",
        "callback": "+86 138 9901-7766", "patient_name": NAME, "id1_kind": "national_id",
        "id1_value": "650101 19900307 123x", "id2_kind": "mother", "id2_value": MOTHER, **more,
    }  # fmt: skip


@pytest.fixture
def case(client: Any, world: World) -> Case:
    client.force_login(world.doctor.account)
    key = "5b0e3a52-3c53-4ad5-8f2e-1d4ad4ad0001"
    answer = client.post("/cases/new/", raise_form(), headers={"Idempotency-Key": key})
    assert answer.status_code == 303
    return Case.objects.get()


# ── nothing in plain ─────────────────────────────────────────────────────────


def test_after_a_raise_no_number_lies_anywhere_in_plain(case: Case, world: World) -> None:
    add_channel(world.alice, "gateway", "136 9901 4455", rings=True, by=world.alice, now=T0)
    add_channel(world.alice, "email", "alice.t@hospital.cn", by=world.alice, now=T0)
    for table, text in everything().items():
        for number in (
            NATIONAL, "19900307", "9901-7766", PHONE, MOTHER, "13699014455", "alice.t@",
            "13800000000",  # telephones of people in `world`
        ):  # fmt: skip
            assert number not in text, (table, number)
    assert set(map(len, stored("chart_identifier", "mark"))) == {16}


def test_and_it_is_all_there_for_whoever_may_see_it(case: Case, client: Any, world: World) -> None:
    page = client.get(f"/cases/{case.key}/").content.decode()
    assert 'href="tel:+8613899017766"' in page
    export = client.get(f"/cases/{case.key}/export.json").json()
    numbers = {(i["kind"], i["value"]) for i in export["case"]["patient"]["identifiers"]}
    assert numbers == {("national_id", NATIONAL), ("mother", MOTHER)}
    assert export["requests"][0]["callback"] == "+86 138 9901-7766"
    assert export["chain"]["verified"] is True
    pdf = client.get(f"/cases/{case.key}/export.pdf")
    assert pdf.content.startswith(b"%PDF")
    client.force_login(world.alice.account)
    [ring_key] = Request.objects.get().rings.values_list("key", flat=True)
    assert "+86 138 9901-7766" in client.get(f"/rings/{ring_key}/").content.decode()


def test_the_event_names_the_request_and_no_number(case: Case) -> None:
    data = Event.objects.get(verb="request_raised").data
    assert data["request"] == str(Request.objects.get().key)
    assert "callback" not in data


def test_an_answer_that_is_kept_is_sealed_and_given_again(case: Case, client: Any) -> None:
    form = {"kind": "gateway", "address": "13355018899", "rings": "on"}
    key = {"Idempotency-Key": "5b0e3a52-3c53-4ad5-8f2e-1d4ad4ad0002"}
    typed = {"id1_kind": "national_id", "id1_value": NATIONAL}
    once = client.post("/cases/new/open-cases/", typed, headers=key)
    assert case.number in once.content.decode()
    kept = IdempotencyKey.objects.get(key=key["Idempotency-Key"])
    assert bytes(kept.body) == once.content
    assert all(bytes(b)[:3] == b"s1." for b in stored("record_idempotencykey", "body") if bytes(b))
    again = client.post("/cases/new/open-cases/", typed, headers=key)
    assert again.content == once.content and again["Idempotency-Replayed"] == "true"
    assert client.post("/me/channels/", form).status_code in (303, 404)


# ── found again ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("national_id", "６５０１０１１９９００３０７１２３ｘ"),
        ("national_id", "650101-19900307-123X"),
        ("mother", "+86 137-7701-2288"),
        ("mother", "０１３７７７０１２２８８"[1:]),
    ],
)
def test_the_open_case_is_found_however_the_number_is_typed(
    case: Case, client: Any, kind: str, typed: str
) -> None:
    form = {"id1_kind": kind, "id1_value": typed}
    assert case.number in client.post("/cases/new/open-cases/", form).content.decode()


@pytest.mark.parametrize(
    ("kind", "typed"), [("national_id", NATIONAL[:-1] + "1"), ("hospital_number", NATIONAL)]
)
def test_another_number_finds_nothing(case: Case, client: Any, kind: str, typed: str) -> None:
    form = {"id1_kind": kind, "id1_value": typed}
    assert case.number not in client.post("/cases/new/open-cases/", form).content.decode()


def test_the_same_patient_again_is_the_same_row_with_no_number_twice(world: World) -> None:
    typed = ["65010119900307123X", "650101 19900307 123x", "６５０１０１１９９００３０７１２３Ｘ"]
    made = {
        chart.register_patient(
            name=NAME, organisation=world.county, identifiers=[("national_id", text)]
        ).pk
        for text in typed
    }
    assert len(made) == 1 and Identifier.objects.count() == 1


def test_the_index_is_used(case: Case) -> None:
    from jieli.chart.queries import patients_like

    found = patients_like([("national_id", NATIONAL)], case.organisation_id)
    assert NATIONAL not in str(found.query)
    assert [p.pk for p in found] == [case.patient_id]


def test_a_sealed_column_cannot_be_searched_by_mistake() -> None:
    for wrong in (
        lambda: Practitioner.objects.filter(telephone="1"),
        lambda: Request.objects.filter(callback__contains="1"),
        lambda: Identifier.objects.exclude(value=""),
        lambda: Channel.objects.filter(address__in=["1"]),
    ):
        with pytest.raises(FieldError, match="blind index"):
            wrong()


def test_the_same_channel_twice_is_still_refused(world: World) -> None:
    add_channel(world.alice, "gateway", "13699014455", by=world.alice, now=T0)
    with pytest.raises(Refused, match="already have"):
        add_channel(world.alice, "gateway", "136-9901-4455", by=world.alice, now=T0)


def test_all_ways_of_writing_seal(world: World) -> None:
    Practitioner.objects.bulk_create([Practitioner(number="n1", name="n", telephone="13611110001")])
    one = Practitioner.objects.get(number="n1")
    assert one.telephone == "13611110001"
    one.telephone = "13611110002"
    Practitioner.objects.bulk_update([one], ["telephone"])
    one.refresh_from_db()
    assert one.telephone == "13611110002"
    Practitioner.objects.filter(number="n1").update(telephone="13611110003")
    assert (
        Practitioner.objects.values_list("telephone", flat=True).get(number="n1") == "13611110003"
    )
    Channel.objects.update_or_create(
        practitioner=one, kind="gateway", defaults={"address": "13611110004"}
    )
    for text in [
        *stored("directory_practitioner", "telephone"),
        *stored("directory_channel", "address"),
    ]:
        assert text == "" or text.startswith("s1.")


# ── a key is missing ─────────────────────────────────────────────────────────


@pytest.fixture
def lost(case: Case, keys: Path, world: World) -> Path:
    """The files are gone and every process was started anew."""
    add_channel(world.bob, "gateway", "13699014455", rings=True, by=world.bob, now=T0)
    kept = keys.rename(keys.with_name("elsewhere"))
    ring.forget()
    return kept


def test_pages_show_a_mark_instead_of_an_error(
    lost: Path, case: Case, client: Any, world: World
) -> None:
    page = client.get(f"/cases/{case.key}/")
    assert page.status_code == 200
    assert "号码打不开" in page.content.decode()
    assert 'href="tel:号码' not in page.content.decode()
    [first] = Request.objects.get().rings.values_list("key", flat=True)
    for person, address in [
        (world.alice, f"/rings/{first}/"),
        (world.doctor, f"/cases/{case.key}/export.json"),
        (world.doctor, f"/cases/{case.key}/export.pdf"),
        (world.doctor, "/cases/new/"),
        (world.doctor, "/duty/telephones/"),
        (world.doctor, "/duty/telephones.json"),
        (world.bob, "/me/"),
        (world.doctor, "/board/"),
    ]:
        client.force_login(person.account)
        assert client.get(address).status_code == 200, address


def test_paging_goes_on_and_new_numbers_are_sealed_with_a_new_key(
    lost: Path, keys: Path, client: Any
) -> None:
    answer = client.post("/cases/new/", raise_form(problem="又一例"))
    assert answer.status_code == 303
    assert Request.objects.count() == 2
    assert Request.objects.order_by("-pk")[0].callback == "+86 138 9901-7766"
    assert list(keys.glob("numbers-*.key"))


def test_an_unreadable_number_is_no_callback_and_no_desk(lost: Path, world: World) -> None:
    assert pages.callback_of(Practitioner.objects.get(number="doctor"), T0) == "010-5550100"
    assert pages.desk_telephone(world.county, T0) == "010-5550100"


def test_a_ring_goes_on_to_the_next_channel_and_none_is_switched_off(
    lost: Path, world: World, settings: Any
) -> None:
    from jieli.notify.actions import sending

    channel = Channel.objects.get(practitioner=world.bob)
    assert isinstance(channel.address, Unreadable)
    message = Message(title="t", text="t", path="/", manner="ring")
    letter = sending._letter(message, channel, "a", T0)
    with pytest.raises(sending.TransportError, match="cannot be opened") as fault:
        sending._talk("gateway", letter)
    assert not fault.value.permanent


def test_saving_a_person_meanwhile_loses_nothing(lost: Path, keys: Path, world: World) -> None:
    alice = Practitioner.objects.get(number="alice")
    alice.title = "主任医师"
    alice.save()
    for file in lost.glob("numbers-*.key"):
        keys.mkdir(exist_ok=True)
        file.rename(keys / file.name)
    ring.forget()
    alice.refresh_from_db()
    assert (alice.telephone, alice.title) == ("13800000000", "主任医师")


def test_the_keys_put_back_open_everything_also_what_came_meanwhile(
    lost: Path, keys: Path, client: Any
) -> None:
    client.post("/cases/new/", raise_form(problem="又一例"))
    for file in lost.glob("numbers-*.key"):
        file.rename(keys / file.name)
    ring.forget()
    assert set(Request.objects.values_list("callback", flat=True)) == {"+86 138 9901-7766"}
    call_command("seal")
    call_command("seal", check=True)


def test_no_folder_at_all_and_the_page_still_goes_out(
    case: Case, client: Any, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("")
    settings.KEYS = tmp_path / "a-file" / "keys"
    ring.forget()
    assert client.post("/cases/new/", raise_form(problem="又一例")).status_code == 303
    assert Request.objects.order_by("-pk")[0].callback == "+86 138 9901-7766"


# ── nothing of a patient on the way out ──────────────────────────────────────


def test_no_log_line_no_address_and_no_message_names_the_patient(
    client: Any, world: World, caplog: Any, monkeypatch: Any
) -> None:
    from jieli.notify.actions import sending
    from jieli.notify.transports import TRANSPORTS
    from jieli.notify.transports.letter import Result
    from jieli.web.logs import JsonLines

    letters: list[Any] = []
    monkeypatch.setitem(
        TRANSPORTS, "gateway", lambda letter, timeout: letters.append(letter) or Result()
    )
    caplog.set_level(logging.DEBUG)
    client.force_login(world.doctor.account)
    answer = client.post("/cases/new/", raise_form())
    client.post("/cases/new/", raise_form(specialty="none"))  # a form with errors
    client.post("/cases/new/", raise_form(id1_value="9" * 61 + NATIONAL))
    client.get(answer["Location"])
    channel = add_channel(world.alice, "gateway", "13699014455", rings=True, by=world.alice, now=T0)
    for message in Message.objects.all():
        sending._talk("gateway", sending._letter(message, channel, "a", T0))
    assert letters
    said = [JsonLines().format(record) for record in caplog.records]
    said += [answer["Location"], *(f"{m.title} {m.text} {m.path}" for m in Message.objects.all())]
    said += [f"{one.title} {one.text} {one.link} {one.id}" for one in letters]
    for text in said:
        for secret in (NAME, "阿依努尔", NATIONAL, "123x", MOTHER, "9901-7766", PHONE):
            assert secret not in text


def test_what_a_gateway_says_is_kept_without_the_number(
    client: Any, world: World, monkeypatch: Any
) -> None:
    from jieli.notify.actions import attempts

    channel = add_channel(world.alice, "gateway", "13699014455", rings=True, by=world.alice, now=T0)
    world.raised()
    message = Message.objects.filter(practitioner=world.alice)[0]
    attempt = attempts.begin(message, channel, T0)
    attempts.note_failed(attempt.pk, "refused: 136 9901 4455 is off", permanent=False, now=T0)
    assert Attempt.objects.get(pk=attempt.pk).error == "refused: … is off"
    assert Channel.objects.get(pk=channel.pk).last_error == "refused: … is off"


def test_a_patient_is_not_found_by_an_empty_number(world: World) -> None:
    Patient.objects.create(name="空", organisation=world.county)
    assert chart.find_patient([("national_id", " - ")], world.county.pk) is None
