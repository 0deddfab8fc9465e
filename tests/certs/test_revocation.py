"""Revocation lists: what the authority withdraws, in a form that others read."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import (
    Issued,
    RevocationReason,
    Revoked,
    certificate_revocation_list,
    create_issuing,
    create_root,
    issue_system,
    make_csr,
)
from certs.errors import AuthorityError
from certs.keys import generate_key
from certs.revocation import is_whole_list, lists_expired_since

DAY = timedelta(days=1)


def test_a_list_says_who_was_revoked_when_and_why(issuing: Issued, now: datetime) -> None:
    reasons = [reason for reason in RevocationReason if reason is not RevocationReason.REMOVE_FROM_CRL]
    at = now.replace(microsecond=0) - DAY
    entries = [Revoked(1000 + reason, at, reason) for reason in reasons]
    crl = x509.load_der_x509_crl(certificate_revocation_list(issuing, entries, 7, now, now + DAY))
    assert crl.issuer == issuing.certificate.subject
    assert (crl.last_update_utc, crl.next_update_utc) == (now.replace(microsecond=0), now.replace(microsecond=0) + DAY)
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    authority = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    subject = issuing.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == subject.digest
    public_key = issuing.key.public_key()
    assert crl.is_signature_valid(public_key)
    assert len(crl) == len(entries)
    for entry in entries:
        line = crl.get_revoked_certificate_by_serial_number(entry.serial)
        assert line is not None
        assert line.revocation_date_utc == at
        if entry.reason is RevocationReason.UNSPECIFIED:
            assert len(line.extensions) == 0
        else:
            reason = line.extensions.get_extension_for_class(x509.CRLReason).value.reason
            assert reason is entry.reason.flag


def test_an_empty_list_is_a_list(issuing: Issued, now: datetime) -> None:
    crl = x509.load_der_x509_crl(certificate_revocation_list(issuing, [], 1, now, now + DAY))
    assert len(crl) == 0


def test_reasons_have_the_values_and_words_of_rfc_5280_and_a_chinese_label() -> None:
    words = {reason.value: reason.flag.value for reason in RevocationReason}
    assert words == {
        0: "unspecified",
        1: "keyCompromise",
        2: "cACompromise",
        3: "affiliationChanged",
        4: "superseded",
        5: "cessationOfOperation",
        6: "certificateHold",
        8: "removeFromCRL",
        9: "privilegeWithdrawn",
        10: "aACompromise",
    }
    labels = {reason.zh for reason in RevocationReason}
    assert len(labels) == len(RevocationReason)
    assert RevocationReason.KEY_COMPROMISE.zh == "密钥泄露"


def test_lists_that_make_no_sense_are_refused(issuing: Issued, now: datetime) -> None:
    twice = [Revoked(5, now, RevocationReason.SUPERSEDED), Revoked(5, now, RevocationReason.KEY_COMPROMISE)]
    delta_only = [Revoked(5, now, RevocationReason.REMOVE_FROM_CRL)]
    for entries, next_update, reason in (
        ([], now, "crl-next-update-not-later"),
        (twice, now + DAY, "crl-duplicate-serial"),
        (delta_only, now + DAY, "crl-reason-not-for-full-list"),
    ):
        with pytest.raises(AuthorityError) as refused:
            certificate_revocation_list(issuing, entries, 1, now, next_update)
        assert refused.value.reason == reason
        assert "；" in refused.value.zh


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_openssl_refuses_a_listed_certificate_and_accepts_one_that_is_not(
    now: datetime, tmp_path: Path, algorithm: str
) -> None:
    root = create_root("示例根", now)
    issuing = create_issuing(root, "示例签发", now, algorithm=algorithm)  # type: ignore[arg-type]
    csr = make_csr(generate_key("ES256"), "x")
    good, bad = (issue_system(issuing, csr, code, "示例局", now, 30) for code in ("good", "bad"))
    revoked = [Revoked(bad.serial_number, now, RevocationReason.KEY_COMPROMISE)]
    crl = x509.load_der_x509_crl(certificate_revocation_list(issuing, revoked, 1, now, now + DAY))
    files: dict[str, x509.Certificate | x509.CertificateRevocationList] = {
        "root.pem": root.certificate,
        "issuing.pem": issuing.certificate,
        "good.pem": good,
        "bad.pem": bad,
        "crl.pem": crl,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.public_bytes(Encoding.PEM))
    options = ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "crl.pem", "-crl_check"]
    moment = ["-attime", str(int((now + timedelta(hours=1)).timestamp()))]

    def verify(name: str) -> subprocess.CompletedProcess[str]:
        command = ["openssl", "verify", *options, *moment, name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert verify("good.pem").returncode == 0, verify("good.pem").stderr
    refused = verify("bad.pem")
    assert refused.returncode != 0
    assert "revoked" in refused.stdout + refused.stderr


def test_a_list_that_keeps_what_ran_out_says_since_when_and_an_ordinary_one_says_nothing(
    issuing: Issued, now: datetime
) -> None:
    since = now.replace(microsecond=0) - 400 * DAY
    kept = certificate_revocation_list(
        issuing, [], 1, now, now + DAY, expired_since=since.astimezone(timezone(timedelta(hours=8)))
    )
    plain = certificate_revocation_list(issuing, [], 1, now, now + DAY)
    assert lists_expired_since(x509.load_der_x509_crl(kept)) == since
    assert lists_expired_since(x509.load_der_x509_crl(plain)) is None
    assert is_whole_list(x509.load_der_x509_crl(kept))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
def test_openssl_reads_the_extension_as_what_it_is(issuing: Issued, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "crl.der"
    since = datetime(2024, 2, 29, 12, 0, 5, tzinfo=UTC)
    file.write_bytes(certificate_revocation_list(issuing, [], 1, now, now + DAY, expired_since=since))
    shown = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER", "-in", file], capture_output=True, text=True, check=True
    )
    assert "180F32303234303232393132303030355A" in shown.stdout


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x18",
        b"\x17\x0f20240229120005Z",
        b"\x18\x0e2024022912000Z",
        b"\x18\x1020240229120005Z",
        b"\x18\x0f20240230120005Z",
        b"\x18\x0f2024022912000\xffZ",
    ],
)
def test_a_time_of_another_form_says_nothing(issuing: Issued, now: datetime, value: bytes) -> None:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), value)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuing.certificate.subject).last_update(now)
    made = builder.next_update(now + DAY).add_extension(extension, critical=False).sign(issuing.key, SHA256())
    assert lists_expired_since(made) is None
