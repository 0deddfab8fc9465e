"""Values of JSON members, each in its one spelling: octets, hashes, sizes and times.

What is of another form is a ValueError; which member that was is said by whoever reads the form.
"""

from __future__ import annotations

from datetime import datetime

from certs.digests import b64_decode
from certs.tree import HASH_BYTES, MAX_SIZE


def read_octets(value: object) -> bytes:
    """The bytes, at least one, of canonical base64 with padding. Raises ValueError."""
    found = b64_decode(value) if isinstance(value, str) else b""
    if not found:
        raise ValueError("no octets in base64")
    return found


def read_hashes(value: object) -> list[bytes]:
    """The hashes of 32 bytes in a list of base64. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError("no list")
    found = [read_octets(text) for text in value]
    if any(len(one) != HASH_BYTES for one in found):
        raise ValueError("a hash has 32 bytes")
    return found


def read_size(value: object) -> int:
    """A number of leaves, or an index among them. Raises ValueError."""
    if type(value) is not int or not 0 <= value <= MAX_SIZE:
        raise ValueError("not the size of a log")
    return value


def read_moment(value: object) -> datetime:
    """The time in an RFC 3339 text with its offset. Raises ValueError."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        raise ValueError("no time with its offset")
    return found
