"""How a person proves that it is they who sign. A hospital plugs its certified provider in here."""

from typing import Protocol

from jieli.directory.models import Practitioner


class SignatureProvider(Protocol):
    """`JIELI_SIGNATURE_PROVIDER` names a class of this shape."""

    name: str

    def proves(self, person: Practitioner, secret: str) -> bool:
        """Whether `secret`, entered again at the moment of signing, proves `person`."""
        ...


class PasswordProvider:
    """Re-entered password: an internal signature 内部签名, and labelled so."""

    name = "password"

    def proves(self, person: Practitioner, secret: str) -> bool:
        return person.account is not None and person.account.check_password(secret)
