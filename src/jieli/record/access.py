"""Who looks after the record of an installation: its roots, not its cases."""

from datetime import date

from django.http import Http404

from jieli.directory.access import RECORD_KINDS, organisations_of
from jieli.directory.models import Practitioner


def require_record_kind(person: Practitioner | None, on: date) -> None:
    """404 for whoever is director, quality officer or administrator nowhere."""
    if not organisations_of(person, on, RECORD_KINDS):
        raise Http404
