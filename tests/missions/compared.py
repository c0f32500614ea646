"""A case whose expert has confirmed the indication, and drafts of what may be done: RI-1."""

import copy
from datetime import datetime
from typing import Any

from jieli.cases import actions as cases
from jieli.cases.actions import Advice
from jieli.cases.models import Case, Opinion
from jieli.missions.queries.generator import Draft
from tests.cases.world import PASSWORD, World, minutes

# RI-1 of planner.md: the team that flies, and what is barred.
DISPATCH = {
    "id": "dispatch-1",
    "template": "DISPATCH",
    "time": {
        "add": [
            {
                "calendar": {
                    "after": {
                        "add": [
                            10,
                            {"join": [{"lognormal": [60, 0.25]}, {"lognormal": [75, 0.25]}]},
                            {"lognormal": [60, 0.2]},
                        ]
                    },
                    "cutoff": 45,
                    "departures": [[75, 380], [280, 480], [1065, 480]],
                }
            },
            {"lognormal": [20, 0.5]},
            {"lognormal": [45, 0.2]},
            {"lognormal": [80, 0.25]},
        ]
    },
    "burden": 3.0,
}
OTHERS = [
    {"id": "local", "template": "LOCAL", "time": 180, "barred": ["C1", "C3"]},
    {"id": "live", "template": "LIVE", "time": 200, "barred": ["C2", "C3"]},
    {"id": "road", "template": "TRANSFER", "time": 1200, "patient_moves": True,
     "transit": [60, 1080]},
]  # fmt: skip
WORDS: dict[str, dict[str, Any]] = {
    "dispatch-1": {
        "template": "DISPATCH",
        "people": [{"key": "", "name": "沈砚秋", "title": "", "site": "", "part": "operator"}],
        "start": "沪江儿童医学中心",
        "end": "喀什绿洲医院",
        "barred": [],
        "legs": [],
    },
    "local": {"template": "LOCAL", "barred": [], "legs": []},
    "live": {"template": "LIVE", "barred": [], "legs": []},
    "road": {"template": "TRANSFER", "barred": [], "legs": [], "end": "乌鲁木齐"},
}
STABILITY = {
    "name": "stability", "label": "stability", "value": "S3", "unit": "", "source": "bedside",
    "at": "", "by": "", "estimate": False, "correctable": True,
}  # fmt: skip


def draft(case: Case, now: datetime, corrections: Any = (), **change: Any) -> Draft:
    """RI-1 as it stands after the opinion; `change` replaces fields of the draft."""
    held = dict(corrections)
    opinion = Opinion.objects.filter(case=case, indication="confirmed").last()
    options = copy.deepcopy([DISPATCH, *OTHERS])
    fields: dict[str, Any] = {
        "opinion": opinion,
        "t0": opinion.signed_at if opinion else case.anchor_at,
        "pathway": "neonatal_obstruction",
        "content": "pathways-2",
        "approved": True,
        "instance": {
            "case": {"windows": [840, 1440], "stability": held.get("stability", "S3")},
            "options": options,
        },
        "words": copy.deepcopy(WORDS),
        "inputs": [{**STABILITY, "value": held.get("stability", "S3")}],
        "pruned": [],
    }
    return Draft(**{**fields, **change})


def advised(world: World, *, read: bool = True, indication: str = "confirmed") -> Case:
    """Paged, accepted, advised at minute 30; read at 33."""
    request = world.raised("U1")
    cases.accept(request, by=world.alice, now=minutes(4))
    advice = Advice(indication=indication, assessment="先天性小肠闭锁可能大")
    opinion = cases.sign_opinion(request, advice, by=world.alice, secret=PASSWORD, now=minutes(30))
    if read:
        cases.acknowledge(opinion, by=world.doctor, now=minutes(33))
    return Case.objects.get(pk=request.case_id)
