"""Everything that may be done to an operation that is guided from afar."""

from jieli.guidance.actions.checks import answer, choose_mdt, except_for_life, file_exception
from jieli.guidance.actions.entries import strike_entry, write_entry
from jieli.guidance.actions.link import (
    Report,
    attend,
    next_due,
    note_guide,
    report_link,
    sweep,
)
from jieli.guidance.actions.sessions import Plan, move, plan, start, use_live_time

__all__ = [
    "Plan",
    "Report",
    "answer",
    "attend",
    "choose_mdt",
    "except_for_life",
    "file_exception",
    "move",
    "next_due",
    "note_guide",
    "plan",
    "report_link",
    "start",
    "strike_entry",
    "sweep",
    "use_live_time",
    "write_entry",
]
