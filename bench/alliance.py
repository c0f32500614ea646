"""Who asks whom in the generated data."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime

from jieli.cases.actions import Ask
from jieli.chart.models import Patient
from jieli.directory.models import Agreement, Duty, Organisation, Practitioner, Role, Specialty

PROBLEMS = ("新生儿呼吸窘迫", "多发伤，血压不稳", "急性腹痛，腹膜刺激征", "产后出血，宫缩乏力")
URGENCIES = ("U1", "U1", "U2", "U0")  # those that ring somebody at once


@dataclass(frozen=True)
class Asking:
    """One thing that a county doctor may ask of the hub."""

    ask: Ask
    by: Practitioner
    hub: Organisation


def asking(many: int, now: datetime, seed: int) -> list[Asking]:
    """Different counties, doctors, specialties and urgencies; the same ones for a seed."""
    dice = random.Random(seed)
    agreements = list(
        Agreement.objects.filter(signed=True)
        .select_related("from_organisation", "to_organisation")
        .order_by("id")
    )
    lines = _first_lines(now)
    found = []
    for agreement in dice.sample(agreements, min(many, len(agreements))):
        doctors = list(
            Practitioner.objects.filter(
                roles__organisation=agreement.from_organisation, roles__kind=Role.Kind.DOCTOR
            ).order_by("id")[:20]
        )
        specialty = dice.choice(lines[agreement.to_organisation_id])
        ask = Ask(
            organisation=agreement.from_organisation,
            specialty=specialty,
            urgency=dice.choice(URGENCIES),
            problem=dice.choice(PROBLEMS),
            callback="0990-5550000",
        )
        found.append(Asking(ask, dice.choice(doctors), agreement.to_organisation))
    return found


def _first_lines(now: datetime) -> dict[int, list[Specialty]]:
    specialties = Specialty.objects.in_bulk()
    lines: dict[int, list[Specialty]] = {}
    turns = Duty.objects.filter(line="first", period__contains=now).order_by("id")
    for site, specialty in turns.values_list("organisation_id", "specialty_id"):
        lines.setdefault(site, []).append(specialties[specialty])
    return lines


def patients(site: Organisation, many: int) -> list[Patient]:
    return Patient.objects.bulk_create(
        Patient(
            key=uuid.uuid4(), name="合成", sex="female", age_text="3 天", language="zh",
            organisation=site,
        )
        for _ in range(many)
    )  # fmt: skip
