"""Certificate signing requests (PKCS#10, RFC 2986): made by a partner, read by the authority.

From a request the authority believes one thing, after checking it: that its sender holds the private key. Subject and
extensions of the request are the sender's wishes and are not looked at here.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.errors import CsrError, UnsuitableKeyError
from certs.paths import reading_strangers
from certs.suites import PrivateKey, suite_for_key

MAX_CSR_BYTES = 16 * 1024
"""Far above any request for a P-256 or Ed25519 key (about 500 bytes), and small enough to parse for anybody."""


def signature_hash(private_key: PrivateKey) -> SHA256 | None:
    """The hash for X.509 signatures by `private_key`: SHA-256 for ECDSA, none for Ed25519, which has its own."""
    return SHA256() if isinstance(private_key, EllipticCurvePrivateKey) else None


def make_csr(private_key: PrivateKey, common_name: str) -> bytes:
    """A signing request in PEM for `private_key`, its subject only `common_name` (1 to 64 characters)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(private_key, signature_hash(private_key)).public_bytes(Encoding.PEM)


def load_csr(csr_pem: bytes) -> x509.CertificateSigningRequest:
    """A signing request whose sender has proved to hold the private key, which is one that a suite takes.

    Raises CsrError (`csr-too-large`, `csr-unreadable`, `csr-more-than-one`, `csr-key-not-supported`, `csr-signature-invalid`).
    """
    if len(csr_pem) > MAX_CSR_BYTES:
        _refuse(
            "csr-too-large",
            f"证书请求 (CSR) 有 {len(csr_pem)} 字节，上限为 {MAX_CSR_BYTES}；请只提交一份 PEM 格式的请求",
            f"the CSR has {len(csr_pem)} bytes, the limit is {MAX_CSR_BYTES}; send one request in PEM and nothing else",
        )
    try:
        with reading_strangers():
            csr = x509.load_pem_x509_csr(csr_pem)
    except ValueError:
        _refuse(
            "csr-unreadable",
            "证书请求 (CSR) 无法读取；请提交 PEM 格式 (BEGIN CERTIFICATE REQUEST) 的 PKCS#10 请求",
            "the CSR cannot be read; send a PKCS#10 request in PEM (BEGIN CERTIFICATE REQUEST)",
        )
    if csr_pem.count(b"-----BEGIN ") > 1:
        _refuse(
            "csr-more-than-one",
            "提交的内容含不止一份证书请求 (CSR)；请只提交一份，其密钥即证书的密钥",
            "there is more than one CSR; send one alone, whose key is to be certified",
        )
    try:
        with reading_strangers():
            suite_for_key(csr.public_key())
    except UnsuitableKeyError as error:
        _refuse("csr-key-not-supported", f"证书请求 (CSR) 的{error.zh}", f"the CSR: {error.en}")
    except ValueError:  # a curve that the library does not know, SM2 for one
        _refuse(
            "csr-key-not-supported",
            "证书请求 (CSR) 的密钥不是支持的种类（国密 SM2 目前也不支持）；请用 P-256 或 Ed25519 密钥重新生成请求",
            "the CSR's key is of a kind that is not supported (nor is SM2 yet); make the request with a P-256 or Ed25519 key",
        )
    if not _proves_possession(csr):
        _refuse(
            "csr-signature-invalid",
            "证书请求 (CSR) 的签名与其公钥不符；请用同一密钥对重新生成请求（ECDSA 须用 SHA-256 以上）",
            "the CSR's signature does not fit its public key; make the request again with that key pair (ECDSA with at "
            "least SHA-256)",
        )
    return csr


def _proves_possession(csr: x509.CertificateSigningRequest) -> bool:
    try:
        hash_algorithm = csr.signature_hash_algorithm
        return isinstance(hash_algorithm, SHA256 | SHA384 | SHA512 | None) and csr.is_signature_valid
    except UnsupportedAlgorithm:
        return False


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise CsrError(reason=reason, zh=zh, en=en) from None
