"""Where packages that must not import each other are joined, once, at the start."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from jieli.cases import actions as cases
from jieli.cases.models import Case
from jieli.cases.queries import export
from jieli.cases.queries.recordings import use_chapters
from jieli.cases.queries.rooms import use_held
from jieli.chart.models import Procedure
from jieli.directory import actions as directory
from jieli.directory.models import Channel, Practitioner
from jieli.guidance import actions as guidance
from jieli.guidance.queries import link
from jieli.guidance.queries.chapters import chapters_of
from jieli.guidance.queries.export import guidance_of
from jieli.guidance.queries.lists import going_in, is_guided
from jieli.guidance.queries.precheck import teaching_consent
from jieli.missions import actions as missions
from jieli.missions.queries.export import checklists_of, missions_of, sheets_of, temporised_of
from jieli.missions.queries.gates import use_guided
from jieli.notify import actions as notify
from jieli.notify.transports import loopback
from jieli.pager import actions as pager
from jieli.rooms import actions as rooms
from jieli.rooms.queries import measurement
from jieli.rules.guidance import Measured
from jieli.stories import timing
from jieli.web.recurring import send_messages


def join() -> None:
    directory.use_test_ring(_test_ring)
    notify.use_progress(pager.note_progress)
    loopback.use_heard(pager.note_arrival)
    cases.use_opinion(missions.after_opinion)
    cases.use_when_left(_left)
    rooms.use_met(cases.note_met, _guide_is_there)
    rooms.use_left(_guide_has_left)
    use_held(_held_in)
    cases.use_teaching_consent(teaching_consent)
    use_chapters(chapters_of)
    link.use_link_measure(_measured)
    export.use_more("missions", missions_of)
    export.use_more("sheets", sheets_of)
    export.use_more("temporised", temporised_of)
    export.use_more("checklists", checklists_of)
    export.use_more("guidance", guidance_of)
    missions.use_live_link(_was_live)
    use_guided(is_guided)
    guidance.use_live_time(_renew_modes)
    for sweep in (missions.sweep, guidance.sweep):
        if sweep not in timing.work:
            timing.work.append(sweep)
    if guidance.next_due not in timing.moments:
        timing.moments.append(guidance.next_due)
    if send_messages not in timing.work:
        timing.work.append(send_messages)  # a stepped demo sends its messages as well


def _left(case: Case, why: str, by: Practitioner, now: datetime) -> None:
    missions.end_open_transfers(case, why, by=by, now=now)


def _guide_is_there(case_key: UUID, people: Sequence[int], now: datetime) -> None:
    """Who guides is in contact with somebody in the room."""
    guidance.note_guide(case_key, people, here=True, now=now)


def _guide_has_left(case_key: UUID, people: Sequence[int], now: datetime) -> None:
    guidance.note_guide(case_key, people, here=False, now=now)


def _held_in(case: Case) -> dict[str, str]:
    """The parts of a session on the room's page."""
    session = going_in(case)
    if session is None:
        return {}
    return {
        f"{part}_url": f"/guidance/{session.key}/{part}/" for part in ("panel", "strip", "link")
    }


def _measured(case_key: UUID, now: datetime) -> Measured | None:
    found = measurement(case_key, now)
    if found is None:
        return None
    return Measured(found.seconds, found.middle_ms, found.high_ms, found.lost)


def _was_live(procedure: Procedure, now: datetime) -> bool:
    operated = link.Operated(
        procedure.case_key, procedure.organisation_id, procedure.started_at, procedure.ended_at
    )
    return link.was_live(operated, now)


def _renew_modes(case: Case, by: Practitioner | None, now: datetime) -> None:
    missions.renew_modes(case, by, now)


def _test_ring(channel: Channel, now: datetime) -> None:
    notify.send_test(channel, by=channel.practitioner, now=now)
