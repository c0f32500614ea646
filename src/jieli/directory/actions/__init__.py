"""Every write to the directory."""

from jieli.directory.actions.accounts import (
    end_session,
    end_sessions,
    engage,
    forget_sessions,
    invite,
    leave,
    move_session,
    note,
    open_account,
    open_invitation,
    take_up,
)
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
from jieli.directory.actions.secrets import forget_wrong_secrets, right_secret, try_secret
from jieli.directory.actions.services import end_service, open_service, use_service

__all__ = [
    "add_channel",
    "approve_swap",
    "ask_swap",
    "end_agreement",
    "end_service",
    "end_session",
    "end_sessions",
    "engage",
    "forget_sessions",
    "forget_wrong_secrets",
    "import_organisations",
    "import_people",
    "import_roster",
    "invite",
    "leave",
    "move_channel",
    "move_session",
    "note",
    "open_account",
    "open_agreement",
    "open_invitation",
    "open_service",
    "prove_channel",
    "put_on_duty",
    "refuse_swap",
    "remove_channel",
    "right_secret",
    "set_presence",
    "sign_agreement",
    "take_off_duty",
    "take_up",
    "test_channel",
    "touch",
    "try_secret",
    "use_service",
    "use_test_ring",
]
