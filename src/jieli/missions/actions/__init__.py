"""Every write to a sheet or a mission."""

from jieli.missions.actions.sheets import (
    Chosen,
    after_opinion,
    assent,
    choose,
    correct,
    make_sheet,
    tell_family,
    undo_correction,
)

__all__ = [
    "Chosen",
    "after_opinion",
    "assent",
    "choose",
    "correct",
    "make_sheet",
    "tell_family",
    "undo_correction",
]
