"""Parse, fetch (which authorises), one action, answer."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from jieli.cases.models import Case
from jieli.cases.views import Signed, see_other, to_case
from jieli.missions import access, actions, forms
from jieli.missions.actions import Journey, Operation, Stretch
from jieli.missions.models import Mission
from jieli.missions.queries import lists, pages, paper

# ── pages ────────────────────────────────────────────────────────────────────


@require_GET
def missions(request: Signed) -> HttpResponse:
    """What is under way, planned, and which papers are owed."""
    return render(request, "missions/list.html", lists.overview(request.me, request.now))


@require_GET
def mission(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_mission_for(request.me, key, request.now)
    context = pages.mission_page(found, request.me, request.now)
    return render(request, "missions/mission.html", context)


@require_GET
def mission_part(request: Signed, key: UUID, part: str) -> HttpResponse:
    """One part of the page again, from the same partial as the first load."""
    found = access.get_mission_for(request.me, key, request.now)
    if part not in pages.PARTS:
        raise Http404
    context = pages.part(found, request.me, request.now, part)
    return render(request, f"missions/parts/{part}.html", context)


@require_GET
def papers_pdf(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_mission_for(request.me, key, request.now)
    response = HttpResponse(paper.as_pdf(found, request.now), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    return response


@require_GET
def under_way(request: Signed, key: UUID) -> HttpResponse:
    """The part of the case page that tells of its missions."""
    case = access.get_case_for(request.me, key, request.now)
    context = pages.under_way(case, request.me, request.now)
    return render(request, "missions/parts/under_way.html", context)


# ── a new team, a new journey ────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
def new_dispatch(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_to_send_to(request.me, key, request.now)
    form = forms.DispatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return to_mission(_plan_team(request, case, form))
    context = pages.new_dispatch(case, request.GET.get("start", ""), request.me, request.now)
    status = 422 if request.method == "POST" else 200
    return render(request, "missions/new_dispatch.html", context | {"form": form}, status=status)


def _plan_team(request: Signed, case: Case, form: forms.DispatchForm) -> Mission:
    data = form.cleaned_data
    return actions.plan_dispatch(
        case,
        case.decisions.first(),
        start=data["start"],
        crew=data["crew"],
        legs=data["legs"],
        kit=form.things,
        until=data["until"],
        exception_reason=data["exception_reason"],
        by=request.me,
        now=request.now,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_transfer(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_to_move(request.me, key, request.now)
    form = forms.TransferForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return to_mission(_plan_journey(request, case, form))
    context = pages.new_transfer(case, request.now)
    status = 422 if request.method == "POST" else 200
    return render(request, "missions/new_transfer.html", context | {"form": form}, status=status)


def _plan_journey(request: Signed, case: Case, form: forms.TransferForm) -> Mission:
    """To the hospital of the case it is the way back."""
    data = dict(form.cleaned_data)
    minutes, tasks = data.pop("minutes"), data.pop("tasks").splitlines()
    end = data["end"]
    name = end.name if end else data["end_outside"]
    start = access.where_is(case)
    legs = [Stretch("road", name, minutes, start=start.name, end=name)] if minutes else []
    home = end is not None and end.pk == case.organisation_id and start.pk != end.pk
    return actions.plan_transfer(
        case,
        Journey(start=start, legs=legs, tasks=tasks, **data),
        kind=Mission.Kind.RETURN if home else Mission.Kind.TRANSFER,
        decision=case.decisions.first(),
        by=request.me,
        now=request.now,
    )


def to_mission(mission: Mission) -> HttpResponse:
    return see_other(f"/missions/{mission.key}/")


# ── operations ───────────────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
def new_procedure(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_to_operate(request.me, key, request.now)
    form = forms.ProcedureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _start(request, case, form)
        return to_case(case)
    context = pages.new_procedure(case, request.me, request.now)
    status = 422 if request.method == "POST" else 200
    return render(request, "missions/new_procedure.html", context | {"form": form}, status=status)


def _start(request: Signed, case: Case, form: forms.ProcedureForm) -> None:
    data = form.cleaned_data
    operation = Operation(
        data["name"],
        data["operator"] or request.me,
        data["site"] or access.where_is(case),
        list(data["technique"]),
        data["assistant"],
        data["exception_reason"],
        data["guide"],
    )
    actions.start_procedure(case, operation, by=request.me, now=request.now, **form.timing)


@require_http_methods(["GET", "HEAD", "POST"])
def procedure_end(request: Signed, key: UUID) -> HttpResponse:
    procedure, case = access.get_procedure_for(request.me, key, request.now)
    form = forms.ProcedureEndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        actions.end_procedure(
            procedure,
            case,
            findings=data["findings"],
            blood_loss_ml=data["blood_loss_ml"],
            by=request.me,
            now=request.now,
            **form.timing,
        )
        return to_case(case)
    context = {"case": case, "procedure": procedure, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "missions/procedure_end.html", context, status=status)
