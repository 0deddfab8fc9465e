"""Keys and certificates on a partner's side: read from PEM, and followed up to an anchor that the partner already has.

The one module of the client that handles X.509. Revocation is the hub's to judge when it accepts; here a certificate must
have been valid at the time its signature claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from certs.envelope import kid_of
from certs.suites import PrivateKey
from hub.client.errors import TrustError

MAX_PATH = 4
"""Certificates between a signer and its anchor, both counted: government CAs have root, sub and perhaps one more."""

_HASHES = (SHA256, SHA384, SHA512)
_UNDERSTOOD = frozenset(
    {x509.BasicConstraints.oid, x509.KeyUsage.oid, x509.SubjectAlternativeName.oid, x509.ExtendedKeyUsage.oid}
)


def read_private_key(pem: bytes) -> PrivateKey:
    """The key in an unencrypted PKCS#8 PEM. Raises ValueError."""
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, PrivateKey):
        raise ValueError(f"a key of the kind {type(key).__name__} signs no envelopes")
    return key


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates in a PEM text, in its order, at least one. Raises ValueError."""
    certificates = x509.load_pem_x509_certificates(pem)
    try:
        for certificate in certificates:
            _ = certificate.extensions
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None
    return certificates


def is_key_of(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is for this private key."""
    return bool(certificate.public_key() == key.public_key())


def certificate_kid(certificate: x509.Certificate) -> str:
    """The `kid` that envelopes name the certificate by."""
    return kid_of(certificate.public_bytes(Encoding.DER))


def names(certificate: x509.Certificate) -> frozenset[str]:
    """The URIs of the subject's alternative name, such as `urn:shuniu:system:<code>`."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(extension.value.get_values_for_type(x509.UniformResourceIdentifier))


def may_sign_messages(certificate: x509.Certificate) -> bool:
    """Whether it is an end certificate whose key usage includes digital signatures."""
    return not _constraints(certificate).ca and _usage(certificate).digital_signature


def is_valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    """Whether `moment` (aware) lies in the certificate's validity."""
    return certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc


def check_path(
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> None:
    """Return when `certificate` leads over `issuers` to one of `anchors`, every step valid at `at` (RFC 5280 §6.1, without
    policies, name constraints and revocation). Raises TrustError.
    """
    _check_step(certificate, at)
    if not may_sign_messages(certificate):
        raise _doubt("证书的用途不含数字签名", "the certificate is not for digital signatures", certificate)
    current = certificate
    for below in range(MAX_PATH - 1):
        anchor = _issuer_of(current, anchors)
        issuer = anchor or _issuer_of(current, issuers)
        if issuer is None:
            raise _doubt(
                "证书不是由所信任的机构签发", "the certificate does not lead to a trusted authority", certificate
            )
        _check_step(issuer, at)
        _check_authority(issuer, below)
        if anchor is not None:
            return
        current = issuer
    raise _doubt("证书链过长", "the certificate's path is too long", certificate)


def _issuer_of(certificate: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    for candidate in candidates:
        if candidate == certificate:
            continue  # who issued itself leads nowhere
        try:
            certificate.verify_directly_issued_by(candidate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            continue
        return candidate
    return None


def _check_step(certificate: x509.Certificate, at: datetime) -> None:
    if not is_valid_at(certificate, at):
        raise _doubt("签名时证书不在有效期", "the certificate was not valid when it signed", certificate)
    algorithm = certificate.signature_hash_algorithm
    if algorithm is not None and not isinstance(algorithm, _HASHES):
        raise _doubt("证书的签名算法过弱", "the certificate is signed with a weak algorithm", certificate)
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _doubt("证书含有不认识的关键扩展", "the certificate has an unknown critical extension", certificate)


def _check_authority(issuer: x509.Certificate, below: int) -> None:
    constraints = _constraints(issuer)
    if not (constraints.ca and _usage(issuer).key_cert_sign):
        raise _doubt("签发者不是签发机构", "the issuer may not issue certificates", issuer)
    if constraints.path_length is not None and below > constraints.path_length:
        raise _doubt("证书链超过签发机构允许的长度", "the path is longer than its authority allows", issuer)


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def _usage(certificate: x509.Certificate) -> x509.KeyUsage:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return _NO_USAGE


_NO_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _doubt(zh: str, en: str, certificate: x509.Certificate) -> TrustError:
    kid = certificate_kid(certificate)
    return TrustError(f"{zh}（{kid}）；请向枢纽运行方核实", f"{en} ({kid}); ask the hub's operator")
