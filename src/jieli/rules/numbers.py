"""One spelling of a number that names or reaches a person, however it was typed. Pure."""

import re
import unicodedata

MINUS = "\u2212"  # typed instead of a dash, and no dash to Unicode
CROSSES = str.maketrans(
    {"×": "X", "✕": "X", "✖": "X", "Х": "X"}
)  # 身份证 ends in X; last: Cyrillic
CHINESE_ID = re.compile(r"[0-9]{17}[0-9X]\Z")
MOBILE = re.compile(r"(?:\+|00)?86(1[3-9][0-9]{9})\Z")
ABROAD = re.compile(r"(?:\+86|0086)([1-9][0-9]{8,12})\Z")  # a line with its area code, from abroad
NAMES_SOMEBODY = re.compile(r"\+?[0-9](?:[ ()-]{0,2}[0-9]){6,}[Xx]?|[^\s<>\"']+@[^\s<>\"']+")
CALLED = frozenset({"telephone", "mother"})  # a mother is often known by her telephone


def plain(text: str) -> str:
    """Half-width, capitals, digits of any script as 0 to 9; no spaces, dashes or hidden signs."""
    if text.isascii() and text.isalnum():
        return text.upper()
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(_digit(c) for c in folded if not _is_between(c))


def _digit(char: str) -> str:
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


def _is_between(char: str) -> bool:
    dash = unicodedata.category(char) == "Pd" or char == MINUS
    return dash or char.isspace() or not char.isprintable()


def normal(kind: str, text: str) -> str:
    """Equal for the same number, whoever typed it: what is compared, never what is shown."""
    value = plain(text)
    if CHINESE_ID.match(crossed := value.translate(CROSSES)):
        return crossed
    return _called(value) if kind in CALLED else value


def _called(value: str) -> str:
    """A telephone as it is dialled inside the country."""
    bare = re.sub(r"[().,/·_]", "", value)
    if found := MOBILE.match(bare):
        return found[1]
    if found := ABROAD.match(bare):
        return "0" + found[1]
    return bare if re.search(r"[0-9]", bare) else value


def masked(text: str) -> str:
    """What another system said, without the number or mail address that it may repeat.

    Seven digits and more: shorter ones are mostly codes of an error, and worth knowing.
    """
    return NAMES_SOMEBODY.sub("…", text)
