"""Proofs from the stored tiles: that entries are under the shown checkpoint, and that an earlier tree is its beginning."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from certs.tiles import tiles_needed
from certs.tree import Frontier
from certs.tree_proofs import Node, consistency_proof, inclusion_proof
from hub.audit.sealed import read_nodes


async def prove_inclusion(connection: asyncpg.Connection, indexes: Sequence[int], size: int) -> list[list[str]]:
    """For each leaf index the proof that it is in the tree of `size` leaves: hashes in base64."""

    def prove(node: Node) -> list[list[bytes]]:
        return [inclusion_proof(index, size, node) for index in indexes]

    node = await read_nodes(connection, size, tiles_needed(size, prove))
    return [_texts(proof) for proof in prove(node)]


async def prove_consistency(connection: asyncpg.Connection, earlier: int, size: int) -> Mapping[str, Any]:
    """That the tree of `earlier` leaves (1 to `size`) is the beginning of the one of `size`: its size, root and the proof."""

    def prove(node: Node) -> tuple[Frontier, list[bytes]]:
        return Frontier(earlier, _edge(earlier, node)), consistency_proof(earlier, size, node)

    frontier, proof = prove(await read_nodes(connection, size, tiles_needed(size, prove)))
    return {"size": earlier, "root": _texts([frontier.root()])[0], "proof": _texts(proof)}


def _edge(size: int, node: Node) -> tuple[bytes, ...]:
    """The perfect subtrees of the first `size` leaves, largest first."""
    hashes, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            hashes.append(node(level, start >> level))
            start += 1 << level
    return tuple(hashes)


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
