"""Who may say what a hospital has. Fetching is authorising; nothing is the default."""

from datetime import date

from django.http import Http404

from jieli.directory.access import TREATING_KINDS, organisations_of
from jieli.directory.models import Organisation, Practitioner
from jieli.missions.models import Vehicle


def get_site_to_count(person: Practitioner, code: str, on: date) -> Organisation:
    """A hospital where this person treats or sits at the desk."""
    mine = organisations_of(person, on, TREATING_KINDS)
    site = Organisation.objects.filter(code=code, pk__in=mine).first()
    if site is None:
        raise Http404
    return site


def get_vehicle_to_count(person: Practitioner, vehicle: int, on: date) -> Vehicle:
    mine = organisations_of(person, on, TREATING_KINDS)
    found = Vehicle.objects.filter(pk=vehicle, organisation__in=mine).first()
    if found is None:
        raise Http404
    return found
