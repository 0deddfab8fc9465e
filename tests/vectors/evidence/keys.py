"""The county that the test vectors of evidence come from: an authority, a log, and keys of its hub and systems."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from certs import authority
from certs.authority import HubKeyRole, Issued
from certs.checkpoint import Checkpoint, parse_verifier_key, sign, verifier_key
from certs.envelope import kid_of
from certs.keys import generate_key
from certs.suites import KeySigner

HUB = "lintao-hub"
NOW = datetime(2026, 11, 22, 1, 0, 0, 250000, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class Keys:
    """An authority, a log, and certificates issued under them."""

    root: Issued
    issuing: Issued
    log: Ed25519PrivateKey
    holders: dict[str, Issued] = field(default_factory=dict)

    @classmethod
    def make(cls) -> Keys:
        """Fresh keys for hub, sender and consumer."""
        root = authority.create_root("示例根", NOW - 400 * 24 * HOUR)
        issuing = authority.create_issuing(root, "示例签发", NOW - 400 * 24 * HOUR)
        keys = cls(root, issuing, Ed25519PrivateKey.generate())
        keys.hub("receipt")
        keys.hub("projections", HubKeyRole.PROJECTIONS)
        for code in ("sender", "consumer"):
            keys.system(code)
        return keys

    def hub(self, holder: str, role: HubKeyRole = HubKeyRole.RECEIPTS, hub: str = HUB) -> None:
        """A key of the hub."""
        key = generate_key("ES256")
        self.holders[holder] = Issued(
            key, authority.issue_hub_key(self.issuing, key.public_key(), hub, role, NOW - HOUR, 365)
        )

    def system(self, holder: str, code: str = "", *, at: datetime = NOW - HOUR, days: int = 365) -> None:
        """A key of a partner system."""
        key = generate_key("ES256")
        csr, code = authority.make_csr(key, code or holder), code or holder
        self.holders[holder] = Issued(key, authority.issue_system(self.issuing, csr, code, "示例局", at, days))

    def signer(self, holder: str) -> KeySigner:
        """Signs as that holder."""
        return KeySigner(self.holders[holder].key, self.kid(holder))

    def kid(self, holder: str) -> str:
        """The `kid` of that holder."""
        return kid_of(self.der(holder))

    def der(self, holder: str) -> bytes:
        """The certificate of that holder, or of `root` or `issuing`."""
        found = {"root": self.root, "issuing": self.issuing}.get(holder) or self.holders[holder]
        return found.certificate.public_bytes(Encoding.DER)

    def ca_pem(self) -> bytes:
        """The anchor."""
        return self.root.certificate.public_bytes(Encoding.PEM)

    def log_pub(self) -> str:
        """The log's key."""
        return verifier_key(HUB, self.log.public_key())

    def checkpoint(self, size: int, root: bytes, origin: str = HUB) -> bytes:
        """A signed note."""
        key = parse_verifier_key(verifier_key(origin, self.log.public_key()))
        return sign(Checkpoint(origin, size, root), KeySigner(self.log, "log"), key)
