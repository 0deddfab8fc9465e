"""Private keys at rest: encrypted so that others' tools can open them, and never without the passphrase."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from certs.errors import KeyStoreError
from certs.keys import SCRYPT_N, decrypt_key, encrypt_key, generate_key

PASSPHRASE = "口令 pass".encode()


def reason_of(pem: bytes, passphrase: bytes) -> str:
    with pytest.raises(KeyStoreError) as refused:
        decrypt_key(pem, passphrase)
    assert "；请" in refused.value.zh
    return refused.value.reason


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_key_comes_back_with_its_passphrase_and_not_with_another(algorithm: str) -> None:
    private_key = generate_key(algorithm)  # type: ignore[arg-type]
    pem = encrypt_key(private_key, PASSPHRASE)
    assert decrypt_key(pem, PASSPHRASE).public_key() == private_key.public_key()
    assert reason_of(pem, b"another") == "key-unreadable"


def test_generated_keys_are_of_the_named_kind_and_never_the_same() -> None:
    first, second = generate_key("ES256"), generate_key("ES256")
    assert isinstance(first, ec.EllipticCurvePrivateKey)
    assert isinstance(first.curve, ec.SECP256R1)
    assert first.public_key() != second.public_key()
    assert isinstance(generate_key("EdDSA"), ed25519.Ed25519PrivateKey)


def test_the_stored_form_is_encrypted_pkcs8_with_scrypt_and_fresh_salt() -> None:
    private_key = generate_key("EdDSA")
    first, second = encrypt_key(private_key, PASSPHRASE), encrypt_key(private_key, PASSPHRASE)
    assert first != second
    assert first.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert max(map(len, first.splitlines())) == 64
    der = base64.b64decode(re.sub(rb"-----.*?-----|\s", b"", first))
    assert bytes.fromhex("06092b06010401da47040b") in der  # scrypt, RFC 7914 §7
    assert b"\x02\x02" + SCRYPT_N.to_bytes(2, "big") in der
    assert isinstance(private_key, ed25519.Ed25519PrivateKey)
    assert private_key.private_bytes_raw() not in der


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_openssl_opens_the_stored_key(algorithm: str) -> None:
    private_key = generate_key(algorithm)  # type: ignore[arg-type]
    pem = encrypt_key(private_key, PASSPHRASE)
    opened = subprocess.run(
        ["openssl", "pkey", "-passin", "env:PASSPHRASE", "-pubout"],
        input=pem,
        capture_output=True,
        check=True,
        env={"PASSPHRASE": PASSPHRASE.decode(), "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    assert opened.stdout == private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_keys_that_other_tools_encrypted_are_opened_too() -> None:
    vector = Path(cryptography_vectors.__file__).parent / "asymmetric" / "PKCS8" / "ed25519-scrypt.pem"
    assert isinstance(decrypt_key(vector.read_bytes(), b"hunter42"), ed25519.Ed25519PrivateKey)
    private_key = generate_key("ES256")
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    assert decrypt_key(pem, PASSPHRASE).public_key() == private_key.public_key()


def test_an_empty_passphrase_is_refused_both_ways() -> None:
    with pytest.raises(KeyStoreError) as refused:
        encrypt_key(generate_key("EdDSA"), b"")
    assert refused.value.reason == "passphrase-missing"
    assert reason_of(b"", b"") == "passphrase-missing"


def test_a_key_that_lies_there_unencrypted_is_refused() -> None:
    pem = generate_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert reason_of(pem, PASSPHRASE) == "key-not-encrypted"


def test_a_damaged_or_foreign_file_is_refused() -> None:
    pem = encrypt_key(generate_key("EdDSA"), PASSPHRASE)
    lines = pem.splitlines()
    assert reason_of(b"", PASSPHRASE) == "key-unreadable"
    assert reason_of(b"\n".join(lines[:2] + lines[3:]), PASSPHRASE) == "key-unreadable"


@pytest.mark.parametrize("kind", ["P-384", "RSA"])
def test_a_key_of_another_kind_is_refused(kind: str) -> None:
    private_key = ec.generate_private_key(ec.SECP384R1()) if kind == "P-384" else rsa.generate_private_key(65537, 2048)
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    assert reason_of(pem, PASSPHRASE) == "key-not-supported"
