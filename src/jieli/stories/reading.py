"""Read a story file. Every mistake is told as `file:line: sentence`, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jieli.stories import ground, values, words
from jieli.stories.lines import PLAIN_NUMBER, Lined, read_yaml
from jieli.stories.script import (
    Agreement,
    Assertion,
    Department,
    Expected,
    Person,
    Privilege,
    ScriptError,
    Site,
    Step,
    Story,
    Technique,
    Turn,
)
from jieli.stories.verbs import (
    COMMON_FIELDS,
    LATER_FIELDS,
    LATER_VERBS,
    MODES,
    TIERS,
    URGENCIES,
    VERBS,
)


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
    story = reader.story(read_yaml(text, file))
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
        self.techniques: set[str] = values.techniques(base) if base else set()
        self.zone = ZoneInfo("Asia/Shanghai")
        self.t0 = datetime(2026, 1, 1, tzinfo=self.zone)

    def wrong(self, line: int, sentence: str) -> None:
        self.mistakes.append((line, sentence.replace("?.", "?").replace("..", ".")))

    def keys(self, block: Lined, allowed: str, where: str) -> None:
        known = allowed.split()
        for key in block:
            if key not in known:
                self.wrong(
                    block.line_of(key), f"Unknown key `{key}` in {where}.{values.near(key, known)}"
                )

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

    def needed(self, block: Lined, key: str, read: Callable[[Any], Any], instead: Any) -> Any:
        """As `take`, of a key that must be there; `instead` stands in once the mistake is told."""
        found = self.take(block, key, read, _REQUIRED)
        return instead if found is None else found

    def either(
        self, block: Lined, key: str, other: str, read: Callable[[Any], Any], default: Any = None
    ) -> Any:
        """One fact under either of two names."""
        return self.take(block, key if key in block else other, read, default)

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
            "hubs timetables roads vehicles resources slots steps asserts note notes",
            "the story",
        )
        name = self.take(top, "story", values.word, _REQUIRED) or "?"
        self.zone = self.take(top, "zone", values.zone, self.zone)
        self.t0 = self.take(top, "t0", self.local_time, _REQUIRED) or self.t0
        sites = {code: self.site(code, block) for code, block in self.named_blocks(top, "sites")}
        self.sites |= set(sites)
        self.techniques |= {code for site in sites.values() for code in site.capability}
        techniques = {
            values.technique(code): self.technique(code, block)
            for code, block in self.named_blocks(top, "techniques")
        }
        self.techniques |= set(techniques)
        cast = {code: self.person(code, block) for code, block in self.named_blocks(top, "cast")}
        self.people |= set(cast)
        self.techniques |= {p.technique for each in cast.values() for p in each.privileges}
        moving = ground.read(self, top, self.base)
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
            hubs=moving.hubs,
            timetables=moving.timetables,
            roads=moving.roads,
            vehicles=moving.vehicles,
            resources=moving.resources,
            slots=moving.slots,
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
            self.take(block, "name", str, code),
            self.take(block, "specialty", values.specialty),
            self.take(block, "level", values.from_to(1, 4)),
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
        place = self.take(block, "place", values.pair)
        if latitude is not None and longitude is not None:
            place = (latitude, longitude)
        return Site(
            code=code,
            name=self.take(block, "name", str, code),
            name_en=self.take(block, "name_en", str, ""),
            tier=self.take(block, "tier", values.one_of(TIERS), "county"),
            departments=self.departments(block),
            capability=self.capability(block),
            place=place,
            division=self.take(block, "division", str, ""),
            zone=str(self.take(block, "zone", values.zone, self.zone)),
            telephone=self.take(block, "telephone", str, ""),
            alliances=tuple(self.either(block, "alliances", "alliance", values.texts, ())),
        )

    def departments(self, block: Lined) -> tuple[Department, ...]:
        found = []
        for each in block.get("departments") or []:
            if isinstance(each, str):
                each = values.block_of(block.line_of("departments"), name=each)
            if not isinstance(each, Lined):
                self.wrong(block.line_of("departments"), "A department is a mapping with a name.")
                continue
            self.keys(
                each,
                "name specialty specialties telephone beds staff equipment founded note",
                "a department",
            )
            name = self.take(each, "name", str, _REQUIRED) or "?"
            specialties = self.take(each, "specialties", values.specialties, None)
            specialties = specialties or self.take(each, "specialty", values.specialties, None)
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
        return {key: self.take(found, key, values.level, 0) for key in found}

    def person(self, code: str, block: Lined) -> Person:
        self.keys(
            block,
            "name name_en site role home privileges languages language title number telephone "
            "phone department specialty since practising_since duty presence away_minutes channel "
            "also note",
            f"the person {code}",
        )
        role = self.take(block, "role", self.role, _REQUIRED) or words.Role("doctor")
        if specialty := self.take(block, "specialty", values.specialty):
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
            languages=tuple(self.either(block, "languages", "language", values.texts, ())),
            title=self.take(block, "title", str, ""),
            number=self.take(block, "number", str, ""),
            telephone=self.either(block, "telephone", "phone", str, ""),
            department=self.take(block, "department", str, ""),
            since=self.take(block, "practising_since", values.day)
            or self.take(block, "since", values.day),
            duty=self.take(block, "duty", values.duty),
            presence=self.take(block, "presence", values.one_of(values.PRESENCES), "free"),
            away_minutes=self.take(block, "away_minutes", int),
            channel=self.take(
                block, "channel", values.one_of(("gateway", "in_app", "none")), "gateway"
            ),
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
            technique=self.take(block, "technique", values.technique, _REQUIRED) or "?",
            site=self.take(block, "site", self.known_site, site),
            entrustment=self.take(block, "entrustment", values.from_to(1, 5), 4),
            level=self.take(block, "level", values.from_to(1, 4), 4),
            since=self.take(block, "since", values.day)
            or self.take(block, "valid_from", values.day),
            until=self.either(block, "until", "valid_to", values.day),
        )

    def agreement(self, block: Lined) -> Agreement:
        self.keys(
            block,
            "from to modes kind type specialties emergency_privilege since until valid_from "
            "valid_to until_day signed note",
            "an agreement",
        )
        modes = self.take(block, "modes", values.texts, ["consult"])
        for mode in modes:
            if mode not in MODES:
                self.wrong(
                    block.line_of("modes"), f"Unknown mode `{mode}`.{values.near(mode, MODES)}"
                )
        return Agreement(
            asking=self.take(block, "from", self.known_site, _REQUIRED) or "",
            answering=self.take(block, "to", self.known_site, _REQUIRED) or "",
            modes=tuple(modes),
            kind=self.either(block, "kind", "type", str, ""),
            specialties=tuple(self.take(block, "specialties", values.specialties, ())),
            emergency_hours=self.take(block, "emergency_privilege", values.hours, 0),
            since=self.take(block, "since", values.day)
            or self.take(block, "valid_from", values.day),
            until=self.either(block, "until", "valid_to", values.day),
            until_day=self.take(block, "until_day", int),
            signed=self.take(block, "signed", bool, True),
        )

    def turn(self, block: Lined) -> Turn:
        self.keys(block, "site specialty line people gap_day", "the roster")
        people = self.take(block, "people", values.texts, [])
        for code in people:
            if code not in self.people:
                self.wrong(block.line_of("people"), f"Nobody is called `{code}`.")
        return Turn(
            site=self.take(block, "site", self.known_site, _REQUIRED) or "",
            specialty=self.take(block, "specialty", values.specialty),
            line=self.take(block, "line", values.duty, "first"),
            people=tuple(people),
            gap_day=self.take(block, "gap_day", int),
        )

    def patient(self, block: Lined) -> dict[str, Any]:
        self.keys(block, " ".join(values.PATIENT_FIELDS), "a patient")
        return dict(block)

    def known_site(self, value: Any) -> str:
        code = str(value)
        if code not in self.sites:
            raise ValueError(f"no such site.{values.near(code, self.sites)}")
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
            zone=values.zone_word(block.get("zone") or block.get("occurred_at")),
            same_key_as=same_key_as,
            expect=self.take(block, "expect", self.expected),
        )

    def verb(self, value: Any) -> str:
        verb = str(value)
        if verb in VERBS or verb in LATER_VERBS:
            return verb
        raise ValueError(f"no such verb.{values.near(verb, [*VERBS, *LATER_VERBS])}")

    def known_person(self, value: Any) -> str:
        code = str(value)
        if code in self.people or words.stand_in(code):
            return code
        raise ValueError(f"nobody has this name in `cast`.{values.near(code, self.people)}")

    def minutes(self, value: Any, at: float | None = None) -> float:
        """Minutes from t0; also a date and time, or `10:45 新疆时间` on the day of the step."""
        if isinstance(value, bool):
            raise TypeError("write minutes from t0")
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        if PLAIN_NUMBER.match(text):
            return float(text)
        if clock := re.match(r"^(\d{1,2}):(\d{2})\b", text):
            zone = ZoneInfo("Asia/Urumqi") if values.zone_word(text) == "xinjiang" else self.zone
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
            name = values.field_name(verb, key)
            if name not in known:
                line = given.line_of(key)
                self.wrong(line, f"Unknown field `{key}` of {verb}.{values.near(key, known)}")
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
            "specialty": values.specialty,
            "technique": self.known_techniques
            if verb in ("start_procedure", "plan_guidance")
            else self.known_technique,
            "urgency": lambda value: values.one_of(URGENCIES)(str(value).upper()),
            "expert": self.known_person,
            "to": self.known_person,
            "operator": self.known_person,
            "assistant": self.known_person,
            "guide": self.known_person,
            "receiver": self.known_person,
            "leads": self.known_person,
            "decider": self.known_person,
            "without": values.texts,
            "since": self.minutes,
            "end": self.known_site,
            "site": self.known_site,
            "start": self.known_site,
            "team": lambda value: [self.known_person(each) for each in values.texts(value)],
            "legs": values.legs,
            "indication": values.indication,
            "chosen": values.option,
            "alternatives": values.alternatives,
            "watch": values.watches,
            "onset_at": self.minutes,
        }
        return readers[name](value) if name in readers else value

    def nested(self, verb: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Lined):
            if verb == "handover" and isinstance(value, str):
                return {"situation": value}
            raise TypeError("write a mapping")
        return self.fields(values.block_of(value.line, **{"with": value}), verb)

    def known_technique(self, value: Any) -> str:
        code = values.technique(value)
        if code not in self.techniques:
            raise ValueError(f"no such technique.{values.near(code, self.techniques)}")
        return code

    def known_techniques(self, value: Any) -> list[str]:
        return [self.known_technique(each) for each in values.texts(value)]

    def expected(self, value: Any) -> Expected:
        if not isinstance(value, Lined):
            key = "refused" if isinstance(value, int) else "status"
            value = values.block_of(0, **{key: value})
        self.keys(value, "status refused", "`expect`")
        if "refused" in value:
            code = value["refused"]
            if code is True or str(code).lower() in ("true", "yes"):
                return Expected("refused")
            if code is False:
                return Expected("ok")
            return Expected("refused", values.from_to(400, 499)(code))
        status = values.one_of(("ok", "duplicate", "refused"))(value.get("status", "ok"))
        return Expected(status)

    def assertions(self, top: Lined) -> tuple[Assertion, ...]:
        found = top.get("asserts") or Lined(top.line)
        if not isinstance(found, Lined):
            self.wrong(top.line_of("asserts"), "`asserts` maps names to expected values.")
            return ()
        return tuple(Assertion(name, value, found.line_of(name)) for name, value in found.items())
