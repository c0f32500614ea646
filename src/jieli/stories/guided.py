"""The verbs of guidance from afar: the forms of a session, and the browser in the theatre."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jieli.rules.guidance import DOWN, OVER, UP
from jieli.stories import script
from jieli.stories.doors import Answer
from jieli.stories.forms import CannotStep

if TYPE_CHECKING:  # the player plays them; they only look at it
    from jieli.stories.player import Play

BEAT = timedelta(seconds=20)  # how often a browser reports that its link is up
Links = dict[str, str]  # key of the session: who sits before the browser
TELEPHONE = "0999-555 0300"
# The smallest PDF that a reader opens: one empty page.
PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
MOVES = {
    "start_guidance": "start",
    "cancel_guidance": "cancel",
    "stop_guidance": "stop",
    "continue_alone": "continue",
    "resume_guidance": "resume",
    "convert_guidance": "convert",
    "end_guidance": "end",
}


def _session(play: Play, step: script.Step) -> Mapping[str, Any]:
    """By its number; else the last one that has not ended."""
    sessions = play.export(play.case(step))["guidance"]
    if wanted := step.fields.get("session"):
        sessions = [each for each in sessions if each["number"] == wanted]
    if not sessions:
        raise CannotStep("nobody has planned guidance for this case")
    going = [each for each in sessions if each["status"] not in OVER]
    found: Mapping[str, Any] = (going or sessions)[-1]
    return found


def _home(play: Play, step: script.Step) -> str:
    return f"/guidance/{_session(play, step)['key']}/"


def _post(play: Play, step: script.Step, noun: str, fields: Mapping[str, Any]) -> Answer:
    """Look at the page of the session, as a person does, then send the form."""
    home = _home(play, step)
    return play.post(step, f"{home}{noun}/", fields, home)


# -- before the start ------------------------------------------------------------------------------


def _plan(play: Play, step: script.Step) -> Answer:
    """Without a technique it is the one that was asked for; who enters it operates."""
    case, given = play.case(step), step.fields
    asked = [r["technique"] for r in play.export(case)["requests"] if r["technique"]]
    guide = given.get("guide") or play.expert
    if not guide:
        raise CannotStep("plan_guidance names no guide")
    path = f"{case.path}guidance/"
    fields = {
        "name": given.get("name", "手术"),
        "technique": given.get("technique") or asked[-1:],
        "operator": play.players[str(given.get("operator") or step.by)].key,
        "guide": play.players[str(guide)].key,
    }
    return play.post(step, path, fields, path)


def _check(play: Play, step: script.Step) -> Answer:
    """Answer every item well, but for those told otherwise or left out."""
    told = step.fields.get("items")
    told = told if isinstance(told, Mapping) else {}
    if unknown := set(told) - set(GOOD):
        raise CannotStep(f"no such item: {sorted(unknown)[0]}; write {', '.join(GOOD)}")
    wanted = [item for item in GOOD if item not in (step.fields.get("without") or ())]
    answer = Answer(204, "")
    for item in wanted:
        fields = _said(play, step, item, told.get(item, True))
        answer = _post(play, step, f"checks/{item}", fields)
        if not answer.ok:
            return answer
    return answer


GOOD = ("stop", "responsible", "telephone", "link", "dual_path", "introduced", "teaching")


def _said(play: Play, step: script.Step, item: str, said: Any) -> dict[str, Any]:
    """Yes, no, or yes in words: a number, a reason, a person of the cast."""
    if said is False or str(said).lower() == "no":
        return {"answer": "no"}
    text = "" if said is True or str(said).lower() == "yes" else str(said)
    fields: dict[str, Any] = {"answer": "yes", "text": text}
    if item in ("responsible", "link"):
        named = text if text in play.players else step.by
        fields["person"] = play.players[named].key
        fields["text"] = "" if text in play.players else text
    instead = {"telephone": TELEPHONE, "link": "专线，昨日已测", "teaching": "患者本人"}
    fields["text"] = fields["text"] or instead.get(item, "")
    return fields


def _document(play: Play, step: script.Step) -> Answer:
    case = play.case(step)
    fields = {"title": str(step.fields.get("title") or "资料"), **play.lateness(step)}
    person = play.person(step.by)
    person.get(case.path)
    return person.post_file(f"{case.path}documents/", fields, "document.pdf", PAGE)


def _mdt(play: Play, step: script.Step) -> Answer:
    """The document by its title, else the last one."""
    documents = play.export(play.case(step))["documents"]  # the newest first
    wanted = str(step.fields.get("document") or "")
    found = [each["key"] for each in documents if wanted in ("", each["title"])]
    signed = step.fields.get("signed_by", "")
    fields = {"document": found[0] if found else "", "signed_by": signed}
    return _post(play, step, "mdt", fields)


def _exception(play: Play, step: script.Step) -> Answer:
    decider = str(step.fields.get("decider") or step.by)
    fields = {"decider": play.players[decider].key, "reason": step.fields.get("reason", "抢救")}
    return _post(play, step, "exception", fields)


# -- while it goes on ------------------------------------------------------------------------------


def _move(play: Play, step: script.Step) -> Answer:
    fields = {"reason": step.fields.get("reason", "")}
    return _post(play, step, f"moves/{MOVES[step.do]}", fields)


def _attend(play: Play, step: script.Step) -> Answer:
    here = "yes" if step.do == "join_guidance" else "no"
    return _post(play, step, "attendance", {"here": here})


def _link(play: Play, step: script.Step) -> Answer:
    """up: the browser reports from now on by itself; down: it says so; silent: nothing is heard."""
    given = step.fields
    key = str(_session(play, step)["key"])
    state = given.get("state", UP)
    state = {True: UP, False: DOWN}.get(state, state) if isinstance(state, bool) else state
    if state not in (UP, DOWN, "silent"):
        raise CannotStep(f"no such state of a link: {state}; write up, down or silent")
    late = step.occurred_at is not None
    if not late and play.links.get(key) == step.by:
        del play.links[key]
    if state == "silent":
        return Answer(204, "")
    at = play.story.instant(step.occurred_at if step.occurred_at is not None else step.at)
    since = given.get("since")
    fields = {
        "since": play.story.instant(since).isoformat() if since is not None else "",
        "step": given.get("step", ""),
        "delay_ms": given.get("delay_ms", ""),
    }
    answer = _report(play, key, step.by, state, at, fields)
    if answer.ok and state == UP and not late:
        play.links[key] = step.by
        play.clock = at
    return answer


def _report(
    play: Play, key: str, by: str, state: str, at: datetime, more: Mapping[str, Any]
) -> Answer:
    fields = {"state": state, "at": at.isoformat(), **more}
    return play.person(by).post(f"/guidance/{key}/link/", fields, page=None)


def beat(play: Play, at: datetime) -> None:
    """One round of reports; a session that is over is not reported any more."""
    for key, by in list(play.links.items()):
        answer = _report(play, key, by, UP, at, {})
        if not answer.ok or json.loads(answer.text)["status"] in OVER:
            del play.links[key]


def _log(play: Play, step: script.Step) -> Answer:
    given = step.fields
    fields = {
        "kind": given.get("kind") or ("blood_loss" if "amount" in given else "note"),
        "text": given.get("text", ""),
        "amount": given.get("amount", ""),
    }
    return _post(play, step, "entries", fields)


def _strike(play: Play, step: script.Step) -> Answer:
    entries = _session(play, step)["entries"]
    number = step.fields.get("number") or (entries[-1]["number"] if entries else 0)
    return _post(play, step, f"entries/{number}/error", {"why": step.fields.get("why", "点错")})


VERBS: dict[str, Callable[[Play, script.Step], Answer]] = {
    **dict.fromkeys(MOVES, _move),
    "add_document": _document,
    "plan_guidance": _plan,
    "check_guidance": _check,
    "choose_mdt": _mdt,
    "except_for_life": _exception,
    "file_exception": lambda play, step: _post(play, step, "exception/filing", {}),
    "join_guidance": _attend,
    "leave_guidance": _attend,
    "guidance_link": _link,
    "log_guidance": _log,
    "strike_log": _strike,
}
