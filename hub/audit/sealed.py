"""Reading what is sealed: checkpoint, tiles, leaves. Shows nothing beyond the checkpoint that everybody can see."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from certs.tiles import TILE_WIDTH, Tile
from certs.tree import HASH_BYTES

CHECKPOINT = "SELECT checkpoint_size, checkpoint FROM tree_head"
TILE = "SELECT substring(hashes FOR $3) FROM log_tile WHERE level = $1 AND index = $2"
LEAVES = """
SELECT l.leaf FROM sealed_entry s JOIN log_entry l ON l.id = s.id
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
    """The first `tile.width` hashes of the tile; None if the checkpoint does not cover them all."""
    covered = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH**tile.level
    if covered > (await shown(connection)).size:
        return None
    hashes: bytes | None = await connection.fetchval(TILE, tile.level, tile.index, tile.width * HASH_BYTES)
    return hashes


async def read_leaves(connection: asyncpg.Connection, first: int, count: int) -> Sequence[bytes] | None:
    """The leaves of the entries from leaf index `first` on; None if the checkpoint does not cover them all."""
    if first + count > (await shown(connection)).size:
        return None
    return [row["leaf"] for row in await connection.fetch(LEAVES, first, first + count)]
