"""Reading what is sealed: checkpoint, tiles, leaves. Shows nothing beyond the checkpoint that everybody can see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from certs.tile_files import TILE_WIDTH, Tile
from certs.tiles import TileWriter, node_reader, right_edge
from certs.tree import HASH_BYTES, Frontier
from certs.tree_proofs import Node

CHECKPOINT = "SELECT checkpoint_size, checkpoint FROM tree_head"
TILE = "SELECT substring(hashes FOR $3) FROM log_tile WHERE level = $1 AND index = $2"
TILES = """
SELECT t.level, t.index, substring(t.hashes FOR wanted.bytes) AS hashes
FROM unnest($1::smallint[], $2::bigint[], $3::int[]) AS wanted (level, index, bytes)
JOIN log_tile t ON t.level = wanted.level AND t.index = wanted.index
"""
LEAVES = """
SELECT s.leaf_index, l.leaf FROM sealed_entry s JOIN log_entry l ON l.id = s.id
WHERE s.leaf_index >= $1 AND s.leaf_index < $2 ORDER BY s.leaf_index
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """The tree as it is shown: the size of the checkpoint and its signed note; before the first one, size 0 and None."""

    size: int
    note: str | None


async def shown(connection: asyncpg.Connection) -> Shown:
    """The present checkpoint."""
    row = await connection.fetchrow(CHECKPOINT)
    assert row is not None
    return Shown(row["checkpoint_size"], row["checkpoint"])


async def read_tile(connection: asyncpg.Connection, tile: Tile) -> bytes | None:
    """The first `tile.width` hashes of the tile, or as many as are still there; None if the checkpoint does not cover them all."""
    covered = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH**tile.level
    if covered > (await shown(connection)).size:
        return None
    hashes: bytes | None = await connection.fetchval(TILE, tile.level, tile.index, tile.width * HASH_BYTES)
    return hashes or b""


async def read_leaves(connection: asyncpg.Connection, first: int, count: int) -> Sequence[bytes] | None:
    """The leaves that are stored of the entries from leaf index `first` on; None if the checkpoint does not cover them all."""
    if first + count > (await shown(connection)).size:
        return None
    return [row["leaf"] for row in await connection.fetch(LEAVES, first, first + count)]


async def read_leaves_by_index(connection: asyncpg.Connection, first: int, until: int) -> Mapping[int, bytes]:
    """The leaves that are stored of the entries from leaf index `first` up to `until`; what is not there is left out."""
    return {row["leaf_index"]: row["leaf"] for row in await connection.fetch(LEAVES, first, until)}


async def read_nodes(connection: asyncpg.Connection, size: int, tiles: Sequence[Tile]) -> Node:
    """What proofs about the tree of `size` leaves are made from, if `tiles` are all that they need."""
    found = await _tiles(connection, tiles)
    return node_reader(size, lambda tile: found.get(tile, b""))


async def read_frontier(connection: asyncpg.Connection, size: int) -> Frontier:
    """The right edge of the tree when it had `size` leaves. Raises TileError when tiles are not there."""
    edge = tuple(right_edge(size))
    found = await _tiles(connection, edge)
    by_level = {tile.level: hashes for tile, hashes in found.items()}
    levels = max((tile.level for tile in edge), default=-1) + 1
    return TileWriter(size, tuple(by_level.get(level, b"") for level in range(levels))).frontier()


async def _tiles(connection: asyncpg.Connection, tiles: Sequence[Tile]) -> Mapping[Tile, bytes]:
    rows = await connection.fetch(
        TILES,
        [tile.level for tile in tiles],
        [tile.index for tile in tiles],
        [tile.width * HASH_BYTES for tile in tiles],
    )
    by_place = {(row["level"], row["index"]): row["hashes"] for row in rows}
    return {tile: by_place.get((tile.level, tile.index), b"") for tile in tiles}
