"""Salted commitments: what stands in the log instead of a personal field.

A commitment binds to the value without telling it: whoever holds value and salt can show what was recorded, and once the
salt is destroyed nobody can find the value by trying (an identity number has too little entropy for a bare hash).
"""

from __future__ import annotations

import hmac

SALT_BYTES = 16
"""Length of a salt: 128 random bits, one for each recorded field."""

COMMITMENT_PREFIX = "hmac-sha-256:"


def commit(value: str, salt: bytes) -> str:
    """The commitment to `value`: `hmac-sha-256:` and the hex of HMAC-SHA-256 keyed with `salt` over the UTF-8 value.

    Raises ValueError when the salt is not 16 bytes or the value cannot be encoded.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return COMMITMENT_PREFIX + hmac.digest(salt, value.encode(), "sha256").hex()


def check(commitment: str, value: str, salt: bytes) -> bool:
    """Whether `commitment` is the one to `value` under `salt`, compared in constant time. Raises as `commit` does."""
    return hmac.compare_digest(commitment.encode(), commit(value, salt).encode())
