"""What proofs about the log's tree are made from and how (RFC 6962 §2.1); `certs.tree` checks them.

Whoever makes a proof passes a `Node`, which gives the hashes of inner nodes, wherever those are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from certs.errors import ProofError
from certs.tree import EMPTY_ROOT, HASH_BYTES, NODE_PREFIX, check_index, check_order, fold, node_hash

Node = Callable[[int, int], bytes]
"""`node(level, index)`: the hash over leaves index·2^level up to, not including, (index + 1)·2^level; 32 bytes."""


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over all leaf hashes, word for word as RFC 6962 §2.1 defines it; for a log that grows use `Frontier`."""
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    split = _split(len(leaf_hashes))
    return node_hash(tree_root(leaf_hashes[:split]), tree_root(leaf_hashes[split:]))


def perfect_root(hashes: bytes) -> bytes:
    """The root over 2^k hashes that are written one after another: 32·2^k bytes in, 32 out. Raises ProofError."""
    count, rest = divmod(len(hashes), HASH_BYTES)
    if rest or count.bit_count() != 1:
        raise ProofError(
            reason="not-a-perfect-subtree",
            zh=f"完全子树应有 2 的幂个 32 字节哈希，这里是 {len(hashes)} 字节",
            en=f"a perfect subtree has a power of two of hashes of 32 bytes; these are {len(hashes)} bytes",
        )
    pair = 2 * HASH_BYTES
    sha256 = hashlib.sha256
    while len(hashes) > HASH_BYTES:
        hashes = b"".join([sha256(NODE_PREFIX + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)])
    return hashes


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: the hashes beside the way from leaf `index` up to the root of `size` leaves.

    Raises ProofError when the tree has no such leaf, and whatever `node` raises.
    """
    check_index(index, size)
    proof, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, node))
            end = middle
        else:
            proof.append(_range_hash(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, new_size: int, node: Node) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 6962 §2.1.2: shows that the old tree is the beginning of the new one.

    Empty when the old tree is empty or is the new one. Raises ProofError when the old tree is the larger, and whatever
    `node` raises.
    """
    check_order(old_size, new_size)
    if old_size == 0:
        return []
    proof, start, end = [], 0, new_size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(_range_hash(middle, end, node))
            end = middle
        else:
            proof.append(_range_hash(start, middle, node))
            start = middle
    if start:  # else the last subtree is the whole old tree, whose root the verifier has
        proof.append(_range_hash(start, end, node))
    return proof[::-1]


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, node: Node) -> bytes:
    """The root over leaves start to end − 1, where `start` is a multiple of a power of two not below end − start."""
    hashes = []
    while start < end:
        level = (end - start).bit_length() - 1
        hashes.append(node(level, start >> level))
        start += 1 << level
    return fold(hashes)
