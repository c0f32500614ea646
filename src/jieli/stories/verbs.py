"""Which verbs a step may use and with which fields; docs/stories.md explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Each verb of today with the fields that its form has; docs/stories.md explains them.
_VITALS = "hr rr spo2 sbp dbp temp o2 crt lactate glucose ph weight gcs effort stability"
_ISBAR = (
    "situation onset_at onset_text airway gestation_and_weight diagnoses history allergies "
    "pregnancy medicines results infection language guardian resuscitation assessment "
    "differential danger_signs worry done risks ask by_when watch read_back"
)
VERBS: dict[str, frozenset[str]] = {
    verb: frozenset(fields.split())
    for verb, fields in {
        "raise_request": "patient problem urgency specialty technique callback exception_reason "
        "onset_at handover vitals",
        "accept": "request late_reason",
        "decline": "request reason note",
        "pass_on": "request to note",
        "join_consult": "request channel failed note expert",
        "telephone_contact": "request expert failed note",
        "link_lost": "request expert note",
        "sign_opinion": "request indication assessment recommendation by_when looked_at watch "
        "technique",
        "mark_read": "opinion disagreement",
        "correct": "name value reason",
        "plan_anew": "",
        "tell_family": "",
        "assent": "agrees note",
        "sign_decision": "opinion chosen text reason alternatives",
        "observe": f"vitals note {_VITALS}",
        "handover": f"handover {_ISBAR}",
        "message": "text",
        "ask": "text",
        "answer": "text",
        "consent": "kind answer given_by remotely interpreter language",
        "change_urgency": "urgency reason",
        "raise_urgency": "urgency reason",
        "close_case": "reason",
        "outcome": "day state note",
        "view_case": "",
        "withdraw": "request reason",
        "ring_again": "request",
        "start_mission": "start team leads legs kit until exception_reason",
        "approve_mission": "mission spoken_by side",
        "depart": "mission without_consent",
        "leg": "mission leg what minutes reason",
        "file_paper": "mission kind note",
        "arrive": "mission",
        "hand_over": "mission text",
        "return_home": "mission",
        "start_transfer": "end end_outside stability escort newborn minutes plan tasks",
        "accept_transfer": "mission receiver receiver_outside",
        "grade_patient": "mission stability escort",
        "redirect": "mission end end_outside minutes reason",
        "start_procedure": "name operator assistant guide site technique exception_reason",
        "end_procedure": "findings blood_loss_ml",
        "sign_checklist": "gate answers",
        "add_document": "title",
        "plan_guidance": "name operator guide technique",
        "check_guidance": "items without session",
        "choose_mdt": "document signed_by session",
        "except_for_life": "decider reason session",
        "file_exception": "session",
        "join_guidance": "session",
        "leave_guidance": "session",
        "start_guidance": "session",
        "cancel_guidance": "reason session",
        "guidance_link": "state since step delay_ms session",
        "log_guidance": "kind text amount session",
        "strike_log": "number why session",
        "stop_guidance": "reason session",
        "continue_alone": "reason session",
        "resume_guidance": "reason session",
        "convert_guidance": "reason session",
        "end_guidance": "reason session",
        "set_presence": "state until away_minutes",
        "presence": "state until away_minutes",
        "advance": "",
    }.items()
}
COMMON_FIELDS = frozenset({"case", "patient", "late_reason"})
VITAL_FIELDS = frozenset(_VITALS.split())
ISBAR_FIELDS = frozenset(_ISBAR.split())

# Known, and built by a later issue: told as absent, with whatever fields they have.
_LATER = (
    "sign_plan milestone teach_back "
    "discharge follow_up start_pathway pathway_step hold_session sign_in rate audit_finding "
    "close_action open_agreement post visit_list generate"
)
LATER_VERBS = frozenset(_LATER.split())


def is_later(verb: str, fields: Mapping[str, Any]) -> bool:
    """Of pathways the set that is done at once is built; their own steps come later."""
    return verb in LATER_VERBS and not (verb == "pathway_step" and fields.get("set") == "temporise")


# Fields of today's verbs that a later issue reads: told as absent, not passed over in silence.
LATER_FIELDS = {
    "raise_request": {"checklist", "pathway", "scores"},
    "observe": {"pews", "news2", "scores", "checklist", "temporise"},
    "handover": {"checklist", "scores", "temporise"},
    "sign_opinion": {"window", "window_h", "window_hours", "volvulus", "target_h", "hard_h"},
    "sign_decision": {"team", "mission", "option_set", "planner"},
}

# One field, several names in use.
ALIASES = {
    "raise_request": {
        "sbar": "handover", "isbar": "handover", "exception": "exception_reason",
        "onset": "onset_at", "observations": "vitals", "call_back": "callback",
    },
    "sign_opinion": {"text": "assessment", "opinion": "assessment", "deadline": "by_when"},
    "sign_decision": {
        "option": "chosen", "choice": "chosen", "decision": "chosen", "why": "reason",
        "because": "reason", "considered": "alternatives", "why_not": "alternatives",
    },
    "handover": {
        "sbar": "handover", "isbar": "handover", "s": "situation", "b": "history",
        "a": "assessment", "r": "ask", "background": "history", "recommendation": "ask",
        "request": "ask", "danger": "danger_signs",
    },
    "observe": {
        "observations": "vitals", "heart_rate": "hr", "pulse": "hr", "respiratory_rate": "rr",
        "resp": "rr", "oxygen": "o2", "temperature": "temp", "t": "temp", "weight_g": "weight",
        "capillary_refill": "crt", "text": "note",
    },
    "join_consult": {"via": "channel", "practitioner": "expert"},
    "telephone_contact": {"practitioner": "expert", "with": "expert"},
    "message": {"message": "text"}, "ask": {"question": "text"}, "answer": {"answer": "text"},
    "close_case": {"text": "reason"},
    "set_presence": {"presence": "state", "minutes": "away_minutes"},
    "presence": {"presence": "state", "minutes": "away_minutes"},
    "outcome": {"outcome": "state", "text": "note"},
    "start_mission": {"from": "start", "people": "team"},
    "start_transfer": {"to": "end", "destination": "end"},
    "redirect": {"to": "end", "destination": "end"},
    "start_procedure": {
        "text": "name", "techniques": "technique", "guided_by": "guide", "mentor": "guide",
    },
    "sign_checklist": {
        "phase": "gate", "part": "gate", "which": "gate", "checklist": "gate", "items": "answers",
    },
    "end_procedure": {"text": "findings"},
    "plan_guidance": {"text": "name", "techniques": "technique", "expert": "guide"},
    "check_guidance": {"answers": "items", "skip": "without", "except": "without"},
    "choose_mdt": {"title": "document", "by": "signed_by"},
    "guidance_link": {"link": "state", "ladder": "step", "delay": "delay_ms"},
    "log_guidance": {"entry": "kind", "note": "text", "ml": "amount", "blood_loss_ml": "amount"},
    "strike_log": {"reason": "why"},
    "convert_guidance": {"text": "reason", "why": "reason"},
    "pass_on": {"person": "to", "text": "note", "reason": "note"},
}  # fmt: skip

TIERS = ("national", "province", "city", "county", "township")
MODES = ("consult", "dispatch", "live", "transfer", "pathway", "mdt")
URGENCIES = ("U0", "U1", "U2", "U3", "U4")
OPTIONS = {
    "LOCAL": "LOCAL", "LIVE": "LIVE", "REMOTE_GUIDED": "LIVE", "DISPATCH": "DISPATCH",
    "DISPATCH_TEAM": "DISPATCH", "TEAM": "DISPATCH", "TRANSFER": "TRANSFER",
    "RENDEZVOUS": "RENDEZVOUS", "STAGED": "STAGED", "OBSERVE": "OBSERVE",
}  # fmt: skip
INDICATIONS = {
    "confirmed": "confirmed", "indicated": "confirmed", "not_indicated": "not_indicated",
    "no": "not_indicated", "undetermined": "undetermined", "unclear": "undetermined",
}  # fmt: skip
