"""The pager's own work: test rings, heartbeats, watching, telling of illness, asking for proof."""

from jieli.pager.actions.alarming import tell
from jieli.pager.actions.beating import Pulse, Ticking, forget_processes
from jieli.pager.actions.gauging import take_gauge
from jieli.pager.actions.probing import (
    fire_probe_clocks,
    note_arrival,
    note_progress,
    probe,
    prune,
)
from jieli.pager.actions.proving import ask_proofs
from jieli.pager.actions.watching import watch

__all__ = [
    "Pulse",
    "Ticking",
    "ask_proofs",
    "fire_probe_clocks",
    "forget_processes",
    "note_arrival",
    "note_progress",
    "probe",
    "prune",
    "take_gauge",
    "tell",
    "watch",
]
