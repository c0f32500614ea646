"""In which mode an operation was done, counted truthfully. Pure.

Who operates and who guides is what the record says on the day; nobody ticks a mode. Live guidance
is not said in a form either: only a session of which there is a record can make an operation one
that was guided from afar.
"""

from __future__ import annotations

from collections.abc import Iterable

INDEPENDENT = "independent"  # 独立完成: people of the hospital alone
ONSITE_GUIDED = "onsite_guided"  # 现场指导: a local operator, a guide of another hospital beside
REMOTE_GUIDED = "remote_guided"  # 远程指导: a local operator, a guide by live link
VISITOR_PERFORMED = "visitor_performed"  # 来访专家主刀
MODES = (INDEPENDENT, ONSITE_GUIDED, REMOTE_GUIDED, VISITOR_PERFORMED)
LEVELS = (1, 2, 3, 4)  # 手术分级; 4 is the highest


def mode_of(*, operator_local: bool, visitor_beside: bool, live_link: bool = False) -> str:
    """The hand that operates counts first, then who stands beside it, then who looks on."""
    if not operator_local:
        return VISITOR_PERFORMED
    if visitor_beside:
        return ONSITE_GUIDED
    return REMOTE_GUIDED if live_link else INDEPENDENT


def level_of(levels: Iterable[int | None]) -> int | None:
    """An operation is as high as the highest of its techniques; None: nobody has said any."""
    return max((level for level in levels if level), default=None)
