"""Telephone numbers in what people typed: left out of what is handed to somebody else."""

import re

HIDDEN = "（号码略）"
# A mobile number, a fixed line with its area code, or 400/800; never part of a longer number.
_NUMBER = re.compile(
    r"(?<![\d.])(?:\+?86[ -]?)?(?:1[3-9]\d(?:[ -]?\d{4}){2}|0\d{2,3}[ -]?\d{7,8}(?:-\d{1,5})?"
    r"|[48]00(?:[ -]?\d{3,4}){2})(?![\d.]*\d)"
)


def without_telephones(text: str) -> str:
    return _NUMBER.sub(HIDDEN, text)
