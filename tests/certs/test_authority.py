"""The built-in authority: who gets a certificate, what stands in it, and what two other implementations say to that."""

from __future__ import annotations

import base64
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA224, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from certs.authority import (
    AUTHORITY_MARK,
    HubKeyRole,
    Issued,
    create_issuing,
    create_root,
    issue_hub_key,
    issue_system,
    load_csr,
    make_csr,
)
from certs.errors import AuthorityError, CsrError, UnsuitableKeyError
from certs.keys import generate_key
from certs.suites import PublicKey

T = TypeVar("T", bound=x509.ExtensionType)

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@pytest.fixture(params=["ES256", "EdDSA"])
def csr(request: pytest.FixtureRequest) -> bytes:
    return make_csr(generate_key(request.param), "whatever the partner writes")


@pytest.fixture
def system(issuing: Issued, csr: bytes, now: datetime) -> x509.Certificate:
    return issue_system(issuing, csr, "lintao-zwfw", "临洮县示例局", now, 365, crl_url="http://hub.example/pki/crl.der")


def extension(certificate: x509.Certificate, kind: type[T]) -> tuple[T, bool]:
    found = certificate.extensions.get_extension_for_class(kind)
    return found.value, found.critical


def openssl_verify(
    folder: Path, root: Issued, issuing: Issued, certificate: x509.Certificate, at: datetime, *options: str
) -> subprocess.CompletedProcess[str]:
    for name, one in (("root", root.certificate), ("issuing", issuing.certificate), ("end", certificate)):
        (folder / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    chain = ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "-x509_strict", "-attime", str(int(at.timestamp()))]
    return subprocess.run(
        ["openssl", "verify", *chain, *options, "end.pem"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_authority_certificates_say_what_they_are_for(root: Issued, issuing: Issued) -> None:
    assert "仅用于演示、测试和封闭试点" in AUTHORITY_MARK
    assert len(AUTHORITY_MARK) <= 64  # ub-organizational-unit-name
    for issued in (root, issuing):
        units = issued.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        assert [unit.value for unit in units] == [AUTHORITY_MARK]
    assert AUTHORITY_MARK in issuing.certificate.issuer.rfc4514_string().replace("\\", "")


def test_root_and_issuing_certificate_may_sign_certificates_and_lists_and_nothing_else(
    root: Issued, issuing: Issued
) -> None:
    for issued, path_length in ((root, 1), (issuing, 0)):
        constraints, critical = extension(issued.certificate, x509.BasicConstraints)
        assert (constraints.ca, constraints.path_length, critical) == (True, path_length, True)
        usage, critical = extension(issued.certificate, x509.KeyUsage)
        assert critical
        assert usage.key_cert_sign
        assert usage.crl_sign
        assert not usage.digital_signature
        assert issued.certificate.public_key() == issued.key.public_key()
    issuing.certificate.verify_directly_issued_by(root.certificate)
    root.certificate.verify_directly_issued_by(root.certificate)


def test_a_certificate_names_its_issuers_key_and_where_its_revocations_are(
    root: Issued, issuing: Issued, system: x509.Certificate
) -> None:
    for issuer, certificate, url in (
        (root, issuing.certificate, "http://hub.example/pki/root.crl"),
        (issuing, system, "http://hub.example/pki/crl.der"),
    ):
        authority, _ = extension(certificate, x509.AuthorityKeyIdentifier)
        subject, _ = extension(issuer.certificate, x509.SubjectKeyIdentifier)
        assert authority.key_identifier == subject.digest
        points, _ = extension(certificate, x509.CRLDistributionPoints)
        assert [name.value for point in points for name in point.full_name or ()] == [url]


def test_subject_and_usages_of_a_system_are_the_authoritys(system: x509.Certificate, csr: bytes) -> None:
    names = {attribute.rfc4514_attribute_name: attribute.value for attribute in system.subject}
    assert names == {"C": "CN", "O": "临洮县示例局", "CN": "lintao-zwfw"}
    alternative, _ = extension(system, x509.SubjectAlternativeName)
    assert alternative.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:shuniu:system:lintao-zwfw"]
    constraints, critical = extension(system, x509.BasicConstraints)
    assert not constraints.ca
    assert critical
    usage, critical = extension(system, x509.KeyUsage)
    assert critical
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign
    assert not usage.crl_sign
    purposes, _ = extension(system, x509.ExtendedKeyUsage)
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert system.public_key() == load_csr(csr).public_key()
    assert system.version is x509.Version.v3


def test_nothing_that_a_request_asks_for_is_copied(issuing: Issued, now: datetime) -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another-system")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hub.example")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private_key, SHA256())
    )
    certificate = issue_system(issuing, greedy.public_bytes(Encoding.PEM), "lintao-zwfw", "示例局", now, 30)
    assert "another-system" not in certificate.subject.rfc4514_string()
    assert not extension(certificate, x509.BasicConstraints)[0].ca
    assert extension(certificate, x509.SubjectAlternativeName)[0].get_values_for_type(x509.DNSName) == []
    assert list(extension(certificate, x509.ExtendedKeyUsage)[0]) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        extension(certificate, x509.CRLDistributionPoints)


def test_serial_numbers_are_long_and_never_repeat(issuing: Issued, csr: bytes, now: datetime) -> None:
    serials = {issue_system(issuing, csr, "lintao-zwfw", "示例局", now, 1).serial_number for _ in range(50)}
    assert len(serials) == 50
    assert max(serials).bit_length() > 128
    assert min(serials) > 0


def test_validity_starts_a_little_earlier_and_ends_after_the_days(issuing: Issued, csr: bytes, now: datetime) -> None:
    at = now + timedelta(days=3)
    certificate = issue_system(issuing, csr, "lintao-zwfw", "示例局", at, 90)
    assert certificate.not_valid_before_utc == at.replace(microsecond=0) - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == at.replace(microsecond=0) + timedelta(days=90)


def test_validity_never_leaves_the_issuers(root: Issued, issuing: Issued, csr: bytes, now: datetime) -> None:
    inner = issuing.certificate
    assert inner.not_valid_before_utc >= root.certificate.not_valid_before_utc
    certificate = issue_system(issuing, csr, "lintao-zwfw", "示例局", now, 100_000)
    assert certificate.not_valid_after_utc == inner.not_valid_after_utc
    first = issue_system(issuing, csr, "lintao-zwfw", "示例局", inner.not_valid_before_utc, 1)
    assert first.not_valid_before_utc == inner.not_valid_before_utc
    late = create_issuing(root, "示例签发二", root.certificate.not_valid_after_utc - timedelta(days=10))
    assert late.certificate.not_valid_after_utc == root.certificate.not_valid_after_utc


def test_an_issuer_outside_its_validity_signs_nothing(root: Issued, issuing: Issued, csr: bytes, now: datetime) -> None:
    for at in (
        issuing.certificate.not_valid_before_utc - timedelta(seconds=1),
        issuing.certificate.not_valid_after_utc,
    ):
        with pytest.raises(AuthorityError) as refused:
            issue_system(issuing, csr, "lintao-zwfw", "示例局", at, 1)
        assert refused.value.reason == "issuer-not-valid"
    with pytest.raises(AuthorityError):
        create_issuing(root, "示例签发", now + timedelta(days=4000))


@pytest.mark.parametrize(
    ("code", "organisation", "days", "reason"),
    [
        ("A", "示例局", 1, "system-code-form"),
        ("lintao zwfw", "示例局", 1, "system-code-form"),
        ("ab\n", "示例局", 1, "system-code-form"),
        ("ab", "", 1, "organisation-name-form"),
        ("ab", " ", 1, "organisation-name-form"),
        ("ab", "局" * 65, 1, "organisation-name-form"),
        ("ab", "示例\n局", 1, "organisation-name-form"),
        ("ab", "示例局", 0, "days-not-positive"),
    ],
)
def test_names_and_days_that_make_no_sense_are_refused(
    issuing: Issued, csr: bytes, now: datetime, code: str, organisation: str, days: int, reason: str
) -> None:
    with pytest.raises(AuthorityError) as refused:
        issue_system(issuing, csr, code, organisation, now, days)
    assert refused.value.reason == reason
    assert "；请" in refused.value.zh


@pytest.mark.parametrize("role", HubKeyRole)
def test_each_key_of_the_hub_gets_a_certificate_for_its_role(issuing: Issued, now: datetime, role: HubKeyRole) -> None:
    public_key = generate_key("EdDSA").public_key()
    certificate = issue_hub_key(issuing, public_key, "lintao-hub", role, now, 365)
    assert certificate.public_key() == public_key
    alternative, _ = extension(certificate, x509.SubjectAlternativeName)
    assert alternative.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:shuniu:hub:lintao-hub:{role}"]
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert [unit.value for unit in units] == [role.value]
    assert not extension(certificate, x509.BasicConstraints)[0].ca
    certificate.verify_directly_issued_by(issuing.certificate)


def test_a_hub_key_of_another_kind_or_a_hub_without_a_proper_id_is_refused(issuing: Issued, now: datetime) -> None:
    weak: PublicKey = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    with pytest.raises(UnsuitableKeyError):
        issue_hub_key(issuing, weak, "lintao-hub", HubKeyRole.LOG, now, 1)
    with pytest.raises(AuthorityError) as refused:
        issue_hub_key(issuing, generate_key("ES256").public_key(), "Lintao", HubKeyRole.LOG, now, 1)
    assert refused.value.reason == "hub-id-form"


def test_the_librarys_own_verifier_builds_the_path(root: Issued, issuing: Issued, now: datetime) -> None:
    csr = make_csr(generate_key("ES256"), "x")
    certificate = issue_system(issuing, csr, "lintao-zwfw", "示例局", now, 30)
    policy = PolicyBuilder().store(Store([root.certificate])).time(now)
    verified = policy.build_client_verifier().verify(certificate, [issuing.certificate])
    assert verified.chain == [certificate, issuing.certificate, root.certificate]
    stranger = create_root("示例根 Example Root", now)
    for anchor, at in ((root, now + timedelta(days=31)), (stranger, now)):
        verifier = PolicyBuilder().store(Store([anchor.certificate])).time(at).build_client_verifier()
        with pytest.raises(VerificationError):
            verifier.verify(certificate, [issuing.certificate])


@needs_openssl
def test_openssl_verifies_the_path_and_its_purposes(
    root: Issued, issuing: Issued, system: x509.Certificate, now: datetime, tmp_path: Path
) -> None:
    verified = openssl_verify(tmp_path, root, issuing, system, now, "-purpose", "sslclient")
    assert verified.returncode == 0, verified.stderr
    assert openssl_verify(tmp_path, root, issuing, system, now, "-purpose", "sslserver").returncode != 0
    assert openssl_verify(tmp_path, root, issuing, system, now + timedelta(days=366)).returncode != 0
    hub_key = issue_hub_key(issuing, generate_key("ES256").public_key(), "lintao-hub", HubKeyRole.RECEIPTS, now, 30)
    assert openssl_verify(tmp_path, root, issuing, hub_key, now).returncode == 0
    stranger = create_root("示例根 Example Root", now)
    assert openssl_verify(tmp_path, stranger, issuing, system, now).returncode != 0


@needs_openssl
def test_an_ed25519_authority_works_as_well(now: datetime, csr: bytes, tmp_path: Path) -> None:
    root = create_root("示例根", now, algorithm="EdDSA")
    issuing = create_issuing(root, "示例签发", now, algorithm="EdDSA")
    certificate = issue_system(issuing, csr, "lintao-zwfw", "示例局", now, 30)
    verified = openssl_verify(tmp_path, root, issuing, certificate, now)
    assert verified.returncode == 0, verified.stderr


@needs_openssl
def test_a_certificate_below_an_issuing_certificate_cannot_issue(
    root: Issued, issuing: Issued, now: datetime, tmp_path: Path
) -> None:
    below = create_issuing(issuing, "越权", now)
    end = issue_system(below, make_csr(generate_key("ES256"), "x"), "lintao-zwfw", "示例局", now, 1)
    both = Issued(issuing.key, issuing.certificate)
    (tmp_path / "below.pem").write_bytes(below.certificate.public_bytes(Encoding.PEM))
    refused = openssl_verify(tmp_path, root, both, end, now, "-untrusted", "below.pem")
    assert refused.returncode != 0
    assert "path length" in refused.stdout + refused.stderr


@needs_openssl
def test_a_request_made_by_openssl_is_accepted(issuing: Issued, now: datetime, tmp_path: Path) -> None:
    command = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", "key.pem", "-out", "req.pem", "-subj", "/CN=lintao"]
    subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, check=True)
    certificate = issue_system(issuing, (tmp_path / "req.pem").read_bytes(), "lintao-zwfw", "示例局", now, 1)
    certificate.verify_directly_issued_by(issuing.certificate)


def refused_csr(csr_pem: bytes) -> str:
    with pytest.raises(CsrError) as refused:
        load_csr(csr_pem)
    assert "证书请求" in refused.value.zh
    assert "；请" in refused.value.zh
    assert "CSR" in refused.value.en
    return refused.value.reason


def test_a_request_whose_signature_is_not_the_keys_is_refused(csr: bytes) -> None:
    der = bytearray(x509.load_pem_x509_csr(csr).public_bytes(Encoding.DER))
    der[-1] ^= 1
    assert refused_csr(x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)) == "csr-signature-invalid"


def test_a_stolen_public_key_gets_no_certificate() -> None:
    # the request carries the victim's key, and the thief can only sign with another
    victim, thief = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    genuine = x509.load_pem_x509_csr(make_csr(thief, "x")).public_bytes(Encoding.DER)

    def point(private_key: ec.EllipticCurvePrivateKey) -> bytes:
        numbers = private_key.public_key().public_numbers()
        return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    forged = x509.load_der_x509_csr(genuine.replace(point(thief), point(victim)))
    assert forged.public_key() == victim.public_key()
    assert refused_csr(forged.public_bytes(Encoding.PEM)) == "csr-signature-invalid"


def test_a_request_signed_over_sha_1_is_refused() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    weak = x509.load_der_x509_csr(sha1_csr(builder, private_key))
    assert isinstance(weak.signature_hash_algorithm, SHA1)
    assert refused_csr(weak.public_bytes(Encoding.PEM)) == "csr-signature-invalid"


def test_a_request_signed_over_a_short_hash_is_refused() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(private_key, SHA224())
    assert request.is_signature_valid
    assert refused_csr(request.public_bytes(Encoding.PEM)) == "csr-signature-invalid"


def test_a_request_signed_with_an_unknown_algorithm_is_refused(csr: bytes) -> None:
    der = x509.load_pem_x509_csr(csr).public_bytes(Encoding.DER)
    ecdsa_sha256, ed25519_oid = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("300506032b6570")
    head, oid, tail = der.rpartition(ecdsa_sha256 if ecdsa_sha256 in der else ed25519_oid)
    unknown = x509.load_der_x509_csr(head + oid[:-1] + b"\x7f" + tail)
    assert refused_csr(unknown.public_bytes(Encoding.PEM)) == "csr-signature-invalid"


def sha1_csr(builder: x509.CertificateSigningRequestBuilder, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """A request signed with ECDSA over SHA-1, put together by hand because libraries refuse to make one."""
    sha256 = builder.sign(private_key, SHA256())
    signature = private_key.sign(sha256.tbs_certrequest_bytes, ec.ECDSA(SHA1()))
    algorithm = bytes.fromhex("300906072a8648ce3d0401")  # ecdsa-with-SHA1
    bits = b"\x03" + bytes((len(signature) + 1,)) + b"\x00" + signature
    body = sha256.tbs_certrequest_bytes + algorithm + bits
    return b"\x30\x81" + bytes((len(body),)) + body


@pytest.mark.parametrize("kind", ["P-384", "RSA"])
def test_a_request_for_another_kind_of_key_is_refused(kind: str) -> None:
    private_key = ec.generate_private_key(ec.SECP384R1()) if kind == "P-384" else rsa.generate_private_key(65537, 2048)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(private_key, SHA256())
    assert refused_csr(request.public_bytes(Encoding.PEM)) == "csr-key-not-supported"


SM2 = b"""-----BEGIN CERTIFICATE REQUEST-----
MIHMMHUCAQAwEzERMA8GA1UEAwwIc3ViLXNpdGUwWTATBgcqhkjOPQIBBggqgRzP
VQGCLQNCAAT1U6WWMV/wnjc7A7yurhyk2td3jL3Vh1RdavJWqqmeARWETrO3b9OC
APdI7XujJDu23qUKPIXl1p7Hv2L2QzWroAAwCgYIKoEcz1UBg3UDRwAwRAIgEz2H
Zv5KQK7onOF1atI80y2jegMtcJhc0g7W9/Tc6Z4CIAVgf8ZhqZrGAoNWEjEOerBp
vSx/lHs6MjE63OQOhgIQ
-----END CERTIFICATE REQUEST-----
"""


def test_a_request_for_a_key_on_sm2_is_told_that_the_key_is_the_matter() -> None:
    assert refused_csr(SM2) == "csr-key-not-supported"


def test_of_two_requests_none_is_taken(csr: bytes) -> None:
    assert refused_csr(csr + csr) == "csr-more-than-one"


@pytest.mark.parametrize(
    "text", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", b"x"]
)
def test_what_is_no_request_is_refused(text: bytes) -> None:
    assert refused_csr(text) == "csr-unreadable"


def test_a_request_of_an_unknown_version_is_refused(csr: bytes) -> None:
    der = x509.load_pem_x509_csr(csr).public_bytes(Encoding.DER).replace(b"\x02\x01\x00", b"\x02\x01\x05", 1)
    lines = [b"-----BEGIN CERTIFICATE REQUEST-----", base64.b64encode(der), b"-----END CERTIFICATE REQUEST-----", b""]
    assert refused_csr(b"\n".join(lines)) == "csr-unreadable"


def test_a_certificate_is_no_request(root: Issued) -> None:
    assert refused_csr(root.certificate.public_bytes(Encoding.PEM)) == "csr-unreadable"


def test_an_oversized_request_is_refused_unread(csr: bytes) -> None:
    assert refused_csr(csr + b"\n" * 20_000) == "csr-too-large"


def test_times_without_an_offset_are_refused(issuing: Issued, csr: bytes) -> None:
    with pytest.raises(TypeError):
        issue_system(issuing, csr, "lintao-zwfw", "示例局", datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None), 1)
