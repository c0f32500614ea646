"""Turns on duty and their swaps. The database refuses a person in two places; we say it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from jieli.directory.access import today, valid_on
from jieli.directory.models import Duty, DutySwap, Organisation, Practitioner, Role, Specialty
from jieli.rules.refusal import Refused

LONGEST = timedelta(days=31)
DOUBLE_BOOKED = "%(name)s already has a turn at that time; take it off first."


@transaction.atomic
def put_on_duty(
    person: Practitioner,
    *,
    organisation: Organisation,
    specialty: Specialty | None,
    line: str,
    start: datetime,
    end: datetime,
    note: str = "",
    by: Practitioner,
    now: datetime,
) -> Duty:
    check_turn(line, specialty, start, end)
    lock_people([person.pk])
    require_role(person, organisation, start)
    if Duty.objects.filter(
        organisation=organisation,
        specialty=specialty,
        line=line,
        practitioner=person,
        period__overlap=DateTimeTZRange(start, end),
    ).exists():
        raise Refused(DOUBLE_BOOKED, name=person.name)
    duty = Duty(
        organisation=organisation,
        specialty=specialty,
        line=line,
        practitioner=person,
        period=DateTimeTZRange(start, end),
        note=note,
    )
    _save(duty, person)
    return duty


def take_off_duty(duty: Duty, *, by: Practitioner, now: datetime) -> None:
    """A turn that has begun ends now, a later one is gone; what was stays on the roster."""
    with transaction.atomic():
        turn = Duty.objects.select_for_update().filter(pk=duty.pk).first()
        if turn is None:
            raise Refused("This turn is no longer on the roster.")
        if turn.period.upper <= now:
            raise Refused("This turn is over.")
        if turn.period.lower >= now:
            turn.delete()
            return
        turn.period = DateTimeTZRange(turn.period.lower, now)
        turn.save(update_fields=["period"])


def ask_swap(
    duty: Duty, to: Practitioner, *, reason: str = "", by: Practitioner, now: datetime
) -> DutySwap:
    if duty.period.upper <= now:
        raise Refused("This turn is over.")
    if to == duty.practitioner:
        raise Refused("Choose another person to take the turn.")
    require_role(to, duty.organisation, duty.period.lower)
    with transaction.atomic():
        Duty.objects.select_for_update().get(pk=duty.pk)
        if duty.swaps.filter(to=to, approved_at=None, refused_at=None).exists():
            raise Refused("This swap has already been asked for.")
        return DutySwap.objects.create(duty=duty, to=to, asked_by=by, asked_at=now, reason=reason)


def approve_swap(swap: DutySwap, *, by: Practitioner, now: datetime) -> DutySwap:
    """The turn changes hands; a turn that has begun is cut in two at this instant."""
    with transaction.atomic():
        duty, swap = _open_swap(swap)
        if duty.period.upper <= now:
            raise Refused("This turn is over.")
        lock_people([swap.to_id])
        require_role(swap.to, duty.organisation, duty.period.lower)
        if duty.period.lower < now:
            _keep_what_was(duty, now)
        duty.practitioner = swap.to
        _save(duty, swap.to)
        swap.approved_by, swap.approved_at = by, now
        swap.save(update_fields=["approved_by", "approved_at"])
        DutySwap.objects.filter(duty=duty, approved_at=None, refused_at=None).update(refused_at=now)
    return swap


def refuse_swap(swap: DutySwap, *, by: Practitioner, now: datetime) -> None:
    with transaction.atomic():
        _, swap = _open_swap(swap)
        swap.refused_at = now
        swap.save(update_fields=["refused_at"])


def check_turn(line: str, specialty: Specialty | None, start: datetime, end: datetime) -> None:
    if line not in Duty.Line.values:
        raise Refused("There is no such line of duty.")
    if line in (Duty.Line.FIRST, Duty.Line.SECOND) and specialty is None:
        raise Refused("First and second line belong to a specialty; choose one.")
    if line == Duty.Line.OFFICER and specialty is not None:
        raise Refused("The duty officer serves the whole hospital; leave the specialty empty.")
    if end <= start:
        raise Refused("The turn ends before it begins.")
    if end - start > LONGEST:
        raise Refused("A turn lasts at most 31 days.")


def lock_people(ids: Iterable[int]) -> None:
    """One after the other per person: two raced inserts under an exclusion constraint deadlock."""
    people = Practitioner.objects.select_for_update(no_key=True).order_by("pk")
    list(people.filter(pk__in=ids).values_list("pk", flat=True))


def require_role(person: Practitioner, organisation: Organisation, at: datetime) -> None:
    held = Role.objects.filter(
        valid_on(today(at)), Q(practitioner=person), Q(organisation=organisation)
    )
    if not held.exists():
        raise Refused("%(name)s has no post at this hospital on that day.", name=person.name)


def _open_swap(swap: DutySwap) -> tuple[Duty, DutySwap]:
    """The turn first, then the swap: the same order for everybody."""
    duty = Duty.objects.select_for_update(of=("self",)).get(pk=swap.duty_id)
    swap = DutySwap.objects.select_for_update(of=("self",)).select_related("to").get(pk=swap.pk)
    if swap.approved_at or swap.refused_at:
        raise Refused("This swap has already been decided.")
    return duty, swap


def _keep_what_was(duty: Duty, now: datetime) -> None:
    """The part until now stays with whoever did it; `duty` goes on from now."""
    begun = duty.period.lower
    duty.period = DateTimeTZRange(now, duty.period.upper)
    duty.save(update_fields=["period"])
    Duty.objects.create(
        organisation_id=duty.organisation_id,
        specialty_id=duty.specialty_id,
        line=duty.line,
        practitioner_id=duty.practitioner_id,
        period=DateTimeTZRange(begun, now),
        note=duty.note,
    )


def _save(duty: Duty, person: Practitioner) -> None:
    try:
        with transaction.atomic():
            duty.save()
    except IntegrityError as fault:
        if "duty_not_double_booked" not in str(fault):
            raise
        raise Refused(DOUBLE_BOOKED, name=person.name) from None


def hand_turn(
    duty: Duty, to: Practitioner, *, start: datetime, end: datetime, now: datetime
) -> Duty:
    """Somebody else takes this part of a turn; what is before and after it stays as it was."""
    with transaction.atomic():
        turn = Duty.objects.select_for_update(of=("self",)).get(pk=duty.pk)
        start, end = max(start, turn.period.lower), min(end, turn.period.upper)
        if start >= end:
            raise Refused("This turn is over.")
        lock_people([to.pk])
        require_role(to, turn.organisation, start)
        whole, was = turn.period, turn.practitioner
        turn.period, turn.practitioner = DateTimeTZRange(start, end), to
        _save(turn, to)
        for begins, ends in ((whole.lower, start), (end, whole.upper)):
            if begins < ends:
                Duty.objects.create(
                    organisation_id=turn.organisation_id,
                    specialty_id=turn.specialty_id,
                    line=turn.line,
                    practitioner=was,
                    period=DateTimeTZRange(begins, ends),
                    note=turn.note,
                )
    return turn
