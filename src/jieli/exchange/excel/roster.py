"""Rows of turns: right people, right hospital, nobody in two places."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from jieli.directory.actions.importing import PersonRow, Slot, TurnRow, slots, turns_in
from jieli.directory.models import Duty, Practitioner, Role
from jieli.exchange.excel.scope import Scope, known_people
from jieli.exchange.excel.sheet import Line
from jieli.rules.rostering import local_day

LONGEST = timedelta(days=31)
BOOKED = ("first", "second")


def check(lines: list[Line], people: list[PersonRow], scope: Scope) -> list[TurnRow]:
    staff = _Staff.of(lines, people)
    for line in lines:
        _check_line(line, scope)
        _check_person(line, staff)
        _check_times(line, scope)
    turns = [(line, _row(line, scope)) for line in lines if line.good]
    for line, row in turns:
        _check_post(line, row, staff)
    _check_twice(turns)
    _check_overlaps(turns)
    _check_standing(turns, scope)
    return [row for line, row in turns if line.good]


@dataclass(slots=True)
class _Staff:
    """Who exists and who has a post where, in the directory or in the same workbook."""

    names: dict[str, str]
    posts: dict[tuple[str, str], list[tuple[date | None, date | None]]]

    @classmethod
    def of(cls, lines: list[Line], people: list[PersonRow]) -> _Staff:
        numbers = {line["number"] for line in lines if line["number"]}
        names = {number: person.name for number, person in known_people(numbers).items()}
        names |= {person.number: person.name for person in people if not person.only_roles}
        posts: dict[tuple[str, str], list[tuple[date | None, date | None]]] = {}
        roles = Role.objects.filter(practitioner__number__in=numbers)
        for number, code, start, end in roles.values_list(
            "practitioner__number", "organisation__code", "valid_from", "valid_to"
        ):
            posts.setdefault((number, code), []).append((start, end))
        for person in people:
            for role in person.roles:
                key = (person.number, role.organisation)
                posts.setdefault(key, []).append((role.valid_from, role.valid_to))
        return cls(names, posts)

    def has_post(self, number: str, code: str, on: date) -> bool:
        return any(
            (start is None or start <= on) and (end is None or on <= end)
            for start, end in self.posts.get((number, code), [])
        )


# -- one row -----------------------------------------------------------------------------------


def _check_line(line: Line, scope: Scope) -> None:
    code, written, duty = line["organisation"], line["specialty"], line["line"]
    if code and code not in scope.mine:
        line.bad(
            "organisation",
            "You coordinate no hospital with this code.",
            "Check the code, or add the hospital in the sheet 机构.",
        )
    if written and scope.specialty(written) is None:
        line.bad(
            "specialty",
            "There is no such specialty.",
            "Write the name or the code of a specialty in the directory.",
        )
    if duty in BOOKED and not written and "specialty" in line.values:
        line.bad("specialty", "This line belongs to a specialty.", "Write the specialty.")
    if duty == "officer" and written:
        line.bad(
            "specialty",
            "The duty officer serves the whole hospital.",
            "Leave this cell empty.",
        )


def _check_person(line: Line, staff: _Staff) -> None:
    number, name = line["number"], line["name"]
    if number and number not in staff.names:
        line.bad(
            "number",
            "Nobody has this staff number.",
            "Check it, or add the person in the sheet 人员.",
        )
    elif number and name and staff.names[number] != name:
        line.bad(
            "name",
            "The staff number belongs to %(name)s.",
            "Correct the name or the number.",
            name=staff.names[number],
        )


def _check_times(line: Line, scope: Scope) -> None:
    start, end = line["start"], line["end"]
    if start and end and end <= start:
        line.bad("end", "The turn ends before it begins.", "Check the day of the end.")
    elif start and end and end - start > LONGEST:
        line.bad("end", "The turn is longer than 31 days.", "Write one row for each turn.")


def _row(line: Line, scope: Scope) -> TurnRow:
    zone = ZoneInfo(scope.mine[line["organisation"]])
    return TurnRow(
        organisation=line["organisation"],
        specialty=scope.specialty(line["specialty"] or "") or "",
        line=line["line"],
        number=line["number"],
        start=line["start"].replace(tzinfo=zone),
        end=line["end"].replace(tzinfo=zone),
        note=line["note"] or "",
    )


def _check_post(line: Line, row: TurnRow, staff: _Staff) -> None:
    on = local_day(row.start, "Asia/Shanghai")
    if not staff.has_post(row.number, row.organisation, on):
        line.bad(
            "number",
            "This person has no post at the hospital on that day.",
            "Add the post in the sheet 人员.",
        )


# -- all rows ----------------------------------------------------------------------------------


def _check_twice(turns: list[tuple[Line, TurnRow]]) -> None:
    seen: dict[tuple[object, ...], Line] = {}
    for line, row in turns:
        key = (row.organisation, row.specialty, row.line, row.number, row.start, row.end)
        if key in seen:
            line.bad(
                "start",
                "Row %(row)s is the same turn.",
                "Delete one of the two rows.",
                row=seen[key].where(),
            )
        seen.setdefault(key, line)


def _check_overlaps(turns: list[tuple[Line, TurnRow]]) -> None:
    """Within the workbook: the later of two turns is the bad one."""
    by_person: dict[str, list[tuple[Line, TurnRow]]] = {}
    for line, row in turns:
        if line.good and row.line in BOOKED:
            by_person.setdefault(row.number, []).append((line, row))
    for group in by_person.values():
        group.sort(key=lambda turn: (turn[1].start, turn[0].number))
        last_line, last = group[0]
        for line, row in group[1:]:
            if row.start < last.end:
                _two_places(line, last_line.where())
            if row.end > last.end:
                last_line, last = line, row


def _two_places(line: Line, row: str) -> None:
    line.bad(
        "start",
        "The person already has a turn at that time in row %(row)s.",
        "Change the time or the person.",
        row=row,
    )


def _check_standing(turns: list[tuple[Line, TurnRow]], scope: Scope) -> None:
    """Against the roster that stands: what this workbook replaces does not count."""
    rows = [row for line, row in turns if line.good]
    named = slots(rows)
    standing = turns_in(rows)
    _check_past(turns, standing, scope.now)
    replaced = {duty.pk for slot in named for duty in standing.get(slot, [])}
    booked = _booked(known_people({row.number for row in rows}).values(), rows, replaced)
    for line, row in turns:
        if not line.good or row.line not in BOOKED:
            continue
        for duty in booked.get(row.number, []):
            if duty.period.lower < row.end and row.start < duty.period.upper:
                line.bad(
                    "start",
                    "On the roster the person already has a turn from %(start)s to %(end)s.",
                    "Take that turn off first, or change the time.",
                    start=_say(duty.period.lower, row),
                    end=_say(duty.period.upper, row),
                )
                break


def _check_past(
    turns: list[tuple[Line, TurnRow]], standing: dict[Slot, list[Duty]], now: datetime
) -> None:
    """Who did a turn that is over is not rewritten by a file."""
    wanted: dict[Slot, set[str]] = {}
    for _line, row in turns:
        wanted.setdefault(_slot(row), set()).add(row.number)
    over = {slot: duties for slot, duties in standing.items() if slot[-1] <= now}
    did = {slot: {duty.practitioner.number for duty in duties} for slot, duties in over.items()}
    for line, row in turns:
        slot = _slot(row)
        if line.good and slot in did and did[slot] != wanted[slot]:
            line.bad(
                "number",
                "This turn is over; the roster names somebody else.",
                "Leave past turns out of the file.",
            )


def _slot(row: TurnRow) -> Slot:
    return (row.organisation, row.specialty, row.line, row.start, row.end)


def _booked(
    people: Collection[Practitioner], rows: list[TurnRow], replaced: set[int]
) -> dict[str, list[Duty]]:
    if not rows:
        return {}
    span = DateTimeTZRange(min(row.start for row in rows), max(row.end for row in rows))
    found: dict[str, list[Duty]] = {}
    duties = Duty.objects.filter(
        practitioner__in=[p.pk for p in people], line__in=BOOKED, period__overlap=span
    )
    for duty in duties.select_related("practitioner"):
        if duty.pk not in replaced:
            found.setdefault(duty.practitioner.number, []).append(duty)
    return found


def _say(at: datetime, row: TurnRow) -> str:
    return f"{at.astimezone(row.start.tzinfo):%m-%d %H:%M}"
