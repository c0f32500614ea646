"""Every write to a case. Views, other systems and the runners all come through here."""

from jieli.cases.actions.care import (
    change_urgency,
    close_case,
    hand_over_care,
    record_outcome,
    save_handover,
    write_note,
)
from jieli.cases.actions.chart import add_document, finish_upload, observe, record_consent
from jieli.cases.actions.clocks import (
    ask_outcomes,
    escalate_clocks,
    fire_clocks,
    give_late_reason,
    pause_clock,
    resume_clock,
    roll_on,
    run_due,
)
from jieli.cases.actions.glass import break_glass, review_glass
from jieli.cases.actions.opinions import Advice, Choice, acknowledge, sign_decision, sign_opinion
from jieli.cases.actions.requests import (
    Ask,
    accept,
    appoint,
    decline,
    note_ringing,
    pass_on,
    raise_again,
    raise_request,
    record_contact,
    ring_again,
    ring_person,
    withdraw,
)
from jieli.cases.actions.spine import renew_boards

__all__ = [
    "Advice",
    "Ask",
    "Choice",
    "accept",
    "acknowledge",
    "add_document",
    "appoint",
    "ask_outcomes",
    "break_glass",
    "change_urgency",
    "close_case",
    "decline",
    "escalate_clocks",
    "finish_upload",
    "fire_clocks",
    "give_late_reason",
    "hand_over_care",
    "note_ringing",
    "observe",
    "pass_on",
    "pause_clock",
    "raise_again",
    "raise_request",
    "record_consent",
    "record_contact",
    "record_outcome",
    "renew_boards",
    "resume_clock",
    "review_glass",
    "ring_again",
    "ring_person",
    "roll_on",
    "run_due",
    "save_handover",
    "sign_decision",
    "sign_opinion",
    "withdraw",
    "write_note",
]
