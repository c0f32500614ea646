"""Rows of hospitals: who may add one, who may change one."""

from jieli.directory.actions.importing import OrganisationRow
from jieli.directory.models import Organisation
from jieli.exchange.excel.scope import Scope
from jieli.exchange.excel.sheet import Line

HOME_ZONE = "Asia/Shanghai"


def check(lines: list[Line], scope: Scope) -> list[OrganisationRow]:
    codes = {line["code"] for line in lines if line["code"]}
    taken = set(Organisation.objects.filter(code__in=codes).values_list("code", flat=True))
    seen: dict[str, Line] = {}
    for line in lines:
        code = line["code"]
        if not code:
            continue
        if code in seen:
            line.bad(
                "code",
                "Row %(row)s has the same code.",
                "Keep one row for each hospital.",
                row=seen[code].where(),
            )
            continue
        seen[code] = line
        _check_right(line, taken, scope)
        _check_alliances(line, scope)
    return [_row(line) for line in lines if line.good]


def _check_right(line: Line, taken: set[str], scope: Scope) -> None:
    code = line["code"]
    if code in scope.mine:
        return
    if code in taken:
        line.bad(
            "code",
            "This code belongs to a hospital that you do not coordinate.",
            "Choose another code, or ask its coordinator.",
        )
    elif not scope.admin:
        line.bad(
            "code",
            "Only an administrator may add a hospital.",
            "Check the code, or ask an administrator.",
        )
    else:
        scope.add(code, line["zone"] or HOME_ZONE)


def _check_alliances(line: Line, scope: Scope) -> None:
    for code in line["alliances"] or ():
        if code not in scope.alliances:
            line.bad(
                "alliances",
                "None of your alliances has the code %(code)s.",
                "Write one of: %(codes)s.",
                code=code,
                codes=", ".join(sorted(scope.alliances)) or "-",
            )


def _row(line: Line) -> OrganisationRow:
    return OrganisationRow(
        code=line["code"],
        name=line["name"],
        tier=line["tier"],
        name_en=line["name_en"] or "",
        division_code=line["division_code"] or "",
        latitude=line["latitude"],
        longitude=line["longitude"],
        zone=line["zone"] or "",
        telephone=line["telephone"] or "",
        alliances=line["alliances"] or (),
    )
