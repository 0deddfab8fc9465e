"""Paths from a signer to an anchor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, SHA384
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certs.authority import Issued
from certs.keys import generate_key
from hub.client import TrustError, pki
from tests.support.client_side import NOW, County

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def make(
    name: str,
    issuer: Issued | None = None,
    *,
    ca: bool = True,
    path_length: int | None = None,
    usage: str | None = "key_cert_sign",
    constraints: bool = True,
    since: datetime = NOW - timedelta(days=1),
    until: datetime = NOW + timedelta(days=1),
    critical: str | None = None,
    hash_algorithm: Any = None,
) -> Issued:
    """A certificate of any shape."""
    key = generate_key("ES256")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if constraints:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.KeyUsage(**{name: name == usage for name in USAGES}), critical=True)
    if critical is not None:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(critical), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    return Issued(key, builder.sign(issuer.key if issuer else key, hash_algorithm or SHA256()))


def leaf(issuer: Issued, **shape: Any) -> Issued:
    usual: dict[str, Any] = {"ca": False, "usage": "digital_signature"}
    return make("leaf", issuer, **(usual | shape))


def check(signer: Issued, issuers: Sequence[Issued], anchors: Sequence[Issued], at: datetime = NOW) -> None:
    certificates = [issuer.certificate for issuer in issuers]
    pki.check_path(signer.certificate, certificates, [anchor.certificate for anchor in anchors], at)


def test_a_path_over_one_issuer_leads_to_the_anchor(county: County) -> None:
    folder = county.system("civil-affairs")
    chain = pki.read_certificates((folder / "cert.pem").read_bytes())
    pki.check_path(chain[0], chain[1:], [county.root.certificate], NOW)
    pki.check_path(chain[0], [], [county.issuing.certificate], NOW)


def test_issuers_may_come_in_any_order_with_strangers_among_them() -> None:
    root = make("root")
    middle = make("middle", root)
    low = make("low", middle)
    check(leaf(low), [make("stranger"), middle, low], [root])


@pytest.mark.parametrize(
    ("signer", "words"),
    [
        (lambda root: leaf(make("low", root, path_length=0)), None),
        (lambda root: leaf(make("root")), "trusted authority"),
        (lambda root: leaf(root, since=NOW + timedelta(hours=1)), "not valid"),
        (lambda root: leaf(root, until=NOW - timedelta(hours=1)), "not valid"),
        (lambda root: leaf(root, usage="key_agreement"), "digital signatures"),
        (lambda root: leaf(root, usage=None), "digital signatures"),
        (lambda root: leaf(root, ca=True), "digital signatures"),
        (lambda root: leaf(root, critical="1.2.3.4"), "critical extension"),
        (lambda root: leaf(root, constraints=False), "anchored"),
    ],
)
def test_a_signer_is_judged_by_its_own_certificate(signer: Any, words: str | None) -> None:
    root = make("root")
    made = signer(root)
    if words == "anchored":
        check(made, [], [root])
        return
    with pytest.raises(TrustError, match=words or "trusted authority"):
        check(made, [], [root])


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"ca": False}, "may not issue"),
        ({"constraints": False}, "may not issue"),
        ({"usage": "digital_signature"}, "may not issue"),
        ({"usage": None}, "may not issue"),
        ({"until": NOW - timedelta(hours=1)}, "not valid"),
        ({"critical": "1.2.3.4"}, "critical extension"),
    ],
)
def test_an_issuer_in_between_must_be_an_authority(shape: dict[str, Any], words: str) -> None:
    root = make("root")
    middle = make("middle", root, **shape)
    with pytest.raises(TrustError, match=words):
        check(leaf(middle), [middle], [root])


def test_a_path_is_no_longer_than_its_authorities_allow() -> None:
    root = make("root", path_length=0)
    middle = make("middle", root)
    check(leaf(root), [], [root])
    with pytest.raises(TrustError, match="longer than its authority allows"):
        check(leaf(middle), [middle], [root])


def test_a_path_without_end_is_given_up() -> None:
    issuers = [make("one")]
    for number in range(5):
        issuers.append(make(str(number), issuers[-1]))
    with pytest.raises(TrustError, match="too long"):
        check(leaf(issuers[-1]), issuers, [make("root")])


def test_a_certificate_that_only_bears_the_anchors_name_is_no_anchor() -> None:
    root, impostor = make("root"), make("root")
    with pytest.raises(TrustError, match="trusted authority"):
        check(leaf(impostor), [impostor], [root])


def test_an_anchor_counts_only_while_it_is_valid() -> None:
    root = make("root", until=NOW - timedelta(hours=1))
    with pytest.raises(TrustError, match="not valid"):
        check(leaf(root), [], [root])


def test_a_certificate_without_alternative_name_has_no_names() -> None:
    assert pki.names(make("root").certificate) == frozenset()


def test_only_plain_pkcs8_keys_that_can_sign_are_read(county: County) -> None:
    key = generate_key("ES256")
    for text in (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        b"nothing",
    ):
        with pytest.raises(ValueError, match=r".+"):
            pki.read_private_key(text)
    folder = county.system("lintao-subsite")
    pki.read_private_key((folder / "key.pem").read_bytes())


def test_weakly_signed_certificates_are_refused() -> None:
    root = make("root")
    with pytest.raises(TrustError, match="weak"):
        check(leaf(root, hash_algorithm=SHA224()), [], [root])
    check(leaf(root, hash_algorithm=SHA384()), [], [root])
