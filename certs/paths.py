"""Certificates followed from a signer up to an anchor that the verifier already has (RFC 5280 §6.1).

Without policies, name constraints and revocation: what a revocation list says is judged by who has one. Knows no files and
no clock; the moment at which every step must have been valid is an argument.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from certs.envelope import kid_of
from certs.errors import CertsError
from certs.suites import Verifier

MAX_PATH = 4
"""Certificates between a signer and its anchor, both counted: government CAs have root, sub and perhaps one more."""

SHORTEST_RSA = 2048
"""Bits of an authority's RSA key (NIST SP 800-57 part 1, table 2: 112 bits of strength)."""

_HASHES = (SHA256, SHA384, SHA512)
_UNDERSTOOD = frozenset({x509.BasicConstraints.oid, x509.KeyUsage.oid, x509.SubjectAlternativeName.oid})
"""Critical extensions that are looked at here. Extended key usage is not: none of its purposes is to sign messages."""

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises, at once or when a part is first looked at, for bytes that are not what they should be."""


class PathError(CertsError):
    """A certificate that does not lead to an anchor; `kid` names the certificate that is at fault."""

    def __init__(self, *, reason: str, zh: str, en: str, kid: str) -> None:
        super().__init__(reason=reason, zh=f"{zh}（{kid}）", en=f"{en} ({kid})")
        self.kid = kid


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates in a PEM text, in its order, at least one. Raises ValueError."""
    with reading_strangers():
        certificates = x509.load_pem_x509_certificates(pem)
        for certificate in certificates:
            _look_at(certificate)
    return certificates


def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate in DER, its parts readable, and of a key that is known. Raises ValueError."""
    with reading_strangers():
        certificate = x509.load_der_x509_certificate(der)
        _look_at(certificate)
        certificate.public_key()
    return certificate


@contextmanager
def reading_strangers() -> Iterator[None]:
    """Bytes of anybody are read in the block: whatever is wrong with them is a ValueError, and nothing is said beside it.

    The library warns of what it still reads, with the path of its caller; who checks a file has the verdict.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except _UNREADABLE as fault:
            raise ValueError(str(fault)) from None


def _look_at(certificate: x509.Certificate) -> None:
    """The library reads most parts only when they are asked for."""
    _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.serial_number
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc


def certificate_kid(certificate: x509.Certificate) -> str:
    """The `kid` that envelopes name the certificate by."""
    return kid_of(certificate.public_bytes(Encoding.DER))


def verifier_of(certificate: x509.Certificate) -> Verifier:
    """The certificate's key, to check signatures with. Raises UnsuitableKeyError, also for a key that cannot be read."""
    try:
        return Verifier(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):  # such as a key on the curve of SM2
        return Verifier(None)


def names(certificate: x509.Certificate) -> frozenset[str]:
    """The URIs of the subject's alternative name, such as `urn:shuniu:system:<code>`."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(extension.value.get_values_for_type(x509.UniformResourceIdentifier))


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it says that it may issue certificates."""
    return _constraints(certificate).ca


def may_sign_messages(certificate: x509.Certificate) -> bool:
    """Whether it is an end certificate whose key usage includes digital signatures."""
    return not _constraints(certificate).ca and _usage(certificate).digital_signature


def is_valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    """Whether `moment` (aware) lies in the certificate's validity."""
    return certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc


def find_path(
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> tuple[x509.Certificate, ...]:
    """The path from `certificate` over `issuers` to one of `anchors`, both ends included, every step valid at `at`.

    The certificate must be one that signs messages. Raises PathError: `not-valid-then`, `weak-algorithm`,
    `critical-extension`, `not-for-signatures`, `not-trusted`, `not-an-authority`, `path-too-long`.
    """
    _check_step(certificate, at)
    if not may_sign_messages(certificate):
        raise _doubt(
            "not-for-signatures", "证书的用途不含数字签名", "the certificate is not for digital signatures", certificate
        )
    path = [certificate]
    for below in range(MAX_PATH - 1):
        issuer = _issuer_of(path[-1], [*anchors, *issuers], at)
        if issuer is None:
            raise _doubt(
                "not-trusted",
                "证书不是由所信任的机构签发",
                "the certificate does not lead to a trusted authority",
                certificate,
            )
        _check_step(issuer, at)
        _check_authority(issuer, below)
        path.append(issuer)
        if issuer in anchors:
            return tuple(path)
    raise _doubt("path-too-long", "证书链过长", "the certificate's path is too long", certificate)


def may_sign_lists(issuer: x509.Certificate, revocations: x509.CertificateRevocationList) -> bool:
    """Whether the issuer may sign revocation lists and signed this one, over a hash that is not weak (RFC 5280 §6.3.3 f, g)."""
    key = issuer.public_key()
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey):
        return False
    try:
        may = _usage(issuer).crl_sign and _is_strongly_signed(revocations)
        return may and revocations.is_signature_valid(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _issuer_of(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate], at: datetime
) -> x509.Certificate | None:
    """The candidate that issued it; of several with one key, as there are after a renewal, one that was valid then."""
    found = [one for one in candidates if one != certificate and _issued(one, certificate)]  # itself leads nowhere
    return next((one for one in found if is_valid_at(one, at)), found[0] if found else None)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_step(certificate: x509.Certificate, at: datetime) -> None:
    if not is_valid_at(certificate, at):
        raise _doubt(
            "not-valid-then", "签名时证书不在有效期", "the certificate was not valid when it signed", certificate
        )
    if not _is_strongly_signed(certificate):
        raise _doubt(
            "weak-algorithm", "证书的签名算法过弱", "the certificate is signed with a weak algorithm", certificate
        )
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _doubt(
                "critical-extension",
                "证书含有不认识的关键扩展",
                "the certificate has an unknown critical extension",
                certificate,
            )


def _is_strongly_signed(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    try:
        algorithm = signed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    return algorithm is None or isinstance(algorithm, _HASHES)


def _check_authority(issuer: x509.Certificate, below: int) -> None:
    constraints = _constraints(issuer)
    if not (constraints.ca and _usage(issuer).key_cert_sign):
        raise _doubt("not-an-authority", "签发者不是签发机构", "the issuer may not issue certificates", issuer)
    key = issuer.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise _doubt("weak-algorithm", "签发机构的密钥过短", "the authority's key is too short", issuer)
    if constraints.path_length is not None and below > constraints.path_length:
        raise _doubt(
            "path-too-long", "证书链超过签发机构允许的长度", "the path is longer than its authority allows", issuer
        )


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


def _doubt(reason: str, zh: str, en: str, certificate: x509.Certificate) -> PathError:
    return PathError(reason=reason, zh=zh, en=en, kid=certificate_kid(certificate))
