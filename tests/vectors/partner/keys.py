"""The keys of the published vectors: an authority, a hub, and the systems that send, each in the state that a case needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs import authority
from certs.authority import HubKeyRole, Issued
from certs.digests import b64u_encode
from certs.envelope import kid_of, seal_members
from certs.keys import generate_key
from certs.suites import KeySigner

HUB = "lintao-hub"
NOW = datetime(2026, 11, 22, 1, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)

SENDER, EDDSA_SENDER, OTHER = "lintao-approval", "lintao-finance", "lintao-office"
SUSPENDED, REVOKED, EXPIRED, STRANGER = "suspended-system", "revoked-system", "expired-system", "unknown-system"
SYSTEMS: dict[str, tuple[Literal["ES256", "EdDSA"], datetime, int]] = {
    SENDER: ("ES256", NOW - DAY, 365),
    EDDSA_SENDER: ("EdDSA", NOW - DAY, 365),
    OTHER: ("ES256", NOW - DAY, 365),
    SUSPENDED: ("ES256", NOW - DAY, 365),
    REVOKED: ("ES256", NOW - DAY, 365),
    EXPIRED: ("ES256", NOW - 31 * DAY, 30),
    STRANGER: ("ES256", NOW - DAY, 365),
}
"""Key and validity of each system's certificate; the last one is not registered with the hub."""


@dataclass
class Keys:
    """Everything that signs."""

    root: Issued
    issuing: Issued
    holders: dict[str, Issued] = field(default_factory=dict)

    @classmethod
    def make(cls) -> Keys:
        """Fresh keys."""
        root = authority.create_root("示例根", NOW - 40 * DAY)
        keys = cls(root, authority.create_issuing(root, "示例签发", NOW - 40 * DAY))
        for code, (algorithm, at, days) in SYSTEMS.items():
            key = generate_key(algorithm)
            csr = authority.make_csr(key, code)
            keys.holders[code] = Issued(key, authority.issue_system(keys.issuing, csr, code, "示例局", at, days))
        for name, role in (("receipts", HubKeyRole.RECEIPTS), ("pushes", HubKeyRole.PUSHES)):
            key = generate_key("EdDSA" if name == "pushes" else "ES256")
            certificate = authority.issue_hub_key(keys.issuing, key.public_key(), HUB, role, NOW - DAY, 365)
            keys.holders[name] = Issued(key, certificate)
        return keys

    def kid(self, holder: str) -> str:
        """The `kid` of a holder's certificate."""
        return kid_of(self.holders[holder].certificate.public_bytes(Encoding.DER))

    def signer(self, holder: str) -> KeySigner:
        """Signs as that holder."""
        return KeySigner(self.holders[holder].key, self.kid(holder))

    def pem(self, *holders: str) -> str:
        """Certificates in PEM; `root` and `issuing` are holders too."""
        found = {"root": self.root, "issuing": self.issuing} | self.holders
        return "".join(found[holder].certificate.public_bytes(Encoding.PEM).decode() for holder in holders)

    def private(self, holder: str) -> str:
        """The private key, published so that signatures can be made anew."""
        key = self.holders[holder].key
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def seal(self, holder: str, members: dict[str, Any], payload: bytes) -> bytes:
        """An envelope with exactly these names; `alg` and `kid` are the holder's unless given."""
        signer = self.signer(holder)
        return seal_members(signer, {"alg": signer.alg, "kid": signer.kid} | members, payload)

    def seal_text(self, holder: str, header: bytes, payload: bytes) -> bytes:
        """An envelope with this text as its header."""
        signing_input = b64u_encode(header) + b"." + b64u_encode(payload)
        return signing_input + b"." + b64u_encode(self.signer(holder).sign(signing_input))


def text(value: object) -> bytes:
    """JSON, short."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
