"""The three gates of an operation: read, signed, struck out."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from jieli.cases.models import Case
from jieli.cases.queries.lists import heading
from jieli.cases.views import Signed, see_other
from jieli.missions import access, actions, forms
from jieli.missions.queries.gates import asked, gates_page
from jieli.rules import checklists


@require_GET
def gates(request: Signed, key: UUID) -> HttpResponse:
    """All operations of the case; the gate that is next stands open."""
    case = access.get_case_for(request.me, key, request.now)
    return _page(request, case)


def _page(
    request: Signed, case: Case, form: forms.GateForm | None = None, posted: str = ""
) -> HttpResponse:
    may_sign = case.status == Case.Status.OPEN and access.may_operate(request.me, case, request.now)
    context = gates_page(case, request.now)
    context |= {"case": case, "heading": heading(case), "may_sign": may_sign, "form": form}
    context |= {"given": form.answers if form else {}, "posted": posted}
    return render(request, "missions/gates.html", context, status=422 if form else 200)


@require_POST
def gate(request: Signed, key: UUID, gate: str) -> HttpResponse:
    case = access.get_case_to_operate(request.me, key, request.now)
    if gate not in checklists.GATES:
        raise Http404
    form = forms.GateForm(request.POST, asked(case, gate))
    if not form.is_valid():
        return _page(request, case, form, f"{gate}-{form.data.get('operation', '')}")
    actions.sign_gate(
        case,
        gate,
        form.answers,
        operation=form.cleaned_data["operation"],
        by=request.me,
        now=request.now,
        **form.timing,
    )
    return see_other(f"/cases/{case.key}/gates/")


@require_POST
def gate_error(request: Signed, key: UUID) -> HttpResponse:
    row, case = access.get_checklist_for(request.me, key, request.now)
    why = request.POST.get("why", "")
    actions.strike_gate(case, row, why=why, by=request.me, now=request.now)
    return see_other(f"/cases/{case.key}/gates/")
