"""手续 on paper: invitation with its five items, approval, emergency privileges, consent."""

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import typst
from django.utils.translation import gettext as _

from jieli.cases.models import Case
from jieli.cases.queries import words as case_words
from jieli.cases.queries import words_under_way as words
from jieli.cases.queries.export import FONTS, both_zones
from jieli.cases.queries.lists import heading
from jieli.cases.queries.pages import sbar
from jieli.cases.queries.words import word
from jieli.missions.models import Mission
from jieli.missions.queries.way import way
from jieli.rules import missions as rules

HERE = Path(__file__).resolve().parents[1]


def as_pdf(mission: Mission, now: datetime) -> bytes:
    """All papers of a mission, one a page, to be signed by hand where a signature is wanted."""
    content = orjson.dumps(_content(mission, now)).decode()
    return typst.compile(
        str(HERE / "templates" / "missions" / "papers.typ"),
        font_paths=[str(FONTS)],
        sys_inputs={"papers": content},
    )


def _content(mission: Mission, now: datetime) -> dict[str, Any]:
    is_team = mission.kind == Mission.Kind.DISPATCH
    sheets = (
        [_invitation(mission, now), _approval(mission), _privileges(mission)]
        if is_team
        else [_consent(mission, now)]
    )
    return {
        "title": f"{word(words.KINDS, mission.kind)} {mission.number}",
        "number": mission.number,
        "sheets": sheets,
        "printed": _("Printed"),
        "at": both_zones(now),
        "page": _("Page"),
        "sign": _("Signature and seal"),
    }


def _invitation(mission: Mission, now: datetime) -> dict[str, Any]:
    case = mission.case
    asked = case.requests.select_related("specialty", "technique").order_by("-pk").first()
    wanted = (
        [str(asked.specialty), asked.technique.name if asked.technique else ""] if asked else []
    )
    decision = mission.decision or case.decisions.first()
    said = {
        "reason": (_("Reason"), [case.problem, decision.reason if decision else ""]),
        "purpose": (_("Purpose"), [decision.text if decision else ""]),
        "time": (_("Time"), _times(mission, now)),
        "summary": (_("Summary of the record"), _summary(case)),
        "expertise": (_("Expertise wanted"), [*filter(None, wanted), *_team(mission)]),
    }
    return {
        "title": word(words.PAPERS, "invitation"),
        "from": case.organisation.name,
        "to": mission.start.name,
        "rows": [[said[item][0], _lines(said[item][1])] for item in rules.INVITATION_ITEMS],
    }


def _times(mission: Mission, now: datetime) -> list[str]:
    arrival = way(mission, now).arrival
    found = [_("asked for: %(at)s") % {"at": both_zones(mission.planned_at)}]
    if arrival and arrival.end:
        found.append(_("expected there: %(at)s") % {"at": both_zones(arrival.end)})
    return found


def _summary(case: Case) -> list[str]:
    """What the record says, without a name: heading and the last ISBAR."""
    found = [heading(case)]
    last = case.handovers.filter(wrong_at=None).order_by("-version").first()
    if last:
        found += [str(text) for part in sbar(last).values() for _name, text in part]
    return found


def _team(mission: Mission) -> list[str]:
    members = mission.members.filter(left_at=None).select_related("practitioner")
    return [
        f"{m.practitioner.name} {m.practitioner.title} {word(words.PARTS, m.part)}".strip()
        for m in members.order_by("-leads", "pk")
    ]


def _lines(parts: list[str]) -> list[str]:
    return [part for part in parts if part] or [_("not written")]


def _approval(mission: Mission) -> dict[str, Any]:
    paper = mission.papers.filter(kind="home_approval").first()
    told = paper.note if paper else ""
    rows = [
        [_("Team"), _team(mission)],
        [_("Goes to"), [mission.case.organisation.name]],
        [_("Approved by telephone"), _lines([told])],
        [_("When"), _lines([both_zones(mission.approved_at) if mission.approved_at else ""])],
        [_("Turns at home"), _covers(mission)],
    ]
    return {
        "title": word(words.PAPERS, "home_approval"),
        "from": mission.start.name,
        "to": mission.case.organisation.name,
        "rows": rows,
    }


def _covers(mission: Mission) -> list[str]:
    found = mission.covers.select_related("away", "substitute").order_by("pk")
    return _lines(
        [
            f"{c.what}: {c.away.name} → {c.substitute.name if c.substitute else _('open')}"
            for c in found
        ]
    )


def _privileges(mission: Mission) -> dict[str, Any]:
    lent = mission.privileges.select_related("practitioner", "technique", "by").order_by("pk")
    rows = [
        [
            f"{p.practitioner.name} {p.practitioner.title}".strip(),
            [
                p.technique.name,
                _("from %(at)s") % {"at": both_zones(p.since)},
                _("ends by itself %(at)s") % {"at": both_zones(p.until)},
                _("given by %(name)s") % {"name": p.by.name},
            ],
        ]
        for p in lent
    ]
    return {
        "title": word(words.PAPERS, "privilege_filing"),
        "from": mission.case.organisation.name,
        "to": mission.start.name,
        "rows": rows or [[_("Emergency privileges"), [_("none")]]],
    }


def _consent(mission: Mission, now: datetime) -> dict[str, Any]:
    end = mission.end.name if mission.end else mission.end_outside
    receiver = mission.receiver.name if mission.receiver else mission.receiver_outside
    case = mission.case
    kit = [word(words.KIT, item.name) for item in mission.kit.all()]
    return {
        "title": word(words.PAPERS, "transfer_consent"),
        "from": mission.start.name,
        "to": end,
        "rows": [
            [_("Patient"), [case.patient.name]],
            [_("Reason"), [case.problem]],
            [_("Urgency"), [f"{case.urgency} {word(case_words.URGENCY, case.urgency)}"]],
            [_("Stability"), _lines([mission.stability])],
            [_("Goes along"), _lines([word(words.ESCORTS, mission.escort), *kit])],
            [_("Accepted by"), _lines([receiver])],
            [_("Time"), _times(mission, now)],
            [_("Risks that were explained"), [" ", " "]],
            [_("Answer of the family, relation, telephone"), [" ", " "]],
        ],
    }
