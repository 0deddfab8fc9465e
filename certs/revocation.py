"""Certificate revocation lists (RFC 5280 §5): what an authority says about certificates that it no longer stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import AuthorityError

_EXPIRED_CERTS_ON_CRL = x509.ObjectIdentifier("2.5.29.60")
_GENERALIZED_TIME = re.compile(rb"\x18\x0f([0-9]{14})Z")
_DIGITS = "%Y%m%d%H%M%S"


class RevocationReason(IntEnum):
    """CRLReason, RFC 5280 §5.3.1; the values are the standard's (7 is not used there)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @property
    def flag(self) -> x509.ReasonFlags:
        """The same reason as the X.509 library names it; its `value` is RFC 5280's word, such as `keyCompromise`."""
        return x509.ReasonFlags[self.name.lower()]

    @property
    def zh(self) -> str:
        """The Chinese label."""
        return _LABELS_ZH[self]


_LABELS_ZH = {
    RevocationReason.UNSPECIFIED: "未说明原因",
    RevocationReason.KEY_COMPROMISE: "密钥泄露",
    RevocationReason.CA_COMPROMISE: "签发机构密钥泄露",
    RevocationReason.AFFILIATION_CHANGED: "隶属关系变更",
    RevocationReason.SUPERSEDED: "证书已更替",
    RevocationReason.CESSATION_OF_OPERATION: "停止使用",
    RevocationReason.CERTIFICATE_HOLD: "证书冻结",
    RevocationReason.REMOVE_FROM_CRL: "从撤销列表移除",
    RevocationReason.PRIVILEGE_WITHDRAWN: "权限收回",
    RevocationReason.AA_COMPROMISE: "属性机构密钥泄露",
}


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a revocation list: the certificate's serial number, since when (aware, UTC), and why."""

    serial: int
    at: datetime
    reason: RevocationReason


def sign_revocation_list(
    key: CertificateIssuerPrivateKeyTypes,
    issuer: x509.Certificate,
    hash_algorithm: SHA256 | None,
    entries: Sequence[Revoked],
    number: int,
    now: datetime,
    next_update: datetime,
    *,
    expired_since: datetime | None = None,
) -> bytes:
    """The DER of a full list (v2) with CRL number and authority key identifier.

    `expired_since` (whole seconds): it has the certificates, too, that ran out from then on, and says so (X.509 §9.5.2.8).

    Raises AuthorityError when `next_update` is not after `now`, a serial number occurs twice, or a reason belongs only
    into delta lists (removeFromCRL).
    """
    if next_update <= now:
        raise AuthorityError(
            reason="crl-next-update-not-later",
            zh="撤销列表的 next_update 不晚于 now；请给出更晚的时间",
            en="next_update of the revocation list is not after now; give a later time",
        )
    if len({entry.serial for entry in entries}) != len(entries):
        raise AuthorityError(
            reason="crl-duplicate-serial",
            zh="撤销列表中有重复的证书序列号；每张证书只列一次",
            en="a serial number occurs twice in the revocation list; list each certificate once",
        )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(authority_key_identifier(issuer), critical=False)
    )
    if expired_since is not None:
        value = b"\x18\x0f" + expired_since.astimezone(UTC).strftime(_DIGITS).encode("ascii") + b"Z"
        builder = builder.add_extension(x509.UnrecognizedExtension(_EXPIRED_CERTS_ON_CRL, value), critical=False)
    for entry in entries:
        builder = builder.add_revoked_certificate(_line(entry))
    return builder.sign(key, hash_algorithm).public_bytes(Encoding.DER)


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


def _generalized_time(der: bytes) -> datetime | None:
    """The time in a DER GeneralizedTime in UTC with whole seconds (RFC 5280 §4.1.2.5.2); None for anything else."""
    digits = _GENERALIZED_TIME.fullmatch(der)
    try:
        return datetime.strptime(digits[1].decode("ascii"), _DIGITS).replace(tzinfo=UTC) if digits else None
    except ValueError:
        return None


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """What a certificate or list says of its issuer's key: the issuer's own subject key identifier."""
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _line(entry: Revoked) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.at)
    if entry.reason is RevocationReason.REMOVE_FROM_CRL:
        raise AuthorityError(
            reason="crl-reason-not-for-full-list",
            zh="removeFromCRL 只用于增量列表；恢复冻结的证书时，请不再列出它",
            en="removeFromCRL is for delta lists only; to release a certificate on hold, list it no more",
        )
    if entry.reason is not RevocationReason.UNSPECIFIED:  # RFC 5280 §5.3.1: absent rather than unspecified
        builder = builder.add_extension(x509.CRLReason(entry.reason.flag), critical=False)
    return builder.build()
