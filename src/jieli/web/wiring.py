"""Where packages that must not import each other are joined, once, at the start."""

from datetime import datetime

from jieli.cases import actions as cases
from jieli.cases.models import Case
from jieli.cases.queries import export
from jieli.directory import actions as directory
from jieli.directory.models import Channel, Practitioner
from jieli.missions import actions as missions
from jieli.missions.queries.export import checklists_of, missions_of, sheets_of, temporised_of
from jieli.notify import actions as notify
from jieli.notify.transports import loopback
from jieli.pager import actions as pager
from jieli.rooms import actions as rooms
from jieli.stories import timing
from jieli.web.recurring import send_messages


def join() -> None:
    directory.use_test_ring(_test_ring)
    notify.use_progress(pager.note_progress)
    loopback.use_heard(pager.note_arrival)
    cases.use_opinion(missions.after_opinion)
    cases.use_when_left(_left)
    rooms.use_met(cases.note_met)
    export.use_more("missions", missions_of)
    export.use_more("sheets", sheets_of)
    export.use_more("temporised", temporised_of)
    export.use_more("checklists", checklists_of)
    if missions.sweep not in timing.work:
        timing.work.append(missions.sweep)
    if send_messages not in timing.work:
        timing.work.append(send_messages)  # a stepped demo sends its messages as well


def _left(case: Case, why: str, by: Practitioner, now: datetime) -> None:
    missions.end_open_transfers(case, why, by=by, now=now)


def _test_ring(channel: Channel, now: datetime) -> None:
    notify.send_test(channel, by=channel.practitioner, now=now)
