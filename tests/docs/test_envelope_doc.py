"""docs/envelope.md tells the truth: every value of its example is recomputed, every reason it lists exists."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from certs import envelope, header, jsontext
from certs.digests import b64u_decode, b64u_encode
from certs.envelope import open_envelope, seal
from certs.header import TYPES, check_header
from certs.keys import generate_key
from certs.suites import SUITES, KeySigner, PrivateKey, Verifier

DOC = (Path(__file__).parents[2] / "docs" / "envelope.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- example: ([\w-]+) -->\n```\w*\n(.*?)\n```", DOC, re.DOTALL))
# The key of RFC 8037 Appendix A.1, as the page says.
KEY = Ed25519PrivateKey.from_private_bytes(b64u_decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))


@pytest.fixture
def certificate() -> x509.Certificate:
    return x509.load_pem_x509_certificate(EXAMPLES["certificate"].encode())


def test_the_certificate_is_for_the_key_and_its_digest_is_the_kid(certificate: x509.Certificate) -> None:
    assert certificate.public_key() == KEY.public_key()
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert b64u_encode(digest).decode() == EXAMPLES["kid"]


def test_the_steps_of_the_example_follow_from_each_other() -> None:
    text, payload = EXAMPLES["header"].encode(), EXAMPLES["payload"].encode()
    assert json.loads(text)["kid"] == EXAMPLES["kid"]
    signing_input = b64u_encode(text) + b"." + b64u_encode(payload)
    assert signing_input.decode() == EXAMPLES["signing-input"]
    assert f"共 {len(text)} 字节" in DOC
    assert f"ASCII，{len(signing_input)} 字节" in DOC
    assert KEY.sign(signing_input).hex() == EXAMPLES["signature"]
    compact = signing_input + b"." + b64u_encode(KEY.sign(signing_input))
    assert compact.decode() == EXAMPLES["compact"]
    assert "sha-256:" + hashlib.sha256(compact).hexdigest() == EXAMPLES["digest"]


def test_sealing_the_example_gives_its_bytes_and_opening_gives_its_values() -> None:
    members = json.loads(EXAMPLES["header"])
    payload = EXAMPLES["payload"].encode()
    signer = KeySigner(KEY, members["kid"])
    arguments = {name: value for name, value in members.items() if name not in ("alg", "kid")}
    compact = seal(signer, payload=payload, **arguments)
    assert compact.decode() == EXAMPLES["compact"]
    known = {EXAMPLES["kid"]: Verifier(KEY.public_key())}
    opened = open_envelope(compact, max_bytes=len(compact), allowed_types=TYPES, verifier_for=known.get)
    assert opened.header == check_header(members)
    assert opened.payload_bytes == payload
    assert opened.digest == EXAMPLES["digest"]
    assert opened.signature.hex() == EXAMPLES["signature"]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_the_python_of_the_page_makes_envelopes_that_are_believed(alg: str, certificate: x509.Certificate) -> None:
    names: dict[str, Any] = {}
    exec(EXAMPLES["python"], names)  # the code of our own page
    seal_as_the_page_says: Callable[..., bytes] = names["seal"]
    members = json.loads(EXAMPLES["header"])
    rest = {name: value for name, value in members.items() if name not in ("alg", "kid")}
    private_key: PrivateKey = KEY if alg == "EdDSA" else generate_key("ES256")
    der = certificate.public_bytes(Encoding.DER)
    compact = seal_as_the_page_says(private_key, der, rest, EXAMPLES["payload"].encode())
    public_key = private_key.public_key()
    assert isinstance(public_key, EllipticCurvePublicKey) is (alg == "ES256")
    known = {EXAMPLES["kid"]: Verifier(public_key)}
    opened = open_envelope(compact, max_bytes=len(compact), allowed_types=TYPES, verifier_for=known.get)
    assert opened.header.alg == alg
    if alg == "EdDSA":
        assert compact.decode() == EXAMPLES["compact"]


def test_the_page_lists_every_reason_and_no_other() -> None:
    listed = set(re.findall(r"^\| `[\w-]+` \| `([\w<>-]+)` \|", DOC, re.MULTILINE))
    source = {module: Path(str(module.__file__)).read_text() for module in (envelope, header, jsontext)}
    raised = set(re.findall(r'reason="([\w-]+)"', source[envelope]))
    raised |= {f"{part}-not-base64url" for part in ("header", "payload", "signature")}
    raised |= {f"header-{reason}" for reason in re.findall(r'reason="([\w-]+)"', source[jsontext])}
    raised |= set(re.findall(r'"(header-[\w-]+)"', source[header])) | {"header-<name>-form"}
    assert listed == raised


def test_the_page_names_every_header_every_type_and_every_algorithm() -> None:
    chinese, english = DOC.split("\n# English\n")
    for page in (chinese, english):
        for word in (*header._FORMS, *TYPES, *SUITES):
            assert f"`{word}`" in page, word
