"""Every write to the directory."""

from jieli.directory.actions.agreements import end_agreement, open_agreement, sign_agreement
from jieli.directory.actions.channels import (
    add_channel,
    move_channel,
    prove_channel,
    remove_channel,
    test_channel,
    use_test_ring,
)
from jieli.directory.actions.importing import import_organisations, import_people, import_roster
from jieli.directory.actions.presence import set_presence, touch
from jieli.directory.actions.rosters import (
    approve_swap,
    ask_swap,
    put_on_duty,
    refuse_swap,
    take_off_duty,
)

__all__ = [
    "add_channel",
    "approve_swap",
    "ask_swap",
    "end_agreement",
    "import_organisations",
    "import_people",
    "import_roster",
    "move_channel",
    "open_agreement",
    "prove_channel",
    "put_on_duty",
    "refuse_swap",
    "remove_channel",
    "set_presence",
    "sign_agreement",
    "take_off_duty",
    "test_channel",
    "touch",
    "use_test_ring",
]
