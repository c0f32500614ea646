"""A small alliance in an empty database: everybody on duty now, each with a telephone."""

from __future__ import annotations

import tests.faults.doomed  # noqa: F401 - its quick password hash, as in the processes

# isort: split
import django

django.setup()

from jieli.directory.models import Channel, Practitioner, Role  # noqa: E402
from tests.cases.real import RealWorld  # noqa: E402
from tests.faults.people import telephone  # noqa: E402

CROWD = 100


def settle() -> None:
    world = RealWorld()
    for turn in range(CROWD):  # experts who may accept; nobody rings them by themselves
        world.person(f"crowd{turn:03}", world.hub, Role.Kind.EXPERT, specialty=world.surgery)
    people = list(Practitioner.objects.order_by("pk"))
    for turn, person in enumerate(people):
        loud = not person.number.startswith("crowd")
        Channel.objects.create(
            practitioner=person,
            kind="gateway",
            address=telephone(turn),
            rings=loud,
            order=1,
        )
        if loud:  # what must not ring goes as a text message
            Channel.objects.create(
                practitioner=person, kind="gateway", address=f"1580000{turn:04}", order=2
            )


if __name__ == "__main__":
    settle()
