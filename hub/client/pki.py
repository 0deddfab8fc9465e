"""Keys and certificates on a partner's side: read from PEM, and followed up to an anchor that the partner already has.

Revocation is the hub's to judge when it accepts; here a certificate must have been valid at the time its signature claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.paths import (
    MAX_PATH,
    PathError,
    certificate_kid,
    find_path,
    is_valid_at,
    may_sign_messages,
    names,
    read_certificates,
)
from certs.suites import PrivateKey
from hub.client.errors import TrustError

__all__ = [
    "MAX_PATH",
    "certificate_kid",
    "check_path",
    "is_key_of",
    "is_valid_at",
    "may_sign_messages",
    "names",
    "read_certificates",
    "read_private_key",
]


def read_private_key(pem: bytes) -> PrivateKey:
    """The key in an unencrypted PKCS#8 PEM. Raises ValueError."""
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, PrivateKey):
        raise ValueError(f"a key of the kind {type(key).__name__} signs no envelopes")
    return key


def is_key_of(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is for this private key."""
    return bool(certificate.public_key() == key.public_key())


def check_path(
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> None:
    """Return when `certificate` leads over `issuers` to one of `anchors`, every step valid at `at`. Raises TrustError."""
    try:
        find_path(certificate, issuers, anchors, at)
    except PathError as fault:
        raise TrustError(f"{fault.zh}；请向枢纽运行方核实", f"{fault.en}; ask the hub's operator") from None
