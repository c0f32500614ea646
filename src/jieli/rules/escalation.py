"""Who hears of a clock, at which stage, and how loudly. Source: Jieli clinical content §1 [P].

50 % reminds, 80 % brings the second on call, 100 % asks for the reason; where there is a hard
limit the director waits for it, else he comes at 100 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell `audience` in `manner` ("ring", "push"); `again` works the ring list off once more."""

    audience: str
    manner: str = "push"
    again: bool = False


_SEARCH = {  # nobody has it yet, or the expert is not live: rings are Ring rows, they can accept
    "remind": (Tell("list", "ring", again=True),),
    "second": (Tell("second", "ring"),),
    "target": (Tell("director", "ring"), Tell("treating"), Tell("list", "ring", again=True)),
}

ESCALATION: Mapping[str, Mapping[str, tuple[Tell, ...]]] = {
    "accept": _SEARCH,
    "expert_live": {
        "remind": (Tell("expert", "ring"),),
        "second": (Tell("second", "ring"), Tell("expert", "ring")),
        "target": (Tell("director", "ring"), Tell("treating")),
    },
    "opinion": {
        "remind": (Tell("expert"),),
        "second": (Tell("second"), Tell("expert", "ring")),
        "target": (Tell("director"), Tell("treating")),
    },
    "read_and_understood": {
        "remind": (Tell("treating"),),
        "second": (Tell("treating", "ring"), Tell("treating_duty")),
        "target": (Tell("author", "ring"), Tell("treating_duty", "ring")),
        "hard": (Tell("treating_director", "ring"), Tell("director", "ring")),
    },
    "decision": {
        "remind": (Tell("treating"),),
        "second": (Tell("treating_duty"),),
        "target": (Tell("treating"), Tell("treating_duty")),
        "hard": (Tell("treating_director", "ring"),),
    },
    "consent_to_remote_consult": {
        "remind": (Tell("treating"),),
        "second": (Tell("treating_duty"),),
        "target": (Tell("treating"),),
        "hard": (Tell("treating_director"),),
    },
    "temporise": {
        "remind": (Tell("treating"),),
        "second": (Tell("treating"), Tell("treating_duty")),
        "target": (Tell("treating", "ring"), Tell("treating_duty")),
    },
    "definitive_care": {
        "remind": (Tell("treating"),),
        "second": (Tell("treating"), Tell("treating_duty")),
        "target": (Tell("treating"), Tell("treating_duty"), Tell("author")),
        "hard": (Tell("treating_director", "ring"), Tell("treating_duty", "ring")),
    },
    "schedule": {
        "remind": (Tell("list"),),
        "second": (Tell("second"),),
        "target": (Tell("director"), Tell("treating")),
    },
}


def tells(clock: str, stage: str) -> tuple[Tell, ...]:
    """What a stage of a clock asks for; a measured clock asks for nothing."""
    return ESCALATION.get(clock, {}).get(stage, ())
