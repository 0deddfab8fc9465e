"""Private keys: made, stored encrypted, opened again. Knows no folder, no setting and no default passphrase.

A stored key is PKCS#8 `ENCRYPTED PRIVATE KEY` in PEM with PBES2 (RFC 8018 §6.2): the passphrase through scrypt
(RFC 7914) with N = 2^14, r = 8, p = 5 and a salt of 16 random bytes, the key in AES-256-CBC. These parameters are set
here because the library's own choice for PKCS#8 is PBKDF2 with 2,048 rounds; `openssl pkey` reads both.
"""

from __future__ import annotations

import base64
import os
from typing import Literal, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from certs.errors import KeyStoreError
from certs.suites import SUITES, PrivateKey

# 16 MiB and about 0.2 s: OWASP's password storage sheet rates it with N = 2^17, p = 1, which OpenSSL refuses to read
# because its PKCS#8 reader allows scrypt no more than 32 MiB.
SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 5

_PEM_COLUMNS = 64

_OID_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_OID_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_OID_AES256_CBC = bytes.fromhex("060960864801650304012a")
_SEQUENCE, _INTEGER, _OCTET_STRING = 0x30, 0x02, 0x04


def generate_key(algorithm: Literal["ES256", "EdDSA"]) -> PrivateKey:
    """A new private key for the suite of that name."""
    return generate_private_key(SECP256R1()) if algorithm == "ES256" else Ed25519PrivateKey.generate()


def encrypt_key(private_key: PrivateKey, passphrase: bytes) -> bytes:
    """`private_key` as an encrypted PKCS#8 PEM, see the module. Raises KeyStoreError for an empty passphrase."""
    _check_passphrase(passphrase)
    salt, iv = os.urandom(16), os.urandom(16)
    plain = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secret = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES256(secret), CBC(iv)).encryptor()
    encrypted = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    return _pem(_encrypted_private_key_info(salt, iv, encrypted))


def decrypt_key(pem: bytes, passphrase: bytes) -> PrivateKey:
    """The private key in an encrypted PKCS#8 PEM.

    Raises KeyStoreError (`passphrase-missing`, `key-not-encrypted`, `key-unreadable`, `key-not-supported`).
    """
    _check_passphrase(passphrase)
    try:
        private_key = load_pem_private_key(pem, passphrase)
    except TypeError:
        _refuse(
            "key-not-encrypted",
            "私钥文件未加密；请用口令重新保存该私钥",
            "the private key is not encrypted; store it again under a passphrase",
        )
    except (ValueError, UnsupportedAlgorithm):
        _refuse(
            "key-unreadable",
            "口令不对，或私钥文件已损坏；请检查口令，或从备份恢复该文件",
            "wrong passphrase, or the private key file is damaged; check the passphrase or restore the file",
        )
    if not isinstance(private_key, PrivateKey) or not _has_suite(private_key):
        _refuse(
            "key-not-supported",
            "私钥类型不受支持；请使用 P-256 或 Ed25519 私钥",
            "the private key is of no supported kind; use a P-256 or an Ed25519 key",
        )
    return private_key


def _has_suite(private_key: PrivateKey) -> bool:
    return any(suite.accepts(private_key.public_key()) for suite in SUITES.values())


def _check_passphrase(passphrase: bytes) -> None:
    if not passphrase:
        _refuse("passphrase-missing", "私钥口令为空；请设置口令", "the passphrase is empty; set one")


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise KeyStoreError(reason=reason, zh=zh, en=en) from None


def _encrypted_private_key_info(salt: bytes, iv: bytes, encrypted: bytes) -> bytes:
    """DER of EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2-params (RFC 8018 A.4) and scrypt-params (RFC 7914 §7)."""
    cost = b"".join(_der(_INTEGER, _unsigned(number)) for number in (SCRYPT_N, SCRYPT_R, SCRYPT_P))
    derivation = _der(_SEQUENCE, _OID_SCRYPT + _der(_SEQUENCE, _der(_OCTET_STRING, salt) + cost))
    encryption = _der(_SEQUENCE, _OID_AES256_CBC + _der(_OCTET_STRING, iv))
    scheme = _der(_SEQUENCE, _OID_PBES2 + _der(_SEQUENCE, derivation + encryption))
    return _der(_SEQUENCE, scheme + _der(_OCTET_STRING, encrypted))


def _unsigned(number: int) -> bytes:
    """The content of a DER INTEGER: a leading zero bit keeps it positive."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _der(tag: int, content: bytes) -> bytes:
    """One DER element with a definite length of at most 65,535."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = [text[start : start + _PEM_COLUMNS] for start in range(0, len(text), _PEM_COLUMNS)]
    return b"\n".join((b"-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, b"-----END ENCRYPTED PRIVATE KEY-----", b""))
