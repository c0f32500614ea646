"""How a person proves that it is they who sign. A hospital plugs its certified provider in here."""

from typing import Protocol

from django.core import signing

from jieli.directory.models import Practitioner
from jieli.record.models import INTERNAL

HOLDS = 5 * 60  # seconds from a step-up to the signature that it was made for
_SALT = "jieli.signature.proof"


class SignatureProvider(Protocol):
    """`JIELI_SIGNATURE_PROVIDER` names a class of this shape."""

    name: str

    def proves(self, person: Practitioner, secret: str) -> bool:
        """Whether `secret`, given at the moment of signing, proves `person`.

        It is what the person typed, or the word of `proof` for a step-up that the front door saw.
        """
        ...


class PasswordProvider:
    """Re-entered password, or a passkey or code just shown: an internal signature 内部签名."""

    name = "password"

    def proves(self, person: Practitioner, secret: str) -> bool:
        if person.account is None or not person.account.is_active:
            return False
        if method := _proven(person.account.pk, secret):
            self.name = method
            return True
        return bool(secret) and person.account.check_password(secret)


def proof(account_id: int, method: str) -> str:
    """Our own word that the person behind an account was just asked again. Never sent out."""
    return signing.dumps({"account": account_id, "method": method}, salt=_SALT)


def _proven(account_id: int, secret: str) -> str:
    try:
        said = signing.loads(secret, salt=_SALT, max_age=HOLDS)
    except signing.BadSignature:
        return ""
    ours = said.get("account") == account_id and said.get("method") in INTERNAL
    return str(said["method"]) if ours else ""
