"""The public doors: what a browser does, done by a program. One client for each person.

Nothing here knows a story. A form is posted as a browser posts it, with the hidden fields of the
page that shows it, and an answer is judged by its status and the sentence the page says.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

SECONDS = 30.0
Fields = dict[str, str | list[str]]


class DoorError(Exception):
    """The server does not answer, or not as a product of ours does."""


@dataclass(frozen=True)
class Sent:
    """Exactly what was sent, so that it can be sent again."""

    path: str
    body: bytes
    key: str
    kind: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    status: int
    path: str  # where the person ended up
    sentence: str = ""
    replayed: bool = False
    text: str = ""
    sent: Sent | None = None

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def state(self) -> str:
        """ok, duplicate or refused: the words of a story's `expect`; broken: a fault of ours."""
        if not self.ok:
            return "refused" if self.status < 500 else "broken"
        return "duplicate" if self.replayed else "ok"


@dataclass
class Person:
    """One browser: its cookies, its person, its device's memory of what was sent."""

    base_url: str
    number: str
    name: str = ""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        # zh-hans by default; no proxy or certificate store of this machine is asked
        self.client = httpx.Client(base_url=self.base_url, timeout=SECONDS, trust_env=False)

    def close(self) -> None:
        self.client.close()

    # -- signing in

    def sign_in_demo(self) -> None:
        """The one-click door of a demonstration."""
        self.get("/demo/")
        answer = self.post("/demo/signin/", {"number": self.number}, page=None)
        if not answer.ok:
            raise DoorError(f"{self.number} cannot sign in: {answer.status} {answer.sentence}")

    def sign_in(self, password: str) -> None:
        """The front door, as everywhere."""
        page = self.get("/signin/")
        names = {name: "" for form in page.forms for name in form.names}
        login = next((n for n in ("login", "username", "number") if n in names), "login")
        answer = self.post("/signin/", {login: self.number, "password": password}, page="/signin/")
        if not answer.ok:
            raise DoorError(f"{self.number} cannot sign in: {answer.status} {answer.sentence}")

    # -- reading

    def get(self, path: str) -> Page:
        response = self._send("GET", path)
        while response.is_redirect:
            response = self._send("GET", response.headers["location"])
        return Page.of(response)

    def json(self, path: str) -> Any:
        page = self.get(path)
        if page.status != 200:
            raise DoorError(f"GET {path} answered {page.status}: {page.sentence}")
        return page.json

    # -- writing

    def post(
        self,
        path: str,
        fields: Mapping[str, Any],
        *,
        page: str | None,
        key: str = "",
    ) -> Answer:
        """Open the page with the form, fill it in, send it. `page` None: no page is opened."""
        hidden = self._hidden(page, path) if page else {}
        filled = {**hidden, **fields, "csrfmiddlewaretoken": self._token()}
        filled.pop("_key", None)  # told in the header
        return self.send(Sent(path, _encoded(filled), key or str(uuid.uuid4())))

    def post_file(self, path: str, fields: Mapping[str, Any], name: str, content: bytes) -> Answer:
        """As a browser sends a form with a file in it."""
        filled = {**fields, "csrfmiddlewaretoken": self._token()}
        body = self.client.build_request("POST", path, data=filled, files={"file": (name, content)})
        kind = body.headers["Content-Type"]
        return self.send(Sent(path, body.read(), str(uuid.uuid4()), kind))

    def send(self, sent: Sent) -> Answer:
        """Send a body; also again, as a tablet does that did not hear the answer."""
        response = self._send(
            "POST",
            sent.path,
            content=sent.body,
            headers={
                "Content-Type": sent.kind,
                "Idempotency-Key": sent.key,
                "Origin": self.base_url.rstrip("/"),
            },
        )
        replayed = response.headers.get("idempotency-replayed", "").lower() == "true"
        status, path = response.status_code, sent.path
        if response.is_redirect:
            path = urlsplit(response.headers["location"]).path
            page = Page(status, path)
        else:
            page = Page.of(response)
        return Answer(status, path, page.sentence, replayed, page.text, sent)

    def _hidden(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form on `page` that is sent to `action`."""
        shown = self.get(page)
        for form in shown.forms:
            if (form.action or page) == action:
                return dict(form.hidden)
        return {}

    def _token(self) -> str:
        return self.client.cookies.get("csrftoken") or ""

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A connection that breaks is tried again: every write of ours carries its key."""
        for attempt in range(4):
            try:
                return self.client.request(method, path, follow_redirects=False, **more)
            except httpx.TransportError as fault:
                last = fault
                time.sleep(0.2 * 2**attempt)
        raise DoorError(f"{self.base_url} does not answer: {last}") from last


# -- reading pages ---------------------------------------------------------------------------------


@dataclass
class Form:
    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


@dataclass
class Page:
    status: int
    path: str
    text: str = ""
    sentence: str = ""
    forms: list[Form] = field(default_factory=list)
    json: Any = None

    @classmethod
    def of(cls, response: httpx.Response) -> Page:
        kind = response.headers.get("content-type", "")
        page = cls(response.status_code, response.url.path, response.text)
        if "json" in kind:
            page.json = response.json()
        elif "html" in kind:
            reader = _Reader()
            reader.feed(response.text)
            page.forms = reader.forms
            page.sentence = " ".join(" ".join(reader.said).split())
        return page


class _Reader(HTMLParser):
    """Collects forms, and the text of `[data-error]` (or of .err beside a field)."""

    _VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta",
                       "source", "track", "use", "wbr"))  # fmt: skip

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.said: list[str] = []
        self._depth = 0  # inside an element that says the error
        self._plain = False  # inside a page that is one sentence and nothing else

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        elif tag in ("input", "select", "textarea", "button") and self.forms:
            self._field(found)
        if tag in self._VOID:
            return
        classes = found.get("class", "").split()
        self._plain = self._plain or "plain" in classes
        says = "data-error" in found or "err" in classes or (self._plain and tag == "p")
        if self._depth or says:
            self._depth += 1

    def _field(self, found: Mapping[str, str]) -> None:
        form, name = self.forms[-1], found.get("name", "")
        if not name:
            return
        form.names.append(name)
        if found.get("type") == "hidden":
            form.hidden[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in self._VOID:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and data.strip():
            self.said.append(data.strip())


def _encoded(fields: Mapping[str, Any]) -> bytes:
    """As a form is sent: no empty boxes that are not ticked, lists as repeated fields."""
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, _text(each)) for each in values if each is not None and each is not False]
    return urlencode(pairs).encode()


def _text(value: Any) -> str:
    return "on" if value is True else str(value)
