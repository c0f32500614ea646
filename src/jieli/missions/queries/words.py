"""The words of a sheet in both languages: why an option is barred, what was left out, each leg.

Sheets are stored language-neutral: a key of these tables with its facts. `say(key, facts)` fills
the sentence in; a thing (a key of rules.resources.KINDS) and a technique are named on the way.
"""

from collections.abc import Mapping

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from jieli.rules.resources import KINDS as THINGS

SAY: Mapping[str, object] = {
    # C1
    "no_agreement": _("no agreement with %(site)s allows a team to come"),
    "agreement_ended": _("the agreement does not hold when they arrive (until %(until)s)"),
    "no_privilege": _("%(person)s has no privilege here and there is no emergency rule"),
    "nobody_privileged": _("nobody at %(site)s may do this operation alone"),
    "no_live_agreement": _("no agreement with %(site)s allows live guidance"),
    # C2
    "no_local_operator": _("nobody at %(site)s could operate under guidance"),
    "entrusted_too_little": _("%(person)s has entrustment %(level)s; live guidance asks for 3"),
    "link_failed": _("the link test of %(site)s failed, and one cannot stop safely without it"),
    # C3
    "no_anaesthesia": _("no anaesthesia for this patient at %(site)s"),
    "nobody_has_said": _("nobody has said that %(site)s has: %(kind)s"),
    "none_free": _("none free at %(site)s: %(kind)s"),
    "temporise_open": _("%(done)s of %(of)s things to be done at once are done"),
    "no_slot": _("no free place on the operating list of %(site)s"),
    # C5
    "no_vehicle": _("no vehicle at %(site)s for this way"),
    "vehicle_not_free": _("%(vehicle)s is not free"),
    "vehicle_carries": _("%(vehicle)s carries patients up to %(grade)s only"),
    "no_incubator": _("%(vehicle)s has no incubator"),
    # C6
    "not_free": _("%(person)s is not free"),
    "too_long_awake": _("%(person)s would leave after %(hours)s hours awake; 16 is the most"),
    "home_not_covered": _("nobody covers the duty of %(person)s at home"),
    # C7
    "refused": _("the operation was refused"),
    # what was left out
    "farther_destinations": _("%(count)s farther destinations were not computed"),
    "farther_teams": _("teams of %(count)s farther hospitals were not computed"),
    "no_team": _("no hospital has a team that could come"),
    "no_way": _("a team could come, but no road, flight or train from there is known"),
    "no_expert": _("no expert who could guide is known"),
    "no_destination": _("no hospital that does this operation is known"),
    "too_many": _("%(count)s options were left out"),
}
LEGS: Mapping[str, object] = {
    "call_out": _("Decision and call-out"),
    "preparation": _("Operator gets ready"),
    "preparation_anaesthetist": _("Anaesthetist gets ready"),
    "preparation_local": _("Own team gets ready"),
    "preparation_patient": _("Patient is made ready"),
    "preparation_vehicle": _("Vehicle gets ready"),
    "link": _("Link is set up"),
    "road": _("By road"),
    "wait": _("Waits for the departure"),
    "wait_list": _("Waits for a place on the operating list"),
    "flight": _("Flight"),
    "train": _("Train"),
    "ferry": _("Ferry"),
    "air": _("By aircraft of its own"),
    "delay": _("Delay of the flight"),
    "delay_train": _("Delay of the train"),
    "delay_ferry": _("Delay of the ferry"),
    "handover": _("Handover"),
    "to_incision": _("From arrival to the start of treatment"),
    "to_incision_received": _("From readiness to the start of treatment"),
}
INPUTS: Mapping[str, object] = {
    "stability": _("Stability"),
    "link": _("Link test"),
    "sign": _("Danger sign"),
    "departure": _("Departure"),
    "road": _("Road"),
    "resource": _("Free now"),
    "person": _("Person"),
    "slot": _("Operating list"),
    "vehicle": _("Vehicle"),
    "prep": _("Time needed"),
    "window": _("Window"),
    "now-fit-event": _("May happen first"),
    "release": _("Not before"),
}
VALUES: Mapping[str, object] = {
    "on time": _("on time"),
    "full": _("full"),
    "cancelled": _("cancelled"),
    "unknown": _("unknown"),
    "untested": _("not tested"),
    "passed": _("passed"),
    "failed": _("failed"),
    "yes": _("yes"),
    "no": _("no"),
    "free": _("free"),
    "away": _("away"),
    "taken": _("taken"),
    "broken": _("broken"),
    "unavailable": _("unavailable"),
    "operating": _("operating"),
    "talking": _("in a call"),
    "resting": _("resting after a night"),
    "abroad": _("abroad"),
}
SOURCES: Mapping[str, object] = {
    "estimate": _("estimate"),
    "correction": _("corrected by hand"),
    "directory": _("directory"),
    "presence": _("presence"),
    "chart": _("chart"),
    "resources": _("confirmed by the hospital"),
    "vehicles": _("confirmed by the hospital"),
    "link test": _("link test"),
    "log": _("legs that went"),
    "roads": _("measured road"),
    "list": _("operating list"),
    "timetable": _("timetable"),
    "demonstration": _("demonstration"),
}


def thing(kind: str) -> str:
    """A thing in the reader's language; an unknown one as it is written."""
    names = THINGS.get(kind)
    if names is None:
        return kind
    return names[1] if get_language() == "en" else names[0]


def say(key: str, facts: Mapping[str, object]) -> str:
    """A sentence of a sheet. A key that this version does not know is shown as it is."""
    if key not in SAY:
        return key
    filled = dict(facts)
    if isinstance(filled.get("kind"), str):
        filled["kind"] = thing(str(filled["kind"]))
    return str(SAY[key]) % filled if filled else str(SAY[key])
