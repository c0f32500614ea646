"""What another system may be allowed to do. One word for each door; nothing contains another."""

from collections.abc import Collection

SCOPES = (
    "fhir.read",
    "fhir.write",
    "hl7v2.receive",
    "dicomweb.read",
    "dicomweb.write",
)
LONGEST_DAYS = 366


def unknown(asked: Collection[str]) -> set[str]:
    return set(asked) - set(SCOPES)


def allows(held: Collection[str], needed: str) -> bool:
    """An empty need is met by any valid token: the system asks who it is."""
    return not needed or needed in held
