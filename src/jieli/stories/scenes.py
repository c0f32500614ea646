"""Live cases of the demo alliance, so that a board has something on it when it is first opened.

They are written by the same actions as the screens, at instants of the last day, with everything
that fell due in between. Stories are different: those go through the doors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from jieli.cases import actions, queries
from jieli.cases.models import Case, Request
from jieli.chart import actions as chart
from jieli.directory.models import Organisation, Practitioner, Specialty
from jieli.stories import demo, reading, rows, script, verbs, words

MOST_MOMENTS = 2_000


@cache
def scenes() -> script.Story:
    base = demo.alliance()
    expert = script.Person("EXPERT", "EXPERT", "", words.Role("expert"))
    known = replace(base, cast={**base.cast, "EXPERT": expert})
    return reading.load(Path(__file__).with_name("scenes.yaml"), known)


def load_scenes(now: datetime) -> int:
    """How many cases were made: none when there are cases already."""
    if Case.objects.exists():
        return 0
    scene = Scene(scenes().moved_to(now))
    for step in scene.story.steps:
        scene.play(step)
    run_until(now)
    return len(scene.cases)


def run_until(instant: datetime) -> None:
    """Everything that falls due up to an instant, each at its own time."""
    for _ in range(MOST_MOMENTS):
        due = queries.next_due(before=instant)
        if due is None or actions.run_due(due) == 0:
            return


@dataclass
class Scene:
    """The cases so far, by the code of their patient."""

    story: script.Story
    cases: dict[str, Case] = field(default_factory=dict)

    def play(self, step: script.Step) -> None:
        now = self.story.instant(step.at)
        run_until(now)
        ACTS[step.do](self, step, now)

    def case(self, step: script.Step) -> Case:
        case = self.cases[str(step.fields["case"])]
        case.refresh_from_db()
        return case

    def request(self, step: script.Step) -> Request:
        return self.case(step).requests.order_by("-id")[0]

    def person(self, step: script.Step) -> Practitioner:
        if step.by == "EXPERT":
            return self.expert(self.request(step))
        number = demo.alliance().cast[step.by].number
        return Practitioner.objects.get(number=number)

    def expert(self, request: Request) -> Practitioner:
        """Who has the request, else who rings, else the first on the list."""
        if request.accepted_by:
            return request.accepted_by
        ring = request.rings.filter(line="expert", answer="", silent=False).first()
        lines = request.candidates.filter(barred="", line__in=("expert", "second"))
        candidate = ring or lines.first()
        if candidate is None:
            raise LookupError(f"Nobody can be asked for {request.specialty.name}.")
        return candidate.practitioner


def _raise(scene: Scene, step: script.Step, now: datetime) -> None:
    person, said = demo.alliance().cast[step.by], step.fields
    code = str(said["patient"])
    patient = scene.story.patients[code]
    site = Organisation.objects.get(code=person.site)
    kinds = ("hospital_number", "mother", "insurance", "telephone")
    row = chart.register_patient(
        name=str(patient["name"]),
        organisation=site,
        identifiers=[(kind, str(patient[kind])) for kind in kinds if kind in patient],
        unknown=False,
        sex=str(patient["sex"]),
        age_text=str(patient["age"]),
        language=str(patient.get("language", "")),
    )
    ask = actions.Ask(
        organisation=site,
        specialty=Specialty.objects.get(code=said["specialty"]),
        urgency=str(said["urgency"]),
        problem=str(said["problem"]),
        callback=str(said.get("callback", person.telephone)),
    )
    request = actions.raise_request(ask, row, by=scene.person(step), now=now)
    scene.cases[code] = request.case


def _accept(scene: Scene, step: script.Step, now: datetime) -> None:
    actions.accept(scene.request(step), by=scene.person(step), now=now)


def _join(scene: Scene, step: script.Step, now: datetime) -> None:
    person = scene.person(step)
    channel = str(step.fields.get("channel", "video"))
    actions.record_contact(
        scene.request(step), by=person, practitioner=person, channel=channel, now=now
    )


def _sign_opinion(scene: Scene, step: script.Step, now: datetime) -> None:
    said = step.fields
    advice = actions.Advice(
        indication=said["indication"],
        assessment=said["assessment"],
        recommendation=said.get("recommendation", ""),
        by_when=said.get("by_when", ""),
        watches=said.get("watch", []),
    )
    person = scene.person(step)
    actions.sign_opinion(scene.request(step), advice, by=person, secret=rows.PASSWORD, now=now)


def _mark_read(scene: Scene, step: script.Step, now: datetime) -> None:
    opinion = scene.case(step).opinions.all()[0]
    actions.acknowledge(opinion, by=scene.person(step), now=now)


def _sign_decision(scene: Scene, step: script.Step, now: datetime) -> None:
    case, said = scene.case(step), step.fields
    choice = actions.Choice(
        said["chosen"], said["text"], said.get("reason", ""), said.get("alternatives", [])
    )
    actions.sign_decision(
        case,
        choice,
        opinion=case.opinions.first(),
        by=scene.person(step),
        secret=rows.PASSWORD,
        now=now,
    )


def _consent(scene: Scene, step: script.Step, now: datetime) -> None:
    actions.record_consent(
        scene.case(step),
        kind=str(step.fields["kind"]),
        answer="given",
        given_by=str(step.fields["given_by"]),
        remotely=False,
        interpreter="",
        language="",
        by=scene.person(step),
        now=now,
    )


def _observe(scene: Scene, step: script.Step, now: datetime) -> None:
    values = {k: str(v) for k, v in step.fields.items() if k in verbs.VITAL_FIELDS}
    actions.observe(scene.case(step), values, by=scene.person(step), now=now)


def _close(scene: Scene, step: script.Step, now: datetime) -> None:
    reason = str(step.fields.get("reason", ""))
    actions.close_case(scene.case(step), by=scene.person(step), reason=reason, now=now)


ACTS: dict[str, Callable[[Scene, script.Step, datetime], None]] = {
    "raise_request": _raise,
    "accept": _accept,
    "join_consult": _join,
    "sign_opinion": _sign_opinion,
    "mark_read": _mark_read,
    "sign_decision": _sign_decision,
    "consent": _consent,
    "observe": _observe,
    "close_case": _close,
}
