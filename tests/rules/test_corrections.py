"""Which corrections are understood, and the one sentence for the others."""

import pytest

from jieli.rules.corrections import check_correction, minutes_late
from jieli.rules.refusal import Refused

GOOD = [
    ("stability", "S2"),
    ("link", "failed"),
    ("sign:volvulus", "yes"),
    ("departure:12@2026-03-01", "full"),
    ("departure:12@2026-03-01", "cancelled"),
    ("departure:12@2026-03-01", "+40"),
    ("road:sch:PVG", "75"),
    ("resource:kashgar2:nicu_bed", "0"),
    ("person:SCH-0101", "awake:18"),
    ("person:SCH-0101", "unavailable"),
    ("vehicle:3", "away"),
    ("prep:preparation", "40"),
    ("now-fit-event:birth", "60"),
    ("release", "0"),
]
BAD = [
    ("", ""),
    ("weather", "bad"),
    ("stability", "S4"),
    ("stability:", "S1"),
    ("sign:volvulus", "perhaps"),
    ("departure:12", "full"),
    ("departure:12@2026-02-30", "full"),
    ("departure:12@2026-03-01", "40"),
    ("departure:12@2026-03-01", "+0"),
    ("departure:12@2026-03-01", "+9999"),
    ("departure:x@2026-03-01", "full"),
    ("road:sch", "75"),
    ("road:sch:PVG", "0"),
    ("road:sch:PVG", "-5"),
    ("road:sch:PVG", "７５"),
    ("resource:kashgar2:dragon", "1"),
    ("resource:kashgar2:nicu_bed", "1000"),
    ("person:SCH-0101", "awake:73"),
    ("person:SCH 0101", "unavailable"),
    ("vehicle:3", "broken"),
    ("link", "passed "),
    ("release", "99999"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_understood(name, value):
    check_correction(name, value)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_refused_with_one_sentence(name, value):
    with pytest.raises(Refused) as refusal:
        check_correction(name, value)
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize(("value", "minutes"), [("+40", 40), ("full", 0), ("", 0)])
def test_minutes_late(value, minutes):
    assert minutes_late(value) == minutes
