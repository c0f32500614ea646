"""Parse, fetch (which authorises), one action, answer."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jieli.directory import access, actions, queries
from jieli.directory.access import today
from jieli.directory.forms import (
    LOCAL,
    AgreementForm,
    ChannelForm,
    PresenceForm,
    SwapForm,
    TurnForm,
)
from jieli.directory.models import Alliance, Membership, Organisation, Practitioner, Role
from jieli.directory.queries import Mine
from jieli.directory.queries.duty import LINES, shown_presence, specialty_name
from jieli.directory.queries.roster import Week, rostering_day
from jieli.directory.queries.telephones import Telephones, alliance_telephones, as_data, version
from jieli.rules.rostering import DAYS_IN_A_ROW, REST, instant

WEEK = timedelta(days=7)
SOON = timedelta(days=2)  # a gap this near stands on top of the page


class Signed(HttpRequest):
    """A request behind the sign-in: one instant, one person."""

    me: Practitioner
    now: datetime


View = Callable[..., HttpResponse]
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def signed(view: View) -> View:
    """An account without a person has nothing here."""

    @wraps(view)
    @login_required
    def guarded(request: Signed, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "me", None) is None:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def see_other(name: str, *, organisation: Organisation | None = None) -> HttpResponseRedirect:
    where = reverse(f"directory:{name}")
    if organisation:
        where = f"{where}?{urlencode({'organisation': organisation.code})}"
    return HttpResponseRedirect(where, status=303)


# -- duty --------------------------------------------------------------------------------------


@require_safe
@signed
def duty(request: Signed) -> HttpResponse:
    mine = queries.hospitals_of(request.me, request.now)
    if not mine:
        return render(request, "directory/nowhere.html")
    here = _chosen(request, mine)
    site = here.organisation
    start = _day(request) or rostering_day(site.pk, request.now)
    week = queries.week_roster(site.pk, start, now=request.now)
    terms = queries.agreements_of(request.me, request.now)
    shown = {
        "mine": mine,
        "here": here,
        "week": week,
        "earlier": start - WEEK,
        "later": start + WEEK,
        "whole": "whole" in request.GET,
        "urgent": _urgent(week, request.now),
        "people": queries.presence_now([site.pk], request.now),
        "unproven": queries.unproven([site.pk], request.now),
        "swaps": queries.open_swaps([site.pk], request.now),
        "terms": terms if request.GET.get("agreements") == "all" else _to_do(terms),
        "all_terms": request.GET.get("agreements") == "all",
        "term_count": len(terms),
        "to_do_count": len(_to_do(terms)),
        "expired": sum(term.state == "breach" and term.to_do for term in terms),
        "coordinated": {m.organisation.pk for m in mine if m.coordinates},
        "my_turns": queries.turns_ahead(request.me, request.now),
        "rule_rest": int(REST.total_seconds() // 3600),
        "rule_days": DAYS_IN_A_ROW,
    }
    return render(request, "directory/duty.html", shown)


def _chosen(request: Signed, mine: list[Mine]) -> Mine:
    code = request.GET.get("organisation")
    if not code:
        return mine[0]
    found = next((m for m in mine if m.organisation.code == code), None)
    if found is None:
        raise Http404
    return found


def _day(request: Signed) -> date | None:
    try:
        day = date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return None
    return day if abs(day - today(request.now)) < timedelta(days=3650) else None


def _to_do(terms: list[queries.Term]) -> list[queries.Term]:
    return [term for term in terms if term.to_do]


def _urgent(week: Week, now: datetime) -> Any:
    """The nearest time within two days at which nobody at all is on the first line."""
    near = [
        found
        for found in week.gaps
        if found[2].line != "second" and found[2].window.start < now + SOON
    ]
    return min(near, key=lambda found: (found[2].why != "nobody", found[2].window), default=None)


@require_safe
@signed
def presence_board(request: Signed) -> HttpResponse:
    """The presence column alone, as the page fetches it every 30 seconds."""
    here = _chosen(request, queries.hospitals_of(request.me, request.now) or _nothing())
    people = queries.presence_now([here.organisation.pk], request.now)
    return render(request, "directory/presence_board.html", {"people": people, "here": here})


def _nothing() -> list[Mine]:
    raise Http404


@require_safe
@signed
def telephones(request: Signed) -> HttpResponse:
    """The day's list, to be read, printed, or kept by a client for when there is no network."""
    tables, alliances = _telephones(request)
    data = as_data(tables, alliances)
    etag = f'"{version(data)}-{get_language()}"'
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    one = request.GET.get("organisation")
    chosen = [table for table in tables if not one or table.organisation.code == one]
    if not chosen:
        raise Http404
    shown = {"tables": chosen, "all": tables, "one": one, "alliances": alliances,
             "version": version(data)}  # fmt: skip
    response = render(request, "directory/telephones.html", shown)
    response["ETag"] = etag
    return response


@require_safe
@signed
def telephones_data(request: Signed) -> HttpResponse:
    """The same list as JSON. Asked again with its ETag it costs no body."""
    data = as_data(*_telephones(request))
    etag = f'"{version(data)}-{get_language()}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = JsonResponse({"version": version(data), **data})
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _telephones(request: Signed) -> tuple[list[Telephones], list[Alliance]]:
    """Of my hospitals, and of those that may be asked by them."""
    mine = [m.organisation.pk for m in queries.hospitals_of(request.me, request.now)]
    if not mine:
        raise Http404
    asked = queries.answering_hospitals(mine, request.now)
    return queries.telephone_list([*mine, *asked], request.now), alliance_telephones(mine)


# -- turns -------------------------------------------------------------------------------------


@get_or_post
@signed
def turns(request: Signed) -> HttpResponse:
    code = request.POST.get("organisation") or request.GET.get("organisation", "")
    site = access.get_organisation_to_coordinate(request.me, code, today(request.now))
    people = access.colleagues(site.pk, today(request.now))
    if request.method != "POST":
        form = TurnForm(people=people, initial=_turn_start(request, site))
        return render(request, "directory/turn_form.html", {"form": form, "site": site})
    form = TurnForm(request.POST, people=people)
    if not form.is_valid():
        shown = {"form": form, "site": site}
        return render(request, "directory/turn_form.html", shown, status=422)
    given = dict(form.cleaned_data)
    person = given.pop("practitioner")
    actions.put_on_duty(person, organisation=site, by=request.me, now=request.now, **given)
    messages.success(request, _("%(name)s is on the roster.") % {"name": person.name})
    return see_other("duty", organisation=site)


def _turn_start(request: Signed, site: Organisation) -> dict[str, Any]:
    """What a gap in the grid already says: specialty, line, from when to when."""
    start = _day(request) or rostering_day(site.pk, request.now)
    clock = queries.week_roster(site.pk, start, now=request.now).handover
    begin = instant(start, clock, site.zone)
    end = instant(start + timedelta(days=1), clock, site.zone)
    return {
        "specialty": request.GET.get("specialty", ""),
        "line": request.GET.get("line", "first"),
        "start": begin,
        "end": end,
    }


@require_safe
@signed
def turn(request: Signed, turn: int) -> HttpResponse:
    found = access.get_turn_to_swap(request.me, turn, today(request.now))
    return _turn_page(request, found, _swap_form(request, found))


def _swap_form(request: Signed, found: Any, data: Any = None) -> SwapForm:
    people = access.colleagues(found.organisation_id, today(request.now))
    return SwapForm(data, duty=found, people=people)


def _turn_page(request: Signed, found: Any, form: SwapForm, status: int = 200) -> HttpResponse:
    shown = {
        "turn": found,
        "form": form,
        "line": LINES[found.line],
        "specialty": specialty_name(found.specialty) if found.specialty else "",
        "over": found.period.upper <= request.now,
        "coordinates": access.is_coordinator(request.me, found.organisation_id, today(request.now)),
        "swaps": found.swaps.filter(approved_at=None, refused_at=None).select_related("to"),
    }
    return render(request, "directory/turn.html", shown, status=status)


@require_POST
@signed
def turn_removal(request: Signed, turn: int) -> HttpResponse:
    found = access.get_turn_to_coordinate(request.me, turn, today(request.now))
    actions.take_off_duty(found, by=request.me, now=request.now)
    messages.success(request, _("The turn is off the roster."))
    return see_other("duty", organisation=found.organisation)


@require_POST
@signed
def turn_swaps(request: Signed, turn: int) -> HttpResponse:
    found = access.get_turn_to_swap(request.me, turn, today(request.now))
    form = _swap_form(request, found, request.POST)
    if not form.is_valid():
        return _turn_page(request, found, form, status=422)
    given = form.cleaned_data
    actions.ask_swap(found, given["to"], reason=given["reason"], by=request.me, now=request.now)
    messages.success(request, _("The swap waits for a coordinator's approval."))
    return see_other("duty", organisation=found.organisation)


@require_POST
@signed
def swap_approval(request: Signed, swap: int) -> HttpResponse:
    found = access.get_swap_to_approve(request.me, swap, today(request.now))
    actions.approve_swap(found, by=request.me, now=request.now)
    messages.success(request, _("%(name)s takes the turn.") % {"name": found.to.name})
    return see_other("duty", organisation=found.duty.organisation)


@require_POST
@signed
def swap_refusal(request: Signed, swap: int) -> HttpResponse:
    found = access.get_swap_to_approve(request.me, swap, today(request.now))
    actions.refuse_swap(found, by=request.me, now=request.now)
    messages.success(request, _("The swap is refused; the turn stays as it is."))
    return see_other("duty", organisation=found.duty.organisation)


# -- agreements --------------------------------------------------------------------------------


@get_or_post
@signed
def agreements(request: Signed) -> HttpResponse:
    mine = [site.pk for site in queries.coordinated_by(request.me, request.now)]
    if not mine:
        raise Http404
    alliances = access.alliances_of(request.me, today(request.now))
    others = Membership.objects.filter(alliance__in=alliances)
    places = {"mine": mine, "others": others.values_list("organisation_id", flat=True)}
    if request.method != "POST":
        form = AgreementForm(initial={"modes": ["consult"]}, **places)
        return render(request, "directory/agreement_form.html", {"form": form})
    form = AgreementForm(request.POST, **places)
    if not form.is_valid():
        return render(request, "directory/agreement_form.html", {"form": form}, status=422)
    given = dict(form.cleaned_data)
    asking, answering, modes = (given.pop(name) for name in ("asking", "answering", "modes"))
    actions.open_agreement(asking, answering, modes, by=request.me, now=request.now, **given)
    messages.success(request, _("The agreement is on record."))
    return see_other("duty")


@require_POST
@signed
def agreement_signature(request: Signed, agreement: int) -> HttpResponse:
    found = access.get_agreement_to_coordinate(request.me, agreement, today(request.now))
    actions.sign_agreement(found, by=request.me, now=request.now)
    messages.success(request, _("The agreement is signed."))
    return see_other("duty")


@require_POST
@signed
def agreement_end(request: Signed, agreement: int) -> HttpResponse:
    found = access.get_agreement_to_coordinate(request.me, agreement, today(request.now))
    actions.end_agreement(found, by=request.me, now=request.now)
    messages.success(request, _("The agreement has ended."))
    return see_other("duty")


# -- me ----------------------------------------------------------------------------------------


@require_safe
@signed
def me(request: Signed) -> HttpResponse:
    return _my_page(request, PresenceForm(initial=_said(request.me)), ChannelForm())


def _said(person: Practitioner) -> dict[str, Any]:
    presence = getattr(person, "presence", None)
    if presence is None:
        return {"state": "free"}
    return {
        "state": presence.state,
        "until": presence.until,
        "away_minutes": presence.away_minutes,
    }


def _my_page(
    request: Signed, presence_form: PresenceForm, channel_form: ChannelForm, status: int = 200
) -> HttpResponse:
    css, label = shown_presence(getattr(request.me, "presence", None), request.now)
    hospitals = queries.hospitals_of(request.me, request.now)
    shown = {
        "presence_form": presence_form,
        "channel_form": channel_form,
        "channels": queries.shown_channels(request.me, request.now),
        "night_ready": request.me.pk in queries.night_ready([request.me.pk], request.now),
        "presence_cls": css,
        "presence_label": label,
        "turns": queries.turns_ahead(request.me, request.now),
        "hospitals": hospitals,
        "coordinates": any(one.coordinates for one in hospitals),
        "administers": bool(
            access.organisations_of(request.me, today(request.now), (Role.Kind.ADMIN,))
        ),
        "sees_roots": bool(
            access.organisations_of(request.me, today(request.now), access.RECORD_KINDS)
        ),
        "offices": bool(
            access.organisations_of(request.me, today(request.now), access.OFFICE_KINDS)
        ),
        "local": LOCAL,
    }
    return render(request, "directory/me.html", shown, status=status)


@require_POST
@signed
def presence(request: Signed) -> HttpResponse:
    form = PresenceForm(request.POST)
    if not form.is_valid():
        return _my_page(request, form, ChannelForm(), status=422)
    actions.set_presence(request.me, by=request.me, now=request.now, **form.cleaned_data)
    messages.success(request, _("Everybody who may page you sees this now."))
    return see_other("me")


@require_POST
@signed
def channels(request: Signed) -> HttpResponse:
    form = ChannelForm(request.POST)
    if not form.is_valid():
        return _my_page(request, PresenceForm(initial=_said(request.me)), form, status=422)
    actions.add_channel(request.me, by=request.me, now=request.now, **form.cleaned_data)
    return see_other("me")


@require_POST
@signed
def channel_place(request: Signed, channel: int) -> HttpResponse:
    found = access.get_channel_of(request.me, channel)
    up = request.POST.get("move") == "up"
    actions.move_channel(found, up=up, by=request.me, now=request.now)
    return see_other("me")


@require_POST
@signed
def channel_removal(request: Signed, channel: int) -> HttpResponse:
    found = access.get_channel_of(request.me, channel)
    actions.remove_channel(found, by=request.me, now=request.now)
    return see_other("me")


@require_POST
@signed
def channel_test(request: Signed, channel: int) -> HttpResponse:
    found = access.get_channel_of(request.me, channel)
    actions.test_channel(found, by=request.me, now=request.now)
    messages.success(request, _("A test ring is on its way. When it rings, say so here."))
    return see_other("me")


@require_POST
@signed
def channel_proof(request: Signed, channel: int) -> HttpResponse:
    found = access.get_channel_of(request.me, channel)
    actions.prove_channel(found, by=request.me, now=request.now)
    messages.success(request, _("Proven for 7 days."))
    return see_other("me")
