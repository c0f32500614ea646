"""What people do at the door, without a browser; and a device that holds a passkey."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

PASSWORD = "correct horse battery"


def sign_in(client, number, password=PASSWORD, **more):
    return client.post("/signin/", {"username": number, "password": password, **more})


def signed_in(client):
    return "_auth_user_id" in client.session


def written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Device:
    """What a telephone does with a passkey, by the words of WebAuthn."""

    def __init__(self, place: str = "testserver", origin: str = "") -> None:
        self.place, self.origin = place, origin or f"https://{place}"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.number = os.urandom(32)
        self.holder = ""

    def create(self, options: dict) -> str:
        asked = options["publicKey"]
        self.holder = asked["user"]["id"]
        credential = AttestedCredentialData.create(
            Aaguid.NONE, self.number, ES256.from_cryptography_key(self.key.public_key())
        )
        data = self._data(0x45, credential)
        said = AttestationObject.create("none", data, {})
        return self._answer(
            self._client("webauthn.create", asked["challenge"]), {"attestationObject": said}
        )

    def get(self, options: dict, *, verified: bool = True, challenge: str = "") -> str:
        asked = options["publicKey"]
        data = self._data(0x05 if verified else 0x01)
        client = self._client("webauthn.get", challenge or asked["challenge"])
        signature = self.key.sign(
            bytes(data) + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        said = {"authenticatorData": data, "signature": signature}
        return self._answer(client, said, {"userHandle": self.holder})

    def _data(self, flags: int, credential: bytes = b"") -> AuthenticatorData:
        place = hashlib.sha256(self.place.encode()).digest()
        return AuthenticatorData.create(place, flags, 0, credential)

    def _client(self, kind: str, challenge: str) -> bytes:
        return CollectedClientData.create(kind, challenge, self.origin)

    def _answer(self, client: bytes, said: dict, more: dict | None = None) -> str:
        parts = {name: written(bytes(value)) for name, value in said.items()}
        return json.dumps(
            {
                "id": written(self.number),
                "rawId": written(self.number),
                "type": "public-key",
                "clientExtensionResults": {"credProps": {"rk": True}},
                "response": {"clientDataJSON": written(client), **parts, **(more or {})},
            }
        )


def with_passkey(client) -> Device:
    """Register one for whoever has just signed in."""
    device = Device()
    options = client.get("/me/security/passkeys/").json()
    answer = client.post(
        "/me/security/passkeys/", {"credential": device.create(options), "name": "手机"}
    )
    assert answer.status_code == 303, answer.content.decode()
    return device
