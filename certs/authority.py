"""The built-in certificate authority. For demo, tests and closed pilots only 仅用于演示、测试和封闭试点.

Production trusts a licensed e-government CA (电子政务电子认证服务机构); nothing outside this module depends on who issued.
Its certificates say what they are in their subject. Two levels: a root that may stay offline, and an issuing
certificate that signs end certificates and revocation lists. Subject, alternative name, usages and validity of an end
certificate are set here; from a request only the public key is taken. Knows no files and no clock: `now` is an aware
datetime in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NoReturn

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.csr import load_csr, make_csr, signature_hash
from certs.errors import AuthorityError
from certs.header import is_system_code
from certs.keys import generate_key
from certs.revocation_signing import RevocationReason, Revoked, authority_key_identifier, sign_revocation_list
from certs.suites import PrivateKey, PublicKey, suite_for_key

__all__ = [
    "AUTHORITY_MARK",
    "HubKeyRole",
    "Issued",
    "RevocationReason",
    "Revoked",
    "certificate_revocation_list",
    "create_issuing",
    "create_root",
    "issue_hub_key",
    "issue_system",
    "load_csr",
    "make_csr",
]

AUTHORITY_MARK = "仅用于演示、测试和封闭试点 demo, tests and closed pilots only"
"""The organisational unit in the subject of every certificate that may issue others."""

ROOT_DAYS = 3650
ISSUING_DAYS = 1825

# A verifier whose clock is a little behind must not refuse a certificate that was issued a moment ago.
_BACKDATED = timedelta(minutes=5)
_LONGEST_NAME = 64  # ub-common-name and ub-organization-name, RFC 5280 Appendix A.1


class HubKeyRole(StrEnum):
    """What a hub's own key signs; one key for each."""

    RECEIPTS = "receipts"
    PROJECTIONS = "projections"
    PUSHES = "pushes"
    TOKENS = "tokens"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Issued:
    """A private key and the certificate for it."""

    key: PrivateKey
    certificate: x509.Certificate


def create_root(name: str, now: datetime, *, algorithm: Literal["ES256", "EdDSA"] = "ES256") -> Issued:
    """A new key with its self-signed root certificate for ten years, over at most one level of issuers."""
    key = generate_key(algorithm)
    subject = _authority_name(name)
    start = _seconds(now)
    builder = _builder(subject, subject, key.public_key(), start - _BACKDATED, start + timedelta(days=ROOT_DAYS))
    builder = _for_authority(builder, path_length=1)
    return Issued(key, builder.sign(key, signature_hash(key)))


def create_issuing(
    root: Issued,
    name: str,
    now: datetime,
    *,
    algorithm: Literal["ES256", "EdDSA"] = "ES256",
    crl_url: str | None = None,
) -> Issued:
    """A new key with an issuing certificate under `root` for five years, which signs only end certificates and lists.

    `crl_url` says where the root publishes its list. Raises AuthorityError.
    """
    key = generate_key(algorithm)
    not_before, not_after = _within(root.certificate, now, ISSUING_DAYS)
    subject = _authority_name(name)
    builder = _builder(subject, root.certificate.subject, key.public_key(), not_before, not_after)
    builder = _for_authority(builder, path_length=0)
    return Issued(key, _sign(builder, root, crl_url))


def issue_system(
    issuing: Issued,
    csr_pem: bytes,
    system_code: str,
    organisation_name: str,
    now: datetime,
    days: int,
    *,
    crl_url: str | None = None,
) -> x509.Certificate:
    """The certificate of a partner's system, which signs envelopes and token requests and may act as a TLS client.

    Valid from now (five minutes back) for `days`, never beyond its issuer. Subject: C=CN, O=organisation, CN=code;
    alternative name `urn:shuniu:system:<code>`. Raises CsrError and AuthorityError.
    """
    _check_code("system_code", system_code)
    _check_name("organisation_name", organisation_name)
    public_key = load_csr(csr_pem).public_key()
    assert isinstance(public_key, PublicKey)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation_name),
            x509.NameAttribute(NameOID.COMMON_NAME, system_code),
        ]
    )
    not_before, not_after = _within(issuing.certificate, now, days)
    builder = _builder(subject, issuing.certificate.subject, public_key, not_before, not_after)
    builder = _for_end_entity(builder, f"urn:shuniu:system:{system_code}")
    client = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _sign(builder.add_extension(client, critical=False), issuing, crl_url)


def issue_hub_key(
    issuing: Issued,
    public_key: PublicKey,
    hub_id: str,
    role: HubKeyRole,
    now: datetime,
    days: int,
    *,
    crl_url: str | None = None,
) -> x509.Certificate:
    """The certificate of one of the hub's own keys, which signs what `role` says and nothing else.

    Subject: C=CN, O=hub id, OU=role, CN=hub id; alternative name `urn:shuniu:hub:<hub id>:<role>`.
    Raises AuthorityError and UnsuitableKeyError.
    """
    _check_code("hub_id", hub_id)
    suite_for_key(public_key)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, hub_id),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value),
            x509.NameAttribute(NameOID.COMMON_NAME, hub_id),
        ]
    )
    not_before, not_after = _within(issuing.certificate, now, days)
    builder = _builder(subject, issuing.certificate.subject, public_key, not_before, not_after)
    return _sign(_for_end_entity(builder, f"urn:shuniu:hub:{hub_id}:{role.value}"), issuing, crl_url)


def certificate_revocation_list(
    issuing: Issued,
    entries: Sequence[Revoked],
    number: int,
    now: datetime,
    next_update: datetime,
    *,
    expired_since: datetime | None = None,
) -> bytes:
    """The DER of `issuing`'s full revocation list; `number` grows with every list. Raises AuthorityError.

    `expired_since`: the list has what ran out from then on, too, and says so.
    """
    return sign_revocation_list(
        issuing.key,
        issuing.certificate,
        signature_hash(issuing.key),
        entries,
        number,
        now,
        next_update,
        expired_since=expired_since,
    )


def _authority_name(name: str) -> x509.Name:
    _check_name("name", name)
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Shuniu 枢纽"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, AUTHORITY_MARK),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    """What all certificates have: a serial number of 159 random bits, names, validity, subject key identifier."""
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _for_authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    return builder.add_extension(constraints, critical=True).add_extension(usage, critical=True)


def _for_end_entity(builder: x509.CertificateBuilder, uri: str) -> x509.CertificateBuilder:
    usage = _key_usage(digital_signature=True, content_commitment=True)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=False)
    )


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, issuer: Issued, crl_url: str | None) -> x509.Certificate:
    builder = builder.add_extension(authority_key_identifier(issuer.certificate), critical=False)
    if crl_url is not None:
        where = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([where]), critical=False)
    return builder.sign(issuer.key, signature_hash(issuer.key))


def _within(issuer: x509.Certificate, now: datetime, days: int) -> tuple[datetime, datetime]:
    """From a little before now for `days`, but nowhere outside the issuer's own validity."""
    if not issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc:
        _refuse(
            "issuer-not-valid",
            "签发证书此刻不在有效期内；请先更新签发证书，或检查时钟",
            "the issuer's certificate is not valid now; renew it first, or check the clock",
        )
    if days < 1:
        _refuse(
            "days-not-positive", "有效天数 days 必须不小于 1；请改正", "days of validity must be at least 1; correct it"
        )
    start = max(_seconds(now) - _BACKDATED, issuer.not_valid_before_utc)
    return start, min(_seconds(now) + timedelta(days=days), issuer.not_valid_after_utc)


def _seconds(moment: datetime) -> datetime:
    """X.509 times have no fractions of a second."""
    return moment.replace(microsecond=0)


def _check_code(field: str, code: str) -> None:
    if not is_system_code(code):
        _refuse(
            f"{field.replace('_', '-')}-form",
            f"{field} 格式不符；请用 2 至 63 个小写字母、数字或 -，且不以 - 开头",
            f"{field} is not of its form; use 2 to 63 of a-z, 0-9 and -, not beginning with -",
        )


def _check_name(field: str, name: str) -> None:
    if not (name.strip() and name.isprintable() and len(name.encode()) <= _LONGEST_NAME):
        _refuse(
            f"{field.replace('_', '-')}-form",
            f"{field} 须为可见字符，UTF-8 编码不超过 {_LONGEST_NAME} 字节；请改短或改正",
            f"{field} must be printable, at most {_LONGEST_NAME} bytes in UTF-8; shorten or correct it",
        )


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise AuthorityError(reason=reason, zh=zh, en=en)
