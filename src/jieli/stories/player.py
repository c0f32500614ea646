"""Play a story through the public doors, step by step, and say what held.

The player knows verbs, not stories. Whatever it does, a person in a browser could do: it signs
in, opens a page, fills in a form. Only the demo's time is its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jieli.stories import assertions, script
from jieli.stories.assertions import Result
from jieli.stories.demo import PASSWORD, Player
from jieli.stories.doors import Answer, DoorError, Person, Sent

ZONES = {"beijing": ZoneInfo("Asia/Shanghai"), "xinjiang": ZoneInfo("Asia/Urumqi")}
WHY_LATE = "事后补记"  # the reason of a late entry that the file does not give
# What is seen and done at the bedside before anybody calls: entered late, when the case is there.
BEFORE_THE_CASE = frozenset({"observe", "handover", "message", "consent"})


class Time(Protocol):
    """How the story's time passes: stepped by a door, or waited for."""

    def go_to(self, instant: datetime) -> None: ...


class Watcher(Protocol):
    """Who looks on: the demo page, or nobody."""

    def begins(self, step: script.Step) -> None: ...
    def ended(self, step: script.Step, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class Outcome:
    state: str  # done | refused | absent
    sentence: str = ""
    case_path: str = ""


@dataclass
class OpenCase:
    """A case of the story, as its raiser knows it."""

    key: str
    raiser: str
    step: str
    patient: str

    @property
    def path(self) -> str:
        return f"/cases/{self.key}/"


class CannotStep(Exception):
    """The step has nothing to work on: no case, no opinion."""


@dataclass
class Play:
    """One story being played."""

    story: script.Story
    players: Mapping[str, Player]
    base_url: str
    time: Time
    watcher: Watcher | None = None
    people: dict[str, Person] = field(default_factory=dict)
    cases: list[OpenCase] = field(default_factory=list)
    sent: dict[str, list[Sent]] = field(default_factory=dict)
    held: list[script.Step] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    expert: str = ""  # who last was in contact

    # -- the whole

    def run(self) -> dict[str, Any]:
        try:
            for step in self.story.steps:
                self.play(step)
            for step in self.held:
                self.absent_step(step, "no case was opened")
            self.check()
        finally:
            for person in self.people.values():
                person.close()
        return {
            "story": self.story.name,
            "assertions": [result.as_json() for result in self.results],
            "absent": self.absent,
        }

    def play(self, step: script.Step) -> None:
        self.time.go_to(self.story.instant(step.at))
        if self.watcher:
            self.watcher.begins(step)
        outcome = self.take(step)
        if self.watcher:
            self.watcher.ended(step, outcome)

    def take(self, step: script.Step) -> Outcome:
        if step.do in script.LATER_VERBS:
            self.absent_step(step)
            return Outcome("absent")
        if step.do in BEFORE_THE_CASE and not self.cases:
            self.held.append(step)
            return Outcome("done", "held until the case is there")
        self.absent += [
            f"step {step.n} {step.do}.{name}"
            for name in step.fields
            if name in script.LATER_FIELDS.get(step.do, ())
        ]
        try:
            answer = self.answer(step)
        except CannotStep as fault:
            answer = Answer(0, "", str(fault))
        outcome = self.judge(step, answer)
        if step.do == "raise_request" and answer.ok and answer.status:
            self.enter_what_was_held()
        return outcome

    def answer(self, step: script.Step) -> Answer:
        if step.same_key_as is not None:
            return self.send_again(step)
        return VERBS[step.do](self, step)

    def judge(self, step: script.Step, answer: Answer) -> Outcome:
        state = answer.state if answer.status else "impossible"
        if step.expect is not None:
            expected = step.expect.code or step.expect.status
            actual: Any = answer.status if step.expect.code and answer.status >= 400 else state
            fits = state == step.expect.status and step.expect.code in (None, answer.status)
            self.results.append(Result(f"step {step.n}", expected, actual, fits))
        elif state not in ("ok", "duplicate"):
            told = f"{answer.status or state} {answer.sentence}".strip()
            self.results.append(Result(f"step {step.n}", "ok", told, False))
            return Outcome("refused", told, self.case_path())
        return Outcome("done", answer.sentence, self.case_path())

    def absent_step(self, step: script.Step, why: str = "") -> None:
        self.absent.append(f"step {step.n} {step.do}" + (f" ({why})" if why else ""))

    def enter_what_was_held(self) -> None:
        """What was done before the call is written now, with the time at which it was done."""
        held, self.held = self.held, []
        for step in held:
            at = step.occurred_at if step.occurred_at is not None else step.at
            self.take(script.late(step, at))

    def check(self) -> None:
        export = self.export() if self.cases else None
        for wanted in self.story.asserts:
            if wanted.name in assertions.NAMES:
                self.results.append(assertions.check(wanted.name, wanted.expected, export))
            else:
                self.absent.append(wanted.name)

    # -- who, what, when

    def person(self, code: str) -> Person:
        player = self.players[code]
        if player.kind == "family":  # what the family says is written by who treats
            if not self.cases:
                raise CannotStep(f"{code} is of the family, and nobody treats yet")
            player = self.players[self.cases[-1].raiser]
        if player.number not in self.people:
            person = Person(self.base_url, player.number, player.name)
            person.sign_in_demo()
            self.people[player.number] = person
        return self.people[player.number]

    def case(self, step: script.Step) -> OpenCase:
        """The case that the step names by patient or by the step that raised it, or the last."""
        if not self.cases:
            raise CannotStep("no case has been opened")
        wanted = str(step.fields.get("case") or step.fields.get("patient") or "")
        for case in reversed(self.cases):
            if wanted in ("", case.step, case.patient):
                return case
        return self.cases[-1]

    def case_path(self) -> str:
        return self.cases[-1].path if self.cases else ""

    def export(self, case: OpenCase | None = None) -> dict[str, Any]:
        case = case or self.cases[0]
        found: dict[str, Any] = self.person(case.raiser).json(f"{case.path}export.json")
        return found

    def request(self, step: script.Step, case: OpenCase) -> str:
        """The request that the step means: by the step that raised it, else the last open one."""
        wanted = str(step.fields.get("request", ""))
        for other in self.cases:
            if wanted and other.step == wanted:
                case = other
        requests = sorted(self.export(case)["requests"], key=lambda each: each["raised_at"])
        if not requests:
            raise CannotStep("the case has no request")
        alive = [each for each in requests if each["status"] != "cancelled"]
        return str((alive or requests)[-1]["key"])

    def opinion(self, step: script.Step, case: OpenCase) -> str:
        opinions = sorted(self.export(case)["opinions"], key=lambda each: each["signed_at"])
        wanted = step.fields.get("opinion")
        if isinstance(wanted, int) and 0 < wanted <= len(opinions):
            return str(opinions[wanted - 1]["key"])
        return str(opinions[-1]["key"]) if opinions else ""

    def post(
        self, step: script.Step, path: str, fields: Mapping[str, Any], page: str | None = None
    ) -> Answer:
        answer = self.person(step.by).post(path, {**fields, **self.lateness(step)}, page=page)
        if answer.sent:
            self.sent.setdefault(step.n, []).append(answer.sent)
        return answer

    def lateness(self, step: script.Step) -> dict[str, str]:
        """The fields of a late entry: when it happened, in the zone that the file names."""
        if step.occurred_at is None:
            return {}
        return {
            "occurred_at": local(self.story.instant(step.occurred_at), step.zone),
            "zone": step.zone,
            "late_reason": str(step.fields.get("late_reason") or WHY_LATE),
        }

    def send_again(self, step: script.Step) -> Answer:
        """The same key once more: the same body, or another one if the file says other fields."""
        first = next(each for each in self.story.steps if each.n == step.same_key_as)
        earlier = self.sent.get(first.n)
        if not earlier:
            raise CannotStep(f"step {first.n} sent nothing")
        person = self.person(step.by)
        changed = {k: v for k, v in step.fields.items() if first.fields.get(k) != v}
        if not changed and step.by == first.by:
            return person.send(earlier[0])
        merged = script.with_fields(step, {**first.fields, **step.fields})
        path, fields = FORMS[first.do](self, merged)
        fields = {**fields, **self.lateness(step)}
        return person.post(path, fields, page=None, key=earlier[0].key)


def local(instant: datetime, zone: str) -> str:
    """An instant as a form takes it: wall time of one of the two zones."""
    return f"{instant.astimezone(ZONES[zone]):%Y-%m-%dT%H:%M:%S}"


# -- the forms: path and fields --------------------------------------------------------------------

Form = tuple[str, dict[str, Any]]


def _raise_form(play: Play, step: script.Step) -> Form:
    given = step.fields
    code = str(given.get("patient") or "P1")
    fields = {
        "organisation": play.players[step.by].site,
        "specialty": given.get("specialty") or _specialty_of_expert(play),
        "technique": given.get("technique", ""),
        "urgency": given.get("urgency", "U1"),
        "problem": str(given.get("problem") or "请求会诊")[:120],
        "callback": given.get("callback") or "0998-555 0221",
        "exception_reason": given.get("exception_reason", ""),
        **patient_fields(code, play.story.patients.get(code, {})),
    }
    if (onset := given.get("onset_at")) is not None:
        fields |= {"onset_at": local(play.story.instant(onset), step.zone), "zone": step.zone}
    return "/cases/new/", fields


def _specialty_of_expert(play: Play) -> str:
    """A file that does not say which specialty means that of its expert."""
    expert = _expert_of(play)
    return play.players[expert].specialty or "" if expert else ""


def patient_fields(code: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Who the patient is: from the file, else an unnamed newborn with two invented numbers."""
    identifiers = [
        (kind, str(said[kind]))
        for kind in ("national_id", "hospital_number", "insurance", "mother", "telephone")
        if said.get(kind)
    ]
    for nth in ("id1", "id2"):
        if said.get(f"{nth}_value"):
            kind = str(said.get(f"{nth}_kind", "hospital_number"))
            identifiers.append((kind, str(said[f"{nth}_value"])))
    spare = [("hospital_number", f"H-{code}"), ("mother", f"M-{code}")]
    have = {kind for kind, _value in identifiers}
    identifiers += [pair for pair in spare if pair[0] not in have]
    name = said.get("name")
    fields: dict[str, Any] = {
        "patient_name": name or f"{code} 之母新生儿",
        "patient_sex": _sex(said.get("sex")),
        "patient_age": said.get("age", "" if name else "新生儿"),
        "patient_language": said.get("language", ""),
    }
    if said.get("unknown", name is None):
        fields["patient_unknown"] = True
    for nth, (kind, value) in zip(("id1", "id2"), identifiers, strict=False):
        fields |= {f"{nth}_kind": kind, f"{nth}_value": value}
    return fields


def _sex(value: Any) -> str:
    text = str(value or "").lower()
    return {"m": "male", "male": "male", "男": "male", "f": "female", "female": "female",
            "女": "female"}.get(text, "unknown")  # fmt: skip


def _opinion_form(play: Play, step: script.Step) -> Form:
    case, given = play.case(step), step.fields
    watches = given.get("watch", [])
    return f"{case.path}opinions/new/", {
        "request": play.request(step, case),
        "indication": given.get("indication", "undetermined"),
        "assessment": given.get("assessment") or given.get("recommendation") or "见建议",
        "recommendation": given.get("recommendation") or given.get("technique", ""),
        "by_when": given.get("by_when", ""),
        "looked_at": given.get("looked_at", ""),
        "watch_what": [what for what, _limit in watches],
        "watch_limit": [limit for _what, limit in watches],
        "password": PASSWORD,
    }


def _decision_form(play: Play, step: script.Step) -> Form:
    case, given = play.case(step), step.fields
    alternatives = given.get("alternatives", [])
    return f"{case.path}decisions/new/", {
        "opinion": play.opinion(step, case),
        "chosen": given.get("chosen", "DISPATCH"),
        "text": given.get("text") or given.get("reason") or "按意见执行",
        "reason": given.get("reason", ""),
        "alternative_option": [option for option, _why in alternatives],
        "alternative_why": [why for _option, why in alternatives],
        "password": PASSWORD,
    }


def _request_form(noun: str, fields: Callable[[Play, script.Step], dict[str, Any]]) -> Any:
    def form(play: Play, step: script.Step) -> Form:
        case = play.case(step)
        return f"/requests/{play.request(step, case)}/{noun}/", fields(play, step)

    return form


def _case_form(noun: str, fields: Callable[[Play, script.Step], dict[str, Any]]) -> Any:
    def form(play: Play, step: script.Step) -> Form:
        return f"{play.case(step).path}{noun}/", fields(play, step)

    return form


def _read_form(play: Play, step: script.Step) -> Form:
    key = play.opinion(step, play.case(step))
    if not key:
        raise CannotStep("there is no opinion to read")
    disagreement = step.fields.get("disagreement", "")
    return f"/opinions/{key}/acknowledgement/", {"understood": True, "disagreement": disagreement}


def _contact(play: Play, step: script.Step, channel: str, failed: bool) -> dict[str, Any]:
    expert = step.fields.get("expert")
    if expert is None and _treats(play, step.by):
        expert = play.expert or _expert_of(play)
    expert = expert or step.by
    if not failed:
        play.expert = str(expert)
    return {
        "channel": channel,
        "practitioner": play.players[str(expert)].key,
        "failed": failed,
        "note": step.fields.get("note", ""),
    }


def _treats(play: Play, code: str) -> bool:
    """Whether somebody belongs to the hospital that asked."""
    return play.players[code].site in {play.players[case.raiser].site for case in play.cases}


def _expert_of(play: Play) -> str | None:
    """The story's first specialist who was asked and does not treat."""
    experts = (code for code, player in play.players.items() if player.kind == "expert")
    return next((code for code in experts if not _treats(play, code)), None)


def _joined(play: Play, step: script.Step) -> dict[str, Any]:
    channel = str(step.fields.get("channel", "video"))
    return _contact(play, step, channel, _yes(step.fields.get("failed")))


def _telephoned(play: Play, step: script.Step) -> dict[str, Any]:
    return _contact(play, step, "telephone", _yes(step.fields.get("failed")))


def _lost(play: Play, step: script.Step) -> dict[str, Any]:
    return _contact(play, step, "video", True)


def _observed(_play: Play, step: script.Step) -> dict[str, Any]:
    known = script.VITAL_FIELDS
    return {name: value for name, value in step.fields.items() if name in known}


def _handed_over(play: Play, step: script.Step) -> dict[str, Any]:
    fields = {k: v for k, v in step.fields.items() if k in script.ISBAR_FIELDS}
    if isinstance(onset := fields.get("onset_at"), int | float):
        fields["onset_at"] = local(play.story.instant(onset), step.zone)
    return {k: "；".join(map(str, v)) if isinstance(v, list) else v for k, v in fields.items()}


def _consented(play: Play, step: script.Step) -> dict[str, Any]:
    given, who = step.fields, play.players[step.by]
    kind = str(given.get("kind", "remote_consult"))
    answer = str(given.get("answer", "given")).lower()
    return {
        "kind": {"consult": "remote_consult", "surgery": "operation"}.get(kind, kind),
        "answer": "refused" if answer in ("refused", "no", "false") else "given",
        "given_by": given.get("given_by") or (who.name if who.kind == "family" else "父母"),
        "remotely": _yes(given.get("remotely")),
        "interpreter": given.get("interpreter", ""),
        "language": given.get("language", ""),
    }


def _passed(play: Play, step: script.Step) -> dict[str, Any]:
    to = step.fields.get("to")
    if to is None:
        raise CannotStep("pass_on names nobody")
    return {"to": play.players[str(to)].key, "note": step.fields.get("note", "")}


def _presence_form(play: Play, step: script.Step) -> Form:
    given = step.fields
    until = given.get("until")
    if isinstance(until, int | float):
        until = local(play.story.instant(until), step.zone)
    minutes = given.get("away_minutes")
    state = given.get("state", "free")
    return "/me/presence/", {"state": state, "away_minutes": minutes, "until": until}


def _fields(*names: str, **defaults: Any) -> Callable[[Play, script.Step], dict[str, Any]]:
    def read(_play: Play, step: script.Step) -> dict[str, Any]:
        return defaults | {name: step.fields[name] for name in names if name in step.fields}

    return read


def _yes(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "yes", "on", "1", "是")


FORMS: dict[str, Callable[[Play, script.Step], Form]] = {
    "raise_request": _raise_form,
    "accept": _request_form("acceptance", _fields("late_reason")),
    "decline": _request_form("refusal", _fields("reason", "note", reason="operating")),
    "pass_on": _request_form("referral", _passed),
    "join_consult": _request_form("contact", _joined),
    "telephone_contact": _request_form("contact", _telephoned),
    "link_lost": _request_form("contact", _lost),
    "withdraw": _request_form("withdrawal", _fields("reason", reason="不再需要")),
    "ring_again": _request_form("rings", _fields()),
    "sign_opinion": _opinion_form,
    "mark_read": _read_form,
    "sign_decision": _decision_form,
    "observe": _case_form("observations", _observed),
    "handover": _case_form("handovers", _handed_over),
    "message": _case_form("messages", _fields("text")),
    "ask": _case_form("messages", _fields("text")),
    "answer": _case_form("messages", _fields("text")),
    "consent": _case_form("consents", _consented),
    "change_urgency": _case_form("urgency", _fields("urgency", "reason", reason="病情变化")),
    "raise_urgency": _case_form("urgency", _fields("urgency", "reason", reason="病情变化")),
    "close_case": _case_form("closure", _fields("reason", reason="会诊结束")),
    "outcome": _case_form("outcomes", _fields("day", "state", "note", day=1, state="better")),
    "set_presence": _presence_form,
    "presence": _presence_form,
}
# The page on which a person finds the form; for all others it is the case itself.
PAGES = {
    "raise_request": "/cases/new/",
    "set_presence": "/me/",
    "presence": "/me/",
}
OWN_PAGE = frozenset({"sign_opinion", "sign_decision"})


# -- the verbs -------------------------------------------------------------------------------------


def _do(play: Play, step: script.Step) -> Answer:
    """Open the page, fill in the form, send it."""
    path, fields = FORMS[step.do](play, step)
    page = path if step.do in OWN_PAGE else PAGES.get(step.do)
    if page is None and play.cases:
        page = play.case(step).path
    return play.post(step, path, fields, page)


def _raise(play: Play, step: script.Step) -> Answer:
    answer = _do(play, step)
    if not answer.ok:
        return answer
    parts = answer.path.strip("/").split("/")
    if len(parts) < 2 or parts[0] != "cases":
        raise DoorError(f"raise_request led to {answer.path}, not to a case")
    patient = str(step.fields.get("patient") or "P1")
    if all(case.key != parts[1] for case in play.cases):
        play.cases.append(OpenCase(parts[1], step.by, step.n, patient))
    for name, verb in (("vitals", "observe"), ("handover", "handover")):
        if name in step.fields:
            more = script.with_fields(script.doing(step, verb), step.fields[name])
            sent = VERBS[verb](play, more)
            if not sent.ok:
                return sent
    return answer


def _observe(play: Play, step: script.Step) -> Answer:
    answer = _do(play, step)
    if answer.ok and (note := step.fields.get("note")):
        _do(play, script.with_fields(script.doing(step, "message"), {"text": note}))
    return answer


def _view(play: Play, step: script.Step) -> Answer:
    # Before there is a case: one that does not exist, which is what they would find.
    path = play.case(step).path if play.cases else f"/cases/{uuid.uuid4()}/"
    page = play.person(step.by).get(path)
    return Answer(page.status, page.path, page.sentence)


def _advance(_play: Play, _step: script.Step) -> Answer:
    return Answer(204, "")


VERBS: dict[str, Callable[[Play, script.Step], Answer]] = {
    **dict.fromkeys(FORMS, _do),
    "raise_request": _raise,
    "observe": _observe,
    "view_case": _view,
    "advance": _advance,
}


# -- time ------------------------------------------------------------------------------------------


@dataclass
class SteppedTime:
    """The door that moves the demo's time; everything due on the way happens at its own time."""

    base_url: str
    door: Person = field(init=False)

    def __post_init__(self) -> None:
        self.door = Person(self.base_url, "")
        self.door.get("/demo/")

    def start_at(self, instant: datetime) -> None:
        self._tell({"to": instant.isoformat(), "start": True})

    def go_to(self, instant: datetime) -> None:
        self._tell({"to": instant.isoformat()})

    def _tell(self, fields: Mapping[str, Any]) -> None:
        answer = self.door.post("/demo/time/", fields, page=None)
        if not answer.ok:
            raise DoorError(f"the demo's time does not move: {answer.status} {answer.sentence}")


def starts_at(story: script.Story) -> datetime:
    """A minute before the first thing happens, and never after T+0."""
    first = min((step.at for step in story.steps), default=0.0)
    return story.instant(min(first, 0.0)) - timedelta(minutes=1)
