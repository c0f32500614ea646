"""The record of a case as sentences: every verb has one, which a guard test checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jieli.cases.queries import words
from jieli.cases.queries import words_guidance as guided
from jieli.cases.queries import words_under_way as under_way
from jieli.cases.queries.words import word
from jieli.record.models import Event

LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sentence:
    """How one verb is told: icon, whether it is a key event, title and second line (msgids)."""

    icon: str
    title: str
    key: bool = False
    detail: str = ""


def _s(icon: str, title: str, *, key: bool = False, detail: str = "") -> Sentence:
    return Sentence(icon, title, key, detail)


N = gettext_noop
SENTENCES: Mapping[str, Sentence] = {
    "case_opened": _s("home", N("%(actor)s opened the case")),
    "request_raised": _s(
        "ring", N("%(actor)s paged an expert"), key=True, detail=N("%(specialty)s · %(urgency)s")
    ),
    "told_silently": _s("msg", N("%(person)s was told silently"), detail=N("%(line)s")),
    "ring_started": _s("ring", N("Ringing %(person)s"), detail=N("%(line)s")),
    "ring_reported": _s("ring", N("The phone of %(person)s rings")),
    "ring_delayed": _s(
        "warn",
        N("%(person)s is called only now: nothing was sent out until then"),
        key=True,
        detail=N("%(seconds)s s late"),
    ),
    "ring_unanswered": _s("x", N("%(person)s did not answer, rolled on")),
    "ring_unheard": _s("warn", N("No way to call %(person)s went through, rolled on"), key=True),
    "ring_declined": _s("x", N("%(actor)s declined"), detail=N("%(reason)s")),
    "ring_passed": _s("swap", N("%(actor)s passed it on to %(person)s")),
    "person_invited": _s("plus", N("%(actor)s paged %(person)s as well")),
    "list_exhausted": _s("warn", N("Everybody on the list was rung; nobody has it yet"), key=True),
    "list_restarted": _s("undo", N("The list is rung once more"), detail=N("round %(round)s")),
    "fallback_shown": _s("phone", N("Call by telephone: nobody answered in time"), key=True),
    "request_received": _s("check", N("Duty: %(actor)s has it, the search for an expert goes on")),
    "request_accepted": _s(
        "phone", N("%(actor)s accepted"), key=True, detail=N("%(seconds)s s after the request")
    ),
    "acceptance_given_back": _s("undo", N("%(actor)s cannot come after all"), key=True),
    "request_withdrawn": _s("x", N("%(actor)s withdrew the request"), detail=N("%(reason)s")),
    "contact_made": _s("mdt", N("%(person)s is live"), key=True, detail=N("by %(channel)s")),
    "contact_failed": _s(
        "net", N("No connection to %(person)s by %(channel)s"), detail=N("%(note)s")
    ),
    "clock_reminded": _s("ok", N("Half of the time is gone: %(clock)s")),
    "clock_second": _s("warn", N("80 %% of the time is gone: %(clock)s")),
    "clock_target_missed": _s("warn", N("Target passed: %(clock)s"), key=True),
    "clock_hard_missed": _s("breach", N("Hard limit passed: %(clock)s"), key=True),
    "clock_paused": _s("pause", N("%(actor)s paused: %(clock)s"), detail=N("%(code)s %(reason)s")),
    "clock_resumed": _s("ok", N("Runs on: %(clock)s")),
    "escalated": _s("ring", N("Told: %(people)s"), detail=N("%(clock)s")),
    "window_shortened": _s(
        "warn",
        N("The window is shorter by %(by_minutes)s min: %(clock)s"),
        key=True,
        detail=N("hard limit now %(minutes)s min from its start"),
    ),
    "sheet_made": _s(
        "case",
        N("Options compared, version %(version)s: %(option)s first"),
        key=True,
        detail=N("%(free)s of %(options)s feasible"),
    ),
    "target_out_of_reach": _s(
        "warn", N("No option makes the window of %(minutes)s min any more"), key=True
    ),
    "nothing_feasible": _s("breach", N("No option is feasible; the director is told"), key=True),
    "delay_told": _s("ok", N("%(actor)s told the family and the ward of the longer wait")),
    "input_corrected": _s(
        "pen", N("%(actor)s corrected: %(what)s"), detail=N("%(value)s %(reason)s")
    ),
    "temporised": _s("check", N("%(actor)s did at once: %(what)s"), detail=N("%(reason)s")),
    "checklist_signed": _s(
        "check",
        N("%(actor)s signed the gate: %(gate)s"),
        detail=N("%(missing)s %(reason)s"),
        key=True,
    ),
    "checklist_struck": _s(
        "undo", N("%(actor)s struck out the gate: %(gate)s"), detail=N("%(why)s"), key=True
    ),
    "temporised_undone": _s("undo", N("%(actor)s took a tick back: %(what)s")),
    "correction_undone": _s("undo", N("%(actor)s took a correction back: %(what)s")),
    "option_chosen": _s(
        "check",
        N("Chosen from version %(version)s: %(option)s"),
        detail=N("place %(place)s of the ranking"),
    ),
    "assent_given": _s("check", N("%(actor)s agrees with the decision"), detail=N("%(text)s")),
    "dissent_given": _s(
        "warn", N("%(actor)s disagrees with the decision"), key=True, detail=N("%(text)s")
    ),
    "late_reason_given": _s("pen", N("Reason for the delay: %(reason)s"), detail=N("%(clock)s")),
    "handover_saved": _s(
        "case",
        N("%(actor)s wrote the ISBAR, version %(version)s"),
        detail=N("%(filled)s of 25 filled"),
    ),
    "vitals_observed": _s("pulse", N("%(actor)s entered vital signs")),
    "document_added": _s("film", N("%(actor)s added: %(title)s")),
    "original_added": _s("film", N("%(actor)s added the original of: %(title)s")),
    "consent_given": _s("sign", N("Consent given by %(given_by)s"), detail=N("%(interpreter)s")),
    "consent_refused": _s("x", N("Consent refused by %(given_by)s"), key=True),
    "room_joined": _s("cam", N("%(person)s joined the video room"), detail=N("%(role)s")),
    "lecture_planned": _s(
        "book", N("%(actor)s planned to show the operation for teaching"), detail=N("%(title)s")
    ),
    "lecture_stopped": _s(
        "x",
        N("The showing for teaching was ended: no consent any more, or the case is closed"),
        key=True,
        detail=N("%(title)s"),
    ),
    "note_written": _s("msg", N("%(actor)s wrote in the thread")),
    "opinion_signed": _s(
        "sign",
        N("%(actor)s signed the opinion: %(indication)s"),
        key=True,
        detail=N("version %(version)s"),
    ),
    "opinion_amended": _s(
        "sign",
        N("%(actor)s signed an addendum to opinion version %(corrects)s"),
        key=True,
        detail=N("version %(version)s"),
    ),
    "opinion_acknowledged": _s("eye", N("%(actor)s read and understood the opinion"), key=True),
    "opinion_disagreed": _s("eye", N("%(actor)s read the opinion and disagrees"), key=True),
    "decision_signed": _s(
        "sign",
        N("%(actor)s signed the decision: %(chosen)s"),
        key=True,
        detail=N("version %(version)s"),
    ),
    "decision_amended": _s(
        "sign",
        N("%(actor)s signed an addendum to decision version %(corrects)s"),
        key=True,
        detail=N("version %(version)s"),
    ),
    "observation_marked_wrong": _s(
        "x", N("%(actor)s struck out as entered in error: %(vital)s %(value)s"), detail=N("%(why)s")
    ),
    "document_marked_wrong": _s(
        "x", N("%(actor)s struck out as entered in error: %(title)s"), detail=N("%(why)s")
    ),
    "document_retitled": _s(
        "pen", N("%(actor)s corrected the title: %(was)s to %(title)s"), detail=N("%(why)s")
    ),
    "handover_marked_wrong": _s(
        "x",
        N("%(actor)s struck out as entered in error: ISBAR version %(version)s"),
        detail=N("%(why)s"),
    ),
    "hold_placed": _s("lock", N("%(actor)s put a hold on the case"), detail=N("%(text)s")),
    "hold_ended": _s("lock", N("%(actor)s ended a hold"), detail=N("%(text)s")),
    "disposal_proposed": _s("x", N("%(actor)s proposed to dispose of the case, due %(due)s")),
    "disposal_refused": _s("undo", N("%(actor)s refused or took back the disposal")),
    "case_disposed": _s("x", N("Disposed of: proposed by %(proposed_by)s, confirmed by %(actor)s")),
    "copy_given": _s(
        "paper", N("%(actor)s made a copy for %(given_to)s"), detail=N("%(relation)s")
    ),
    "urgency_raised": _s("up", N("%(actor)s raised the urgency: %(was)s to %(to)s"), key=True),
    "urgency_lowered": _s("down", N("%(actor)s lowered the urgency: %(was)s to %(to)s"), key=True),
    "care_handed_over": _s("swap", N("%(actor)s handed over to %(person)s")),
    "case_closed": _s("check", N("%(actor)s closed the case"), key=True, detail=N("%(reason)s")),
    "outcome_asked": _s("cal", N("Outcome asked for, day %(day)s")),
    "outcome_recorded": _s("flag", N("Day %(day)s: %(state)s"), key=True),
    "glass_broken": _s(
        "warn",
        N("%(actor)s opened the case by breaking the glass"),
        key=True,
        detail=N("%(glass_code)s: %(text)s"),
    ),
    "glass_reviewed": _s(
        "eye", N("%(actor)s reviewed the broken glass: %(verdict)s"), detail=N("%(text)s")
    ),
    # missions and procedures
    "mission_planned": _s(
        "team", N("%(actor)s planned a team: %(people)s"), key=True, detail=N("%(place)s %(text)s")
    ),
    "mission_approved": _s(
        "check", N("Team approved by %(person)s"), key=True, detail=N("%(side)s")
    ),
    "mission_privilege_given": _s(
        "key", N("%(actor)s gave %(person)s an emergency privilege"), detail=N("%(technique)s")
    ),
    "mission_privilege_ended": _s(
        "key", N("The emergency privilege of %(person)s ended"), detail=N("%(technique)s")
    ),
    "mission_departed": _s("move", N("Left, told by %(actor)s"), key=True, detail=N("%(mission)s")),
    "mission_leg_began": _s("move", N("On the way: %(leg)s")),
    "mission_leg_ended": _s("check", N("Behind them: %(leg)s")),
    "mission_leg_delayed": _s(
        "warn",
        N("%(actor)s reported a delay of %(minutes)s min: %(leg)s"),
        key=True,
        detail=N("%(text)s"),
    ),
    "mission_departure_missed": _s(
        "warn", N("Cannot be reached any more, the next one is taken: %(leg)s"), key=True
    ),
    "mission_departure_cancelled": _s(
        "warn", N("Cancelled, the next one is taken: %(leg)s"), key=True, detail=N("%(text)s")
    ),
    "mission_arrived": _s("home", N("Arrived, told by %(actor)s"), key=True),
    "mission_handed_over": _s("swap", N("%(actor)s handed over on site"), detail=N("%(text)s")),
    "mission_left_unapproved": _s(
        "warn", N("The team left before anybody had approved it by name"), key=True
    ),
    "mission_left_site": _s("move", N("The team started for home")),
    "mission_back": _s("home", N("The team is back at home")),
    "mission_closed": _s("check", N("%(actor)s closed the mission"), detail=N("%(text)s")),
    "mission_cancelled": _s(
        "x", N("%(actor)s cancelled the mission"), key=True, detail=N("%(text)s")
    ),
    "mission_member_added": _s("plus", N("%(person)s joins the team"), detail=N("%(part)s")),
    "mission_member_replaced": _s(
        "swap", N("%(person)s left the team; instead: %(to)s"), key=True, detail=N("%(text)s")
    ),
    "mission_cover_taken": _s("swap", N("%(person)s takes a turn of %(to)s")),
    "mission_kit_set": _s("bag", N("%(name)s: %(kit)s"), detail=N("%(text)s")),
    "mission_entry": _s("pen", N("%(actor)s wrote on the way: %(entry)s"), detail=N("%(text)s")),
    "mission_paper_filed": _s("paper", N("Filed: %(paper)s"), detail=N("%(text)s")),
    "mission_paper_reminded": _s("paper", N("Reminded: %(paper)s"), detail=N("%(place)s")),
    "mission_paper_overdue": _s(
        "warn", N("Overdue: %(paper)s"), key=True, detail=N("%(place)s, told: %(people)s")
    ),
    "mission_transfer_planned": _s(
        "move",
        N("%(actor)s planned to move the patient to %(place)s"),
        key=True,
        detail=N("%(grade)s · %(escort)s"),
    ),
    "mission_destination_asked": _s("ring", N("Asked: %(place)s"), detail=N("%(people)s")),
    "mission_accepted": _s(
        "check", N("%(person)s accepted the patient"), key=True, detail=N("%(place)s")
    ),
    "mission_refused": _s(
        "x", N("%(place)s cannot take the patient"), key=True, detail=N("%(text)s")
    ),
    "mission_redirected": _s(
        "swap", N("New destination: %(place)s"), key=True, detail=N("%(text)s")
    ),
    "mission_destination_dropped": _s("undo", N("%(place)s was told that nobody comes")),
    "mission_scored": _s("pulse", N("Graded again: %(grade)s"), detail=N("%(escort)s")),
    "mission_without_consent": _s(
        "warn", N("Left before the written consent"), key=True, detail=N("%(text)s")
    ),
    "mission_ended_itself": _s("check", N("The transfer ended: %(ended)s"), key=True),
    "procedure_started": _s(
        "cross", N("%(person)s began: %(name)s"), key=True, detail=N("%(place)s %(mode)s %(guide)s")
    ),
    "procedure_excepted": _s(
        "warn",
        N("Without a privilege for %(technique)s: %(person)s"),
        key=True,
        detail=N("%(text)s"),
    ),
    "procedure_end_asked": _s("clock", N("Asked whether it has ended: %(name)s")),
    "procedure_ended": _s("check", N("Ended: %(name)s"), key=True),
    "procedure_mode_set": _s(
        "net", N("Counts by the record as: %(mode)s"), key=True, detail=N("%(name)s")
    ),
    # operations guided from afar
    "guidance_planned": _s(
        "net",
        N("%(actor)s planned guidance from afar by %(guide)s"),
        key=True,
        detail=N("%(name)s · operator %(person)s"),
    ),
    "guidance_checked": _s(
        "check", N("Pre-check, %(check)s: %(answer)s"), detail=N("%(person)s %(text)s")
    ),
    "guidance_mdt_chosen": _s(
        "paper", N("Record of the pre-operative MDT: %(title)s"), detail=N("%(people)s")
    ),
    "guidance_excepted": _s(
        "warn",
        N("Life-saving exception, decided by %(person)s"),
        key=True,
        detail=N("%(text)s"),
    ),
    "guidance_exception_filed": _s("paper", N("%(actor)s filed the life-saving exception")),
    "guidance_started": _s(
        "net", N("Guidance began: %(guide)s guides %(person)s"), key=True, detail=N("%(name)s")
    ),
    "guidance_cancelled": _s("x", N("%(actor)s cancelled the guidance"), detail=N("%(text)s")),
    "guidance_joined": _s("mdt", N("%(person)s is there to guide")),
    "guidance_left": _s("x", N("%(person)s left the guidance")),
    "guidance_link_step": _s("link", N("Link: %(ladder)s")),
    "guidance_degraded": _s(
        "warn",
        N("%(seconds)s s without the link: on by telephone %(telephone)s"),
        key=True,
    ),
    "guidance_suspended": _s(
        "breach", N("%(seconds)s s without the link: guidance suspended"), key=True
    ),
    "guidance_link_back": _s(
        "net", N("The link is back after %(seconds)s s"), key=True, detail=N("%(status)s")
    ),
    "guidance_gap_corrected": _s(
        "pen", N("Known later: the link was up for %(seconds)s s that were counted as lost")
    ),
    "guidance_stopped": _s(
        "pause", N("Safe stop, said by %(actor)s"), key=True, detail=N("%(text)s")
    ),
    "guidance_continued": _s(
        "check", N("%(actor)s confirmed: on alone until the link is back"), key=True
    ),
    "guidance_resumed": _s("net", N("%(actor)s confirmed: guidance goes on"), key=True),
    "guidance_converted": _s(
        "swap",
        N("%(actor)s ended the guidance: on without it, or converted"),
        key=True,
        detail=N("%(text)s"),
    ),
    "guidance_ended": _s("check", N("%(actor)s ended the guidance"), key=True),
    "guidance_entry": _s(
        "pen",
        N("%(actor)s noted, no. %(number)s: %(guided)s"),
        detail=N("%(lead)s %(text)s %(amount)s"),
    ),
    "guidance_entry_struck": _s(
        "undo", N("%(actor)s struck out no. %(number)s: %(guided)s"), detail=N("%(why)s")
    ),
    "appointment_made": _s("cal", N("%(actor)s made an appointment: %(meets)s"), key=True),
    "recording_kept": _s(
        "rec",
        N("Recording kept: %(seconds)s s of %(feeds)s pictures"),
        detail=N("%(runs)s parts, sealed; %(missing)s pieces missing"),
    ),
    "recordings_let_go": _s(
        "rec",
        N("Recordings removed after the time that the law asks for"),
        detail=N("%(runs)s parts"),
    ),
    "clip_made": _s(
        "book", N("%(actor)s cut a teaching clip"), detail=N("%(title)s · %(seconds)s s")
    ),
    "clip_withdrawn": _s("x", N("Teaching clip withdrawn"), detail=N("%(title)s")),
}
# Facts that are codes, and the table that has the word for each.
WORDED: Mapping[str, Mapping[str, object]] = {
    "clock": words.CLOCKS,
    "line": words.LINES,
    "reason": words.REASONS,
    "channel": words.CHANNELS,
    "indication": words.INDICATIONS,
    "chosen": words.OPTIONS,
    "option": {**words.OPTIONS, "NONE": N("none")},
    "state": words.OUTCOMES,
    "code": words.PAUSES,
    "glass_code": words.GLASS_REASONS,
    "verdict": words.VERDICTS,
    "vital": words.VITAL_NAMES,
    "relation": words.RELATIONS,
    "setting": words.SETTINGS,
    "part": under_way.PARTS,
    "paper": under_way.PAPERS,
    "entry": under_way.ENTRIES,
    "escort": under_way.ESCORTS,
    "kit": under_way.KIT_STATES,
    "side": under_way.SIDES,
    "ended": under_way.WHY_ENDED,
    "gate": under_way.GATES,
    "mode": under_way.MODES,
    "role": words.ROOM_ROLES,
    "status": guided.STATES,
    "guided": guided.ENTRIES,
    "lead": guided.LEADS,
    "ladder": guided.LADDER,
    "check": guided.CHECKS,
    "answer": guided.ANSWERS,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline, in the reader's language."""

    at: datetime
    icon: str
    key: bool
    title: str
    detail: str
    late: bool


class _Facts(dict[str, str]):
    """What a sentence asks for and the event does not have is left empty."""

    def __missing__(self, key: str) -> str:
        return ""


def entries(events: Iterable[Event]) -> list[Entry]:
    return [entry(event) for event in events]


def entry(event: Event) -> Entry:
    told = SENTENCES.get(event.verb, Sentence("info", event.verb.replace("%", "%%")))
    facts = _Facts(
        {name: word(WORDED.get(name, {}), value) for name, value in event.data.items()},
        actor=event.actor.name if event.actor else "",
    )
    late = event.source != Event.Source.RUNNER and event.recorded_at - event.occurred_at > LATE
    return Entry(
        at=event.occurred_at,
        icon=told.icon,
        key=told.key,
        title=_(told.title) % facts,
        detail=(_(told.detail) % facts).strip() if told.detail else "",
        late=late,
    )
