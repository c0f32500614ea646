"""Every read of the directory, named for its screen."""

from jieli.directory.queries.agreements import (
    Asked,
    Term,
    agreements_of,
    answering_hospitals,
    specialties_that_may_be_asked,
)
from jieli.directory.queries.duty import (
    LINES,
    OnDuty,
    duty_now,
    night_ready,
    presence_now,
)
from jieli.directory.queries.people import (
    Mine,
    channels_of,
    coordinated_by,
    hospitals_of,
    open_swaps,
    shown_channels,
    turns_ahead,
)
from jieli.directory.queries.proofs import unproven
from jieli.directory.queries.roster import night_gaps, week_roster
from jieli.directory.queries.telephones import telephone_list

__all__ = [
    "LINES",
    "Asked",
    "Mine",
    "OnDuty",
    "Term",
    "agreements_of",
    "answering_hospitals",
    "channels_of",
    "coordinated_by",
    "duty_now",
    "hospitals_of",
    "night_gaps",
    "night_ready",
    "open_swaps",
    "presence_now",
    "shown_channels",
    "specialties_that_may_be_asked",
    "telephone_list",
    "turns_ahead",
    "unproven",
    "week_roster",
]
