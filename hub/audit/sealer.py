"""The sealer: it puts what was logged into the tree, commits the tree's head, then signs that head and shows it.

The problem. Entries commit in any order from many processes, and a row that commits late has an id that looks old; a
number given by an entry's own transaction would leave gaps or order that nobody saw. A signature cannot be taken back: a
head that is signed and then lost with its transaction could be followed by another of the same size.

So entries wait in `log_pending`, put there by the database itself in the transaction that writes them. One sealer at a
time (the row lock of `tree_head`) takes what is visible there, numbers it, and commits in one transaction: the numbers,
the tiles, size and root. Only a committed head is signed, and the signed checkpoint is stored by compare-and-swap; what
`GET /tlog/checkpoint` shows is what was stored. A tree that is signed thus has all its tiles.

Death half-way. Before the commit nothing has happened: the entries still wait. Between commit and signature the next
round signs that very head. Two sealers started by mistake take turns; both sign heads of one and the same committed tree,
and the older checkpoint cannot replace the newer.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from certs.checkpoint import Checkpoint, VerifierKey, parse_verifier_key, sign
from certs.suites import Signer
from certs.tiles import TileWriter, right_edge

log = logging.getLogger(__name__)

MAX_AT_ONCE = 20_000
"""Entries in one transaction: under half a second's work, so that a checkpoint is never older than the promise allows."""

LOCK_HEAD = "SELECT size, root FROM tree_head FOR UPDATE"
TAKE = """
DELETE FROM log_pending WHERE ctid = ANY (ARRAY(SELECT ctid FROM log_pending LIMIT $1)) RETURNING id, leaf_hash
"""
EDGES = """
SELECT t.level, t.hashes FROM unnest($1::smallint[], $2::bigint[]) AS edge (level, index)
JOIN log_tile t ON t.level = edge.level AND t.index = edge.index
"""
NUMBER = "INSERT INTO sealed_entry (leaf_index, id) SELECT $1 + ord - 1, id FROM unnest($2::uuid[]) WITH ORDINALITY AS e (id, ord)"
STORE_TILES = """
INSERT INTO log_tile (level, index, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
"""
ADVANCE = "UPDATE tree_head SET size = $1, root = $2, sealed_at = clock_timestamp()"
UNSIGNED = "SELECT size, root FROM tree_head WHERE checkpoint IS NULL OR checkpoint_size < size"
SHOW = """
UPDATE tree_head SET checkpoint_size = $1, checkpoint = $2 WHERE checkpoint IS NULL OR checkpoint_size < $1
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one round did: entries numbered, the size reached, and how long it took in seconds."""

    entries: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the hub's log with its log key; keeps nothing between two rounds."""

    signer: Signer
    key: VerifierKey

    @classmethod
    def of(cls, signer: Signer, verifier_key: str) -> "Sealer":
        """The sealer of the log with this key, whose name is the log's origin. Raises CheckpointError."""
        return cls(signer, parse_verifier_key(verifier_key))

    async def round(self, connection: asyncpg.Connection, *, limit: int = MAX_AT_ONCE) -> Sealed:
        """Seal up to `limit` waiting entries, then sign and show the head if that is still to be done."""
        began = time.perf_counter()
        async with connection.transaction():
            head = await connection.fetchrow(LOCK_HEAD)
            assert head is not None
            taken = await connection.fetch(TAKE, limit)
            if taken:
                writer = await _resume(connection, head["size"], head["root"])
                # within a round by time of the id, so that neighbours in time are neighbours in the tree
                await _grow(connection, writer, sorted(taken, key=lambda row: row["id"].bytes))
        await self.show(connection)
        return Sealed(len(taken), head["size"] + len(taken), time.perf_counter() - began)

    async def show(self, connection: asyncpg.Connection) -> None:
        """Sign the committed head and store the checkpoint, unless one at least as large is stored."""
        head = await connection.fetchrow(UNSIGNED)
        if head is None:
            return
        note = sign(Checkpoint(self.key.name, head["size"], head["root"]), self.signer, self.key)
        await connection.execute(SHOW, head["size"], note.decode())


async def _resume(connection: asyncpg.Connection, size: int, root: bytes) -> TileWriter:
    """The writer of the tree as it stands. Raises TileError if its tiles do not make its root: then nothing is sealed."""
    edge = list(right_edge(size))
    rows = await connection.fetch(EDGES, [tile.level for tile in edge], [tile.index for tile in edge])
    found = {row["level"]: row["hashes"] for row in rows}
    return TileWriter.resume(size, root, lambda tile: found.get(tile.level, b""))


async def _grow(connection: asyncpg.Connection, writer: TileWriter, rows: Sequence[asyncpg.Record]) -> None:
    """Number the entries, write the tiles they make and the head of the tree, in the transaction that is open."""
    tiles, grown = writer.extend([row["leaf_hash"] for row in rows])
    await connection.execute(NUMBER, writer.size, [row["id"] for row in rows])
    await connection.execute(
        STORE_TILES,
        [tile.level for tile, _ in tiles],
        [tile.index for tile, _ in tiles],
        [hashes for _, hashes in tiles],
    )
    await connection.execute(ADVANCE, grown.size, grown.root())
