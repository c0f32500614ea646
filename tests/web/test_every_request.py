"""Requests that nobody would send on purpose: whatever comes, the answer is never an error of ours.

`JIELI_REQUESTS` says how many (the bench sends twenty thousand).
"""

import os
import uuid
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rounds
from hypothesis import strategies as st

import jieli
from jieli.cases import actions
from jieli.cases.actions import Advice
from jieli.directory.models import Account
from tests.cases.world import PASSWORD, World, minutes

MANY = int(os.environ.get("JIELI_REQUESTS", "2000"))
ALL = rounds(
    max_examples=MANY,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
METHODS = ["get"] * 3 + ["post"] * 6 + ["head", "put", "patch", "delete", "options"]
BODIES = [b"", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"PK\x03\x04", b"MZ", b"\x00" * 999]
HOSTILE = [
    "", " ", "0", "-1", "1e999", "NaN", "٣", "on", "null", "2026-02-30T25:61", "9999-12-31T23:59",
    "2026-03-01T12:45", "\x00", "a\x00b", "\ufeff", "𠮷", "‮abc", "x" * 20_000, "%s%(x)s{0}",
    "<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd", "//evil.example/", "=1+1",
    "99999999999999999999", "[]", "{}", "\r\nSet-Cookie: a=b",
]  # fmt: skip
USUAL = [
    "U0", "U1", "U3", "paediatric-surgery", "beijing", "xinjiang", "马某", "0998-5550126", "better",
    "confirmed", "DISPATCH", "video", "telephone", "operating", "family_decision", "given", "free",
    "hospital_number", "remote_consult", "justified", "on_the_way", "in_app", "gateway", "up",
    "county", "zh-hans", "en", "1", "30", "160", "36.6", PASSWORD,
]  # fmt: skip


def addresses() -> list[str]:
    def below(patterns: Any, prefix: str) -> Any:
        for entry in patterns:
            if isinstance(entry, URLResolver):
                yield from below(entry.url_patterns, prefix + str(entry.pattern))
            elif isinstance(entry, URLPattern):
                yield prefix + str(entry.pattern)

    return sorted(set(below(get_resolver().url_patterns, "/")))


def field_names() -> list[str]:
    """Of every form that there is, and those that pages send beside them."""
    names = {"next", "_key", "page", "shown", "part", "id1_kind", "id1_value", "alternative_why",
             "alternative_option", "watch_what", "watch_limit", "case", "organisation"}  # fmt: skip
    for package in iter_modules(jieli.__path__, "jieli."):
        for module in iter_modules(import_module(package.name).__path__, package.name + "."):
            if module.name.endswith(".forms"):
                for form in vars(import_module(module.name)).values():
                    if isinstance(form, type) and issubclass(form, forms.BaseForm):
                        names |= set(getattr(form, "base_fields", {}))
    return sorted(names)


class Place:
    """Real keys of real rows, so that requests get past the first check."""

    def __init__(self) -> None:
        world = World()
        request = world.raised("U1")
        actions.accept(request, by=world.alice, now=minutes(1))
        opinion = actions.sign_opinion(
            request, Advice("confirmed", "肠闭锁"), by=world.alice, secret=PASSWORD, now=minutes(5)
        )
        ringing = world.raised("U1", minutes(6))
        rows = [request.case, request, ringing.case, ringing, opinion, *ringing.rings.all(),
                *world.people.values()]  # fmt: skip
        self.keys = [str(row.key) for row in rows] + [str(uuid.uuid4())]
        clocks = request.case.clocks.values_list("pk", flat=True)
        duties = world.hub.duties.values_list("pk", flat=True)
        self.numbers = [*map(str, clocks), *map(str, duties), "0", "1", str(2**31), str(2**63)]
        self.values = USUAL + self.keys + self.numbers + [request.case.number]
        ghost = Account.objects.create_account("ghost", "ghost ghost ghost")
        people = ("doctor", "alice", "officer", "director", "county_director", "outsider")
        self.accounts = [world.people[name].account for name in people] + [ghost, None]


def path(place: Place, route: str, draw: Any) -> str:
    words = {
        "uuid": st.sampled_from(place.keys),
        "int": st.sampled_from(place.numbers),
        "slug": st.sampled_from(["clocks", "rings", "picture", "original", "x", "-", "9" * 300]),
        "str": st.sampled_from(["x", "%00", "..", "a" * 300]),
        "path": st.sampled_from(["x", "a/b", "../x"]),
    }
    while "<" in route:
        start, end = route.index("<"), route.index(">")
        kind = route[start + 1 : end].partition(":")[0]
        route = route[:start] + draw(words.get(kind, words["str"])) + route[end + 1 :]
    return route


@st.composite
def request_of(draw: Any, place: Place, routes: list[str], names: list[str]) -> dict[str, Any]:
    value = st.sampled_from(place.values) | st.sampled_from(HOSTILE) | st.text(max_size=40)
    file = st.builds(
        lambda name, body: SimpleUploadedFile(name or "x", body),
        st.sampled_from(["a.jpg", "a.pdf", "a.xlsx", "a.exe", "名.dcm"]),
        st.sampled_from(
            [b"", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"PK\x03\x04", b"MZ", b"\x00" * 999]
        ),
    )
    given_ = st.dictionaries(st.sampled_from(names), value | file, max_size=8)
    fields = draw(given_)
    return {
        "account": draw(st.sampled_from(place.accounts)),
        "method": draw(st.sampled_from(METHODS)),
        "path": path(place, draw(st.sampled_from(routes)), draw),
        "query": draw(st.dictionaries(st.sampled_from(names), value, max_size=2)),
        "fields": fields,
        "raw": draw(st.none() | st.none() | st.sampled_from([b"{", b"\xff\xfe", b"[1]", b"a=%ff"])),
        "type": draw(st.sampled_from(
            ["application/json", "text/plain", "multipart/form-data; boundary=x", "a/b",
             "application/x-www-form-urlencoded; charset=utf-7"]
        )),
        "headers": draw(st.dictionaries(
            st.sampled_from(["Idempotency-Key", "HX-Request", "Referer", "Accept-Language",
                             "Jieli-Redirect", "If-None-Match", "Range"]),
            st.sampled_from(
                [place.keys[0], "true", "say", "x", "*", "http://testserver/x", "bytes=5-"]
            ),
            max_size=3,
        )),
    }  # fmt: skip


def send(client: Client, asked: dict[str, Any]) -> Any:
    if asked["account"] is not None:
        client.force_login(asked["account"])
    method = getattr(client, asked["method"])
    if asked["method"] in ("get", "head", "options"):
        return method(asked["path"], asked["query"], headers=asked["headers"])
    if asked["raw"] is not None:
        return client.generic(
            asked["method"].upper(), asked["path"], asked["raw"], asked["type"],
            headers=asked["headers"],
        )  # fmt: skip
    if asked["method"] == "post":
        return method(asked["path"], asked["fields"], headers=asked["headers"])
    return method(asked["path"], b"", headers=asked["headers"])


@pytest.mark.django_db
def test_no_request_ends_in_an_error_of_ours(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    place, routes, names = Place(), addresses(), field_names()
    statuses: dict[int, int] = {}

    @ALL
    @given(request_of(place, routes, names))
    def one(asked: dict[str, Any]) -> None:
        client = Client(raise_request_exception=False)
        with transaction.atomic():
            response = send(client, asked)
            statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
            if response.streaming:
                b"".join(response)  # type: ignore[arg-type]
            transaction.set_rollback(True)
        assert response.status_code < 500, asked

    one()
    assert sum(statuses.values()) >= MANY
    assert statuses.get(303, 0) > MANY / 200, statuses  # some were real, not all were refused
