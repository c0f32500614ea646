"""Parse, fetch (which authorises), one action, answer."""

from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jieli.cases.access import get_case_for
from jieli.cases.forms import checked
from jieli.cases.models import Case
from jieli.cases.views import Signed, see_other
from jieli.chart.queries import get_document
from jieli.guidance import access, actions, forms
from jieli.guidance.actions import Plan
from jieli.guidance.models import GuidanceSession
from jieli.guidance.queries import pages
from jieli.guidance.queries.link import telephone_of
from jieli.rules import guidance as rules


def to_session(session: GuidanceSession) -> HttpResponse:
    return see_other(f"/guidance/{session.key}/")


# ── sessions of a case ───────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: Signed, key: UUID) -> HttpResponse:
    """Whoever sees the case reads them; the treating hospital plans one."""
    if request.method != "POST":
        case = get_case_for(request.me, key, request.now)
        return _sessions_page(request, case, forms.PlanForm())
    case = access.get_case_to_guide(request.me, key, request.now)
    form = forms.PlanForm(request.POST)
    if not form.is_valid():
        return _sessions_page(request, case, form, status=422)
    data = form.cleaned_data
    wanted = Plan(data["name"], list(data["technique"]), data["operator"], data["guide"])
    return to_session(actions.plan(case, wanted, by=request.me, now=request.now))


def _sessions_page(
    request: Signed, case: Case, form: forms.PlanForm, status: int = 200
) -> HttpResponse:
    context = pages.sessions_page(case, request.me, request.now) | {"form": form}
    return render(request, "guidance/sessions.html", context, status=status)


@require_GET
def of_case(request: Signed, key: UUID) -> HttpResponse:
    """The part of the case page that tells of its guidance."""
    case = get_case_for(request.me, key, request.now)
    context = pages.of_case(case, request.me, request.now)
    return render(request, "guidance/parts/of_case.html", context)


# ── one session, and its parts ───────────────────────────────────────────────


@require_GET
def session(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_for(request.me, key, request.now)
    context = pages.session_page(found, request.me, request.now)
    return render(request, "guidance/session.html", context)


@require_GET
def panel(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_for(request.me, key, request.now)
    context = pages.panel(found, request.me, request.now)
    return render(request, "guidance/parts/panel.html", context)


@require_GET
def strip(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_for(request.me, key, request.now)
    return render(request, "guidance/parts/strip.html", pages.strip(found, request.now))


@require_GET
def checks(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_for(request.me, key, request.now)
    context = pages.checks(found, request.me, request.now)
    return render(request, "guidance/parts/checks.html", context)


# ── before the start ─────────────────────────────────────────────────────────


@require_POST
def check(request: Signed, key: UUID, item: str) -> HttpResponse:
    found = access.get_session_of_theatre(request.me, key, request.now)
    if item not in rules.ITEMS:
        raise Http404
    data = checked(forms.CheckForm(request.POST))
    actions.answer(
        found,
        item,
        data["answer"],
        text=data["text"],
        person=data["person"],
        by=request.me,
        now=request.now,
    )
    return to_session(found)


@require_POST
def mdt(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_of_theatre(request.me, key, request.now)
    data = checked(forms.MdtForm(request.POST))
    actions.choose_mdt(
        found,
        get_document(found.case.key, data["document"]),
        signed_by=data["signed_by"],
        signed_at=data["occurred_at"],
        by=request.me,
        now=request.now,
    )
    return to_session(found)


@require_POST
def exception(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_of_theatre(request.me, key, request.now)
    data = checked(forms.ExceptionForm(request.POST))
    actions.except_for_life(found, **data, by=request.me, now=request.now)
    return to_session(found)


@require_POST
def exception_filing(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_of_desk(request.me, key, request.now)
    actions.file_exception(found, by=request.me, now=request.now)
    return to_session(found)


# ── while it goes on ─────────────────────────────────────────────────────────


@require_POST
def move(request: Signed, key: UUID, move: str) -> HttpResponse:
    """start, cancel, stop, continue, resume, convert, end: by the people in the theatre."""
    found = access.get_session_of_theatre(request.me, key, request.now)
    if move not in rules.BY_PEOPLE:
        raise Http404
    if move == "start":
        actions.start(found, by=request.me, now=request.now)
    else:
        why = checked(forms.MoveForm(request.POST))["reason"]
        actions.move(found, move, why=why, by=request.me, now=request.now)
    return to_session(found)


@require_POST
def attendance(request: Signed, key: UUID) -> HttpResponse:
    found = access.get_session_to_guide(request.me, key, request.now)
    here = checked(forms.AttendanceForm(request.POST))["here"] == "yes"
    actions.attend(found, here=here, by=request.me, now=request.now)
    return to_session(found)


@require_POST
def link(request: Signed, key: UUID) -> HttpResponse:
    """The theatre's browser, every ten seconds; answered with what it has to show."""
    found = access.get_session_of_theatre(request.me, key, request.now)
    form = forms.LinkForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    found = actions.report_link(found, form.report, by=request.me, now=request.now)
    return JsonResponse(
        {
            "status": found.status,
            "due_at": found.due_at,
            "telephone": telephone_of(found),
            "now": request.now,
        }
    )


@require_http_methods(["GET", "HEAD", "POST"])
def entries(request: Signed, key: UUID) -> HttpResponse:
    """The log; a POST is one entry, of the theatre or of the guide."""
    if request.method != "POST":
        found = access.get_session_for(request.me, key, request.now)
        context = pages.entries(found, request.me, request.now)
        return render(request, "guidance/parts/entries.html", context)
    found = access.get_session_to_write(request.me, key, request.now)
    form = forms.EntryForm(request.POST)
    kind = checked(form)["kind"]
    actions.write_entry(found, kind, **form.entry, by=request.me, now=request.now)
    return to_session(found)


@require_POST
def entry_error(request: Signed, key: UUID, number: int) -> HttpResponse:
    found = access.get_session_to_write(request.me, key, request.now)
    if not found.entries.filter(number=number).exists():
        raise Http404
    why = request.POST.get("why", "")
    actions.strike_entry(found, number, why=why, by=request.me, now=request.now)
    return to_session(found)
