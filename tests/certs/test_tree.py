"""Leaf hashes as RFC 6962 defines them."""

from __future__ import annotations

import hashlib

from certs.tree import leaf_hash


def test_a_leaf_is_hashed_behind_a_zero_byte() -> None:
    assert leaf_hash(b"entry") == hashlib.sha256(b"\x00entry").digest()


def test_the_empty_leaf_has_the_known_hash() -> None:
    # the first leaf of the reference test tree of Certificate Transparency
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
