"""Telephone numbers are found in running text; measured values and dates are not."""

import pytest

from jieli.rules.telephones import HIDDEN, without_telephones


@pytest.mark.parametrize(
    "number",
    ["13800000000", "138 0000 0000", "138-0000-0000", "+86 13800000000", "0998-5550126",
     "010-55501001", "09985550126", "0998-5550126-801", "400-810-1234", "4008101234"],
)  # fmt: skip
def test_a_number_is_left_out(number):
    assert without_telephones(f"请回电{number}，谢谢") == f"请回电{HIDDEN}，谢谢"
    assert without_telephones(number) == HIDDEN


@pytest.mark.parametrize(
    "text",
    ["乳酸 2.1，每小时复查", "2026-03-01 12:45", "血压 120/80", "体重 3250 g", "14 小时内",
     "住院号 20260301138", "110101201603010012", "PT 13.8 s", "WBC 13800", ""],
)  # fmt: skip
def test_other_figures_stay(text):
    assert without_telephones(text) == text
