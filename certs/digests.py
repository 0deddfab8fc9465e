"""Digests as the contract writes them, base64url as JWS does (RFC 7515 §2, RFC 4648 §5, no padding), and base64 (§4).

Only the canonical form is read: one value has one text, so that a digest of the text is a digest of the value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import pybase64

DIGEST_PREFIX = "sha-256:"

_DIGEST = re.compile(r"sha-256:[0-9a-f]{64}")

_PADDING = (b"", b"", b"==", b"=")  # by length modulo 4; nothing makes 1 possible, and the decoder refuses it
# By the number of characters in the last group of four: those whose unused low bits are zero.
_LAST_OF_TWO = frozenset(b"AQgw")
_LAST_OF_THREE = frozenset(b"AEIMQUYcgkosw048")


def digest_bytes(data: bytes) -> bytes:
    """SHA-256 of `data`, 32 bytes."""
    return hashlib.sha256(data).digest()


def digest(data: bytes) -> str:
    """SHA-256 of `data` as the contract writes it: `sha-256:` and 64 lower-case hex digits."""
    return digest_text(digest_bytes(data))


def digest_text(hashed: bytes) -> str:
    """A SHA-256, 32 bytes, as the contract writes it."""
    return DIGEST_PREFIX + hashed.hex()


def is_digest(text: str) -> bool:
    """Whether `text` has the form of a digest."""
    return _DIGEST.fullmatch(text) is not None


def parse_digest(text: str) -> bytes:
    """The 32 bytes of a digest in the contract's form. Raises ValueError."""
    if not is_digest(text):
        raise ValueError("not a digest of the form sha-256:<64 lower-case hex digits>")
    return bytes.fromhex(text[len(DIGEST_PREFIX) :])


def b64_decode(text: str) -> bytes:
    """The bytes of `text`, canonical base64 with padding. Raises ValueError for any other spelling."""
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode("ascii") != text:
        raise ValueError("not canonical base64")
    return found


def b64u_encode(data: bytes) -> bytes:
    """`data` in base64url without padding."""
    return pybase64.urlsafe_b64encode(data).rstrip(b"=")


def b64u_decode(text: bytes) -> bytes:
    """The bytes of `text`, canonical base64url without padding.

    Raises ValueError for padding, whitespace, any character outside the alphabet, an impossible length, and unused bits
    that are not zero.
    """
    rest = len(text) % 4
    if (rest == 2 and text[-1] not in _LAST_OF_TWO) or (rest == 3 and text[-1] not in _LAST_OF_THREE):
        raise ValueError("not canonical base64url: padding, or unused bits that are not zero")
    if b"+" in text or b"/" in text or b"=" in text:  # the decoder takes both alphabets at once
        raise ValueError("not base64url: of another alphabet, or padded")
    try:
        return pybase64.b64decode(text + _PADDING[rest], b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64url: {error}") from None
