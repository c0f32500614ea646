"""All recurring work of an installation, on one page: name, what it does, seconds when idle."""

import logging
from datetime import datetime

from jieli.cases import actions as cases
from jieli.cases.queries.lists import numbers_of
from jieli.chart import actions as chart
from jieli.directory import actions as directory
from jieli.exchange import actions as exchange
from jieli.guidance import actions as guidance
from jieli.lectures import actions as lectures
from jieli.live import actions as live
from jieli.missions import actions as missions
from jieli.notify import actions as notify
from jieli.pager import actions as pager
from jieli.record import actions as record
from jieli.record.actions import action
from jieli.record.roots import make_root
from jieli.rooms import actions as rooms
from jieli.web.now import wall

log = logging.getLogger(__name__)


def fire_clocks(now: datetime) -> int:
    """A probe clock fires where all clocks do: when these are late, it is."""
    return cases.fire_clocks(now) + pager.fire_probe_clocks(now)


def look_after_the_pager(now: datetime) -> int:
    pager.watch(now)
    return pager.tell(now)


def send_messages(now: datetime) -> int:
    """Send what is owed; what a transport reports of a ring moves that ring's 20 seconds."""
    return sum(_noted(report, now) for report in notify.send_due(now))


def _noted(report: notify.Report, now: datetime) -> bool:
    """One that cannot be noted must not keep the others from it; it comes again."""
    try:
        _note(report, now)
    except Exception:
        log.exception("what a transport reported could not be noted")
        return False
    return True


@action
def _note(report: notify.Report, now: datetime) -> None:
    if report.ring_key is not None:
        cases.note_ringing(report.ring_key, state=report.state, at=report.at, now=now)
    notify.reported(report)


WORK = [
    ("clocks", fire_clocks, 0.2),
    ("escalations", cases.escalate_clocks, 0.5),
    ("rings", cases.roll_on, 0.2),
    ("messages", send_messages, 0.5),
    ("links of guided operations", guidance.sweep, 1.0),
    ("test rings", pager.probe, 5.0),
    ("watching", look_after_the_pager, 5.0),
    ("figures", pager.take_gauge, 15.0),
    ("proofs", pager.ask_proofs, 300.0),
    ("outcomes", cases.ask_outcomes, 30.0),
    ("papers and privileges", missions.sweep, 30.0),
    ("left tries", notify.end_left, 15.0),
    ("silent seats", rooms.forget_seats, 20.0),
    ("operations shown without consent", lectures.end_shown, 5.0),
    ("lectures that are over", lectures.end_old, 60.0),
    ("recordings on record", cases.keep_recordings, 20.0),
    ("clips without consent", cases.withdraw_clips, 60.0),
    ("recordings let go", cases.let_recordings_go, 600.0),
    ("daily root", lambda now: make_root(now, numbers_of), 30.0),
    ("files of disposed cases", cases.remove_files, 60.0),
    ("old test rings", pager.prune, 600.0),
    ("old processes", pager.forget_processes, 600.0),
    ("old live notes", live.prune, 600.0),
    ("old sessions", lambda now: directory.forget_sessions(wall()), 600.0),
    ("old wrong secrets", lambda now: directory.forget_wrong_secrets(wall()), 600.0),
    ("unfinished uploads", lambda now: chart.sweep_incoming(now=now), 600.0),
    ("old keys of writes", lambda now: record.forget_keys(now), 600.0),
    ("old uploads", lambda now: exchange.sweep_uploads(now=now), 600.0),
]

# On two cores telling a storm's thousands of people would make the next clocks fire late.
GIVES_WAY = {"escalations": "clocks"}
