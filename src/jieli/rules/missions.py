"""One team or one patient under way: which move may follow which, who owes which paper by when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jieli.rules import workdays
from jieli.rules.refusal import Refused

SOURCE = "Jieli product.md, dispatch and transfer, proposal [P]"
OPEN = ("planned", "approved", "under_way", "on_site", "returning")
ENDED = ("closed", "cancelled")

# A team: approved by name (a telephone call is enough), away, back, and closed with its papers.
# In an emergency it leaves before that: go now, the approval is owed at once and escalates.
_TEAM = {
    ("planned", "approve"): "approved",
    ("approved", "approve"): "approved",  # the other side says yes as well
    ("under_way", "approve"): "under_way",
    ("on_site", "approve"): "on_site",
    ("planned", "depart"): "under_way",
    ("approved", "depart"): "under_way",
    ("under_way", "arrive"): "on_site",
    ("on_site", "hand_over"): "on_site",
    ("on_site", "leave"): "returning",
    ("returning", "back"): "returning",
    ("on_site", "close"): "closed",
    ("returning", "close"): "closed",
    ("planned", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("under_way", "cancel"): "cancelled",
}
# A patient: the receiving physician has the final say; another destination asks anew.
_PATIENT = {
    ("planned", "accept"): "approved",
    ("under_way", "accept"): "under_way",  # the destination changed on the way
    ("planned", "refuse"): "planned",
    ("under_way", "refuse"): "under_way",
    ("planned", "redirect"): "planned",
    ("approved", "redirect"): "planned",
    ("under_way", "redirect"): "under_way",
    ("planned", "score"): "planned",
    ("approved", "score"): "approved",
    ("under_way", "score"): "under_way",
    ("approved", "depart"): "under_way",
    ("under_way", "arrive"): "on_site",
    ("on_site", "hand_over"): "closed",
    ("planned", "close"): "closed",  # the patient is helped in another way
    ("approved", "close"): "closed",
    ("under_way", "close"): "closed",
    ("on_site", "close"): "closed",
    ("planned", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("under_way", "cancel"): "cancelled",
}
MOVES: Mapping[str, Mapping[tuple[str, str], str]] = {
    "dispatch": _TEAM,
    "transfer": _PATIENT,
    "return": _PATIENT,
}
REFUSALS = {
    ("transfer", "planned", "depart"): "No physician of the destination has accepted the patient "
    "by name yet.",
    ("return", "planned", "depart"): "No physician of the destination has accepted the patient "
    "by name yet.",
    ("transfer", "approved", "accept"): "Somebody has accepted this patient already.",
    ("return", "approved", "accept"): "Somebody has accepted this patient already.",
}


def after(kind: str, status: str, move: str) -> str:
    """The status after `move`, or a refusal that says why not."""
    if found := MOVES[kind].get((status, move)):
        return found
    if status in ENDED:
        raise Refused("This mission has ended.")
    raise Refused(
        REFUSALS.get((kind, status, move), "This cannot be done now: the mission has moved on.")
    )


def moves_from(kind: str, status: str) -> set[str]:
    return {move for (before, move) in MOVES[kind] if before == status}


# ── who takes part, what goes along, what is written on the way ──────────────

PARTS = ("operator", "anaesthetist", "nurse", "neonatologist", "intensivist", "physician", "driver")
# Which part a specialty takes unless somebody says otherwise.
PART_OF_SPECIALTY = {
    "anaesthesia": "anaesthetist",
    "neonatal-anaesthesia": "anaesthetist",
    "neonatology": "neonatologist",
    "intensive-care": "intensivist",
}
ENTRIES = ("position", "observed", "treated", "event", "contact", "handed_over", "task", "refused")


def part_of(specialty: str, *, nurse: bool = False) -> str:
    """The part of somebody of this specialty; surgeons and whoever else operates by default."""
    return "nurse" if nurse else PART_OF_SPECIALTY.get(specialty, "operator")


# ── papers: go now, write by a deadline ──────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PaperRule:
    """Who owes it, and how long after what it is due. `host` treats; from `home` they set out."""

    owner: str  # host | home
    after: str  # planned | approved | privilege | arrival | back
    limit: timedelta | None = None
    working_days: int = 0
    source: str = SOURCE


PAPERS: Mapping[str, Mapping[str, PaperRule]] = {
    "dispatch": {
        "invitation": PaperRule("host", "planned", timedelta(minutes=30)),
        "home_approval": PaperRule("home", "approved", timedelta(hours=24)),
        "privilege_filing": PaperRule("host", "privilege", timedelta(hours=24)),
        "family_consent": PaperRule("host", "arrival", timedelta(0)),
        "return_report": PaperRule("home", "back", working_days=2),
    },
    "transfer": {
        "transfer_consent": PaperRule("home", "planned", timedelta(hours=1)),
        "transfer_record": PaperRule("home", "arrival", timedelta(hours=6)),
    },
    "return": {
        "transfer_consent": PaperRule("home", "planned", timedelta(hours=24)),
    },
}
# Of the letter that invites a team; each must stand in it.
INVITATION_ITEMS = ("reason", "purpose", "time", "summary", "expertise")


def paper_due(kind: str, paper: str, since: datetime) -> datetime:
    """When a paper is due whose reason came about at `since`."""
    rule = PAPERS[kind][paper]
    if rule.working_days:
        return workdays.end_of(since, rule.working_days)
    return since + (rule.limit or timedelta(0))


def paper_limit(kind: str, paper: str) -> timedelta:
    """How long after its reason a paper may come; nothing for one that counts working days."""
    return PAPERS[kind][paper].limit or timedelta(0)


def remind_at(since: datetime, due: datetime) -> datetime:
    """Half of the time has gone."""
    return since + (due - since) / 2


# ── emergency privileges ─────────────────────────────────────────────────────


def privilege_until(since: datetime, hours: int, wanted: int | None = None) -> datetime:
    """The end of an emergency privilege: no later than the agreement allows."""
    if hours <= 0:
        raise Refused("No valid agreement between the two hospitals allows emergency privileges.")
    if wanted is not None and not 1 <= wanted <= hours:
        raise Refused("The agreement allows 1 to %(hours)s hours.", hours=hours)
    return since + timedelta(hours=wanted or hours)
