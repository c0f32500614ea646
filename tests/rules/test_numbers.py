"""The same number, typed as people type it."""

import pytest

from jieli.rules.numbers import masked, normal, plain

SAME = [
    ("national_id", "65010119900307123X", "65010119900307123x"),
    ("national_id", "65010119900307123X", "６５０１０１１９９００３０７１２３Ｘ"),
    ("national_id", "65010119900307123X", "650101 19900307 123X"),
    ("national_id", "65010119900307123X", "650101-19900307-123×"),
    ("national_id", "65010119900307123X", "65010119900307123Х"),  # Cyrillic
    ("national_id", "65010119900307123X", "650101\u200b19900307\u00a0123X"),
    ("hospital_number", "ZY2026000123", "zy2026—000123"),
    ("hospital_number", "ZY2026000123", "ＺＹ２０２６\u3000０００１２３"),
    ("hospital_number", "0123", "٠١٢٣"),  # Arabic-Indic digits
    ("telephone", "13899012345", "+86 138-9901-2345"),
    ("telephone", "13899012345", "＋８６　１３８９９０１２３４５"),
    ("telephone", "13899012345", "0086 138 9901 2345"),
    ("telephone", "13899012345", "86-13899012345"),
    ("telephone", "13899012345", "(86) 138.9901.2345"),
    ("telephone", "09985550100", "+86 998 555 0100"),
    ("telephone", "09985550100", "（0998）555-0100"),
    ("mother", "13899012345", "+86 13899012345"),
    ("mother", "65010119900307123X", "65010119900307123x"),
]
DIFFERENT = [
    ("national_id", "650101199003071234", "650101199003071235"),
    ("hospital_number", "8613899012345", "13899012345"),  # not a telephone: the prefix counts
    ("hospital_number", "0123", "123"),
    ("telephone", "8601012345", "01012345"),  # too short for a mobile number: nothing is cut off
    ("insurance", "A×1", "AX1"),  # only a Chinese identity number has its X mended
    ("telephone", "0998-5550100-801", "0998-5550100-802"),
    ("mother", "古丽", "阿依"),
]


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_the_same_number(kind, one, other):
    assert normal(kind, one) == normal(kind, other)


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_another_number(kind, one, other):
    assert normal(kind, one) != normal(kind, other)


@pytest.mark.parametrize("text", ["", "  ", "—", "\u200b", "- -"])
def test_nothing_stays_nothing(text):
    assert plain(text) == "" == normal("telephone", text)


@pytest.mark.parametrize(("kind", "one", "_other"), SAME)
def test_normal_is_settled(kind, one, _other):
    assert normal(kind, normal(kind, one)) == normal(kind, one)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The telephone gateway refused: 13899012345 is no number", "… is no number"),
        ("refused: +86 138-9901-2345", "refused: …"),
        ("refused (0998) 555-0100.", "refused (…."),
        ("65010119900307123X unknown", "… unknown"),
        ("no such mailbox: who@hospital.cn", "no such mailbox: …"),
        ("error 310000, status 503", "error 310000, status 503"),
    ],
)
def test_what_others_say_is_kept_without_the_number(said, kept):
    assert masked(said).endswith(kept)
    assert not any(part in masked(said) for part in ("9901", "9003", "0100", "who@"))
