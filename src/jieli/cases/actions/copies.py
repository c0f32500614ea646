"""A copy for the patient: over all their cases at one hospital, on record in each of them."""

from datetime import datetime

from jieli.cases.actions.spine import lock_case, log
from jieli.cases.models import Case, PatientCopy
from jieli.cases.queries.words import RELATIONS
from jieli.directory.models import Practitioner
from jieli.record.actions import action
from jieli.rules import uploads
from jieli.rules.refusal import Refused


@action
def give_copy(
    case: Case, *, given_to: str, relation: str, by: Practitioner, now: datetime
) -> PatientCopy:
    """Who gets it is written into every case that it holds, before it can be read."""
    who = uploads.plain(given_to, 80)
    if not who or relation not in RELATIONS:
        raise Refused("Write who receives the copy, and what they are to the patient.")
    copy = PatientCopy.objects.create(
        patient=case.patient,
        organisation=case.organisation,
        given_to=who,
        relation=relation,
        by=by,
        at=now,
    )
    alike = Case.objects.filter(patient=case.patient, organisation=case.organisation)
    for pk in alike.order_by("chain_id").values_list("pk", flat=True):  # one order for everybody
        log(
            lock_case(pk),
            "copy_given",
            by=by,
            now=now,
            copy=str(copy.key),
            given_to=who,
            relation=relation,
        )
    return copy
