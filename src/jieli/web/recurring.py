"""All recurring work of an installation, on one page: name, what it does, seconds when idle."""

from datetime import datetime

from jieli.cases import actions as cases
from jieli.chart import actions as chart
from jieli.exchange import actions as exchange
from jieli.live import actions as live
from jieli.notify import actions as notify


def send_messages(now: datetime) -> int:
    """Send what is owed; what a transport reports of a ring moves that ring's 20 seconds."""
    reports = notify.send_due(now)
    for report in reports:
        if report.ring_key is not None:
            cases.note_ringing(report.ring_key, state=report.state, at=report.at, now=now)
    return len(reports)


WORK = [
    ("clocks", cases.fire_clocks, 0.2),
    ("escalations", cases.escalate_clocks, 0.5),
    ("rings", cases.roll_on, 0.2),
    ("messages", send_messages, 0.5),
    ("outcomes", cases.ask_outcomes, 30.0),
    ("old live notes", live.prune, 600.0),
    ("unfinished uploads", lambda now: chart.sweep_incoming(now=now), 600.0),
    ("old uploads", lambda now: exchange.sweep_uploads(now=now), 600.0),
]
