"""What a verifier trusts beforehand; nothing that is verified adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from certs.checkpoint import VerifierKey, parse_verifier_key
from certs.paths import read_certificates


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the verifier trusts beforehand: certificates of authorities, and the key of the log."""

    authorities: Sequence[x509.Certificate]
    log: VerifierKey

    @classmethod
    def read(cls, ca_pem: bytes, log_pub: str) -> Anchors:
        """The anchors in `ca.pem` and `log.pub`. Raises ValueError, CheckpointError."""
        return cls(read_certificates(ca_pem), parse_verifier_key(log_pub.strip()))
