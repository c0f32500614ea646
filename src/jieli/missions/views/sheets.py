"""The decision sheet: looked at by three parties, corrected in place, signed by one."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jieli.cases import access
from jieli.cases.forms import checked
from jieli.cases.models import Case
from jieli.cases.queries import pages
from jieli.cases.views import Signed, see_other
from jieli.missions import actions
from jieli.missions.access import (
    get_case_to_send_to,
    get_decision_of,
    get_sheet_for,
    need_desk,
    need_party,
)
from jieli.missions.forms import AssentForm, ChoiceForm, CorrectionForm, TickForm, UndoForm
from jieli.missions.models import Sheet
from jieli.missions.queries import saying
from jieli.missions.queries.joint import joint
from jieli.missions.queries.sheets import sheet_page
from jieli.rules.refusal import NotProven, Refused


@require_GET
def sheet(request: Signed, key: UUID) -> HttpResponse:
    """The latest version, or the one that is asked for."""
    case = access.get_case_for(request.me, key, request.now)
    version = request.GET.get("version", "")
    found = get_sheet_for(case, int(version) if version.isdigit() else None)
    if found is None:
        return HttpResponseRedirect(f"/cases/{case.key}/decisions/new/")
    return _page(request, case, found, ChoiceForm(proof=request.proof))


@require_GET
def sheet_part(request: Signed, key: UUID) -> HttpResponse:
    """What is compared, again: fetched by the page when a new version is there."""
    case = access.get_case_for(request.me, key, request.now)
    found = get_sheet_for(case, None, needed=True)
    return render(request, "missions/parts/sheet.html", _context(request, case, found))


def _context(request: Signed, case: Case, found: Sheet) -> dict[str, object]:
    standing = access.standing_of(request.me, case, request.now)
    page = sheet_page(case, found, standing, request.now)
    return {"case": case, "sheet": found, "page": page, "standing": standing}


def _page(
    request: Signed, case: Case, found: Sheet, form: ChoiceForm, status: int = 200
) -> HttpResponse:
    context = pages.case_page(case, request.me, request.now)
    context |= _context(request, case, found)
    context |= {
        "form": form,
        "decision_clock": [
            *(
                pages.only(context["clocks"], "decision")
                or pages.only(context["clocks"], "definitive_care")
            ),
            *pages.only(context["clocks"], "temporise"),
        ],
        "suggested": saying.short(found.words[found.best]) if found.best else "",
    }
    return render(request, "missions/sheet.html", context, status=status)


@require_POST
def plan_anew(request: Signed, key: UUID) -> HttpResponse:
    """Compare again now: time has passed, or something else has changed."""
    case = _case_of_party(request, key)
    actions.make_sheet(case, trigger="asked", by=request.me, now=request.now)
    return _to_sheet(case)


@require_POST
def correction(request: Signed, key: UUID) -> HttpResponse:
    case = _case_of_party(request, key)
    data = checked(CorrectionForm(request.POST))
    actions.correct(
        case,
        data["name"],
        data["value"],
        reason=data["reason"],
        by=request.me,
        now=request.now,
    )
    return _to_sheet(case)


@require_POST
def correction_undone(request: Signed, key: UUID) -> HttpResponse:
    case = _case_of_party(request, key)
    data = checked(UndoForm(request.POST))
    actions.undo_correction(case, data["name"], by=request.me, now=request.now)
    return _to_sheet(case)


@require_POST
def temporised(request: Signed, key: UUID) -> HttpResponse:
    """One thing of the set that is done at once: ticked, or ticked by mistake."""
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    form = TickForm(request.POST)
    data = checked(form)
    if data["done"] == "yes":
        actions.tick(case, data["item"], by=request.me, now=request.now, **form.timing)
    else:
        actions.untick(case, data["item"], by=request.me, now=request.now)
    return see_other(f"/cases/{case.key}/{'sheet/' if 'sheet' in request.POST else ''}#at-once")


@require_POST
def family_told(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    found = get_sheet_for(case, None, needed=True)
    actions.tell_family(found, by=request.me, now=request.now)
    return _to_sheet(case)


@require_POST
def choice(request: Signed, key: UUID) -> HttpResponse:
    """The treating doctor signs, and nobody else."""
    case = access.get_case_for(request.me, key, request.now)
    access.need_deciding(request.me, case, request.now)
    form = ChoiceForm(request.POST, proof=request.proof)
    named = request.POST.get("version", "")
    found = get_sheet_for(case, int(named) if named.isdigit() else None, needed=True)
    if not form.is_valid():
        return _page(request, case, found, form, status=422)
    data = form.cleaned_data
    chosen = actions.Chosen(data["option"], data["text"], data["reason"])
    try:
        actions.choose(found, chosen, by=request.me, secret=form.secret, now=request.now)
    except Refused as refused:
        request.wrong_secret = isinstance(refused, NotProven)
        form.add_error("password", _(refused.sentence) % refused.facts)
        return _page(request, case, get_sheet_for(case, None, needed=True), form, status=409)
    return _to_sheet(case)


choice.signs = True  # type: ignore[attr-defined] # wrong passwords are counted


@require_POST
def team(request: Signed, key: UUID) -> HttpResponse:
    """Plan the team of the option that was signed; a person asks for it, the sheet never does."""
    case = get_case_to_send_to(request.me, key, request.now)
    mission = actions.plan_chosen(case, by=request.me, now=request.now)
    return see_other(f"/missions/{mission.key}/")


@require_POST
def assent(request: Signed, key: UUID) -> HttpResponse:
    """An expert who was asked agrees with the decision, or dissents."""
    decision = get_decision_of(request.me, key, request.now)
    access.need_asked(request.me, decision.case, request.now)
    data = checked(AssentForm(request.POST))
    actions.assent(
        decision,
        agrees=data["agrees"] == "yes",
        note=data["note"],
        by=request.me,
        now=request.now,
    )
    return _to_sheet(decision.case)


@require_GET
def several(request: Signed) -> HttpResponse:
    """For coordinators: cases that compete for the same team, unit or aircraft."""
    need_desk(request.me, request.now)
    return render(request, "missions/joint.html", {"joint": joint(request.me, request.now)})


def _case_of_party(request: Signed, key: UUID) -> Case:
    """The case, for the treating side, an expert who was asked, or a coordinator."""
    case = access.get_case_for(request.me, key, request.now)
    need_party(request.me, case, request.now)
    return case


def _to_sheet(case: Case) -> HttpResponseRedirect:
    return see_other(f"/cases/{case.key}/sheet/")
