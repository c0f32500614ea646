"""Rows of people. One person may stand in several rows: one for each post."""

from jieli.directory.actions.importing import PersonRow, RoleRow
from jieli.directory.models import Practitioner, Role
from jieli.exchange.excel.scope import Scope, homes, known_people
from jieli.exchange.excel.sheet import Line

OWN = ("name", "name_en", "title", "telephone", "languages", "practising_since")
POWERFUL = (Role.Kind.ADMIN, Role.Kind.COORDINATOR)


def check(lines: list[Line], scope: Scope) -> list[PersonRow]:
    known = known_people({line["number"] for line in lines if line["number"]})
    home = homes(known.values())
    by_number: dict[str, list[Line]] = {}
    for line in lines:
        _check_place(line, scope)
        _check_role(line, scope)
        if line["number"]:
            by_number.setdefault(line["number"], []).append(line)
    rows = []
    for number, group in by_number.items():
        person = known.get(number)
        foreign = person is not None and home.get(person.pk, "") not in scope.mine
        if person is not None and foreign:
            _check_foreign(group, person)
        _check_group(group)
        if all(line.good for line in group):
            rows.append(_row(number, group, scope, only_roles=foreign))
    return rows


def _check_place(line: Line, scope: Scope) -> None:
    code = line["organisation"]
    if code and code not in scope.mine:
        line.bad(
            "organisation",
            "You coordinate no hospital with this code.",
            "Check the code, or add the hospital in the sheet 机构.",
        )


def _check_role(line: Line, scope: Scope) -> None:
    written = line["specialty"]
    if written and scope.specialty(written) is None:
        line.bad(
            "specialty",
            "There is no such specialty.",
            "Write the name or the code of a specialty in the directory.",
        )
    if line["role"] == Role.Kind.EXPERT and not written and "specialty" in line.values:
        line.bad("specialty", "An expert needs a specialty.", "Write the specialty.")
    if line["role"] in POWERFUL and line["organisation"] in scope.mine.keys() - scope.admin:
        line.bad(
            "role",
            "Only an administrator may name administrators and coordinators.",
            "Leave this row to an administrator.",
        )
    start, end = line["valid_from"], line["valid_to"]
    if start and end and end < start:
        line.bad("valid_to", "It ends before it begins.", "Check both dates.")
    since = line["practising_since"]
    if since and since > scope.on:
        line.bad("practising_since", "This day has not come yet.", "Check the year.")


def _check_foreign(group: list[Line], person: Practitioner) -> None:
    """Somebody of another hospital gets a post here; their own data are that hospital's."""
    for line in group:
        if line["name"] and line["name"] != person.name:
            line.bad(
                "number",
                "This staff number belongs to somebody with another name.",
                "Check the number.",
            )


def _check_group(group: list[Line]) -> None:
    first = group[0]
    posts: dict[tuple[object, ...], Line] = {}
    for line in group:
        for name in OWN:
            if line[name] and first[name] and line[name] != first[name]:
                line.bad(
                    name,
                    "Row %(row)s says something else of the same person.",
                    "Write the same in both rows.",
                    row=first.where(),
                )
        post = tuple(line[name] for name in ("organisation", "role", "department", "specialty"))
        if post in posts:
            line.bad(
                "number",
                "Row %(row)s gives the same person the same post.",
                "Delete one of the two rows.",
                row=posts[post].where(),
            )
        posts.setdefault(post, line)


def _row(number: str, group: list[Line], scope: Scope, *, only_roles: bool) -> PersonRow:
    own = {name: next((line[name] for line in group if line[name]), None) for name in OWN}
    return PersonRow(
        number=number,
        name=group[0]["name"],
        name_en=own["name_en"] or "",
        title=own["title"] or "",
        telephone=own["telephone"] or "",
        languages=own["languages"] or (),
        practising_since=own["practising_since"],
        roles=tuple(_role(line, scope) for line in group),
        only_roles=only_roles,
    )


def _role(line: Line, scope: Scope) -> RoleRow:
    return RoleRow(
        organisation=line["organisation"],
        kind=line["role"],
        department=line["department"] or "",
        specialty=scope.specialty(line["specialty"] or "") or "",
        valid_from=line["valid_from"],
        valid_to=line["valid_to"],
    )
