"""Parse, fetch (which authorises), one action, answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from jieli.cases import access, actions, forms
from jieli.cases.actions import Advice, Ask, Choice
from jieli.cases.models import Case, Decision, Opinion, Request
from jieli.cases.queries import copies, export, glass, lists, office, pages, rooms, words
from jieli.cases.queries import recordings as films
from jieli.cases.queries.timeline import entries
from jieli.chart import actions as chart
from jieli.chart.access import get_incoming_for
from jieli.chart.models import Incoming
from jieli.chart.queries import awaiting_original, get_document, get_observation
from jieli.chart.store.receive import file_of, takes_file
from jieli.chart.views import serve_document
from jieli.directory.models import Practitioner
from jieli.record.queries import events_of
from jieli.rooms.films import answer
from jieli.rooms.recordings import get_clip_for, get_recording_for, run_of
from jieli.rooms.views import admitted, refused
from jieli.rules.refusal import NotProven, Refused

S = TypeVar("S", Opinion, Decision)


class Signed(HttpRequest):
    """A request behind the sign-in: one instant, one person."""

    me: Practitioner
    now: datetime
    proof: str  # what stands for the password after a step-up on this page
    wrong_secret: bool


def see_other(where: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(where)
    response.status_code = 303
    return response


def to_case(case: Case) -> HttpResponseRedirect:
    return see_other(f"/cases/{case.key}/")


# ── raise ────────────────────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
def new_case(request: Signed) -> HttpResponse:
    organisations = pages.asking_organisations(request.me, request.now)
    case = _case_to_ask_in(request)
    if not organisations:
        raise Http404
    if request.method != "POST":
        form = forms.RequestForm(organisations=organisations, known=case is not None)
        return _raise_page(request, form, case)
    form = forms.RequestForm(request.POST, organisations=organisations, known=case is not None)
    if not form.is_valid():
        return _raise_page(request, form, case, status=422)
    raised = _raise(request, form, case)
    return to_case(raised.case)


def _case_to_ask_in(request: Signed) -> Case | None:
    text = request.POST.get("case") or request.GET.get("case")
    if not text:
        return None
    try:
        case = access.get_case_for(request.me, UUID(text), request.now)
    except ValueError:
        raise Http404 from None
    access.need_treating(request.me, case, request.now)
    return case


def _raise(request: Signed, form: forms.RequestForm, case: Case | None) -> Request:
    data = form.cleaned_data
    organisation = data["organisation"] or pages.asking_organisations(request.me, request.now)[0]
    ask = Ask(
        organisation=organisation,
        specialty=data["specialty"],
        technique=data["technique"],
        urgency=data["urgency"],
        problem=data["problem"],
        callback=data["callback"],
        anchor_at=data["onset_at"],
        department=pages.department_of(request.me, organisation, request.now),
        exception_reason=data["exception_reason"],
    )
    if case is not None:
        return actions.raise_again(case, ask, by=request.me, now=request.now)
    patient = chart.register_patient(
        name=data["patient_name"],
        organisation=organisation,
        identifiers=form.identifiers,
        unknown=data["patient_unknown"],
        sex=data["patient_sex"] or "unknown",
        age_text=data["patient_age"],
        language=data["patient_language"],
    )
    return actions.raise_request(ask, patient, by=request.me, now=request.now)


def _raise_page(
    request: Signed, form: forms.RequestForm, case: Case | None, status: int = 200
) -> HttpResponse:
    organisation = pages.asking_organisations(request.me, request.now).first()
    context = {
        "form": form,
        "case": case,
        "organisation": organisation,
        "offers": pages.offers(organisation, request.now),
        "callback": pages.callback_of(request.me, request.now),
        "desk_telephone": pages.desk_telephone(organisation, request.now),
        "urgencies": [(u, words.word(words.URGENCY, u), pages.limits_of(u)) for u in words.URGENCY],
        "chosen_specialty": form["specialty"].value(),
        "chosen_urgency": form["urgency"].value() or "U1",
    }
    return render(request, "cases/new.html", context, status=status)


@require_POST
def open_cases(request: Signed) -> HttpResponse:
    """Open cases of the same patient, while the form is being typed. No number in an address."""
    organisation = pages.asking_organisations(request.me, request.now).first()
    typed = [
        (request.POST.get(f"id{i}_kind", "hospital_number"), request.POST.get(f"id{i}_value", ""))
        for i in (1, 2)
    ]
    numbers = chart.clean_identifiers(typed)
    found = pages.open_cases_like(numbers, organisation, request.me, request.now)
    return render(request, "cases/parts/open_cases.html", {"found": found})


# ── the case ─────────────────────────────────────────────────────────────────


@require_GET
def my_cases(request: Signed) -> HttpResponse:
    lines = lists.my_cases(request.me, request.now)
    return render(request, "cases/list.html", {"lines": lines})


@require_GET
def case_page(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    return render(request, "cases/case.html", pages.case_page(case, request.me, request.now))


@require_GET
def case_part(request: Signed, key: UUID, part: str) -> HttpResponse:
    """One part of the case page again, from the same partial as the first load."""
    case = access.get_case_for(request.me, key, request.now)
    if part not in pages.PARTS:
        raise Http404
    context = pages.PARTS[part](case, request.me, request.now)
    context["standing"] = access.standing_of(request.me, case, request.now)
    return render(request, f"cases/parts/{part}.html", context)


@require_GET
def events(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    before = request.GET.get("before", "")
    found = events_of(case.chain)
    if before.isdigit():
        found = found.filter(seq__lt=int(before))
    rows = list(found[:100])
    older = rows[-1].seq if rows and rows[-1].seq > 1 else None
    context = {
        "case": case,
        "events": entries(rows),
        "older": older,
        "heading": lists.heading(case),
    }
    return render(request, "cases/events.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def handovers(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    latest = case.handovers.filter(wrong_at=None).first()
    form = forms.HandoverForm(request.POST or None, instance=latest)
    if request.method == "POST" and form.is_valid():
        actions.save_handover(case, form.sent, by=request.me, now=request.now)
        return to_case(case)
    context = {"case": case, "form": form, "groups": pages.GROUPS, "heading": lists.heading(case)}
    status = 422 if request.method == "POST" else 200
    return render(request, "cases/handover.html", context, status=status)


@require_POST
def observations(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    form = forms.ObservationForm(request.POST)
    data = forms.checked(form)
    actions.observe(
        case, form.values, by=request.me, now=request.now, occurred_at=data["occurred_at"]
    )
    return to_case(case)


@require_GET
def measurements(request: Signed, key: UUID) -> HttpResponse:
    """Every value in rows, also what was struck out; from here one is struck out."""
    case = access.get_case_for(request.me, key, request.now)
    context = {
        "case": case,
        "heading": lists.heading(case),
        "rows": pages.measured(case),
        "standing": access.standing_of(request.me, case, request.now),
    }
    return render(request, "cases/measurements.html", context)


@require_POST
def measurement_error(request: Signed, key: UUID, pk: int) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    observation = get_observation(case.key, pk)
    data = forms.checked(forms.ErrorForm(request.POST))
    actions.mark_observation(case, observation, why=data["why"], by=request.me, now=request.now)
    return see_other(f"/cases/{case.key}/measurements/")


@require_POST
def document_error(request: Signed, key: UUID, document: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    found = get_document(case.key, document)
    access.need_treating_or_own(request.me, case, found.by_id, request.now)
    data = forms.checked(forms.ErrorForm(request.POST))
    actions.mark_document(
        case, found, title=data["title"], why=data["why"], by=request.me, now=request.now
    )
    return see_other(f"/cases/{case.key}/documents/{found.key}/")


@require_GET
def handover(request: Signed, key: UUID, version: int) -> HttpResponse:
    """One version of the ISBAR as it was written."""
    found = access.get_handover_for(request.me, key, version, request.now)
    context = {
        "case": found.case,
        "heading": lists.heading(found.case),
        "handover": found,
        "sbar": pages.sbar(found),
        "standing": access.standing_of(request.me, found.case, request.now),
    }
    return render(request, "cases/handover_version.html", context)


@require_POST
def handover_error(request: Signed, key: UUID, version: int) -> HttpResponse:
    found = access.get_handover_for(request.me, key, version, request.now)
    access.need_treating(request.me, found.case, request.now)
    data = forms.checked(forms.ErrorForm(request.POST))
    actions.mark_handover(found.case, found, why=data["why"], by=request.me, now=request.now)
    return see_other(f"/cases/{found.case.key}/handovers/{found.version}/")


@require_POST
def notes(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    data = forms.checked(forms.NoteForm(request.POST))
    actions.write_note(
        case, data["text"], by=request.me, now=request.now, occurred_at=data["occurred_at"]
    )
    return to_case(case)


@require_POST
@takes_file
def documents(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    kept = chart.keep_file(file_of(request))
    data = forms.checked(forms.DocumentForm(request.POST))
    actions.add_document(
        case,
        kept,
        title=data["title"],
        by=request.me,
        now=request.now,
        occurred_at=data["occurred_at"],
    )
    return to_case(case)


@require_GET
def document(request: Signed, key: UUID, document: UUID, size: str = "page") -> HttpResponseBase:
    case = access.get_case_for(request.me, key, request.now)
    found = get_document(case.key, document)
    if size == "page":
        standing = access.standing_of(request.me, case, request.now)
        context = {
            "case": case,
            "document": found,
            "heading": lists.heading(case),
            "may_correct": standing.treating or found.by_id == request.me.pk,
        }
        return render(request, "cases/document.html", context)
    return serve_document(found, size, request)


@require_POST
def uploads(request: Signed, key: UUID) -> HttpResponse:
    """A file that will come in pieces: announce it, or find how far it has come."""
    case = access.get_case_for(request.me, key, request.now)
    said = forms.checked(forms.UploadForm(request.POST))
    if known := awaiting_original(case.key, said["follows"]):
        return JsonResponse({"document": str(known.key)})
    original_of = get_document(case.key, said["original_of"]) if said["original_of"] else None
    incoming = chart.announce_file(
        case.key,
        name=said["name"],
        size=said["size"],
        sha256=said["sha256"],
        follows=said["follows"],
        original_of=original_of,
        by=request.me,
        now=request.now,
    )
    return _how_far(incoming)


def _how_far(incoming: Incoming) -> JsonResponse:
    return JsonResponse({"upload": str(incoming.key), "offset": chart.reached(incoming)})


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Signed, key: UUID, upload: UUID) -> HttpResponse:
    """How far it has come; a piece that is sent goes on from there."""
    case = access.get_case_for(request.me, key, request.now)
    incoming = get_incoming_for(request.me, case.key, upload)
    if request.method == "POST":
        at = request.headers.get("Upload-Offset", "")
        chart.receive_part(incoming, int(at) if at.isdecimal() else 0, request, now=request.now)
    return _how_far(incoming)


upload.unkeyed = True  # type: ignore[attr-defined]  # its offset makes a repeat harmless


@require_POST
def upload_document(request: Signed, key: UUID, upload: UUID) -> HttpResponse:
    """All pieces are there: judge the file and put it on record."""
    case = access.get_case_for(request.me, key, request.now)
    incoming = get_incoming_for(request.me, case.key, upload)
    kept = chart.keep_incoming(incoming)
    title = forms.checked(forms.DocumentForm(request.POST))["title"]
    document = actions.finish_upload(
        case, incoming, kept, title=title, by=request.me, now=request.now
    )
    return JsonResponse({"document": str(document.key)}, status=201)


@require_POST
def consents(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    form = forms.ConsentForm(request.POST)
    data = forms.checked(form)
    actions.record_consent(
        case,
        kind=data["kind"],
        answer=data["answer"] or "given",
        given_by=data["given_by"],
        remotely=data["remotely"],
        interpreter=data["interpreter"],
        language=data["language"],
        by=request.me,
        now=request.now,
        **form.timing,
    )
    return to_case(case)


@require_POST
def urgency(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    data = forms.checked(forms.UrgencyForm(request.POST))
    actions.change_urgency(
        case,
        data["urgency"],
        by=request.me,
        may_lower=access.was_consulted(request.me, case),
        reason=data["reason"],
        now=request.now,
    )
    return to_case(case)


@require_POST
def care(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    data = forms.checked(forms.CareForm(request.POST))
    access.need_treating(data["to"], case, request.now)
    actions.hand_over_care(case, to=data["to"], by=request.me, note=data["note"], now=request.now)
    return to_case(case)


@require_POST
def closure(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    data = forms.checked(forms.ClosureForm(request.POST))
    actions.close_case(
        case, by=request.me, reason=data["reason"], setting=data["setting"], now=request.now
    )
    return to_case(case)


@require_POST
def outcomes(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    form = forms.OutcomeForm(request.POST)
    data = forms.checked(form)
    actions.record_outcome(
        case,
        day=data["day"],
        state=data["state"],
        note=data["note"],
        by=request.me,
        now=request.now,
        **form.timing,
    )
    return to_case(case)


@require_POST
def clock_pause(request: Signed, key: UUID, pk: int) -> HttpResponse:
    clock = access.get_clock_for(request.me, key, pk, request.now)
    access.need_treating(request.me, clock.case, request.now)
    if request.POST.get("resume"):
        actions.resume_clock(clock, by=request.me, now=request.now)
        return to_case(clock.case)
    data = forms.checked(forms.PauseForm(request.POST))
    actions.pause_clock(
        clock,
        by=request.me,
        code=data["code"],
        reason=data["reason"],
        minutes=data["minutes"] or 30,
        now=request.now,
    )
    return to_case(clock.case)


@require_POST
def clock_reason(request: Signed, key: UUID, pk: int) -> HttpResponse:
    clock = access.get_clock_for(request.me, key, pk, request.now)
    access.need_treating(request.me, clock.case, request.now)
    data = forms.checked(forms.ReasonForm(request.POST))
    actions.give_late_reason(clock, by=request.me, reason=data["reason"], now=request.now)
    return to_case(clock.case)


# ── answers to a request ─────────────────────────────────────────────────────


@require_POST
def acceptance(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    form = forms.AcceptanceForm(request.POST)
    forms.checked(form)
    actions.accept(asked, by=request.me, now=request.now, **form.timing)
    return to_case(asked.case)


@require_POST
def refusal(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    data = forms.checked(forms.RefusalForm(request.POST))
    actions.decline(asked, by=request.me, reason=data["reason"], note=data["note"], now=request.now)
    return to_case(asked.case)


@require_POST
def referral(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    data = forms.checked(forms.ReferralForm(request.POST))
    actions.pass_on(asked, by=request.me, to=data["to"], note=data["note"], now=request.now)
    return to_case(asked.case)


@require_POST
def contact(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    form = forms.ContactForm(request.POST)
    data = forms.checked(form)
    actions.record_contact(
        asked,
        by=request.me,
        practitioner=data["practitioner"] or request.me,
        channel=data["channel"],
        failed=data["failed"],
        note=data["note"],
        now=request.now,
        **form.timing,
    )
    return to_case(asked.case)


@require_POST
def appointment(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    data = forms.checked(forms.AppointmentForm(request.POST))
    actions.appoint(asked, by=request.me, at=data["meets_at"], now=request.now)
    return to_case(asked.case)


@require_POST
def withdrawal(request: Signed, key: UUID) -> HttpResponse:
    asked = access.get_request_for(request.me, key, request.now)
    access.need_treating(request.me, asked.case, request.now)
    data = forms.checked(forms.ReasonForm(request.POST))
    actions.withdraw(asked, by=request.me, reason=data["reason"], now=request.now)
    return to_case(asked.case)


@require_POST
def request_rings(request: Signed, key: UUID) -> HttpResponse:
    """Ring the list once more, or one person by name."""
    asked = access.get_request_for(request.me, key, request.now)
    data = forms.checked(forms.RingForm(request.POST))
    if data["person"]:
        actions.ring_person(asked, by=request.me, person=data["person"], now=request.now)
    else:
        actions.ring_again(asked, by=request.me, now=request.now)
    return to_case(asked.case)


# ── rings ────────────────────────────────────────────────────────────────────


@require_GET
def my_rings(request: HttpRequest) -> JsonResponse:
    """What rings for me: asked by every page every few seconds; names no patient."""
    me: Practitioner | None = request.me  # type: ignore[attr-defined]
    now: datetime = request.now  # type: ignore[attr-defined]
    if me is None:
        return JsonResponse({"rings": [], "now": now.isoformat()}, status=401)
    rings = [
        {
            "key": str(ring.key),
            "url": f"/rings/{ring.key}/",
            "urgency": ring.request.urgency,
            "title": f"{ring.request.specialty} · {ring.request.case.organisation.name}",
            "ends_at": ring.ends_at.isoformat() if ring.ends_at else None,
            "kind": "silent" if ring.silent else "ring",
        }
        for ring in pages.my_rings(me, now)
    ]
    return JsonResponse({"rings": rings, "now": now.isoformat()})


@require_GET
def ring_page(request: Signed, key: UUID) -> HttpResponse:
    ring = access.get_ring_for(request.me, key, request.now)
    return render(request, "cases/ring.html", pages.ring_page(ring, request.now))


@require_POST
def ringing(request: Signed, key: UUID) -> HttpResponse:
    """The device really rings: the 20 seconds count from here."""
    ring = access.get_ring_for(request.me, key, request.now)
    actions.note_ringing(ring.key, state="ringing", at=request.now, now=request.now)
    return HttpResponse(status=204)


# ── opinion and decision ─────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
def new_opinion(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_asked(request.me, case, request.now)
    form = forms.OpinionForm(request.POST or None, proof=request.proof)
    if request.method != "POST":
        return _opinion_page(request, case, form)
    if not form.is_valid():
        return _opinion_page(request, case, form, status=422)
    asked = access.request_to_advise(request.me, case, form.cleaned_data["request"])
    data = form.cleaned_data
    corrected = access.signed_to_correct(case, data["corrects"], Opinion)
    advice = Advice(
        indication=data["indication"],
        assessment=data["assessment"],
        recommendation=data["recommendation"],
        by_when=data["by_when"],
        looked_at=data["looked_at"],
        watches=form.watches,
    )
    try:
        actions.sign_opinion(
            asked,
            advice,
            correction=form.correction(corrected),
            by=request.me,
            secret=form.secret,
            now=request.now,
        )
    except Refused as refused:
        _not_signed(request, form, refused)
        return _opinion_page(request, case, form, status=409)
    return to_case(case)


new_opinion.signs = True  # type: ignore[attr-defined] # wrong passwords are counted


def _not_signed(request: Signed, form: forms.SignedForm, refused: Refused) -> None:
    request.wrong_secret = isinstance(refused, NotProven)
    form.add_error("password", _(refused.sentence) % refused.facts)


def _opinion_page(
    request: Signed, case: Case, form: forms.OpinionForm, status: int = 200
) -> HttpResponse:
    asked = access.request_to_advise(request.me, case, None)
    context = pages.case_page(case, request.me, request.now)
    context |= {
        "form": form,
        "asked": asked,
        "indications": [(c, words.word(words.INDICATIONS, c)) for c in words.INDICATIONS],
        "watches": form.watches if form.is_bound else [],
        "blank_rows": range(max(3 - len(form.watches) if form.is_bound else 3, 1)),
        "opinion_clock": pages.only(context["clocks"], "opinion"),
        "version": case.opinions.count() + 1,
        "corrected": _corrected(request, context["opinions"]),
    }
    return render(request, "cases/opinion.html", context, status=status)


def _corrected(request: Signed, signed: Sequence[S]) -> S | None:
    """The signed version for which an addendum is being written."""
    named = request.POST.get("corrects") or request.GET.get("corrects")
    return next((one for one in signed if str(one.key) == named), None) if named else None


@require_POST
def acknowledgement(request: Signed, key: UUID) -> HttpResponse:
    opinion = _opinion_of_mine(request, key)
    data = forms.checked(forms.AcknowledgementForm(request.POST))
    actions.acknowledge(opinion, by=request.me, disagreement=data["disagreement"], now=request.now)
    return to_case(opinion.case)


def _opinion_of_mine(request: Signed, key: UUID) -> Opinion:
    """An opinion that this person's hospital asked for."""
    opinion = access.get_opinion_for(request.me, key, request.now)
    access.need_treating(request.me, opinion.case, request.now)
    return opinion


@require_GET
def verification(request: Signed, key: UUID) -> HttpResponse:
    """Whether the signed text is still what was signed, computed now."""
    opinion = access.get_opinion_for(request.me, key, request.now)
    context = pages.opinion_page(opinion, request.now) | export.check(opinion)
    return render(request, "cases/verification.html", context)


@require_GET
def my_advice(request: Signed) -> HttpResponse:
    return render(request, "cases/advice.html", {"advice": lists.my_advice(request.me)})


@require_http_methods(["GET", "HEAD", "POST"])
def new_decision(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    access.need_deciding(request.me, case, request.now)
    form = forms.DecisionForm(request.POST or None, proof=request.proof)
    if request.method != "POST":
        return _decision_page(request, case, form)
    if not form.is_valid():
        return _decision_page(request, case, form, status=422)
    data = form.cleaned_data
    opinion = case.opinions.filter(key=data["opinion"]).first() if data["opinion"] else None
    corrected = access.signed_to_correct(case, data["corrects"], Decision)
    choice = Choice(data["chosen"], data["text"], data["reason"], form.alternatives)
    try:
        actions.sign_decision(
            case,
            choice,
            opinion=opinion,
            correction=form.correction(corrected),
            by=request.me,
            secret=form.secret,
            now=request.now,
        )
    except Refused as refused:
        _not_signed(request, form, refused)
        return _decision_page(request, case, form, status=409)
    return to_case(case)


new_decision.signs = True  # type: ignore[attr-defined] # wrong passwords are counted


def _decision_page(
    request: Signed, case: Case, form: forms.DecisionForm, status: int = 200
) -> HttpResponse:
    context = pages.case_page(case, request.me, request.now)
    why_not = dict(form.alternatives) if form.is_bound else {}
    context |= {
        "form": form,
        "options": [(o, words.word(words.OPTIONS, o), why_not.get(o, "")) for o in words.OPTIONS],
        "decision_clock": pages.only(context["clocks"], "decision"),
        "version": case.decisions.count() + 1,
        "corrected": _corrected(request, context["decisions"]),
    }
    return render(request, "cases/decision.html", context, status=status)


# ── export ───────────────────────────────────────────────────────────────────


@require_GET
def export_json(request: Signed, key: UUID) -> JsonResponse:
    case = access.get_case_for(request.me, key, request.now)
    return JsonResponse(
        export.as_json(case, request.now), json_dumps_params={"ensure_ascii": False, "indent": 1}
    )


@require_GET
def export_pdf(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    pdf = export.as_pdf(case, request.now)
    response = HttpResponse(pdf, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{case.number}.pdf"'
    return response


# ── who has read it; breaking the glass ──────────────────────────────────────


@require_GET
def readings(request: Signed, key: UUID) -> HttpResponse:
    """Who has read the case: for the people of the treating hospital."""
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    context = {"case": case, "heading": lists.heading(case), "readers": glass.readers_of(case)}
    return render(request, "cases/readings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def broken_glass(request: Signed) -> HttpResponse:
    """Open a case without a grant; and for a desk, what was opened so at its hospitals."""
    access.need_treating_somewhere(request.me, request.now)
    if request.method == "POST":
        data = forms.checked(forms.GlassForm(request.POST))
        if seen := access.case_with_number(request.me, data["number"], request.now):
            return to_case(seen)  # nothing is broken by who may enter
        broken = actions.break_glass(
            data["number"], code=data["code"], reason=data["reason"], by=request.me, now=request.now
        )
        return to_case(broken.case)
    rows = glass.to_review(request.me, request.now)[: glass.SHOWN]
    context = {
        "rows": [(row, glass.overdue(row, request.now)) for row in rows],
        "reviews": bool(glass.reviewed_sites(request.me, request.now)),
        "reasons": words.GLASS_REASONS.items(),
        "verdicts": words.VERDICTS.items(),
    }
    return render(request, "cases/glass.html", context)


@require_POST
def glass_review(request: Signed, pk: int) -> HttpResponse:
    broken = access.get_glass_to_review(request.me, pk, request.now)
    data = forms.checked(forms.GlassReviewForm(request.POST))
    actions.review_glass(
        broken, verdict=data["verdict"], note=data["note"], by=request.me, now=request.now
    )
    return see_other("/glass/")


# ── the records office ───────────────────────────────────────────────────────


@require_GET
def office_page(request: Signed) -> HttpResponse:
    access.need_office_somewhere(request.me, request.now)
    return render(request, "cases/office.html", {"office": office.office(request.me, request.now)})


@require_POST
def office_holds(request: Signed) -> HttpResponse:
    access.need_office_somewhere(request.me, request.now)
    data = forms.checked(forms.HoldForm(request.POST))
    case = office.case_to_hold(request.me, data["number"], request.now)
    if case is None:
        raise Refused("Your hospital has no case with this number.")
    actions.hold(case, why=data["why"], by=request.me, now=request.now)
    return see_other("/office/#holds")


@require_POST
def office_hold_end(request: Signed, pk: int) -> HttpResponse:
    held = access.get_hold_to_end(request.me, pk, request.now)
    data = forms.checked(forms.HoldEndForm(request.POST))
    actions.end_hold(held, why=data["why"], by=request.me, now=request.now)
    return see_other("/office/#holds")


@require_POST
def office_disposals(request: Signed) -> HttpResponse:
    access.need_office_somewhere(request.me, request.now)
    data = forms.checked(forms.ProposalForm(request.POST))
    case = access.get_case_of_office(request.me, data["case"], request.now)
    actions.propose_disposal(case, by=request.me, now=request.now)
    return see_other("/office/#proposed")


@require_POST
def office_confirmation(request: Signed, pk: int) -> HttpResponse:
    proposed = access.get_disposal_of_office(request.me, pk, request.now)
    actions.confirm_disposal(proposed, by=request.me, now=request.now)
    return see_other("/office/#gone")


@require_POST
def office_refusal(request: Signed, pk: int) -> HttpResponse:
    proposed = access.get_disposal_of_office(request.me, pk, request.now)
    actions.refuse_disposal(proposed, by=request.me, now=request.now)
    return see_other("/office/#due")


@require_http_methods(["GET", "HEAD", "POST"])
def patient_copies(request: Signed, key: UUID) -> HttpResponse:
    """What a copy for the patient would hold; sent, it is on record in each case and made."""
    case = access.get_case_of_office(request.me, key, request.now)
    form = forms.CopyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        copy = actions.give_copy(
            case,
            given_to=data["given_to"],
            relation=data["relation"],
            by=request.me,
            now=request.now,
        )
        return see_other(f"/office/copies/{copy.key}/")
    context = {
        "case": case,
        "form": form,
        "relations": words.RELATIONS.items(),
        **copies.contents(case),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "cases/patient_copies.html", context, status=status)


@require_GET
def patient_copy(request: Signed, copy: UUID) -> HttpResponse:
    made = access.get_copy(request.me, copy, request.now)
    context = {"copy": made, "cases": copies.cases_of(made)}
    return render(request, "cases/patient_copy.html", context)


@require_GET
def patient_copy_pdf(request: Signed, copy: UUID) -> HttpResponse:
    made = access.get_copy(request.me, copy, request.now)
    response = HttpResponse(copies.as_pdf(made), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="copy-{made.at:%Y%m%d}.pdf"'
    return response


@require_GET
def patient_copy_json(request: Signed, copy: UUID) -> JsonResponse:
    made = access.get_copy(request.me, copy, request.now)
    response = JsonResponse(
        copies.paper(made), json_dumps_params={"ensure_ascii": False, "indent": 1}
    )
    response.headers["Content-Disposition"] = f'attachment; filename="copy-{made.at:%Y%m%d}.json"'
    return response


# ── the room ─────────────────────────────────────────────────────────────────


@require_GET
def room(request: Signed, key: UUID) -> HttpResponse:
    """The door of the case's room: look at camera and microphone first, then join."""
    case = access.get_case_for(request.me, key, request.now)
    roles = access.roles_in_room(request.me, case, request.now)
    return render(request, "rooms/room.html", rooms.room_page(case, roles, request.now))


@require_POST
def room_seats(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    role = request.POST.get("role", "")
    try:
        seat, ticket = actions.join_room(case, role, by=request.me, now=request.now)
    except Refused as refusal:
        return refused(refusal)
    return admitted(seat, ticket)


# ── recordings, and clips for teaching ───────────────────────────────────────


@require_safe
def recordings(request: Signed, key: UUID) -> HttpResponse:
    """What the case's room recorded, on one time line."""
    case = access.get_case_for(request.me, key, request.now)
    return render(request, "cases/recordings.html", films.page(case, request.me, request.now))


@require_safe
def recordings_data(request: Signed, key: UUID) -> HttpResponse:
    case = access.get_case_for(request.me, key, request.now)
    return JsonResponse(films.for_player(case, films.recorded(case)))


@require_safe
def recording_download(request: Signed, key: UUID, recording: UUID) -> HttpResponseBase:
    """A file to keep, for the records office of either side; the reading is put on record."""
    case = access.get_case_for(request.me, key, request.now)
    found = get_recording_for(request.me, recording, request.now)
    if found.room.case_key != case.key or not films.may_download(request.me, case, request.now):
        raise Http404
    return answer(request, run_of(found), name=films.file_name(case, found))


@require_POST
def clips(request: Signed, key: UUID) -> HttpResponse:
    """Cut a clip for teaching out of a recording of this case."""
    case = access.get_case_for(request.me, key, request.now)
    access.need_treating(request.me, case, request.now)
    said = forms.checked(forms.ClipForm(request.POST))
    recording = get_recording_for(request.me, said["recording"], request.now)
    if recording.room.case_key != case.key:
        raise Http404
    cut = actions.Cut(recording, said["begin"], said["end"], said["title"], said["technique"],
                      seen=said["seen"], sound=said["sound"])  # fmt: skip
    clip = actions.make_clip(case, cut, by=request.me, now=request.now)
    return see_other(f"/teaching/clips/{clip.key}/")


@require_safe
def clip_library(request: Signed) -> HttpResponse:
    """Clips of the alliance's hospitals, newest first."""
    access.need_treating_somewhere(request.me, request.now)
    shown = films.library(request.me, request.GET.get("technique", ""), request.now)
    return render(request, "cases/clips.html", shown)


@require_safe
def clip(request: Signed, key: UUID) -> HttpResponse:
    found = get_clip_for(request.me, key, request.now)
    source = access.case_of_clip(request.me, found, request.now)
    treats = source is not None and access.standing_of(request.me, source, request.now).treating
    shown = {"clip": found, "source": source, "may_withdraw": treats}
    return render(request, "cases/clip.html", shown)


@require_POST
def clip_withdrawal(request: Signed, key: UUID) -> HttpResponse:
    found = get_clip_for(request.me, key, request.now)
    source = access.case_of_clip(request.me, found, request.now)
    if source is None:
        raise Http404
    access.need_treating(request.me, source, request.now)
    why = forms.checked(forms.WithdrawalForm(request.POST))["why"]
    actions.withdraw_clip(found, why, by=request.me, now=request.now)
    return see_other("/teaching/clips/")
