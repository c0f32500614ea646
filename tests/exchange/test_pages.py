"""Each address of the import and of the workbooks going out."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from jieli.directory.models import Duty, Practitioner
from jieli.exchange.excel import writing
from jieli.exchange.excel.preview import preview
from jieli.exchange.models import Upload
from tests.directory.world import NOW
from tests.directory.world import turn as on_roster
from tests.exchange.books import book, person, turn


@pytest.fixture(autouse=True)
def at_one_instant(monkeypatch):
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW)
    monkeypatch.setattr("jieli.web.context.now", lambda: NOW)


def as_(who, language="en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(who.account)
    return client


def send(client, content, name="值班.xlsx"):
    return client.post("/directory/import/", {"file": SimpleUploadedFile(name, content)})


def test_from_the_file_to_the_roster(world):
    client = as_(world.coordinator)
    assert client.get("/directory/import/").status_code == 200
    sent = send(client, book(值班=[turn()], 人员=[person()]))
    assert sent.status_code == 303
    assert not Duty.objects.exists()
    page = client.get(sent["Location"]).content.decode()
    assert "No bad cell. Nothing is stored yet." in page
    assert not Duty.objects.exists()
    done = client.post(f"{sent['Location']}confirmation/")
    assert (done.status_code, done["Location"]) == (303, "/directory/import/")
    assert Duty.objects.get().practitioner == world.zhu
    assert not Upload.objects.exists()
    said = client.get("/directory/import/").content.decode()
    assert "people 1 new, 0 changed, 0 as before; turns of duty 1 new" in said


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_bad_cells_stop_everything(world, language):
    response = send(as_(world.coordinator, language), book(人员=[person(), person(角色="将军")]))
    assert response.status_code == 422
    page = response.content.decode()
    assert "人员 E3" in page
    assert "将军" in page
    assert not Upload.objects.exists()
    assert not Practitioner.objects.filter(number="10023").exists()


def test_a_renamed_file_is_one_sentence(world):
    response = send(as_(world.coordinator), "工号,姓名\n".encode(), "值班.xlsx")
    assert response.status_code == 422
    assert "This is not an Excel workbook" in response.content.decode()


def test_no_file_at_all(world):
    response = as_(world.coordinator).post("/directory/import/")
    assert response.status_code == 422
    assert "Choose a workbook first." in response.content.decode()


def test_what_changed_meanwhile_is_said(world):
    client = as_(world.coordinator)
    sent = send(client, book(值班=[turn()]))
    on_roster(world.zhu, world.centre, world.obstetrics, "23 20:00", "24 20:00")
    response = client.post(f"{sent['Location']}confirmation/")
    assert response.status_code == 422
    assert "already has a turn from 11-23 20:00" in response.content.decode()
    assert Duty.objects.count() == 1


def test_a_waiting_workbook_is_its_owners(world):
    sent = send(as_(world.coordinator), book(值班=[turn()]))
    for who in (world.admin, world.outsider, world.zhu):
        assert as_(who).get(sent["Location"]).status_code == 404
        assert as_(who).post(f"{sent['Location']}confirmation/").status_code == 404
    assert not Duty.objects.exists()


def test_after_an_hour_it_is_gone(world, monkeypatch):
    from datetime import timedelta

    sent = send(as_(world.coordinator), book(值班=[turn()]))
    monkeypatch.setattr("jieli.web.middleware.now", lambda: NOW + timedelta(hours=1))
    assert as_(world.coordinator).get(sent["Location"]).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/directory/import/",
        "/directory/import/template.xlsx",
        "/directory/people.xlsx?organisation=centre",
        "/directory/roster.xlsx?organisation=centre",
    ],
)
def test_only_coordinators(world, address):
    assert as_(world.coordinator).get(address).status_code == 200
    for who in (world.zhu, world.county_doctor, world.nobody):
        assert as_(who).get(address).status_code == 404
    assert Client().get(address)["Location"].startswith("/signin/")


def test_a_coordinator_elsewhere_gets_nothing_of_this_hospital(world):
    client = as_(world.outsider)
    assert client.get("/directory/people.xlsx?organisation=centre").status_code == 404
    assert client.get("/directory/roster.xlsx?organisation=centre").status_code == 404
    response = send(client, book(值班=[turn()]))
    assert response.status_code == 422
    assert "You coordinate no hospital with this code." in response.content.decode()


def test_the_wrong_method(world):
    client = as_(world.coordinator)
    sent = send(client, book(值班=[turn()]))
    assert client.put("/directory/import/").status_code == 405
    assert client.post(sent["Location"]).status_code == 405
    assert client.get(f"{sent['Location']}confirmation/").status_code == 405
    for name in ("import/template.xlsx", "people.xlsx", "roster.xlsx"):
        assert client.post(f"/directory/{name}").status_code == 405


def test_the_old_address(world):
    assert as_(world.coordinator).get("/duty/import/")["Location"] == "/directory/import/"


# -- out ---------------------------------------------------------------------------------------


def rows(content):
    pages = load_workbook(io.BytesIO(content)).worksheets
    return {page.title: [list(row) for row in page.iter_rows(values_only=True)] for page in pages}


@pytest.mark.parametrize(("language", "sheet"), [("en", "People"), ("zh-hans", "人员")])
def test_the_template_has_an_example_row(world, language, sheet):
    response = as_(world.coordinator, language).get("/directory/import/template.xlsx")
    found = rows(response.content)
    assert len(found) == 3
    assert "祝南星" in found[sheet][1]
    assert response["Content-Disposition"] == 'attachment; filename="jieli-template.xlsx"'


@pytest.mark.parametrize("english", [True, False])
def test_what_goes_out_comes_in_again(world, english):
    on_roster(world.zhu, world.centre, world.surgery, "22 08:00", "23 08:00")
    world.zhu.telephone = "+86 998 5550131"
    world.zhu.save()
    people = writing.people(world.centre, english=english)
    roster = writing.roster(world.centre, NOW.date(), 7, english=english)
    found = preview(people, world.admin, NOW)
    assert (len(found.people), found.bad) == (4, [])
    assert "+86 998 5550131" in [row.telephone for row in found.people]
    again = preview(roster, world.coordinator, NOW)
    assert (len(again.turns), again.bad) == (1, [])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=HYPERLINK(0)"])
def test_nothing_that_goes_out_runs(world, text):
    world.zhu.title = text
    world.zhu.save()
    page = load_workbook(io.BytesIO(writing.people(world.centre, english=True))).worksheets[0]
    cells = [cell for row in page.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert f"'{text}" in [cell.value for cell in cells]
