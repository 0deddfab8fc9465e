"""Values of JSON members, each in its one spelling: octets, hashes, sizes and times.

What is of another form is a ValueError; which member that was is said by whoever reads the form.
"""

from __future__ import annotations

import re
from datetime import datetime

from certs.digests import b64_decode
from certs.tree import HASH_BYTES, MAX_SIZE

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
"""RFC 3339 up to microseconds: the library reads other spellings of ISO 8601 too, and drops what is finer."""


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
    """The time, aware, in an RFC 3339 text (capital T and Z, at most microseconds). Raises ValueError."""
    if not isinstance(value, str) or _MOMENT.fullmatch(value) is None:
        raise ValueError("no time with its offset")
    return datetime.fromisoformat(value)
