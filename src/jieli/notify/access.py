"""A message is seen by the person it is for, and by nobody else."""

from uuid import UUID

from django.db import connection
from django.http import Http404

from jieli.directory.models import Practitioner
from jieli.notify.models import Message


def get_message_for(person: Practitioner, key: UUID) -> Message:
    message = Message.objects.filter(practitioner=person, key=key).first()
    if message is None:
        raise Http404
    return message


def person_rung_by(attempt: UUID) -> Practitioner | None:
    """Whom an attempt called. A gateway's report acts with the rights of this person."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT jieli_rung_by(%s)", [attempt])
        [found] = cursor.fetchone()
    return Practitioner.objects.filter(pk=found).first()
