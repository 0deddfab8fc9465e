"""The tree of RFC 6962: its hashes, its right edge, its proofs, and that nothing but a true proof passes."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import ProofError
from certs.tree import EMPTY_ROOT, MAX_SIZE, Frontier, leaf_hash, node_hash, verify_consistency, verify_inclusion
from certs.tree_proofs import Node, consistency_proof, inclusion_proof, perfect_root, tree_root
from tests.certs.mutations import damaged_bytes, damaged_list

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The roots over the first n of LEAVES, which are the leaves of Certificate Transparency's reference tree."""

HASHES = [leaf_hash(b"entry %d" % number) for number in range(70)]


# A second reading of the RFC, by recursion over lists, that shares nothing with the module but SHA-256.


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _half(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def naive_root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else _sha()
    half = _half(len(hashes))
    return _sha(b"\x01", naive_root(hashes[:half]), naive_root(hashes[half:]))


def naive_path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    half = _half(len(hashes))
    if index < half:
        return [*naive_path(index, hashes[:half]), naive_root(hashes[half:])]
    return [*naive_path(index - half, hashes[half:]), naive_root(hashes[:half])]


def naive_subproof(old: int, hashes: Sequence[bytes], complete: bool) -> list[bytes]:
    if old == len(hashes):
        return [] if complete else [naive_root(hashes)]
    half = _half(len(hashes))
    if old <= half:
        return [*naive_subproof(old, hashes[:half], complete), naive_root(hashes[half:])]
    return [*naive_subproof(old - half, hashes[half:], False), naive_root(hashes[:half])]


def node_over(hashes: Sequence[bytes]) -> Node:
    def node(level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        assert end <= len(hashes), "a proof asked for a subtree that is not perfect"
        return naive_root(hashes[start:end])

    return node


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(ProofError) as caught:
        call()
    assert caught.value.zh
    assert caught.value.en
    return caught.value.reason


def test_a_leaf_is_hashed_behind_a_zero_byte() -> None:
    assert leaf_hash(b"entry") == hashlib.sha256(b"\x00entry").digest()


def test_a_node_is_hashed_behind_a_one_byte() -> None:
    assert node_hash(HASHES[0], HASHES[1]) == hashlib.sha256(b"\x01" + HASHES[0] + HASHES[1]).digest()


def test_the_empty_leaf_has_the_known_hash() -> None:
    # the first leaf of the reference test tree of Certificate Transparency
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@pytest.mark.parametrize("size", range(9))
def test_small_trees_have_the_known_roots(size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert tree_root(hashes).hex() == ROOTS[size]
    assert Frontier().extend(hashes).root().hex() == ROOTS[size]


def test_the_example_of_the_rfc_has_the_proofs_that_it_lists() -> None:
    # RFC 6962 §2.1.3 names the nodes of a tree of seven leaves with these letters
    a, b, c, d, e, f, j = (leaf_hash(leaf) for leaf in LEAVES[:7])
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, m = node_hash(g, h), node_hash(i, j)
    node = node_over([a, b, c, d, e, f, j])
    assert inclusion_proof(0, 7, node) == [b, h, m]
    assert inclusion_proof(3, 7, node) == [c, g, m]
    assert inclusion_proof(4, 7, node) == [f, j, k]
    assert inclusion_proof(6, 7, node) == [i, k]
    assert consistency_proof(3, 7, node) == [c, d, g, m]
    assert consistency_proof(4, 7, node) == [m]
    assert consistency_proof(6, 7, node) == [i, j, k]


@pytest.mark.parametrize("height", range(6))
def test_a_perfect_subtree_has_the_root_of_its_hashes(height: int) -> None:
    hashes = HASHES[: 1 << height]
    assert perfect_root(b"".join(hashes)) == naive_root(hashes)


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(96)])
def test_other_lengths_are_no_perfect_subtree(data: bytes) -> None:
    assert reason_of(lambda: perfect_root(data)) == "not-a-perfect-subtree"


def test_an_empty_frontier_has_the_root_of_the_empty_tree() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256().digest()


@given(st.lists(st.binary(max_size=4), max_size=70), st.data())
def test_a_frontier_grows_to_the_same_tree_in_any_steps(leaves: list[bytes], data: st.DataObject) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    split = data.draw(st.integers(0, len(leaves)))
    grown = Frontier().extend(hashes[:split])
    kept = Frontier(grown.size, grown.hashes)
    for hashed in hashes[split:]:
        grown = grown.append(hashed)
    assert grown == kept.extend(hashes[split:])
    assert (grown.size, grown.root()) == (len(leaves), naive_root(hashes))


def test_growing_leaves_the_frontier_before_it_as_it_was() -> None:
    before = Frontier().extend(HASHES[:5])
    before.extend(HASHES[5:20])
    assert before.root() == naive_root(HASHES[:5])


@pytest.mark.parametrize(
    ("size", "hashes", "reason"),
    [
        (-1, (), "size-out-of-range"),
        (MAX_SIZE + 1, (HASHES[0],), "size-out-of-range"),
        (0, (HASHES[0],), "frontier-length"),
        (3, (HASHES[0],), "frontier-length"),
        (2, tuple(HASHES[:2]), "frontier-length"),
        (1, (HASHES[0][:31],), "hash-length"),
        (1, (HASHES[0] + b"\x00",), "hash-length"),
    ],
)
def test_a_frontier_that_belongs_to_no_tree_is_refused(size: int, hashes: tuple[bytes, ...], reason: str) -> None:
    assert reason_of(lambda: Frontier(size, hashes)) == reason


def test_only_hashes_of_32_bytes_are_appended() -> None:
    assert reason_of(lambda: Frontier().append(b"entry")) == "hash-length"
    assert reason_of(lambda: Frontier().extend([b"entry", HASHES[0]])) == "hash-length"


def test_the_largest_tree_does_not_grow() -> None:
    largest = Frontier(MAX_SIZE, (HASHES[0],) * MAX_SIZE.bit_count())
    assert reason_of(lambda: largest.append(HASHES[1])) == "size-out-of-range"


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 70])
def test_every_leaf_of_a_small_tree_is_proved(size: int) -> None:
    hashes, root = HASHES[:size], naive_root(HASHES[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, node_over(hashes))
        assert proof == naive_path(index, hashes)
        verify_inclusion(hashes[index], index, size, proof, root)


@pytest.mark.parametrize("size", [*range(34), 63, 64, 65, 70])
def test_every_beginning_of_a_small_tree_is_proved(size: int) -> None:
    hashes = HASHES[:size]
    for old in range(size + 1):
        proof = consistency_proof(old, size, node_over(hashes))
        assert proof == (naive_subproof(old, hashes, True) if old else [])
        verify_consistency(old, naive_root(hashes[:old]), size, naive_root(hashes), proof)


@given(st.integers(1, MAX_SIZE), st.data())
def test_a_proof_in_a_tree_of_any_size_verifies_at_its_place_only(size: int, data: st.DataObject) -> None:
    # a tree of equal leaves has one hash for each level, so that trees of any size can be had
    levels = [HASHES[0]]
    for _ in range(63):
        levels.append(node_hash(levels[-1], levels[-1]))
    root = Frontier(size, tuple(levels[bit] for bit in reversed(range(63)) if size >> bit & 1)).root()
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, lambda level, _: levels[level])
    verify_inclusion(HASHES[0], index, size, proof, root)
    assert reason_of(lambda: verify_inclusion(HASHES[1], index, size, proof, root)) == "root-mismatch"
    old = data.draw(st.integers(1, size))
    old_root = Frontier(old, tuple(levels[bit] for bit in reversed(range(63)) if old >> bit & 1)).root()
    steps = consistency_proof(old, size, lambda level, _: levels[level])
    verify_consistency(old, old_root, size, root, steps)


@pytest.mark.parametrize(
    ("index", "size", "reason"),
    [
        (0, 0, "index-outside-tree"),
        (5, 5, "index-outside-tree"),
        (6, 5, "index-outside-tree"),
        (-1, 5, "index-outside-tree"),
        (0, -1, "size-out-of-range"),
        (0, MAX_SIZE + 1, "size-out-of-range"),
    ],
)
def test_a_leaf_outside_the_tree_has_no_proof_and_none_is_believed(index: int, size: int, reason: str) -> None:
    root = naive_root(HASHES[:5])
    proof = naive_path(0, HASHES[:5])
    assert reason_of(lambda: inclusion_proof(index, size, node_over(HASHES))) == reason
    assert reason_of(lambda: verify_inclusion(HASHES[0], index, size, proof, root)) == reason


def test_the_leaf_of_a_tree_of_one_needs_no_proof_and_has_no_other() -> None:
    verify_inclusion(HASHES[0], 0, 1, [], HASHES[0])
    assert reason_of(lambda: verify_inclusion(HASHES[0], 0, 1, [HASHES[1]], HASHES[0])) == "proof-length"
    assert reason_of(lambda: verify_inclusion(HASHES[1], 0, 1, [], HASHES[0])) == "root-mismatch"


@pytest.mark.parametrize("size", [2, 3, 5, 8, 13, 64, 65])
def test_a_proof_of_inclusion_that_is_too_long_or_too_short_is_refused(size: int) -> None:
    hashes, root = HASHES[:size], naive_root(HASHES[:size])
    for index in range(size):
        proof = naive_path(index, hashes)
        for wrong in (proof[:-1], [*proof, HASHES[0]], []):
            assert reason_of(partial(verify_inclusion, hashes[index], index, size, wrong, root)) == "proof-length"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_hashes_of_another_length_are_refused_wherever_they_stand(length: int) -> None:
    root, proof, bad = naive_root(HASHES[:5]), naive_path(1, HASHES[:5]), bytes(length)
    assert reason_of(lambda: verify_inclusion(bad, 1, 5, proof, root)) == "hash-length"
    assert reason_of(lambda: verify_inclusion(HASHES[1], 1, 5, proof, bad)) == "hash-length"
    assert reason_of(lambda: verify_inclusion(HASHES[1], 1, 5, [bad, *proof[1:]], root)) == "hash-length"
    steps, old = naive_subproof(3, HASHES[:5], True), naive_root(HASHES[:3])
    assert reason_of(lambda: verify_consistency(3, bad, 5, root, steps)) == "hash-length"
    assert reason_of(lambda: verify_consistency(3, old, 5, bad, steps)) == "hash-length"
    assert reason_of(lambda: verify_consistency(3, old, 5, root, [*steps[:-1], bad])) == "hash-length"


def test_every_tree_is_consistent_with_the_empty_one() -> None:
    root = naive_root(HASHES[:5])
    assert consistency_proof(0, 5, node_over(HASHES[:5])) == []
    verify_consistency(0, EMPTY_ROOT, 5, root, [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])


def test_a_false_root_of_the_empty_tree_is_refused() -> None:
    root = naive_root(HASHES[:5])
    assert reason_of(lambda: verify_consistency(0, root, 5, root, [])) == "empty-root"
    assert reason_of(lambda: verify_consistency(0, root, 0, root, [])) == "empty-root"
    assert reason_of(lambda: verify_consistency(0, EMPTY_ROOT, 0, root, [])) == "root-mismatch"
    assert reason_of(lambda: verify_consistency(0, EMPTY_ROOT, 5, root, [HASHES[0]])) == "proof-length"


def test_a_tree_is_consistent_with_itself_alone_among_those_of_its_size() -> None:
    root, other = naive_root(HASHES[:5]), naive_root(HASHES[1:6])
    assert consistency_proof(5, 5, node_over(HASHES[:5])) == []
    verify_consistency(5, root, 5, root, [])
    assert reason_of(lambda: verify_consistency(5, root, 5, other, [])) == "root-mismatch"
    assert reason_of(lambda: verify_consistency(5, root, 5, root, [root])) == "proof-length"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (6, 5, "sizes-out-of-order"),
        (1, 0, "sizes-out-of-order"),
        (-1, 5, "size-out-of-range"),
        (1, MAX_SIZE + 1, "size-out-of-range"),
    ],
)
def test_a_tree_never_shrinks(old: int, new: int, reason: str) -> None:
    root = naive_root(HASHES[:5])
    assert reason_of(lambda: consistency_proof(old, new, node_over(HASHES))) == reason
    assert reason_of(lambda: verify_consistency(old, root, new, root, [])) == reason


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 5), (4, 7), (4, 8), (6, 7), (7, 8), (8, 64), (33, 65)])
def test_a_proof_of_consistency_that_is_too_long_or_too_short_is_refused(old: int, new: int) -> None:
    old_root, root = naive_root(HASHES[:old]), naive_root(HASHES[:new])
    proof = naive_subproof(old, HASHES[:new], True)
    for wrong in (proof[:-1], [*proof, HASHES[0]], []):
        assert reason_of(partial(verify_consistency, old, old_root, new, root, wrong)) == "proof-length"


def test_a_rewritten_beginning_is_told_from_a_wrong_end() -> None:
    rewritten = [HASHES[69], *HASHES[1:7]]
    proof = naive_subproof(3, rewritten, True)
    old_root, root = naive_root(HASHES[:3]), naive_root(rewritten)
    assert reason_of(lambda: verify_consistency(3, old_root, 7, root, proof)) == "old-root-mismatch"
    true_proof = naive_subproof(3, HASHES[:7], True)
    assert reason_of(lambda: verify_consistency(3, old_root, 7, root, true_proof)) == "root-mismatch"


def test_six_thousand_damaged_proofs_of_inclusion_are_all_found() -> None:
    rng = random.Random(6962)
    for _ in range(6000):
        size = rng.randrange(1, 70)
        index = rng.randrange(size)
        leaf, root, proof = HASHES[index], naive_root(HASHES[:size]), naive_path(index, HASHES[:size])
        match rng.randrange(5):
            case 0:
                leaf = damaged_bytes(leaf, rng)
            case 1:
                root = damaged_bytes(root, rng)
            case 2 if size > 1:
                index = rng.choice([other for other in range(size) if other != index])
            case _:
                proof = damaged_list(proof, rng)
        with pytest.raises(ProofError):
            verify_inclusion(leaf, index, size, proof, root)


def test_six_thousand_damaged_proofs_of_consistency_are_all_found() -> None:
    rng = random.Random(9162)
    for _ in range(6000):
        new = rng.randrange(2, 70)
        old = rng.randrange(1, new)
        old_root, root = naive_root(HASHES[:old]), naive_root(HASHES[:new])
        proof = naive_subproof(old, HASHES[:new], True)
        match rng.randrange(5):
            case 0:
                old_root = damaged_bytes(old_root, rng)
            case 1:
                root = damaged_bytes(root, rng)
            case _:
                proof = damaged_list(proof, rng)
        with pytest.raises(ProofError):
            verify_consistency(old, old_root, new, root, proof)


def test_any_entry_changed_before_an_older_checkpoint_is_found_by_its_holder() -> None:
    rng, found = random.Random(2119), 0
    while found < 1000:
        old = rng.randrange(1, 60)
        forged = [hashed if len(hashed) == 32 else leaf_hash(hashed) for hashed in damaged_list(HASHES[:old], rng)]
        forged += HASHES[old + 1 : old + 1 + rng.randrange(5, 10)]
        forged += HASHES[: max(0, old + 1 - len(forged))]
        if forged[:old] == HASHES[:old]:
            continue  # inserted behind the last entry of the older tree, which is growth
        proof = naive_subproof(old, forged, True)
        with pytest.raises(ProofError):
            verify_consistency(old, naive_root(HASHES[:old]), len(forged), naive_root(forged), proof)
        found += 1
