"""Play a story through the public doors, step by step, and say what held.

The player knows verbs, not stories. Whatever it does, a person in a browser could do: it signs
in, opens a page, fills in a form. Only the demo's time is its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext as _

from jieli.stories import assertions, guided, script, verbs
from jieli.stories.assertions import Result
from jieli.stories.demo import Player
from jieli.stories.doors import Answer, DoorError, Person, Sent
from jieli.stories.forms import FORMS, OWN_PAGE, PAGES, CannotStep, local

WHY_LATE = "事后补记"  # the reason of a late entry that the file does not give
# What is seen and done at the bedside before anybody calls: entered late, when the case is there.
BEFORE_THE_CASE = frozenset({"observe", "handover", "message", "consent", "pathway_step"})


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
    links: guided.Links = field(default_factory=dict)  # browsers in theatres that report by now
    clock: datetime | None = None  # up to which they have reported

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
        self.wait_until(self.story.instant(step.at))
        if self.watcher:
            self.watcher.begins(step)
        outcome = self.take(step)
        if self.watcher:
            self.watcher.ended(step, outcome)

    def wait_until(self, instant: datetime) -> None:
        """Time passes; on the way browsers in theatres report their link, as they do."""
        while self.links and self.clock and self.clock + guided.BEAT <= instant:
            self.clock += guided.BEAT
            self.time.go_to(self.clock)
            guided.beat(self, self.clock)
        self.time.go_to(instant)
        if not self.links:
            self.clock = instant

    def take(self, step: script.Step) -> Outcome:
        if verbs.is_later(step.do, step.fields):
            self.absent_step(step)
            return Outcome("absent")
        if step.do in BEFORE_THE_CASE and not self.cases:
            self.held.append(step)
            return Outcome("done", _("entered when the case is there"))
        self.absent += [
            f"step {step.n} {step.do}.{name}"
            for name in step.fields
            if name in verbs.LATER_FIELDS.get(step.do, ())
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
        said = "done" if answer.ok else "refused"
        return Outcome(said, answer.sentence, self.case_path())

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
        if export is not None:
            cases = [export, *(self.export(case) for case in self.cases[1:])]
            export = {**export, "t0": self.story.instant(0).isoformat(), "cases": cases}
        for wanted in self.story.asserts:
            if assertions.is_absent(wanted.name, export):
                self.absent.append(wanted.name)
            else:
                self.results.append(assertions.check(wanted.name, wanted.expected, export))

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

    def mission(self, step: script.Step, case: OpenCase) -> Mapping[str, Any]:
        """The mission that the step means: of the kind that it names, else the last open one."""
        missions = list(self.export(case)["missions"])
        if kind := step.fields.get("mission"):
            missions = [each for each in missions if each["kind"] == kind]
        going = [each for each in missions if each["status"] not in ("closed", "cancelled")]
        if not missions:
            raise CannotStep("nobody is under way for this case")
        found: Mapping[str, Any] = (going or missions)[-1]
        return found

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


# -- the verbs -------------------------------------------------------------------------------------


def _do(play: Play, step: script.Step) -> Answer:
    """Open the page, fill in the form, send it."""
    path, fields = FORMS[step.do](play, step)
    page = path.removesuffix("choices/") if step.do in OWN_PAGE else PAGES.get(step.do)
    if path.startswith("/missions/"):
        page = "/".join(path.split("/")[:3]) + "/"
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


def _done_at_once(play: Play, step: script.Step) -> Answer:
    """Tick so many more things of the set, in its order; all of them if no number is told."""
    case = play.case(step)
    path = f"{case.path}sheet/temporised/"
    page = play.person(step.by).get(case.path)
    items = [form.hidden.get("item", "") for form in page.forms if form.action == path]
    if not items:
        raise CannotStep("this case has no set of things to be done at once")
    ticked = {each["item"] for each in play.export(case)["temporised"] if not each["undone_at"]}
    open_items = [item for item in items if item not in ticked]
    wanted = step.fields.get("done")
    answer = Answer(204, "")
    for item in open_items[: int(wanted) if wanted is not None else None]:
        answer = play.post(step, path, {"item": item, "done": "yes"}, None)
        if not answer.ok:
            break
    return answer


GATES = {
    "": ("sign_in", "time_out", "sign_out"),
    "sign_in": ("sign_in",),
    "time_out": ("time_out",),
    "sign_out": ("sign_out",),
}


def _checklist(play: Play, step: script.Step) -> Answer:
    """Sign a gate; without a name, every gate that stands open, one after the other."""
    case = play.case(step)
    wanted = re.sub(r"[\s-]+", "_", str(step.fields.get("gate") or "").strip().lower())
    if wanted not in GATES:
        raise CannotStep(f"no such gate: {wanted}; write sign_in, time_out or sign_out")
    home = f"{case.path}gates/"
    answer: Answer | None = None
    for gate in GATES[wanted]:
        page = play.person(step.by).get(home)
        form = next((one for one in page.forms if one.action == f"{home}{gate}/"), None)
        if form is None and not wanted:
            continue  # signed already, or not yet its turn
        names = form.names if form else []
        items = [name.removeprefix("item-") for name in names if name.startswith("item-")]
        said = _said(items, step.fields.get("answers"))
        if form and "operation" in form.hidden:
            said["operation"] = form.hidden["operation"]
        answer = play.post(step, f"{home}{gate}/", said, None)
        if not answer.ok:
            return answer
    return answer or Answer(page.status if page.status >= 400 else 409, home, page.sentence)


def _said(items: Iterable[str], answers: Any) -> dict[str, str]:
    """Every item is answered yes, unless the file says no, na, or what is done about it."""
    told = answers if isinstance(answers, Mapping) else {}
    fields = {f"item-{item}": "yes" for item in items}
    for item, said in told.items():
        value = {True: "yes", False: "no"}.get(said, said) if isinstance(said, bool) else said
        if value in ("yes", "no", "na"):
            fields[f"item-{item}"] = value
        else:
            fields |= {f"item-{item}": "no", f"note-{item}": str(value)}
    return fields


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
    "pathway_step": _done_at_once,
    "sign_checklist": _checklist,
    "view_case": _view,
    "advance": _advance,
    **guided.VERBS,
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
