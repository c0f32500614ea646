"""Everything that may be done to a sheet, and to teams and patients under way."""

from jieli.missions.actions.chosen import plan_chosen
from jieli.missions.actions.dispatch import approve, plan_dispatch
from jieli.missions.actions.gates import sign_gate, strike_gate
from jieli.missions.actions.journey import (
    arrive,
    begin_leg,
    cancel,
    cancel_departure,
    close,
    come_back,
    depart,
    end_leg,
    hand_over,
    leave,
    report_delay,
)
from jieli.missions.actions.papers import file_paper, sweep
from jieli.missions.actions.privileges import give_privilege
from jieli.missions.actions.procedures import (
    Operation,
    ask_for_ends,
    end_procedure,
    renew_modes,
    start_procedure,
    use_live_link,
)
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
from jieli.missions.actions.team import (
    accept_cover,
    add_member,
    replace_member,
    set_kit,
    write_entry,
)
from jieli.missions.actions.temporise import tick, untick
from jieli.missions.actions.transfer import (
    Journey,
    accept_transfer,
    depart_transfer,
    end_open_transfers,
    plan_transfer,
    redirect,
    refuse_transfer,
    score,
)
from jieli.missions.actions.under_way import Crew, Stretch

__all__ = [
    "Chosen",
    "Crew",
    "Journey",
    "Operation",
    "Stretch",
    "accept_cover",
    "accept_transfer",
    "add_member",
    "after_opinion",
    "approve",
    "arrive",
    "ask_for_ends",
    "assent",
    "begin_leg",
    "cancel",
    "cancel_departure",
    "choose",
    "close",
    "come_back",
    "correct",
    "depart",
    "depart_transfer",
    "end_leg",
    "end_open_transfers",
    "end_procedure",
    "file_paper",
    "give_privilege",
    "hand_over",
    "leave",
    "make_sheet",
    "plan_chosen",
    "plan_dispatch",
    "plan_transfer",
    "redirect",
    "refuse_transfer",
    "renew_modes",
    "replace_member",
    "report_delay",
    "score",
    "set_kit",
    "sign_gate",
    "start_procedure",
    "strike_gate",
    "sweep",
    "tell_family",
    "tick",
    "undo_correction",
    "untick",
    "use_live_link",
    "write_entry",
]
