"""The forms of the product as a story fills them in: where each is sent, and with which fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jieli.rules.missions import part_of
from jieli.stories import script, verbs
from jieli.stories.rows import PASSWORD

if TYPE_CHECKING:  # the player fills in forms; they only look at it
    from jieli.stories.player import Play

ZONES = {"beijing": ZoneInfo("Asia/Shanghai"), "xinjiang": ZoneInfo("Asia/Urumqi")}


class CannotStep(Exception):
    """The step has nothing to work on: no case, no opinion."""


def local(instant: datetime, zone: str) -> str:
    """An instant as a form takes it: wall time of one of the two zones."""
    return f"{instant.astimezone(ZONES[zone]):%Y-%m-%dT%H:%M:%S}"


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
    if again := _open_case_of(play, step, code):
        fields["case"] = again
    if (onset := given.get("onset_at")) is not None:
        fields |= {"onset_at": local(play.story.instant(onset), step.zone), "zone": step.zone}
    return "/cases/new/", fields


def _open_case_of(play: Play, step: script.Step, patient: str) -> str:
    """Asking once more for a patient whose case is open: the page shows that case first."""
    site = play.players[step.by].site
    for case in play.cases:
        mine = case.patient == patient and play.players[case.raiser].site == site
        if mine and step.same_key_as is None and play.export(case)["case"]["status"] == "open":
            return case.key
    return ""


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
    """From the sheet where it has that way, as a doctor would; else in the form without one."""
    case, given = play.case(step), step.fields
    chosen = str(given.get("chosen", "DISPATCH"))
    if found := _on_the_sheet(play.export(case), chosen):
        version, option = found
        return f"{case.path}sheet/choices/", {
            "version": version,
            "option": option,
            "text": given.get("text") or given.get("reason") or "按意见执行",
            "reason": given.get("reason") or given.get("text", ""),
            "password": PASSWORD,
        }
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


def _assent_form(play: Play, step: script.Step) -> Form:
    """What an expert says of the last decision."""
    decisions = play.export(play.case(step)).get("decisions", [])
    if not decisions:
        raise CannotStep("nothing has been decided")
    agrees = "yes" if _yes(step.fields.get("agrees", True)) else "no"
    note = step.fields.get("note", "")
    return f"/decisions/{decisions[-1]['key']}/assents/", {"agrees": agrees, "note": note}


def _on_the_sheet(export: dict[str, Any], template: str) -> tuple[int, str] | None:
    """Latest version, and its best option of this way: ranked before barred."""
    if not export.get("sheets"):
        return None
    latest = export["sheets"][-1]
    answer = latest["answer"]
    in_order = [*answer["ranked"], *(o for o in answer["options"] if o not in answer["ranked"])]
    fits = [option for option in in_order if latest["templates"][option] == template]
    return (latest["version"], fits[0]) if fits else None


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
    known = verbs.VITAL_FIELDS
    return {name: value for name, value in step.fields.items() if name in known}


def _handed_over(play: Play, step: script.Step) -> dict[str, Any]:
    fields = {k: v for k, v in step.fields.items() if k in verbs.ISBAR_FIELDS}
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


# -- missions and operations -----------------------------------------------------------------------


def _team_form(play: Play, step: script.Step) -> Form:
    """The team as the file names it; each does what their specialty does."""
    given = step.fields
    team = [play.players[str(code)] for code in given.get("team") or [step.by]]
    legs = given.get("legs", [])
    leads = given.get("leads")
    return f"{play.case(step).path}missions/new/", {
        "start": given.get("start") or team[0].site,
        "person": [each.key for each in team],
        "part": [part_of(each.specialty or "", nurse=each.kind == "nurse") for each in team],
        "leads": play.players[str(leads)].key if leads else "",
        **{
            f"leg_{name}": [str(leg.get(name, "")) for leg in legs]
            for name in ("name", "kind", "minutes")
        },
        "leg_departs": [_instant(play, step, leg.get("departs")) for leg in legs],
        "kit": "\n".join(map(str, given.get("kit", []))),
        "until": _instant(play, step, given.get("until")),
        "zone": step.zone,
        "exception_reason": given.get("exception_reason", ""),
    }


def _instant(play: Play, step: script.Step, minutes: Any) -> str:
    """Minutes from T+0 as a form takes them; nothing stays nothing."""
    return "" if minutes is None else local(play.story.instant(float(minutes)), step.zone)


def _mission_form(noun: str, fields: Callable[[Play, script.Step], dict[str, Any]]) -> Any:
    def form(play: Play, step: script.Step) -> Form:
        mission = play.mission(step, play.case(step))
        return f"/missions/{mission['key']}/{noun}/", fields(play, step)

    return form


def _leg_form(play: Play, step: script.Step) -> Form:
    """The leg by its number or name; else the first that has not ended."""
    mission, given = play.mission(step, play.case(step)), step.fields
    ahead = [leg for leg in mission["legs"] if leg["ended_at"] is None]
    if wanted := given.get("leg"):
        numbered = list(enumerate(mission["legs"], 1))
        ahead = [leg for number, leg in numbered if wanted in (number, leg["name"])]
    if not ahead:
        raise CannotStep("this mission has no such leg")
    what = given.get("what") or ("delay" if given.get("minutes") else "end")
    fields = {"what": what, "minutes": given.get("minutes", ""), "reason": given.get("reason", "")}
    return f"/missions/{mission['key']}/legs/{ahead[0]['id']}/", fields


def _paper_form(play: Play, step: script.Step) -> Form:
    """The paper by its kind; else the first that is owed."""
    mission = play.mission(step, play.case(step))
    kind = step.fields.get("kind")
    owed = [p for p in mission["papers"] if kind == p["kind"] or not (kind or p["done_at"])]
    if not owed:
        raise CannotStep("this mission has no such paper")
    note = step.fields.get("note", "")
    return f"/missions/{mission['key']}/papers/{owed[0]['id']}/", {"note": note}


def _home_form(play: Play, step: script.Step) -> Form:
    """First it starts for home, the next time it is there."""
    mission = play.mission(step, play.case(step))
    noun = "home" if mission["status"] == "returning" else "way-home"
    return f"/missions/{mission['key']}/{noun}/", {}


def _people(*names: str) -> Callable[[Play, script.Step], dict[str, Any]]:
    """Fields of which some name people of the cast."""

    def read(play: Play, step: script.Step) -> dict[str, Any]:
        given = {k: v for k, v in step.fields.items() if k not in ("mission", "case", "patient")}
        named = {k: play.players[str(given[k])].key for k in names if k in given}
        return {k: _joined_lines(v) if k == "tasks" else v for k, v in (given | named).items()}

    return read


def _joined_lines(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _operation_form(play: Play, step: script.Step) -> Form:
    """Without a technique it is the one that was asked for."""
    case = play.case(step)
    fields = _people("operator", "assistant", "guide")(play, step)
    asked = [r["technique"] for r in play.export(case)["requests"] if r["technique"]]
    fields.setdefault("technique", asked[-1:])
    fields.setdefault("name", "手术")
    fields.pop("late_reason", None)
    return f"{case.path}procedures/new/", fields


def _operation_end_form(play: Play, step: script.Step) -> Form:
    operations = play.export(play.case(step))["procedures"]
    if not operations:
        raise CannotStep("nobody has begun an operation")
    going = [each for each in operations if each["ended_at"] is None] or operations
    return f"/procedures/{going[-1]['key']}/end/", _fields("findings", "blood_loss_ml")(play, step)


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
    "correct": _case_form("sheet/corrections", _fields("name", "value", "reason")),
    "plan_anew": _case_form("sheet/plans", _fields()),
    "tell_family": _case_form("sheet/family", _fields()),
    "assent": _assent_form,
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
    "start_mission": _team_form,
    "approve_mission": _mission_form("approval", _fields("spoken_by", "side")),
    "depart": _mission_form("departure", _fields("without_consent")),
    "leg": _leg_form,
    "file_paper": _paper_form,
    "arrive": _mission_form("arrival", _fields()),
    "hand_over": _mission_form("handover", _fields("text", text="已床旁交接")),
    "return_home": _home_form,
    "start_transfer": _case_form("transfers/new", _people()),
    "accept_transfer": _mission_form("acceptance", _people("receiver")),
    "grade_patient": _mission_form("grade", _fields("stability", "escort")),
    "redirect": _mission_form("destination", _people()),
    "start_procedure": _operation_form,
    "end_procedure": _operation_end_form,
    "set_presence": _presence_form,
    "presence": _presence_form,
}
# The page on which a person finds the form; for all others it is the case itself.
PAGES = {
    "raise_request": "/cases/new/",
    "set_presence": "/me/",
    "presence": "/me/",
}
OWN_PAGE = frozenset(
    {
        "sign_opinion", "sign_decision", "start_mission", "start_transfer", "start_procedure",
        "end_procedure",
    }
)  # fmt: skip
