"""The case of content/stories/kashgar.yaml after step 8, through the real actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jieli.cases.actions import Advice, Ask, raise_request, sign_opinion
from jieli.cases.actions.requests import accept
from jieli.cases.models import Case, Request
from jieli.chart.models import Observation, Patient
from jieli.directory.models import Organisation, Practitioner, Specialty, Technique
from jieli.stories import demo, reading, rows

STORY = Path(__file__).parents[2] / "content" / "stories" / "kashgar.yaml"


@dataclass
class Kashgar:
    case: Case
    request: Request
    people: dict[str, Practitioner]
    signed_at: datetime


def kashgar(*, confirmed: bool = True, technique: str = "PGS-LAP-NEO") -> Kashgar:
    story = reading.load(STORY, demo.alliance())
    demo.load_alliance(story.t0)
    cast = demo.load_cast(story, story.t0)
    people = {
        code: Practitioner.objects.get(number=player.number)
        for code, player in cast.items()
        if player.number
    }
    site = Organisation.objects.get(code="kashgar2")
    patient = Patient.objects.create(name="阿依仙之子", unknown=True, organisation=site)
    raised_at, signed_at = story.instant(45), story.instant(90)
    ask = Ask(
        organisation=site,
        specialty=Specialty.objects.get(code="paediatric-surgery"),
        technique=Technique.objects.filter(code=technique).first(),
        urgency="U1",
        problem="疑似先天性肠闭锁",
        callback="0998-5550221",
    )
    request = raise_request(ask, patient, by=people["RES"], now=raised_at)
    surgeon = people["SURG"]
    request = accept(request, by=surgeon, now=raised_at + timedelta(minutes=4))
    if confirmed:
        advice = Advice("confirmed", "先天性小肠闭锁可能大", "尽快剖腹探查")
        sign_opinion(request, advice, by=surgeon, secret=rows.PASSWORD, now=signed_at)
    case = Case.objects.select_related("organisation", "patient").get(pk=request.case_id)
    grade(case, people["RES"], "S3", signed_at - timedelta(minutes=10))
    return Kashgar(case, request, people, signed_at)


def grade(case: Case, by: Practitioner, stability: str, at: datetime) -> None:
    Observation.objects.create(
        patient=case.patient,
        case_key=case.key,
        code="stability",
        text=stability,
        occurred_at=at,
        recorded_at=at,
        by=by,
    )
