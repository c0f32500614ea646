"""Who has the bed, the device, the cartridge now: look, and confirm with one tap."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jieli.cases.forms import checked
from jieli.directory.access import today
from jieli.directory.views import Signed, signed
from jieli.missions import access
from jieli.missions.actions.resources import (
    add_slot,
    confirm_resource,
    confirm_slot,
    confirm_vehicle,
)
from jieli.missions.forms import SlotForm
from jieli.missions.queries.resources import counted
from jieli.rules.refusal import Refused


@require_safe
@signed
def resources(request: Signed) -> HttpResponse:
    shown = {"counted": counted(request.me, request.now)}
    return render(request, "missions/resources.html", shown)


@require_POST
@signed
def resource(request: Signed, site: str, kind: str) -> HttpResponse:
    place = access.get_site_to_count(request.me, site, today(request.now))
    free = request.POST.get("free", "")
    if not (free.isascii() and free.isdigit() and len(free) <= 3):
        raise Refused("Write how many are free, from 0 to 999.")
    note = request.POST.get("note", "").strip()
    confirm_resource(place, kind, int(free), by=request.me, now=request.now, note=note)
    return _back(request)


@require_POST
@signed
def vehicle(request: Signed, vehicle: int) -> HttpResponse:
    found = access.get_vehicle_to_count(request.me, vehicle, today(request.now))
    confirm_vehicle(found, request.POST.get("state", ""), by=request.me, now=request.now)
    return _back(request)


@require_POST
@signed
def new_resource(request: Signed) -> HttpResponse:
    """The form names hospital and thing; the rest is as if it stood there already."""
    site, kind = request.POST.get("organisation", ""), request.POST.get("kind", "")
    return resource(request, site=site, kind=kind)


@require_POST
@signed
def new_slot(request: Signed) -> HttpResponse:
    site = request.POST.get("organisation", "")
    place = access.get_site_to_count(request.me, site, today(request.now))
    given = checked(SlotForm(request.POST))
    add_slot(place, given["starts_at"], given["room"], by=request.me, now=request.now)
    return _back(request)


@require_POST
@signed
def slot(request: Signed, slot: int) -> HttpResponse:
    found = access.get_slot_to_count(request.me, slot, today(request.now))
    confirm_slot(found, request.POST.get("state", ""), by=request.me, now=request.now)
    return _back(request)


def _back(request: Signed) -> HttpResponse:
    messages.success(request, _("Confirmed."))
    return HttpResponseRedirect(reverse("missions:resources"), status=303)
