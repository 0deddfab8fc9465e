"""Paths to anchors, beyond what the client's tests of the same paths show."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256

from certs import authority
from certs.paths import PathError, find_path, may_sign_lists, read_certificate, read_certificates
from certs.suites import PrivateKey
from tests.vectors.evidence.keys import HOUR, NOW, Keys


def test_a_path_is_given_from_signer_to_anchor() -> None:
    keys = Keys.make()
    signer = keys.holders["sender"].certificate
    found = find_path(signer, [keys.issuing.certificate], [keys.root.certificate], NOW)
    assert found == (signer, keys.issuing.certificate, keys.root.certificate)


def test_a_path_that_fails_names_reason_and_certificate() -> None:
    keys = Keys.make()
    with pytest.raises(PathError) as caught:
        find_path(keys.holders["sender"].certificate, [], [keys.root.certificate], NOW)
    assert (caught.value.reason, caught.value.kid) == ("not-trusted", keys.kid("sender"))
    assert caught.value.kid in caught.value.zh


def test_a_list_is_its_signers_and_only_an_authority_signs_one() -> None:
    keys, other = Keys.make(), Keys.make()

    def signed_by(issuer: authority.Issued) -> x509.CertificateRevocationList:
        return x509.load_der_x509_crl(
            authority.certificate_revocation_list(issuer, [], 1, NOW, NOW + timedelta(days=1))
        )

    assert may_sign_lists(keys.issuing.certificate, signed_by(keys.issuing))
    assert not may_sign_lists(keys.issuing.certificate, signed_by(other.issuing))
    assert not may_sign_lists(keys.holders["sender"].certificate, signed_by(keys.holders["sender"]))


def renewed(
    found: x509.Certificate,
    by: PrivateKey | rsa.RSAPrivateKey,
    at: datetime,
    until: datetime,
    key: rsa.RSAPublicKey | None = None,
) -> x509.Certificate:
    """Another certificate of the same name and, unless another is given, the same key."""
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number()).subject_name(found.subject)
    builder = (
        builder.issuer_name(found.issuer)
        .public_key(key or found.public_key())
        .not_valid_before(at)
        .not_valid_after(until)
    )
    for extension in found.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(by, SHA256())


def test_of_two_certificates_of_one_authority_the_one_that_was_valid_then_leads_to_the_anchor() -> None:
    keys = Keys.make()
    signer, issuing, root = keys.holders["sender"].certificate, keys.issuing.certificate, keys.root.certificate
    old = renewed(keys.issuing.certificate, keys.root.key, NOW - 800 * 24 * HOUR, NOW - 300 * 24 * HOUR)
    old_root = renewed(root, keys.root.key, NOW - 800 * 24 * HOUR, NOW - 300 * 24 * HOUR)
    for issuers, anchors in (
        ([old, issuing], [root]),
        ([issuing, old], [root]),
        ([issuing], [old_root, root]),
        ([issuing], [root, old_root]),
        ([issuing], [old, root]),
    ):
        assert find_path(signer, issuers, anchors, NOW) == (signer, issuing, root)
    with pytest.raises(PathError) as caught:
        find_path(signer, [], [old], NOW)
    assert caught.value.reason == "not-valid-then"


@pytest.mark.parametrize("read", [read_certificate, lambda der: read_certificates(pem(der))])
def test_what_cannot_be_read_is_a_value_error_and_nothing_else_is_said(
    read: Callable[[bytes], object], recwarn: pytest.WarningsRecorder
) -> None:
    der = Keys.make().der("sender")
    version = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    name = der.replace(b"\x13\x02CN", b"\x03\x02CN", 1)
    assert len({der, version, name}) == 3
    for changed in (version, name, der[:-1], b""):
        with pytest.raises(ValueError):  # noqa: PT011
            read(changed)
    read(der.replace(b"\x55\x04\x0a", b"\x55\x04\x06"))  # an organisation's name called a country: read, with a warning
    assert not recwarn.list


def pem(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def test_an_authority_with_a_short_rsa_key_issues_nothing() -> None:
    keys = Keys.make()
    signer, root = keys.holders["sender"].certificate, keys.root.certificate

    def path_over(bits: int) -> tuple[x509.Certificate, ...]:
        key = rsa.generate_private_key(65537, bits)
        issuing = renewed(keys.issuing.certificate, keys.root.key, NOW - HOUR, NOW + HOUR, key.public_key())
        return find_path(renewed(signer, key, NOW - HOUR, NOW + HOUR), [issuing], [root], NOW)

    assert len(path_over(2048)) == 3
    with pytest.raises(PathError) as caught:
        path_over(1024)
    assert caught.value.reason == "weak-algorithm"
