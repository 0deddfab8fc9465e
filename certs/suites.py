"""Signature suites: one algorithm each, pinned to the kind of key and never chosen by a message alone.

`ES256` is ECDSA on P-256 with SHA-256, the signature r‖s in 64 bytes (RFC 7518 §3.4). `EdDSA` is Ed25519 (RFC 8037).
A third suite joins by an entry in `SUITES`. Knows keys and bytes; what is signed is for others.

What OpenSSL does with unusual Ed25519 input, and what we add. It checks [S]B = R + [k]A without the cofactor, compares
the encoding of R byte by byte and refuses S ≥ L: so an R of non-canonical encoding and a signature made larger by L are
refused there. It does accept a public key of small order (one signature then verifies under any message that makes
[k]A vanish), reads a key whose y is not reduced modulo p, and accepts R = identity. Here keys of small order or
non-canonical encoding are refused when a suite is chosen for them, and an R of small order is a bad signature. A key with
a small-order component besides its proper one is not told apart; it gives nobody but its owner any choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from certs.errors import UnsuitableKeyError

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# hashlib spares each call the set-up of a hash inside OpenSSL's signature operation.
_ECDSA_SHA256 = ECDSA(Prehashed(SHA256()))

_ED25519_PRIME = 2**255 - 19
_ED25519_SIGN_BIT = 2**255
# The y of the eight points whose order divides 8: identity, order 2, order 4 (twice), order 8 (four, two values of y).
_ED25519_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _ED25519_PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


class Suite(Protocol):
    """One signature algorithm. Stateless; all methods may be called from any thread."""

    @property
    def name(self) -> str:
        """The `alg` of an envelope's header."""

    @property
    def signature_length(self) -> int:
        """Bytes of a signature."""

    def accepts(self, public_key: object) -> bool:
        """Whether this suite, and so no other, is the one for `public_key`."""

    def verify(self, public_key: Any, data: bytes, signature: bytes) -> bool:
        """Whether `signature` is one over `data` by the holder of `public_key`, a key that the suite accepts."""

    def sign(self, private_key: Any, data: bytes) -> bytes:
        """A signature over `data`, `signature_length` bytes."""


class _Es256:
    """ECDSA on P-256 with SHA-256; r‖s, each 32 bytes big-endian (RFC 7518 §3.4)."""

    name = "ES256"
    signature_length = 64

    def accepts(self, public_key: object) -> bool:
        return isinstance(public_key, EllipticCurvePublicKey) and isinstance(public_key.curve, SECP256R1)

    def verify(self, public_key: EllipticCurvePublicKey, data: bytes, signature: bytes) -> bool:
        if len(signature) != 64:
            return False
        r = int.from_bytes(signature[:32], "big")
        s = int.from_bytes(signature[32:], "big")
        if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
            return False
        try:
            public_key.verify(encode_dss_signature(r, s), sha256(data).digest(), _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True

    def sign(self, private_key: EllipticCurvePrivateKey, data: bytes) -> bytes:
        r, s = decode_dss_signature(private_key.sign(sha256(data).digest(), _ECDSA_SHA256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class _EdDsa:
    """Ed25519 (RFC 8037 §3.1, RFC 8032 §5.1); R‖S, 64 bytes."""

    name = "EdDSA"
    signature_length = 64

    def accepts(self, public_key: object) -> bool:
        return isinstance(public_key, Ed25519PublicKey) and not _is_weak_point(public_key.public_bytes_raw())

    def verify(self, public_key: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
        if len(signature) != 64 or _is_weak_point(signature[:32]):
            return False
        try:
            public_key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def sign(self, private_key: Ed25519PrivateKey, data: bytes) -> bytes:
        return private_key.sign(data)


def _is_weak_point(encoded: bytes) -> bool:
    """Whether 32 bytes encode an Ed25519 point of small order, or any point in a form that is not the canonical one."""
    y = int.from_bytes(encoded, "little") & (_ED25519_SIGN_BIT - 1)
    return y >= _ED25519_PRIME or y in _ED25519_SMALL_ORDER


ES256: Suite = _Es256()
EDDSA: Suite = _EdDsa()

SUITES: Mapping[str, Suite] = MappingProxyType({suite.name: suite for suite in (ES256, EDDSA)})
"""The suites by the `alg` that names them."""


def suite_for_key(public_key: object) -> Suite:
    """The one suite for `public_key`. Raises UnsuitableKeyError (reason `key-not-supported`)."""
    for suite in SUITES.values():
        if suite.accepts(public_key):
            return suite
    raise UnsuitableKeyError(
        reason="key-not-supported",
        zh="公钥类型不受支持；请使用 P-256（ES256）或 Ed25519（EdDSA，且非小阶点）密钥",
        en="the public key is of no supported kind; use a P-256 key (ES256) or an Ed25519 key that is no small-order point",
    )


class Verifier:
    """A public key with the one suite that it is good for; made once for each certificate and kept."""

    __slots__ = ("_public_key", "_suite", "alg")

    def __init__(self, public_key: object) -> None:
        """Raises UnsuitableKeyError."""
        self._public_key = public_key
        self._suite = suite_for_key(public_key)
        self.alg = self._suite.name

    def verify(self, alg: str, data: bytes, signature: bytes) -> bool:
        """Whether `signature` over `data` is this key's; never, when `alg` is not the key's algorithm."""
        return alg == self.alg and self._suite.verify(self._public_key, data, signature)


class Signer(Protocol):
    """Whoever can sign without handing out the key."""

    @property
    def alg(self) -> str:
        """Name of the suite."""

    @property
    def kid(self) -> str:
        """Name of the signing certificate: base64url SHA-256 of its DER."""

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` in the suite's form."""


class KeySigner:
    """A signer over a private key that this process holds."""

    __slots__ = ("_private_key", "_suite", "alg", "kid")

    def __init__(self, private_key: PrivateKey, kid: str) -> None:
        """Raises UnsuitableKeyError."""
        self._private_key = private_key
        self._suite = suite_for_key(private_key.public_key())
        self.alg = self._suite.name
        self.kid = kid

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` in the suite's form."""
        return self._suite.sign(self._private_key, data)
