"""The log's Merkle tree (RFC 6962 §2.1): its hashes, its right edge, and proofs checked (`certs.tree_proofs` makes them).

Knows hashes and numbers, and nothing of what an entry means: whoever checks a proof has the few hashes that it consists
of. A tree has at most `MAX_SIZE` leaves.

What the RFC leaves open is settled here: every tree is consistent with the empty one by an empty proof, provided that the
root claimed for the empty tree is `EMPTY_ROOT`; a tree is consistent with itself by an empty proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from certs.errors import ProofError

HASH_BYTES = 32
"""Length of every hash in the tree (SHA-256)."""

MAX_SIZE = 2**63 - 1
"""The largest size of a tree: what databases and the usual tools for logs keep in a signed 64-bit integer."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

_LEAF = b"\x00"
NODE_PREFIX = b"\x01"
"""What the hash of an inner node begins with."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of 0x00 and the leaf's bytes; 32 bytes."""
    return hashlib.sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01 and the hashes of its two children; 32 bytes."""
    return hashlib.sha256(NODE_PREFIX + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: its size and the hashes of its perfect subtrees, largest first; all that growing needs.

    It never changes; growing gives another one, so that a growth that could not be recorded has not happened.
    Raises ProofError when there is not one hash of 32 bytes for every bit that is set in `size`.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_hashes(self.hashes)
        if len(self.hashes) != self.size.bit_count():
            raise ProofError(
                reason="frontier-length",
                zh=f"大小为 {self.size} 的树右缘有 {self.size.bit_count()} 个哈希，这里是 {len(self.hashes)} 个",
                en=f"the right edge of a tree of size {self.size} has {self.size.bit_count()} hashes, not {len(self.hashes)}",
            )

    def append(self, leaf_hash: bytes) -> Frontier:
        """The frontier of the tree with one more leaf. Raises ProofError."""
        return self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """The frontier of the tree with these leaves after its own. Raises ProofError when one has not 32 bytes."""
        stack, size, sha256 = list(self.hashes), self.size, hashlib.sha256
        for leaf in leaf_hashes:
            if len(leaf) != HASH_BYTES:
                raise _wrong_length(len(leaf))
            hashed, carry = leaf, size
            while carry & 1:  # a set bit is a perfect subtree of that height: two of one height make one of the next
                hashed = sha256(NODE_PREFIX + stack.pop() + hashed).digest()
                carry >>= 1
            stack.append(hashed)
            size += 1
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """The root of the tree; `EMPTY_ROOT` when it has no leaf."""
        return fold(self.hashes) if self.hashes else EMPTY_ROOT


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Returns if `proof` shows that `leaf_hash` is leaf `index` of the tree of `size` leaves with this root.

    RFC 9162 §2.1.3.2. Raises ProofError: `index-outside-tree`, `hash-length`, `proof-length`, `root-mismatch`.
    """
    check_index(index, size)
    _check_hashes((leaf_hash, root, *proof))
    # `place` and `last` are the node on the way and the last node, both on the level that has been reached.
    hashed, place, last = leaf_hash, index, size - 1
    for sibling in proof:
        if last == 0:
            raise _proof_length()
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            place, last = _next_with_left_sibling(place, last)
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise _proof_length()
    if hashed != root:
        raise _root_mismatch()


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Returns if `proof` shows that the tree with `old_root` is the beginning of the tree with `new_root`.

    RFC 9162 §2.1.4.2, and the module's words about an empty and an equal tree. Raises ProofError: `sizes-out-of-order`,
    `hash-length`, `proof-length`, `empty-root`, `old-root-mismatch`, `root-mismatch`.
    """
    check_order(old_size, new_size)
    _check_hashes((old_root, new_root, *proof))
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofError(
            reason="empty-root",
            zh="大小为 0 的树，根应是空串的 SHA-256",
            en="the root of a tree of size 0 is the SHA-256 of nothing",
        )
    if old_size in (0, new_size):
        if proof:
            raise _proof_length()
        if old_size == new_size and old_root != new_root:
            raise _root_mismatch()
        return
    found_old, found_new = _consistent_roots(old_size, old_root, new_size, proof)
    if found_old != old_root:
        raise ProofError(
            reason="old-root-mismatch",
            zh="由一致性证明算出的旧根与给出的旧根不符：日志被改写过，或证明不是为这两个检查点做的",
            en="the proof yields another old root: the log was rewritten, or the proof is not for these checkpoints",
        )
    if found_new != new_root:
        raise _root_mismatch()


def _consistent_roots(old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that the proof yields, for 0 < old_size < new_size."""
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    rest = list(proof) if place else [old_root, *proof]  # place 0: the old tree is perfect, its root the first hash
    if not rest:
        raise _proof_length()
    old = new = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            raise _proof_length()
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _next_with_left_sibling(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise _proof_length()
    return old, new


def _next_with_left_sibling(place: int, last: int) -> tuple[int, int]:
    """The lowest level at or above this one where the node is a right child; the last node may have skipped levels."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand beside each other, largest first."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise ProofError(
            reason="size-out-of-range",
            zh=f"树的大小应在 0 到 {MAX_SIZE} 之间，这里是 {size}",
            en=f"the size of a tree is from 0 to {MAX_SIZE}, not {size}",
        )


def check_index(index: int, size: int) -> None:
    """Nothing, when a tree of that size has that leaf. Raises ProofError."""
    _check_size(size)
    if not 0 <= index < size:
        raise ProofError(
            reason="index-outside-tree",
            zh=f"大小为 {size} 的树没有序号 {index} 的叶",
            en=f"a tree of size {size} has no leaf with index {index}",
        )


def check_order(old_size: int, new_size: int) -> None:
    """Nothing, when the one tree may be the beginning of the other by their sizes. Raises ProofError."""
    _check_size(old_size)
    _check_size(new_size)
    if old_size > new_size:
        raise ProofError(
            reason="sizes-out-of-order",
            zh=f"旧树（{old_size}）比新树（{new_size}）大；请检查两个检查点的先后",
            en=f"the old tree ({old_size}) is larger than the new one ({new_size}); check which checkpoint is the older",
        )


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for hashed in hashes:
        if len(hashed) != HASH_BYTES:
            raise _wrong_length(len(hashed))


def _wrong_length(length: int) -> ProofError:
    return ProofError(
        reason="hash-length",
        zh=f"哈希应为 {HASH_BYTES} 字节，这里是 {length} 字节",
        en=f"a hash has {HASH_BYTES} bytes, not {length}",
    )


def _proof_length() -> ProofError:
    return ProofError(
        reason="proof-length",
        zh="证明的哈希个数与树的大小不符；请用为这个大小做的证明",
        en="the number of hashes in the proof does not fit the sizes; use the proof made for them",
    )


def _root_mismatch() -> ProofError:
    return ProofError(
        reason="root-mismatch",
        zh="由证明算出的根与给出的根不符：条目、证明或根被改动，或不属于同一个日志",
        en="the proof yields another root: entry, proof or root was changed, or they are not of one log",
    )
