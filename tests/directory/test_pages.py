"""Each address: works, wrong person 404, wrong method 405, nobody without signing in."""

import uuid

import pytest
from django.test import Client

from jieli.directory import actions
from jieli.directory.models import Agreement, Channel, Duty, DutySwap, Presence
from tests.directory.world import NOW, night_telephone, turn


@pytest.fixture(autouse=True)
def at_one_instant(monkeypatch):
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW)
    monkeypatch.setattr("jieli.web.context.now", lambda: NOW)


def as_(person, language="en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(person.account)
    return client


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def turns(world):
    return {
        "zhu": turn(world.zhu, world.centre, world.surgery, "21 08:00", "22 08:00"),
        "ji": turn(world.ji, world.centre, world.surgery, "22 08:00", "23 08:00"),
    }


@pytest.fixture
def swap(world, turns):
    return actions.ask_swap(turns["ji"], world.zhu, by=world.ji, now=NOW)


@pytest.fixture
def channel(world):
    return night_telephone(world.zhu)


@pytest.fixture
def draft(world):
    return Agreement.objects.create(
        from_organisation=world.county,
        to_organisation=world.centre,
        modes=["consult"],
        signed=False,
    )


# -- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("who", ["zhu", "coordinator"])
def test_the_duty_page(world, turns, swap, draft, who, language):
    response = as_(getattr(world, who), language).get("/duty/")
    assert response.status_code == 200
    assert "祝南星" in text(response)
    assert ("/duty/turns/?" in text(response)) is (who == "coordinator")


def test_the_duty_page_says_its_gaps_in_words(world, turns):
    page = text(as_(world.zhu).get("/duty/"))
    assert "night telephone not tested" in page
    assert "Nobody would be paged." not in page.split("<main")[0]
    assert "no first line" in page


def test_another_week(world, turns):
    page = text(as_(world.zhu).get("/duty/?from=2026-11-28"))
    assert "11-28" in page
    assert as_(world.zhu).get("/duty/?from=not-a-day").status_code == 200


def test_all_agreements(world):
    todo = text(as_(world.coordinator).get("/duty/"))
    every = text(as_(world.coordinator).get("/duty/?agreements=all"))
    assert "Nothing to do" in todo
    assert "岚水县人民医院" in every


def test_the_duty_page_of_another_hospital_is_not_there(world):
    assert as_(world.zhu).get("/duty/?organisation=county").status_code == 404
    assert as_(world.outsider).get("/duty/?organisation=centre").status_code == 404


def test_without_a_post_the_page_says_what_to_do(world):
    response = as_(world.nobody).get("/duty/")
    assert response.status_code == 200
    assert "You hold no post" in text(response)


def test_the_presence_column(world, turns):
    response = as_(world.zhu).get("/duty/presence/?organisation=centre")
    assert "Telephone not tested" in text(response)
    assert "<html" not in text(response)
    assert as_(world.outsider).get("/duty/presence/?organisation=centre").status_code == 404
    assert as_(world.nobody).get("/duty/presence/").status_code == 404


def test_the_telephone_table(world, turns):
    mine = text(as_(world.zhu).get("/duty/telephones/"))
    assert 'href="tel:09985550131"' in mine
    county = text(as_(world.county_doctor).get("/duty/telephones/"))
    assert "祝南星" in county  # may be asked, so may be called
    assert "祝南星" not in text(as_(world.outsider).get("/duty/telephones/"))
    assert as_(world.nobody).get("/duty/telephones/").status_code == 404


def test_the_duty_page_costs_the_same_for_many(world, turns, django_assert_max_num_queries):
    for n in range(20):
        Agreement.objects.create(
            from_organisation=world.county, to_organisation=world.centre, modes=["consult"]
        )
        turn(world.zhu, world.centre, world.surgery, f"0{n % 9 + 1} 08:00", f"0{n % 9 + 1} 09:00",
             "director")  # fmt: skip
    client = as_(world.coordinator)
    client.get("/me/")  # a session's first page enters it in the list of devices
    with django_assert_max_num_queries(30):
        client.get("/duty/?agreements=all")


def test_my_page(world, turns, channel):
    page = text(as_(world.zhu).get("/me/"))
    assert "My presence" in page
    assert "At night you cannot be woken" not in page
    assert "At night you cannot be woken" in text(as_(world.ji).get("/me/"))


# -- turns -------------------------------------------------------------------------------------


def a_turn(**changes):
    return {
        "organisation": "centre",
        "specialty": "paediatric-surgery",
        "line": "first",
        "practitioner": "e1",
        "start": "2026-11-24T08:00",
        "end": "2026-11-25T08:00",
    } | changes


def test_a_coordinator_enters_a_turn(world):
    client = as_(world.coordinator)
    form = client.get("/duty/turns/?organisation=centre&from=2026-11-24&line=second")
    assert 'value="2026-11-24T08:00"' in text(form)
    response = client.post("/duty/turns/", a_turn())
    assert (response.status_code, response["Location"]) == (303, "/duty/?organisation=centre")
    assert Duty.objects.get().practitioner == world.zhu


def test_a_turn_with_bad_fields(world):
    response = as_(world.coordinator).post("/duty/turns/", a_turn(start="soon", practitioner="d1"))
    assert response.status_code == 422
    assert text(response).count('aria-invalid="true"') == 2
    assert not Duty.objects.exists()


def test_a_refused_turn_is_one_sentence(world):
    client = as_(world.coordinator)
    client.post("/duty/turns/", a_turn())
    response = client.post("/duty/turns/", a_turn(line="second", end="2026-11-24T20:00"))
    assert response.status_code == 409
    assert "祝南星 already has a turn" in text(response)


def test_the_same_form_sent_twice_enters_one_turn(world):
    client = as_(world.coordinator)
    sent = a_turn(_key=str(uuid.uuid4()))
    assert client.post("/duty/turns/", sent).status_code == 303
    again = client.post("/duty/turns/", sent)
    assert (again.status_code, again["Idempotency-Replayed"]) == (303, "true")
    assert Duty.objects.count() == 1


def test_the_page_of_a_turn(world, turns):
    assert as_(world.zhu).get(f"/duty/turns/{turns['zhu'].pk}/").status_code == 200
    assert as_(world.coordinator).get(f"/duty/turns/{turns['zhu'].pk}/").status_code == 200
    assert as_(world.ji).get(f"/duty/turns/{turns['zhu'].pk}/").status_code == 404


def test_a_turn_is_taken_off(world, turns):
    response = as_(world.coordinator).post(f"/duty/turns/{turns['ji'].pk}/removal/")
    assert response.status_code == 303
    assert not Duty.objects.filter(pk=turns["ji"].pk).exists()


def test_a_swap_from_asking_to_approval(world, turns):
    asked = as_(world.ji).post(
        f"/duty/turns/{turns['ji'].pk}/swaps/", {"to": "a1", "reason": "进修"}
    )
    assert asked.status_code == 303
    swap = DutySwap.objects.get()
    approved = as_(world.coordinator).post(f"/duty/swaps/{swap.pk}/approval/")
    assert approved.status_code == 303
    assert Duty.objects.get(pk=turns["ji"].pk).practitioner == world.admin


def test_a_swap_with_nobody(world, turns):
    response = as_(world.ji).post(f"/duty/turns/{turns['ji'].pk}/swaps/", {"to": "d1"})
    assert response.status_code == 422


def test_a_swap_is_refused(world, swap):
    assert as_(world.coordinator).post(f"/duty/swaps/{swap.pk}/refusal/").status_code == 303
    swap.refresh_from_db()
    assert swap.refused_at == NOW


# -- agreements --------------------------------------------------------------------------------


def an_agreement(**changes):
    return {"asking": "county", "answering": "centre", "modes": ["consult", "live"]} | changes


def test_a_coordinator_enters_an_agreement(world):
    client = as_(world.coordinator)
    assert client.get("/duty/agreements/").status_code == 200
    sent = an_agreement(specialties=["obstetrics"], valid_to="2028-02-29", kind="专家工作站")
    assert client.post("/duty/agreements/", sent).status_code == 303
    made = Agreement.objects.latest("pk")
    assert (made.modes, made.signed, str(made.valid_to)) == (
        ["consult", "live"],
        False,
        "2028-02-29",
    )


@pytest.mark.parametrize(
    "changes", [{"asking": "elsewhere"}, {"modes": []}, {"valid_to": "never"}, {"asking": ""}]
)
def test_an_agreement_with_bad_fields(world, changes):
    response = as_(world.coordinator).post("/duty/agreements/", an_agreement(**changes))
    assert response.status_code == 422
    assert Agreement.objects.count() == 1


def test_an_agreement_of_two_others_is_not_mine(world):
    from jieli.directory.models import Membership, Organisation

    other = Organisation.objects.get(code="elsewhere")
    Membership.objects.create(alliance=world.alliance, organisation=other)
    response = as_(world.coordinator).post("/duty/agreements/", an_agreement(answering="elsewhere"))
    assert response.status_code == 422


def test_signing_and_ending(world, draft):
    client = as_(world.coordinator)
    assert client.post(f"/duty/agreements/{draft.pk}/signature/").status_code == 303
    assert client.post(f"/duty/agreements/{draft.pk}/end/").status_code == 303
    draft.refresh_from_db()
    assert (draft.signed, str(draft.valid_to)) == (True, "2026-11-20")


# -- me ----------------------------------------------------------------------------------------


def test_i_say_where_i_am(world):
    response = as_(world.zhu).post(
        "/me/presence/", {"state": "operating", "until": "2026-11-21T21:40", "away_minutes": ""}
    )
    assert (response.status_code, response["Location"]) == (303, "/me/")
    said = Presence.objects.get(practitioner=world.zhu)
    assert said.state == "operating"
    assert said.until and said.until.isoformat() == "2026-11-21T13:40:00+00:00"


def test_presence_with_bad_fields(world):
    response = as_(world.zhu).post("/me/presence/", {"state": "asleep", "away_minutes": "-3"})
    assert response.status_code == 422
    late = as_(world.zhu).post("/me/presence/", {"state": "operating", "until": "2026-11-20T08:00"})
    assert late.status_code == 409


def test_my_channels_from_adding_to_proof(world):
    actions.use_test_ring(lambda channel, now: None)
    client = as_(world.zhu)
    sent = {"kind": "gateway", "address": "0998-555 0131", "rings": "on"}
    assert client.post("/me/channels/", sent).status_code == 303
    made = Channel.objects.get()
    assert client.post(f"/me/channels/{made.pk}/proof/").status_code == 409
    assert client.post(f"/me/channels/{made.pk}/test/").status_code == 303
    assert "It rang" in text(client.get("/me/"))
    assert client.post(f"/me/channels/{made.pk}/proof/").status_code == 303
    made.refresh_from_db()
    assert made.proven_at == NOW
    assert client.post(f"/me/channels/{made.pk}/place/", {"move": "up"}).status_code == 303
    assert client.post(f"/me/channels/{made.pk}/removal/").status_code == 303
    assert not Channel.objects.exists()


def test_a_channel_with_bad_fields(world):
    assert as_(world.zhu).post("/me/channels/", {"kind": "pigeon"}).status_code == 422
    sent = {"kind": "gateway", "address": "none"}
    assert as_(world.zhu).post("/me/channels/", sent).status_code == 409


# -- who may not -------------------------------------------------------------------------------


def addresses(world, turns, swap, draft, channel):
    """Method, address, somebody for whom it is not there."""
    zhu = turns["zhu"].pk
    return [
        ("GET", "/duty/turns/?organisation=centre", [world.zhu, world.outsider, world.nobody]),
        ("POST", "/duty/turns/", [world.zhu, world.outsider, world.nobody]),
        ("GET", f"/duty/turns/{zhu}/", [world.ji, world.outsider, world.nobody]),
        ("POST", f"/duty/turns/{zhu}/removal/", [world.zhu, world.outsider, world.nobody]),
        ("POST", f"/duty/turns/{zhu}/swaps/", [world.ji, world.outsider, world.nobody]),
        ("POST", f"/duty/swaps/{swap.pk}/approval/", [world.zhu, world.ji, world.outsider]),
        ("POST", f"/duty/swaps/{swap.pk}/refusal/", [world.zhu, world.ji, world.outsider]),
        ("GET", "/duty/agreements/", [world.zhu, world.nobody]),
        ("POST", "/duty/agreements/", [world.zhu, world.nobody]),
        ("POST", f"/duty/agreements/{draft.pk}/signature/", [world.zhu, world.outsider]),
        ("POST", f"/duty/agreements/{draft.pk}/end/", [world.zhu, world.outsider]),
        ("POST", f"/me/channels/{channel.pk}/place/", [world.ji, world.coordinator]),
        ("POST", f"/me/channels/{channel.pk}/removal/", [world.ji, world.coordinator]),
        ("POST", f"/me/channels/{channel.pk}/test/", [world.ji, world.coordinator]),
        ("POST", f"/me/channels/{channel.pk}/proof/", [world.ji, world.coordinator]),
    ]


def test_what_is_not_yours_is_not_there(world, turns, swap, draft, channel):
    before = [list(m.objects.order_by("pk").values()) for m in (Duty, DutySwap, Agreement, Channel)]
    for method, address, people in addresses(world, turns, swap, draft, channel):
        for person in people:
            response = as_(person).generic(method, address, "organisation=centre",
                                           "application/x-www-form-urlencoded")  # fmt: skip
            assert response.status_code == 404, (method, address, person.name)
    after = [list(m.objects.order_by("pk").values()) for m in (Duty, DutySwap, Agreement, Channel)]
    assert after == before


def test_nobody_gets_in_without_signing_in(world, turns, swap, draft, channel):
    reads = ["/duty/", "/duty/presence/", "/duty/telephones/", "/me/"]
    posts = [a for m, a, _p in addresses(world, turns, swap, draft, channel) if m == "POST"]
    for address in reads:
        assert Client().get(address)["Location"].startswith("/signin/"), address
    for address in [*posts, "/me/presence/", "/me/channels/"]:
        assert Client().post(address)["Location"].startswith("/signin/"), address


def test_the_wrong_method(world, turns, swap, draft, channel):
    client = as_(world.coordinator)
    for address in ("/duty/", "/duty/presence/", "/duty/telephones/", "/me/"):
        assert client.post(address).status_code == 405, address
    only_post = [a for m, a, _p in addresses(world, turns, swap, draft, channel) if m == "POST"]
    both = {"/duty/turns/", "/duty/agreements/"}
    for address in [*only_post, "/me/presence/", "/me/channels/"]:
        if address not in both:
            assert client.get(address).status_code == 405, address
        assert client.put(address).status_code == 405, address
