"""What a certificate revocation list says of itself (RFC 5280 §5): whether it is whole, and whether it keeps what ran out.

`certs.revocation_signing` signs lists; whose a list is, `certs.paths` finds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cryptography import x509

_EXPIRED_CERTS_ON_CRL = x509.ObjectIdentifier("2.5.29.60")
"""The extension by which a list says from when on it keeps certificates that ran out (X.509 §9.5.2.8)."""

_GENERALIZED_TIME = re.compile(rb"\x18\x0f([0-9]{14})Z")
_DIGITS = "%Y%m%d%H%M%S"


def is_whole_list(revocations: x509.CertificateRevocationList) -> bool:
    """Whether the list speaks of all its issuer's certificates, for all reasons (RFC 5280 §5.2, §6.3.3).

    A partition of a list says so in a critical extension, a delta list too; a critical one that is not known may say anything.
    """
    delta = (x509.DeltaCRLIndicator.oid, x509.IssuingDistributionPoint.oid)
    return not any(one.critical or one.oid in delta for one in revocations.extensions)


def lists_expired_since(revocations: x509.CertificateRevocationList) -> datetime | None:
    """From when on certificates that ran out stay on the list, if it says so (X.509 §9.5.2.8, expiredCertsOnCRL)."""
    for extension in revocations.extensions:
        value = extension.value
        if extension.oid == _EXPIRED_CERTS_ON_CRL and isinstance(value, x509.UnrecognizedExtension):
            return _generalized_time(value.value)
    return None


def expired_since_extension(moment: datetime) -> x509.UnrecognizedExtension:
    """The extension for a list that keeps the certificates that ran out from `moment` on (aware, whole seconds)."""
    value = b"\x18\x0f" + moment.astimezone(UTC).strftime(_DIGITS).encode("ascii") + b"Z"
    return x509.UnrecognizedExtension(_EXPIRED_CERTS_ON_CRL, value)


def _generalized_time(der: bytes) -> datetime | None:
    """The time in a DER GeneralizedTime in UTC with whole seconds (RFC 5280 §4.1.2.5.2); None for anything else."""
    digits = _GENERALIZED_TIME.fullmatch(der)
    try:
        return datetime.strptime(digits[1].decode("ascii"), _DIGITS).replace(tzinfo=UTC) if digits else None
    except ValueError:
        return None
