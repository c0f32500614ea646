"""Step-up: that the person was asked again just now, for one page or for their own settings."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest

from jieli.record.signatures import HOLDS, proof
from jieli.web.now import wall

KEY = "jieli_proof"
ANYTHING = ""


@dataclass(frozen=True, slots=True)
class Proof:
    method: str  # password, passkey or totp
    at: datetime
    purpose: str  # the address of the page that asked


def remember(request: HttpRequest, method: str, purpose: str = ANYTHING) -> None:
    request.session[KEY] = [request.user.pk, method, wall().timestamp(), purpose]


def forget(request: HttpRequest) -> None:
    request.session.pop(KEY, None)


def recent(request: HttpRequest) -> Proof | None:
    """The last time that this person was asked, while it counts."""
    held = request.session.get(KEY)
    if not held or held[0] != request.user.pk:
        return None
    found = Proof(held[1], datetime.fromtimestamp(held[2], UTC), held[3])
    return found if (wall() - found.at).total_seconds() < HOLDS else None


def signing_proof(request: HttpRequest) -> Proof | None:
    """Only one that was made for this very page: signing in an hour of calm does not count."""
    found = recent(request)
    return found if found and found.purpose == request.path else None


def secret_of(request: HttpRequest, found: Proof | None) -> str:
    return proof(request.user.pk, found.method) if found and request.user.pk else ""
