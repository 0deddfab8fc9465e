"""Suites: published vectors, the algorithm pinned to the key, and the odd points and numbers of both curves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from certs.digests import b64u_decode
from certs.errors import UnsuitableKeyError
from certs.keys import generate_key
from certs.suites import EDDSA, ES256, SUITES, KeySigner, Signer, Verifier, suite_for_key

VECTORS = Path(cryptography_vectors.__file__).parent / "asymmetric"

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def p256_key(x: int, y: int) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def b64u_int(text: bytes) -> int:
    return int.from_bytes(b64u_decode(text), "big")


def test_rfc_7515_a3_verifies_and_a_changed_one_does_not() -> None:
    public_key = p256_key(
        b64u_int(b"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        b64u_int(b"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    )
    signing_input = (
        b"eyJhbGciOiJFUzI1NiJ9"
        b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = b64u_decode(b"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    verifier = Verifier(public_key)
    assert verifier.verify("ES256", signing_input, signature)
    assert not verifier.verify("ES256", signing_input + b"A", signature)
    assert not verifier.verify("EdDSA", signing_input, signature)


def test_rfc_8037_a4_is_signed_and_verified_to_the_byte() -> None:
    private_key = ed25519.Ed25519PrivateKey.from_private_bytes(
        b64u_decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    )
    assert private_key.public_key().public_bytes_raw() == b64u_decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    signing_input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = b64u_decode(b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
    signer = KeySigner(private_key, "kid")
    assert (signer.alg, signer.kid) == ("EdDSA", "kid")
    assert signer.sign(signing_input) == signature
    assert Verifier(private_key.public_key()).verify("EdDSA", signing_input, signature)
    assert not Verifier(private_key.public_key()).verify("ES256", signing_input, signature)


def p256_sha256_sections(name: str) -> Iterator[dict[str, str]]:
    text = (VECTORS / "ECDSA" / "FIPS_186-3" / name).read_text()
    section = text.split("[P-256,SHA-256]")[1].split("\n[")[0]
    for block in section.strip().split("\n\n"):
        yield dict(re.findall(r"^(\w+) = (\S*)", block, re.MULTILINE))


@pytest.mark.parametrize("name", ["SigVer.rsp", "SigGen.txt"])
def test_the_fips_186_vectors_of_p256_are_judged_as_published(name: str) -> None:
    verdicts = []
    for vector in p256_sha256_sections(name):
        public_key = p256_key(int(vector["Qx"], 16), int(vector["Qy"], 16))
        signature = bytes.fromhex(vector["R"].rjust(64, "0") + vector["S"].rjust(64, "0"))
        expected = vector.get("Result", "P") == "P"
        assert ES256.verify(public_key, bytes.fromhex(vector["Msg"]), signature) is expected
        verdicts.append(expected)
    assert len(verdicts) == 15
    assert set(verdicts) == ({True, False} if name == "SigVer.rsp" else {True})


def test_the_rfc_6979_vectors_of_p256_are_judged_as_published() -> None:
    text = (VECTORS / "ECDSA" / "RFC6979" / "evppkey_ecdsa_rfc6979.txt").read_text()
    pem = text.split("PublicKey=P-256_PUB\n")[1].split("\n\n")[0]
    public_key = load_pem_public_key(pem.encode())
    judged = []
    for block in text.split("\n\n"):
        fields = dict(re.findall(r"^(\w+) = (.*)$", block, re.MULTILINE))
        if fields.get("DigestVerify") != "SHA256" or fields.get("Key") != "P-256_PUB":
            continue
        r, s = decode_dss_signature(bytes.fromhex(fields["Output"]))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        judged.append(ES256.verify(public_key, fields["Input"].strip('"').encode(), signature))
        assert judged[-1] is ("Result" not in fields)
    assert True in judged
    assert False in judged


def test_the_ed25519_vectors_are_signed_and_verified_to_the_byte() -> None:
    lines = (VECTORS / "Ed25519" / "sign.input").read_text().splitlines()
    assert len(lines) == 1024
    for line in lines:
        secret, public, message, signed = (bytes.fromhex(field) for field in line.split(":")[:4])
        private_key = ed25519.Ed25519PrivateKey.from_private_bytes(secret[:32])
        signature = signed[:64]
        assert EDDSA.sign(private_key, message) == signature
        public_key = ed25519.Ed25519PublicKey.from_public_bytes(public)
        assert EDDSA.verify(public_key, message, signature)
        assert not EDDSA.verify(public_key, message + b"\x00", signature)


def test_the_registry_names_each_suite_by_its_alg_and_cannot_be_changed() -> None:
    assert {name: suite.name for name, suite in SUITES.items()} == {name: name for name in SUITES}
    assert {"ES256", "EdDSA"} <= SUITES.keys()
    with pytest.raises(TypeError):
        SUITES["none"] = ES256  # type: ignore[index]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_key_signs_and_verifies_only_under_its_own_algorithm(alg: str) -> None:
    private_key = generate_key(alg)  # type: ignore[arg-type]
    signer: Signer = KeySigner(private_key, "kid")
    verifier = Verifier(private_key.public_key())
    signature = signer.sign(b"data")
    assert signer.alg == verifier.alg == alg
    assert len(signature) == SUITES[alg].signature_length
    assert verifier.verify(alg, b"data", signature)
    for other in ("ES256", "EdDSA", "SM2", "none", "HS256", "", alg.lower()):
        if other != alg:
            assert not verifier.verify(other, b"data", signature)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_signature_of_another_length_is_no_signature(alg: str) -> None:
    private_key = generate_key(alg)  # type: ignore[arg-type]
    signature = SUITES[alg].sign(private_key, b"data")
    verifier = Verifier(private_key.public_key())
    for wrong in (b"", signature[:-1], signature + b"\x00", b"\x00" + signature, signature * 2):
        assert not verifier.verify(alg, b"data", wrong)


def test_keys_that_no_suite_takes_are_refused() -> None:
    for public_key in (
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        "no key at all",
    ):
        with pytest.raises(UnsuitableKeyError) as refused:
            Verifier(public_key)
        assert refused.value.reason == "key-not-supported"
    with pytest.raises(UnsuitableKeyError):
        KeySigner(ec.generate_private_key(ec.SECP384R1()), "kid")


def test_r_and_s_outside_their_range_are_refused() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = private_key.public_key()
    signature = ES256.sign(private_key, b"data")
    r, s = signature[:32], signature[32:]
    for number in (0, P256_ORDER, P256_ORDER + 1, 2**256 - 1):
        edge = number.to_bytes(32, "big")
        assert not ES256.verify(public_key, b"data", edge + s)
        assert not ES256.verify(public_key, b"data", r + edge)
    assert not ES256.verify(public_key, b"data", bytes(64))


def test_the_range_of_r_and_s_is_judged_before_the_library_sees_them() -> None:
    class Credulous:
        """A key that believes every signature."""

        def verify(self, *_: object) -> None:
            return

    one = (1).to_bytes(32, "big")
    assert ES256.verify(Credulous(), b"data", one + one)
    for number in (0, P256_ORDER, 2**256 - 1):
        edge = number.to_bytes(32, "big")
        assert not ES256.verify(Credulous(), b"data", edge + one)
        assert not ES256.verify(Credulous(), b"data", one + edge)


def test_leading_zeros_of_r_and_s_may_not_be_left_out() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    signature = ES256.sign(private_key, b"data")
    while signature[32] != 0:  # one signature in 256
        signature = ES256.sign(private_key, b"data")
    assert ES256.verify(private_key.public_key(), b"data", signature)
    assert not ES256.verify(private_key.public_key(), b"data", signature[:32] + signature[33:])


def test_a_der_signature_is_not_taken_for_a_raw_one() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    assert not ES256.verify(private_key.public_key(), b"data", private_key.sign(b"data", ec.ECDSA(SHA256())))


@given(st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_with_one_flipped_bit_is_refused(data: bytes, bit: int) -> None:
    for private_key in KEYS:
        suite = suite_for_key(private_key.public_key())
        signature = bytearray(suite.sign(private_key, data))
        assert suite.verify(private_key.public_key(), data, bytes(signature))
        signature[bit // 8] ^= 1 << bit % 8
        assert not suite.verify(private_key.public_key(), data, bytes(signature))


KEYS = (generate_key("ES256"), generate_key("EdDSA"))

# Edwards curve arithmetic in affine coordinates (RFC 8032 §5.1), slow and independent of the suite.
PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
ORDER = 2**252 + 27742317777372353535851937790883648493
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(first: Point, second: Point) -> Point:
    (x1, y1), (x2, y2) = first, second
    k = D * x1 * x2 * y1 * y2 % PRIME
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, PRIME) % PRIME, (y1 * y2 + x1 * x2) * pow(1 - k, -1, PRIME) % PRIME


def multiply(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def x_of(y: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return None if (x * x - square) % PRIME else x


def encode(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def small_order_points() -> set[Point]:
    """[L]P has an order that divides 8; enough different P meet all eight such points."""
    points: set[Point] = set()
    for y in range(2, 200):
        x = x_of(y)
        if x is not None:
            points.add(multiply(ORDER, (x, y)))
        if len(points) == 8:
            break
    return points


def weak_encodings() -> list[bytes]:
    """Every 32 bytes that some decoder reads as a point of small order: canonical or not, either sign."""
    ys = {y for _, y in small_order_points()}
    unreduced = {y + PRIME for y in ys if y + PRIME < 2**255}
    return [encode(y, sign) for y in sorted(ys | unreduced) for sign in (0, 1)]


def test_all_encodings_of_all_eight_small_order_points_are_refused_as_keys() -> None:
    assert len(small_order_points()) == 8
    encodings = weak_encodings()
    assert len(encodings) == 14
    for encoded in encodings:
        with pytest.raises(UnsuitableKeyError):
            suite_for_key(ed25519.Ed25519PublicKey.from_public_bytes(encoded))


def test_a_key_whose_y_is_not_reduced_is_refused() -> None:
    for y in range(PRIME, 2**255):
        with pytest.raises(UnsuitableKeyError):
            suite_for_key(ed25519.Ed25519PublicKey.from_public_bytes(encode(y, 0)))


def test_openssl_alone_would_believe_anything_under_a_small_order_key() -> None:
    identity = encode(1, 0)
    public_key = ed25519.Ed25519PublicKey.from_public_bytes(identity)
    forged = identity + bytes(32)  # R = identity, S = 0
    for message in (b"one", b"another"):
        public_key.verify(forged, message)  # raises nothing
        assert not EDDSA.verify(public_key, message, forged)


def signature_with_r(seed: bytes, encoded_r: bytes, message: bytes) -> bytes:
    """The signature of the key's owner for the nonce 0, whose R is the identity in whatever encoding."""
    secret = bytearray(hashlib.sha512(seed).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    k = int.from_bytes(hashlib.sha512(encoded_r + public + message).digest(), "little")
    s = k * int.from_bytes(secret, "little") % ORDER
    return encoded_r + s.to_bytes(32, "little")


def test_a_small_order_r_that_openssl_accepts_is_refused() -> None:
    seed = bytes(range(32))
    public_key = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key()
    signature = signature_with_r(seed, encode(1, 0), b"data")
    public_key.verify(signature, b"data")  # raises nothing
    assert not EDDSA.verify(public_key, b"data", signature)


@pytest.mark.parametrize("encoded_r", [encode(PRIME + 1, 0), encode(1, 1)], ids=["y not reduced", "sign of zero"])
def test_an_r_in_another_than_the_canonical_encoding_is_refused_by_openssl_too(encoded_r: bytes) -> None:
    seed = bytes(range(32))
    public_key = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key()
    signature = signature_with_r(seed, encoded_r, b"data")
    with pytest.raises(InvalidSignature):
        public_key.verify(signature, b"data")
    assert not EDDSA.verify(public_key, b"data", signature)


def test_an_s_made_larger_by_the_order_of_the_group_is_refused() -> None:
    private_key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = EDDSA.sign(private_key, b"data")
    larger = int.from_bytes(signature[32:], "little") + ORDER
    assert EDDSA.verify(private_key.public_key(), b"data", signature)
    assert not EDDSA.verify(private_key.public_key(), b"data", signature[:32] + larger.to_bytes(32, "little"))
