"""Signing revocation lists (RFC 5280 §5): the reasons, the lines, and the list; `certs.revocation` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import AuthorityError
from certs.revocation import expired_since_extension


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
        builder = builder.add_extension(expired_since_extension(expired_since), critical=False)
    for entry in entries:
        builder = builder.add_revoked_certificate(_line(entry))
    return builder.sign(key, hash_algorithm).public_bytes(Encoding.DER)


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
