"""Read a story file. Every mistake is told as `file:line: sentence`, all of them at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from jieli.stories import words

# -- what a file says ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Department:
    name: str
    specialties: tuple[str, ...] = ()
    telephone: str = ""


@dataclass(frozen=True)
class Technique:
    name: str
    specialty: str | None = None


@dataclass(frozen=True)
class Site:
    code: str
    name: str
    name_en: str = ""
    tier: str = "county"
    departments: tuple[Department, ...] = ()
    capability: Mapping[str, int] = field(default_factory=dict)
    place: tuple[float, float] | None = None  # latitude, longitude
    division: str = ""
    zone: str = "Asia/Shanghai"
    telephone: str = ""
    alliances: tuple[str, ...] = ()


@dataclass(frozen=True)
class Privilege:
    technique: str
    site: str
    entrustment: int = 4
    level: int = 4
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Person:
    code: str
    name: str
    site: str
    role: words.Role
    name_en: str = ""
    home: str = ""
    privileges: tuple[Privilege, ...] = ()
    languages: tuple[str, ...] = ()
    title: str = ""
    number: str = ""
    telephone: str = ""
    department: str = ""
    since: date | None = None  # in independent practice
    duty: str | None = None  # first | second | director | officer | none; not said: by the role
    presence: str = "free"
    away_minutes: int | None = None
    channel: str = "gateway"  # the one that rings at night; none: the roster shows a gap
    also: tuple[tuple[words.Role, str], ...] = ()  # further posts: role, site
    note: str = ""  # what to try as this person


@dataclass(frozen=True)
class Agreement:
    asking: str
    answering: str
    modes: tuple[str, ...]
    kind: str = ""
    specialties: tuple[str, ...] = ()
    emergency_hours: int = 0
    since: date | None = None
    until: date | None = None
    until_day: int | None = None  # the last day, counted from t0
    signed: bool = True


@dataclass(frozen=True)
class Turn:
    """One line of a roster: who takes turns, a day each."""

    site: str
    specialty: str | None
    line: str
    people: tuple[str, ...]
    gap_day: int | None = None  # on this day from the start nobody is on (the demo's gap)


@dataclass(frozen=True)
class Expected:
    status: str = "ok"  # ok | duplicate | refused
    code: int | None = None


@dataclass(frozen=True)
class Step:
    n: str
    at: float  # minutes from t0
    by: str
    do: str
    fields: Mapping[str, Any]
    line: int
    occurred_at: float | None = None  # minutes from t0
    zone: str = "beijing"  # the zone in which `occurred_at` was typed
    same_key_as: str | None = None
    expect: Expected | None = None


@dataclass(frozen=True)
class Assertion:
    name: str
    expected: Any
    line: int


@dataclass(frozen=True)
class Story:
    name: str
    path: str
    zone: str
    t0: datetime
    title: str = ""
    alliances: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    techniques: Mapping[str, Technique] = field(default_factory=dict)
    cast: Mapping[str, Person] = field(default_factory=dict)
    agreements: tuple[Agreement, ...] = ()
    roster: tuple[Turn, ...] = ()
    patients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    asserts: tuple[Assertion, ...] = ()

    def instant(self, minutes: float) -> datetime:
        return self.t0 + timedelta(minutes=minutes)

    def moved_to(self, t0: datetime) -> Story:
        """The same story on another day: for a demonstration that plays now."""
        return replace(self, t0=t0)


class ScriptError(Exception):
    """The file cannot be played; one sentence per mistake."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


def without_later(story: Story) -> Story:
    """Only the steps that can be played today."""
    return replace(story, steps=tuple(s for s in story.steps if s.do not in LATER_VERBS))


def late(step: Step, minutes: float) -> Step:
    """The same step, entered after the fact."""
    return replace(step, occurred_at=minutes)


def doing(step: Step, verb: str) -> Step:
    """The same person at the same time, doing something else."""
    return replace(step, do=verb, expect=None, same_key_as=None)


def with_fields(step: Step, fields: Mapping[str, Any]) -> Step:
    return replace(step, fields=fields)


# -- what a step may do --------------------------------------------------------------------------

# Each verb of today with the fields that its form has; docs/stories.md explains them.
_VITALS = "hr rr spo2 sbp dbp temp o2 crt lactate glucose ph weight gcs effort stability"
_ISBAR = (
    "situation onset_at onset_text airway gestation_and_weight diagnoses history allergies "
    "pregnancy medicines results infection language guardian resuscitation assessment "
    "differential danger_signs worry done risks ask by_when watch read_back"
)
VERBS: dict[str, frozenset[str]] = {
    verb: frozenset(fields.split())
    for verb, fields in {
        "raise_request": "patient problem urgency specialty technique callback exception_reason "
        "onset_at handover vitals",
        "accept": "request late_reason",
        "decline": "request reason note",
        "pass_on": "request to note",
        "join_consult": "request channel failed note expert",
        "telephone_contact": "request expert failed note",
        "link_lost": "request expert note",
        "sign_opinion": "request indication assessment recommendation by_when looked_at watch "
        "technique",
        "mark_read": "opinion disagreement",
        "sign_decision": "opinion chosen text reason alternatives",
        "observe": f"vitals note {_VITALS}",
        "handover": f"handover {_ISBAR}",
        "message": "text",
        "ask": "text",
        "answer": "text",
        "consent": "kind answer given_by remotely interpreter language",
        "change_urgency": "urgency reason",
        "raise_urgency": "urgency reason",
        "close_case": "reason",
        "outcome": "day state note",
        "view_case": "",
        "withdraw": "request reason",
        "ring_again": "request",
        "set_presence": "state until away_minutes",
        "presence": "state until away_minutes",
        "advance": "",
    }.items()
}
COMMON_FIELDS = frozenset({"case", "patient", "late_reason"})
VITAL_FIELDS = frozenset(_VITALS.split())
ISBAR_FIELDS = frozenset(_ISBAR.split())

# Known, and built by a later issue: told as absent, with whatever fields they have.
_LATER = (
    "start_mission depart arrive start_procedure end_procedure sign_plan milestone teach_back "
    "discharge follow_up start_pathway pathway_step hold_session sign_in rate audit_finding "
    "close_action open_agreement post visit_list generate approve_mission sign_checklist"
)
LATER_VERBS = frozenset(_LATER.split())
# Fields of today's verbs that a later issue reads: told as absent, not passed over in silence.
LATER_FIELDS = {
    "raise_request": {"checklist", "pathway", "scores"},
    "observe": {"pews", "news2", "scores", "checklist", "temporise"},
    "handover": {"checklist", "scores", "temporise"},
    "sign_opinion": {"window", "window_h", "window_hours", "volvulus", "target_h", "hard_h"},
    "sign_decision": {"team", "mission", "option_set", "planner"},
}

# One field, several names in use.
_ALIASES = {
    "raise_request": {
        "sbar": "handover", "isbar": "handover", "exception": "exception_reason",
        "onset": "onset_at", "observations": "vitals", "call_back": "callback",
    },
    "sign_opinion": {"text": "assessment", "opinion": "assessment", "deadline": "by_when"},
    "sign_decision": {
        "option": "chosen", "choice": "chosen", "decision": "chosen", "why": "reason",
        "because": "reason", "considered": "alternatives", "why_not": "alternatives",
    },
    "handover": {
        "sbar": "handover", "isbar": "handover", "s": "situation", "b": "history",
        "a": "assessment", "r": "ask", "background": "history", "recommendation": "ask",
        "request": "ask", "danger": "danger_signs",
    },
    "observe": {
        "observations": "vitals", "heart_rate": "hr", "pulse": "hr", "respiratory_rate": "rr",
        "resp": "rr", "oxygen": "o2", "temperature": "temp", "t": "temp", "weight_g": "weight",
        "capillary_refill": "crt", "text": "note",
    },
    "join_consult": {"via": "channel", "practitioner": "expert"},
    "telephone_contact": {"practitioner": "expert", "with": "expert"},
    "message": {"message": "text"}, "ask": {"question": "text"}, "answer": {"answer": "text"},
    "close_case": {"text": "reason"},
    "set_presence": {"presence": "state", "minutes": "away_minutes"},
    "presence": {"presence": "state", "minutes": "away_minutes"},
    "outcome": {"outcome": "state", "text": "note"},
    "pass_on": {"person": "to", "text": "note", "reason": "note"},
}  # fmt: skip

TIERS = ("national", "province", "city", "county", "township")
MODES = ("consult", "dispatch", "live", "transfer", "pathway", "mdt")
URGENCIES = ("U0", "U1", "U2", "U3", "U4")
_OPTIONS = {
    "LOCAL": "LOCAL", "LIVE": "LIVE", "REMOTE_GUIDED": "LIVE", "DISPATCH": "DISPATCH",
    "DISPATCH_TEAM": "DISPATCH", "TEAM": "DISPATCH", "TRANSFER": "TRANSFER",
    "RENDEZVOUS": "RENDEZVOUS", "STAGED": "STAGED", "OBSERVE": "OBSERVE",
}  # fmt: skip
_INDICATIONS = {
    "confirmed": "confirmed", "indicated": "confirmed", "not_indicated": "not_indicated",
    "no": "not_indicated", "undetermined": "undetermined", "unclear": "undetermined",
}  # fmt: skip


# -- YAML with line numbers ----------------------------------------------------------------------


class Lined(dict[str, Any]):
    """A mapping that knows on which line each of its keys stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


# 10:45 stays text (YAML 1.1 would read 645), and so does a telephone number that begins with 0.
_PLAIN_NUMBER = re.compile(r"^[-+]?(0|[1-9]\d*|(0|[1-9]\d*)?\.\d+|\d+\.)([eE][-+]?\d+)?$")


def _read_yaml(text: str, file: str) -> Lined:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ScriptError([f"{file}:1: A story is a mapping that begins with `story:`."])
        return _plain(loader, node, file)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise ScriptError([f"{file}:{line}: This is not YAML: {fault.problem}."]) from None
    except yaml.YAMLError as fault:
        raise ScriptError([f"{file}:1: This is not YAML: {fault}."]) from None
    finally:
        loader.dispose()


def _plain(loader: yaml.SafeLoader, node: yaml.Node, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        found = Lined(node.start_mark.line + 1)
        for key_node, value_node in node.value:
            key, line = str(_plain(loader, key_node, file)), key_node.start_mark.line + 1
            if key in found:
                raise ScriptError([f"{file}:{line}: `{key}` stands twice."])
            found[key], found.lines[key] = _plain(loader, value_node, file), line
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, file) for item in node.value]
    if node.tag.endswith((":int", ":float")) and not _PLAIN_NUMBER.match(node.value):
        return node.value
    try:
        return loader.construct_object(node)
    except ValueError as fault:
        line = node.start_mark.line + 1
        raise ScriptError([f"{file}:{line}: {node.value!r} cannot be read: {fault}."]) from None


# -- the reader ----------------------------------------------------------------------------------


def load(path: Path | str, base: Story | None = None) -> Story:
    """Read a story file; `base` is the demo alliance, whose sites and people it may use."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise ScriptError([f"{path}:1: The file cannot be read: {fault}."]) from None
    return parse(text, str(path), base)


def parse(text: str, file: str, base: Story | None = None) -> Story:
    reader = _Reader(file, base)
    story = reader.story(_read_yaml(text, file))
    if reader.mistakes:
        raise ScriptError(f"{file}:{line}: {said}" for line, said in sorted(reader.mistakes))
    return story


_REQUIRED = object()


class _Reader:
    """Turns the plain mapping into the dataclasses above and collects every mistake."""

    def __init__(self, file: str, base: Story | None) -> None:
        self.file = file
        self.base = base
        self.mistakes: list[tuple[int, str]] = []
        self.sites: set[str] = set(base.sites if base else ())
        self.people: set[str] = set(base.cast if base else ())
        self.techniques: set[str] = _techniques(base) if base else set()
        self.zone = ZoneInfo("Asia/Shanghai")
        self.t0 = datetime(2026, 1, 1, tzinfo=self.zone)

    def wrong(self, line: int, sentence: str) -> None:
        self.mistakes.append((line, sentence.replace("?.", "?").replace("..", ".")))

    def keys(self, block: Lined, allowed: str, where: str) -> None:
        known = allowed.split()
        for key in block:
            if key not in known:
                self.wrong(block.line_of(key), f"Unknown key `{key}` in {where}.{near(key, known)}")

    def take(self, block: Lined, key: str, read: Callable[[Any], Any], default: Any = None) -> Any:
        """The value of a key, read; a missing or unreadable one is a mistake with its line."""
        if key not in block or block[key] is None:
            if default is _REQUIRED:
                self.wrong(block.line, f"`{key}` is missing.")
                return None
            return default
        try:
            return read(block[key])
        except (ValueError, TypeError, KeyError) as fault:
            said = fault.args[0] if fault.args else "it cannot be used"
            self.wrong(block.line_of(key), f"`{key}: {block[key]}`: {said}.")
            return None if default is _REQUIRED else default

    def blocks(self, block: Lined, key: str) -> list[Lined]:
        found = block.get(key) or []
        if not isinstance(found, list) or not all(isinstance(each, Lined) for each in found):
            self.wrong(block.line_of(key), f"`{key}` is a list of mappings.")
            return []
        return found

    def named_blocks(self, block: Lined, key: str) -> list[tuple[str, Lined]]:
        found = block.get(key) or Lined(block.line)
        if not isinstance(found, Lined):
            self.wrong(block.line_of(key), f"`{key}` is a mapping of names.")
            return []
        for name, value in found.items():
            if not isinstance(value, Lined):
                self.wrong(found.line_of(name), f"`{name}` in {key} is a mapping.")
        return [(name, value) for name, value in found.items() if isinstance(value, Lined)]

    # -- the whole

    def story(self, top: Lined) -> Story:
        self.keys(
            top,
            "story title about zone t0 alliances techniques sites cast agreements roster patients "
            "steps asserts note notes",
            "the story",
        )
        name = self.take(top, "story", _word, _REQUIRED) or "?"
        self.zone = self.take(top, "zone", _zone, self.zone)
        self.t0 = self.take(top, "t0", self.local_time, _REQUIRED) or self.t0
        sites = {code: self.site(code, block) for code, block in self.named_blocks(top, "sites")}
        self.sites |= set(sites)
        self.techniques |= {code for site in sites.values() for code in site.capability}
        techniques = {
            _technique(code): self.technique(code, block)
            for code, block in self.named_blocks(top, "techniques")
        }
        self.techniques |= set(techniques)
        cast = {code: self.person(code, block) for code, block in self.named_blocks(top, "cast")}
        self.people |= set(cast)
        self.techniques |= {p.technique for each in cast.values() for p in each.privileges}
        story = Story(
            name=name,
            path=self.file,
            zone=str(self.zone),
            t0=self.t0,
            title=str(top.get("title") or ""),
            alliances=dict(self.named_blocks(top, "alliances")),
            sites=sites,
            techniques=techniques,
            cast=cast,
            agreements=tuple(self.agreement(block) for block in self.blocks(top, "agreements")),
            roster=tuple(self.turn(block) for block in self.blocks(top, "roster")),
            patients={
                code: self.patient(block) for code, block in self.named_blocks(top, "patients")
            },
            asserts=self.assertions(top),
        )
        return replace(story, steps=self.steps(top))

    def local_time(self, value: Any) -> datetime:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - placed below
        if not isinstance(value, datetime):
            raise TypeError("write a date and a time, as 2026-03-01T12:45")
        return value if value.tzinfo else value.replace(tzinfo=self.zone)

    # -- sites and people

    def technique(self, code: str, block: Lined) -> Technique:
        self.keys(block, "name specialty level note", f"the technique {code}")
        return Technique(
            self.take(block, "name", str, code), self.take(block, "specialty", _specialty)
        )

    def site(self, code: str, block: Lined) -> Site:
        self.keys(
            block,
            "name name_en tier departments capability place lat lon latitude longitude division "
            "zone telephone alliances alliance beds equipment staff note",
            f"the site {code}",
        )
        latitude = self.take(block, "latitude", float) or self.take(block, "lat", float)
        longitude = self.take(block, "longitude", float) or self.take(block, "lon", float)
        place = self.take(block, "place", _pair)
        if latitude is not None and longitude is not None:
            place = (latitude, longitude)
        return Site(
            code=code,
            name=self.take(block, "name", str, code),
            name_en=self.take(block, "name_en", str, ""),
            tier=self.take(block, "tier", _one_of(TIERS), "county"),
            departments=self.departments(block),
            capability=self.capability(block),
            place=place,
            division=self.take(block, "division", str, ""),
            zone=str(self.take(block, "zone", _zone, self.zone)),
            telephone=self.take(block, "telephone", str, ""),
            alliances=tuple(
                self.take(block, "alliances", _words, None)
                or self.take(block, "alliance", _words, ())
            ),
        )

    def departments(self, block: Lined) -> tuple[Department, ...]:
        found = []
        for each in block.get("departments") or []:
            if isinstance(each, str):
                each = _one(block.line_of("departments"), name=each)
            if not isinstance(each, Lined):
                self.wrong(block.line_of("departments"), "A department is a mapping with a name.")
                continue
            self.keys(
                each,
                "name specialty specialties telephone beds staff equipment founded note",
                "a department",
            )
            name = self.take(each, "name", str, _REQUIRED) or "?"
            specialties = self.take(each, "specialties", _specialties, None)
            specialties = specialties or self.take(each, "specialty", _specialties, None)
            if specialties is None:
                specialties = [code] if (code := words.specialty(name)) else []
            telephone = self.take(each, "telephone", str, "")
            found.append(Department(name, tuple(specialties), telephone))
        return tuple(found)

    def capability(self, block: Lined) -> dict[str, int]:
        found = block.get("capability") or {}
        if not isinstance(found, Lined):
            if found:
                self.wrong(block.line_of("capability"), "`capability` maps techniques to levels.")
            return {}
        return {key: self.take(found, key, _level, 0) for key in found}

    def person(self, code: str, block: Lined) -> Person:
        self.keys(
            block,
            "name name_en site role home privileges languages language title number telephone "
            "phone department specialty since practising_since duty presence away_minutes channel "
            "also note",
            f"the person {code}",
        )
        role = self.take(block, "role", self.role, _REQUIRED) or words.Role("doctor")
        if specialty := self.take(block, "specialty", _specialty):
            role = replace(role, specialty=specialty)
        site = self.take(block, "site", self.known_site, "")
        if "site" not in block and not role.outside:
            self.wrong(block.line, f"{code} needs a `site`.")
        return Person(
            code=code,
            name=self.take(block, "name", str, code),
            name_en=self.take(block, "name_en", str, ""),
            site=site,
            role=role,
            home=self.take(block, "home", self.known_site, ""),
            privileges=tuple(
                self.privilege(each, site) for each in self.blocks(block, "privileges")
            ),
            languages=tuple(
                self.take(block, "languages", _words, None)
                or self.take(block, "language", _words, ())
            ),
            title=self.take(block, "title", str, ""),
            number=self.take(block, "number", str, ""),
            telephone=self.take(block, "telephone", str, "") or self.take(block, "phone", str, ""),
            department=self.take(block, "department", str, ""),
            since=self.take(block, "practising_since", _date) or self.take(block, "since", _date),
            duty=self.take(block, "duty", _duty),
            presence=self.take(block, "presence", _one_of(PRESENCES), "free"),
            away_minutes=self.take(block, "away_minutes", int),
            channel=self.take(block, "channel", _one_of(("gateway", "in_app", "none")), "gateway"),
            note=self.take(block, "note", str, ""),
            also=tuple(self.post(each) for each in self.blocks(block, "also")),
        )

    def post(self, block: Lined) -> tuple[words.Role, str]:
        self.keys(block, "role site", "a further post")
        role = self.take(block, "role", self.role, _REQUIRED) or words.Role("doctor")
        return role, self.take(block, "site", self.known_site, _REQUIRED) or ""

    def role(self, value: Any) -> words.Role:
        if found := words.role(str(value)):
            return found
        raise ValueError("no such role; docs/stories.md lists them")

    def privilege(self, block: Lined, site: str) -> Privilege:
        self.keys(
            block, "technique site entrustment level since until valid_from valid_to", "a privilege"
        )
        return Privilege(
            technique=self.take(block, "technique", _technique, _REQUIRED) or "?",
            site=self.take(block, "site", self.known_site, site),
            entrustment=self.take(block, "entrustment", _from_to(1, 5), 4),
            level=self.take(block, "level", _from_to(1, 4), 4),
            since=self.take(block, "since", _date) or self.take(block, "valid_from", _date),
            until=self.take(block, "until", _date) or self.take(block, "valid_to", _date),
        )

    def agreement(self, block: Lined) -> Agreement:
        self.keys(
            block,
            "from to modes kind type specialties emergency_privilege since until valid_from "
            "valid_to until_day signed note",
            "an agreement",
        )
        modes = self.take(block, "modes", _words, ["consult"])
        for mode in modes:
            if mode not in MODES:
                self.wrong(block.line_of("modes"), f"Unknown mode `{mode}`.{near(mode, MODES)}")
        return Agreement(
            asking=self.take(block, "from", self.known_site, _REQUIRED) or "",
            answering=self.take(block, "to", self.known_site, _REQUIRED) or "",
            modes=tuple(modes),
            kind=self.take(block, "kind", str, "") or self.take(block, "type", str, ""),
            specialties=tuple(self.take(block, "specialties", _specialties, ())),
            emergency_hours=self.take(block, "emergency_privilege", _hours, 0),
            since=self.take(block, "since", _date) or self.take(block, "valid_from", _date),
            until=self.take(block, "until", _date) or self.take(block, "valid_to", _date),
            until_day=self.take(block, "until_day", int),
            signed=self.take(block, "signed", bool, True),
        )

    def turn(self, block: Lined) -> Turn:
        self.keys(block, "site specialty line people gap_day", "the roster")
        people = self.take(block, "people", _words, [])
        for code in people:
            if code not in self.people:
                self.wrong(block.line_of("people"), f"Nobody is called `{code}`.")
        return Turn(
            site=self.take(block, "site", self.known_site, _REQUIRED) or "",
            specialty=self.take(block, "specialty", _specialty),
            line=self.take(block, "line", _duty, "first"),
            people=tuple(people),
            gap_day=self.take(block, "gap_day", int),
        )

    def patient(self, block: Lined) -> dict[str, Any]:
        self.keys(block, " ".join(PATIENT_FIELDS), "a patient")
        return dict(block)

    def known_site(self, value: Any) -> str:
        code = str(value)
        if code not in self.sites:
            raise ValueError(f"no such site.{near(code, self.sites)}")
        return code

    # -- steps

    def steps(self, top: Lined) -> tuple[Step, ...]:
        found: list[Step] = []
        before = 0.0
        for number, block in enumerate(self.blocks(top, "steps"), 1):
            step = self.step(block, str(number), before)
            if any(step.n == other.n for other in found):
                self.wrong(block.line_of("n"), f"There are two steps {step.n}.")
            found.append(step)
            before = step.at
        self.check_keys_sent_again(found)
        # The file may tell things in any order; they happen in the order of `at`.
        return tuple(sorted(found, key=lambda step: step.at))

    def check_keys_sent_again(self, steps: list[Step]) -> None:
        first = {step.n: step for step in steps}
        for step in steps:
            if step.same_key_as is None:
                continue
            other = first.get(step.same_key_as)
            if other is None or other is step:
                self.wrong(
                    step.line, f"There is no step {step.same_key_as} whose key to use again."
                )
            elif step.at < other.at:
                self.wrong(
                    step.line,
                    f"Step {step.n} uses the key of step {other.n} again, so it cannot come first.",
                )

    def step(self, block: Lined, number: str, before: float) -> Step:
        self.keys(block, "n at by do with occurred_at zone same_key_as expect case note", "a step")
        verb = self.take(block, "do", self.verb, _REQUIRED) or ""
        by = self.take(block, "by", self.known_person, "")
        if "by" not in block and verb in VERBS and verb != "advance":
            self.wrong(block.line, "`by` is missing: who does it?")
        at = self.take(block, "at", self.minutes, before)
        fields = self.fields(block, verb)
        if "case" in block:
            fields.setdefault("case", str(block["case"]))
        same_key_as = self.take(block, "same_key_as", str)
        return Step(
            n=self.take(block, "n", str, number),
            at=at,
            by=by,
            do=verb,
            fields=fields,
            line=block.line,
            occurred_at=self.take(block, "occurred_at", lambda value: self.minutes(value, at)),
            zone=_zone_word(block.get("zone") or block.get("occurred_at")),
            same_key_as=same_key_as,
            expect=self.take(block, "expect", self.expected),
        )

    def verb(self, value: Any) -> str:
        verb = str(value)
        if verb in VERBS or verb in LATER_VERBS:
            return verb
        raise ValueError(f"no such verb.{near(verb, [*VERBS, *LATER_VERBS])}")

    def known_person(self, value: Any) -> str:
        code = str(value)
        if code in self.people or words.stand_in(code):
            return code
        raise ValueError(f"nobody has this name in `cast`.{near(code, self.people)}")

    def minutes(self, value: Any, at: float | None = None) -> float:
        """Minutes from t0; also a date and time, or `10:45 新疆时间` on the day of the step."""
        if isinstance(value, bool):
            raise TypeError("write minutes from t0")
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        if _PLAIN_NUMBER.match(text):
            return float(text)
        if clock := re.match(r"^(\d{1,2}):(\d{2})\b", text):
            zone = ZoneInfo("Asia/Urumqi") if _zone_word(text) == "xinjiang" else self.zone
            day = (self.t0 + timedelta(minutes=at or 0)).astimezone(zone)
            typed = day.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            return (typed - self.t0) / timedelta(minutes=1)
        return (self.local_time(value) - self.t0) / timedelta(minutes=1)

    def fields(self, block: Lined, verb: str) -> dict[str, Any]:
        given = block.get("with") or Lined(block.line)
        if not isinstance(given, Lined):
            self.wrong(block.line_of("with"), "`with` is a mapping of fields.")
            return {}
        if verb not in VERBS:  # of a later issue, or a mistake that has been told
            return dict(given)
        found: dict[str, Any] = {}
        known = VERBS[verb] | COMMON_FIELDS | LATER_FIELDS.get(verb, set())
        for key, value in given.items():
            name = _field_name(verb, key)
            if name not in known:
                line = given.line_of(key)
                self.wrong(line, f"Unknown field `{key}` of {verb}.{near(key, known)}")
                continue
            try:
                found[name] = self.value(verb, name, value)
            except (ValueError, TypeError, KeyError) as fault:
                self.wrong(given.line_of(key), f"`{key}: {value}`: {fault.args[0]}.")
        if "handover" in found and verb == "handover":
            found |= found.pop("handover")
        if "vitals" in found and verb == "observe":
            found |= found.pop("vitals")
        return found

    def value(self, verb: str, name: str, value: Any) -> Any:
        """A field's value, checked where the file could name something that does not exist."""
        if name in ("vitals", "handover"):
            return self.nested("observe" if name == "vitals" else "handover", value)
        if name == "watch" and verb != "sign_opinion":
            return value
        readers: dict[str, Callable[[Any], Any]] = {
            "specialty": _specialty,
            "technique": self.known_technique,
            "urgency": lambda value: _one_of(URGENCIES)(str(value).upper()),
            "expert": self.known_person,
            "to": self.known_person,
            "indication": _indication,
            "chosen": _option,
            "alternatives": _alternatives,
            "watch": _watches,
            "onset_at": self.minutes,
        }
        return readers[name](value) if name in readers else value

    def nested(self, verb: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Lined):
            if verb == "handover" and isinstance(value, str):
                return {"situation": value}
            raise TypeError("write a mapping")
        return self.fields(_one(value.line, **{"with": value}), verb)

    def known_technique(self, value: Any) -> str:
        code = _technique(value)
        if code not in self.techniques:
            raise ValueError(f"no such technique.{near(code, self.techniques)}")
        return code

    def expected(self, value: Any) -> Expected:
        if not isinstance(value, Lined):
            key = "refused" if isinstance(value, int) else "status"
            value = _one(0, **{key: value})
        self.keys(value, "status refused", "`expect`")
        if "refused" in value:
            code = value["refused"]
            if code is True or str(code).lower() in ("true", "yes"):
                return Expected("refused")
            if code is False:
                return Expected("ok")
            return Expected("refused", _from_to(400, 499)(code))
        status = _one_of(("ok", "duplicate", "refused"))(value.get("status", "ok"))
        return Expected(status)

    def assertions(self, top: Lined) -> tuple[Assertion, ...]:
        found = top.get("asserts") or Lined(top.line)
        if not isinstance(found, Lined):
            self.wrong(top.line_of("asserts"), "`asserts` maps names to expected values.")
            return ()
        return tuple(Assertion(name, value, found.line_of(name)) for name, value in found.items())


# -- reading single values -----------------------------------------------------------------------

PRESENCES = ("free", "operating", "talking", "resting", "away", "abroad")
_PATIENT = (
    "name unknown sex age language born id1_kind id1_value id2_kind id2_value national_id "
    "hospital_number insurance mother telephone weight note"
)
PATIENT_FIELDS = frozenset(_PATIENT.split())


def near(word: str, known: Iterable[str]) -> str:
    """A hint for a slip of the pen."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f" Did you mean `{close[0]}`?" if close else ""


def _no(sentence: str) -> Any:
    raise ValueError(sentence)


def _one(line: int, **values: Any) -> Lined:
    block = Lined(line)
    block.update(values)
    return block


def _word(value: Any) -> str:
    text = str(value).strip()
    return text or _no("write a name")


def _words(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _one_of(known: Iterable[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = str(value)
        return text if text in known else _no(f"write one of {', '.join(known)}")

    return read


def _from_to(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value)
        return number if low <= number <= high else _no(f"write {low} to {high}")

    return read


def _pair(value: Any) -> tuple[float, float]:
    if isinstance(value, Lined):
        value = list(value.values())
    latitude, longitude = value
    return float(latitude), float(longitude)


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone; write Asia/Shanghai or Asia/Urumqi") from None


def _zone_word(value: Any) -> str:
    """Which of the two zones of a form a text names; Beijing unless it says Xinjiang."""
    text = str(value or "").lower()
    return "xinjiang" if any(w in text for w in ("新疆", "xinjiang", "urumqi")) else "beijing"


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if re.fullmatch(r"\d{4}", str(value)):
        return date(int(value), 7, 1)
    return date.fromisoformat(str(value))


def _hours(value: Any) -> int:
    match = re.fullmatch(r"(\d+)\s*(h|d|小时|天)?", str(value).strip())
    if not match:
        raise ValueError("write hours, as 72h")
    return int(match[1]) * (24 if match[2] in ("d", "天") else 1)


def _level(value: Any) -> int:
    match = re.fullmatch(r"[lL]?([0-5])", str(value).strip())
    if match:
        return int(match[1])
    return 0 if str(value) == "none" else _no("write L0 to L5")


def _technique(value: Any) -> str:
    text = str(value).strip()
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        return text.upper()
    raise ValueError("a technique is a code such as PGS-LAP-NEO")


def _specialty(value: Any) -> str:
    return words.specialty(str(value)) or _no("no such specialty; docs/stories.md lists them")


def _specialties(value: Any) -> list[str]:
    return [_specialty(each) for each in _words(value)]


def _duty(value: Any) -> str:
    if value is False or str(value).lower() in ("none", "off", "no"):
        return "none"
    return _one_of(("first", "second", "director", "officer"))(value)


def _indication(value: Any) -> str:
    return _INDICATIONS.get(str(value).lower()) or _no("confirmed, not_indicated or undetermined")


def _option(value: Any) -> str:
    text = str(value).strip().upper().replace("-", "_").replace(" ", "_")
    return _OPTIONS.get(text) or _no("no such option; LOCAL, LIVE, DISPATCH, TRANSFER …")


def _alternatives(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(_option(option), str(why)) for option, why in value.items()]
    return [
        (_option(each.get("option")), str(each.get("why") or each.get("why_not") or ""))
        for each in value
    ]


def _watches(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(str(what), str(limit)) for what, limit in value.items()]
    if isinstance(value, str):
        value = [value]
    return [
        (str(each.get("what", "")), str(each.get("limit", "")))
        if isinstance(each, dict)
        else (str(each), "")
        for each in value
    ]


def _field_name(verb: str, key: str) -> str:
    if key in VERBS[verb]:
        return key
    lower = key.lower().replace("-", "_")
    return _ALIASES.get(verb, {}).get(lower, lower)


def _techniques(story: Story) -> set[str]:
    found = {code for site in story.sites.values() for code in site.capability}
    found |= {p.technique for person in story.cast.values() for p in person.privileges}
    return found | set(story.techniques)
