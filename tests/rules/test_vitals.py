"""Vital signs: typing errors, ranges by age, and the small line."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from jieli.rules import vitals
from jieli.rules.refusal import Refused

NOW = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "typed", "value"),
    [
        ("hr", "168", "168"),
        ("temp", "36.6", "36.6"),
        ("temp", "３６．６", "36.6"),  # full-width, as Chinese keyboards type
        ("temp", "36,6", "36.6"),
        ("spo2", " 90% ", "90"),
        ("ph", "7.28", "7.28"),
        ("crt", "3", "3.0"),
        ("weight", "2650", "2650"),
        ("hr", "0", "0"),  # an arrest is no typing error
    ],
)
def test_typed_value_is_read(code: str, typed: str, value: str) -> None:
    assert str(vitals.parse(code, typed)) == value


@pytest.mark.parametrize(
    ("code", "typed", "sentence"),
    [
        ("spo2", "900", "SpO₂ 900 cannot be right. 90?"),
        ("spo2", "101", "SpO₂ 101 cannot be right: write 10 to 100."),
        ("temp", "366", "Temperature 366 cannot be right. 36.6?"),
        ("ph", "728", "pH 728 cannot be right. 7.28?"),
        ("weight", "2.65", "Weight 2.65 cannot be right. 2650?"),
        ("hr", "1620", "Heart rate 1620 cannot be right. 162?"),
        ("hr", "-5", "Heart rate -5 cannot be right: write 0 to 350."),
        ("hr", "16a", "Heart rate: “16a” is not a number."),
        ("hr", "1e3", "Heart rate: “1e3” is not a number."),
        ("hr", "NaN", "Heart rate: “NaN” is not a number."),
        ("hr", "9" * 40, "is not a number."),
        ("gcs", "2", "GCS 2 cannot be right: write 3 to 15."),
        ("effort", "heavy", "Breathing effort: choose one of the given words."),
        ("mood", "1", "Unknown vital sign: mood."),
    ],
)
def test_typing_error_is_refused_with_a_sentence(code: str, typed: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        vitals.parse(code, typed)
    assert sentence in str(refused.value)


def test_choices_are_kept_as_codes() -> None:
    assert vitals.parse("effort", "moderate") == "moderate"
    assert vitals.parse("stability", "S3") == "S3"


def test_swapped_pressures_are_noticed() -> None:
    with pytest.raises(Refused, match="swapped"):
        vitals.check_together({"sbp": Decimal(40), "dbp": Decimal(60)})
    vitals.check_together({"sbp": Decimal(60), "dbp": Decimal(40)})


@pytest.mark.parametrize(
    ("typed", "band"),
    [
        ("10 小时", "newborn"), ("10小时", "newborn"), ("2 天", "newborn"), ("3周", "newborn"),
        ("28 天", "infant"), ("3个月", "infant"), ("6月龄", "infant"), ("11 mo", "infant"),
        ("2岁", "child"), ("4周岁", "child"), ("5 years", "school"), ("12岁", "school"),
        ("约 60 岁", "adult"), ("13y", "adult"), ("新生儿", "newborn"),
        ("", ""), ("老年", ""), ("30m", ""),
    ],
)  # fmt: skip
def test_age_as_typed(typed: str, band: str) -> None:
    assert vitals.age_band(None, typed, NOW) == band


def test_birth_counts_before_the_typed_age() -> None:
    assert vitals.age_band(NOW - timedelta(hours=9), "60 岁", NOW) == "newborn"
    assert vitals.age_band(NOW + timedelta(hours=1), "", NOW) == ""


@pytest.mark.parametrize(
    ("code", "value", "band", "grade"),
    [
        ("hr", "168", "newborn", "high"), ("hr", "120", "newborn", "normal"),
        ("hr", "50", "adult", "low"), ("rr", "72", "newborn", "high"),
        ("spo2", "90", "newborn", "low"), ("crt", "3.0", "newborn", "high"),
        ("glucose", "2.5", "newborn", "low"), ("lactate", "4.2", "adult", "high"),
        ("hr", "168", "", ""), ("weight", "2650", "newborn", ""),
    ],
)  # fmt: skip
def test_grade(code: str, value: str, band: str, grade: str) -> None:
    assert vitals.grade(code, Decimal(value), band) == grade


def test_every_row_can_hold_its_own_normal_range_and_cites_a_source() -> None:
    for row in vitals.VITALS.values():
        assert row.source
        for low, high in row.normal.values():
            assert row.low <= low <= high <= row.high, row.code


def test_danger_signs_are_a_draft_with_a_source() -> None:
    assert vitals.STATUS == "draft"
    assert len(vitals.DANGER_SIGNS) == 12
    assert len({sign.code for sign in vitals.DANGER_SIGNS}) == 12
    assert all("content.md" in sign.source for sign in vitals.DANGER_SIGNS)


def test_spark_stays_in_its_box_and_shows_the_normal_band() -> None:
    points = [(NOW + timedelta(minutes=15 * i), Decimal(170 - 4 * i)) for i in range(5)]
    spark = vitals.spark(points, vitals.normal_range("hr", "newborn"))
    assert spark is not None
    numbers = [float(n) for n in spark.line.replace("M", "").replace("L", " ").split()]
    assert numbers[0::2] == [0, 25, 50, 75, 100]
    assert all(0 <= y <= vitals.HEIGHT for y in numbers[1::2])
    assert numbers[1] < numbers[-1]  # falling values run down the picture
    assert float(spark.band_height) > 0


def test_spark_of_one_value_is_a_point_at_the_right() -> None:
    assert vitals.spark([], None) is None
    spark = vitals.spark([(NOW, Decimal(7))], None)
    assert spark is not None
    assert spark.end.startswith("M100.0 ")
    assert spark.band_y == ""
