"""Hashes of the log's Merkle tree (RFC 6962 §2.1). Knows bytes and nothing of what an entry means."""

from __future__ import annotations

import hashlib

_LEAF = b"\x00"


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of 0x00 and the leaf's bytes; 32 bytes."""
    return hashlib.sha256(_LEAF + leaf).digest()
