"""What of the chart belongs to one person; the case itself is checked by the spine."""

from uuid import UUID

from django.http import Http404

from jieli.chart.models import Incoming
from jieli.directory.models import Practitioner


def get_incoming_for(person: Practitioner, case_key: UUID, key: UUID) -> Incoming:
    """An upload under way is its sender's alone."""
    found = (
        Incoming.objects.select_related("original_of")
        .filter(by=person, case_key=case_key, key=key)
        .first()
    )
    if found is None:
        raise Http404
    return found
