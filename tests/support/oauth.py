"""A partner's side of the token endpoint, made without the product's code where a stranger would, and a small registry."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from certs.digests import b64u_encode
from certs.keys import generate_key
from certs.suites import PrivateKey, Verifier
from hub.registry.picture import SignerState, SystemState

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
ISSUER = "http://127.0.0.1:8640"
ENDPOINT = f"{ISSUER}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def kid(number: int) -> str:
    """A well-formed `kid`, another for each number."""
    return b64u_encode(number.to_bytes(32, "big")).decode()


@dataclass
class FakePartner:
    """A system with a key, as the picture shows it and as its own software sees itself."""

    code: str
    key: PrivateKey
    signer: SignerState

    @classmethod
    def make(cls, code: str, algorithm: Literal["ES256", "EdDSA"] = "ES256", *, number: int = 1) -> "FakePartner":
        """An active system with an active certificate, valid for an hour around `NOW`."""
        key = generate_key(algorithm)
        system = SystemState(UUID(int=number), code, "active", UUID(int=number + 100), "11621124000000001X", "621124")
        hour = timedelta(hours=1)
        signer = SignerState(kid(number), system, Verifier(key.public_key()), "active", "", NOW - hour, NOW + hour)
        return cls(code, key, signer)


@dataclass
class FakeRegistry:
    """What tokens look at, in a form that a test can change."""

    partners: list[FakePartner] = field(default_factory=list)

    def system(self, code: str) -> SystemState | None:
        """The system with this code."""
        return next((p.signer.system for p in self.partners if p.code == code), None)

    def certificate(self, wanted: str) -> SignerState | None:
        """The certificate with this kid."""
        return next((p.signer for p in self.partners if p.signer.kid == wanted), None)

    def change_system(self, code: str, **changes: Any) -> None:
        """Change a system's state."""
        for partner in self.partners:
            if partner.code == code:
                partner.signer = replace(partner.signer, system=replace(partner.signer.system, **changes))

    def change_certificate(self, wanted: str, **changes: Any) -> None:
        """Change a certificate's state."""
        for partner in self.partners:
            if partner.signer.kid == wanted:
                partner.signer = replace(partner.signer, **changes)


def claims(code: str, *, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Sound claims; a change of None leaves the claim out."""
    here = int(now.timestamp())
    sound = {"iss": code, "sub": code, "aud": ENDPOINT, "iat": here, "exp": here + 60, "jti": str(uuid4())}
    return {name: value for name, value in (sound | changes).items() if value is not None}


def sign(key: PrivateKey, kid: str, body: Mapping[str, Any], **header: Any) -> str:
    """An assertion, signed by joserfc as a stranger would; a header of None is left out."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    is_ed25519 = type(key).__name__.startswith("Ed25519")
    jwk: ECKey | OKPKey = OKPKey.import_key(pem) if is_ed25519 else ECKey.import_key(pem)
    alg = "EdDSA" if is_ed25519 else "ES256"
    sound = {"alg": alg, "kid": kid, "typ": "JWT"} | header
    named = {name: value for name, value in sound.items() if value is not None}
    with warnings.catch_warnings():
        # joserfc would rather have RFC 9864's name for it; the contract says EdDSA.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(named, dict(body), jwk, algorithms=[alg])


def form(assertion: str, **changes: str | None) -> dict[str, str]:
    """The parameters of a token request; a change of None leaves one out."""
    sound: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}
