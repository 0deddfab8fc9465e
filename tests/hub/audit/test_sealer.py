"""The sealer on a real database: everything logged is sealed once, one tree, one head of each size."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import asyncpg
import pytest

from certs.checkpoint import open_checkpoint, verifier_key
from certs.errors import TileError
from certs.keys import generate_key
from certs.suites import KeySigner
from certs.tile_files import TILE_WIDTH, Tile
from certs.tiles import node_reader
from certs.tree import EMPTY_ROOT, Frontier, leaf_hash, verify_inclusion
from certs.tree_proofs import inclusion_proof
from hub.audit import repository, sealed
from hub.audit.entry import Actor, Entry, Event, make_entry
from hub.audit.sealer import SHOW, Sealer
from hub.db.engine import Database

ORIGIN = "lintao-hub"
KEY = generate_key("EdDSA")
VERIFIER_KEY = verifier_key(ORIGIN, KEY.public_key())  # type: ignore[arg-type]
SEALER = Sealer.of(KeySigner(KEY, "log"), VERIFIER_KEY)


def entry(number: int = 0) -> Entry:
    event = Event("system.suspended", Actor("host", "host:test"), "system", f"system-{number}")
    return make_entry(event, hub=ORIGIN, now=datetime.now(UTC))


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    found = await database.connect()
    yield found
    await found.close()


async def write(connection: asyncpg.Connection, count: int) -> list[Entry]:
    entries = [entry(number) for number in range(count)]
    await repository.insert(connection, entries)
    return entries


async def root_of_rows(connection: asyncpg.Connection) -> bytes:
    """The root as an auditor computes it from the rows, in the order of their index."""
    rows = await connection.fetch("SELECT leaf FROM sealed_entry JOIN log_entry USING (id) ORDER BY leaf_index")
    return Frontier().extend([leaf_hash(row["leaf"]) for row in rows]).root()


@pytest.mark.parametrize("sizes", [[1], [255, 1, 1], [256, 256], [3, 0, 600, 70_000]], ids=str)
async def test_what_is_sealed_is_the_tree_of_the_rows_and_every_tile_is_there(
    connection: asyncpg.Connection, sizes: list[int]
) -> None:
    for size in sizes:
        await write(connection, size)
        while (await SEALER.round(connection)).entries:
            pass
    shown = await sealed.shown(connection)
    assert shown.note is not None
    checkpoint = open_checkpoint(shown.note.encode(), VERIFIER_KEY)
    assert (checkpoint.origin, checkpoint.size, shown.size) == (ORIGIN, sum(sizes), sum(sizes))
    assert checkpoint.root == await root_of_rows(connection)
    assert await connection.fetchval("SELECT count(*) FROM log_pending") == 0
    tiles = {(row["level"], row["index"]): row["hashes"] for row in await connection.fetch("SELECT * FROM log_tile")}
    node = node_reader(checkpoint.size, lambda tile: tiles[tile.level, tile.index][: tile.width * 32])
    for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
        (leaf,) = await sealed.read_leaves(connection, index, 1) or ()
        proof = inclusion_proof(index, checkpoint.size, node)
        verify_inclusion(leaf_hash(leaf), index, checkpoint.size, proof, checkpoint.root)


async def test_an_empty_log_is_shown_as_one(connection: asyncpg.Connection) -> None:
    assert await sealed.shown(connection) == sealed.Shown(0, None)
    await SEALER.round(connection)
    note = (await sealed.shown(connection)).note
    assert note is not None
    checkpoint = open_checkpoint(note.encode(), VERIFIER_KEY)
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    assert await sealed.read_tile(connection, Tile(0, 0, 1)) is None


async def test_a_round_takes_no_more_than_its_limit(connection: asyncpg.Connection) -> None:
    await write(connection, 25)
    assert [(await SEALER.round(connection, limit=10)).entries for _ in range(4)] == [10, 10, 5, 0]


async def test_an_entry_that_commits_late_is_sealed_late_and_not_lost(database: Database) -> None:
    slow, quick, sealing = [await database.connect() for _ in range(3)]
    late = slow.transaction()
    await late.start()
    (first,) = await write(slow, 1)
    (second,) = await write(quick, 1)
    assert (await SEALER.round(sealing)).entries == 1
    await late.commit()
    assert (await SEALER.round(sealing)).entries == 1
    rows = await sealing.fetch("SELECT id FROM sealed_entry ORDER BY leaf_index")
    assert [row["id"] for row in rows] == [second.id, first.id]
    for connection in (slow, quick, sealing):
        await connection.close()


async def test_what_is_rolled_back_is_not_sealed(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await write(connection, 3)
    await transaction.rollback()
    assert (await SEALER.round(connection)).entries == 0


async def test_two_sealers_take_turns_and_never_make_two_heads_of_one_size(database: Database) -> None:
    connections = [await database.connect() for _ in range(5)]
    writer, *sealers = connections
    notes: list[str] = []

    written = asyncio.Event()

    async def seal(connection: asyncpg.Connection) -> None:
        for turn in count():
            if turn >= 30 and written.is_set():
                return
            await SEALER.round(connection, limit=7)
            note = (await sealed.shown(connection)).note
            assert note is not None
            notes.append(note)

    async def keep_writing() -> None:
        for _ in range(60):
            await write(writer, 5)
        written.set()

    await asyncio.gather(keep_writing(), *map(seal, sealers))
    while (await SEALER.round(writer)).entries:
        pass
    roots: dict[int, bytes] = {}
    for note in notes:
        checkpoint = open_checkpoint(note.encode(), VERIFIER_KEY)
        assert roots.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
    assert len(roots) > 3
    rows = await writer.fetch("SELECT leaf FROM sealed_entry JOIN log_entry USING (id) ORDER BY leaf_index")
    assert len(rows) == 300
    tree = Frontier()
    for row in rows:
        tree = tree.extend([leaf_hash(row["leaf"])])
        assert roots.get(tree.size, tree.root()) == tree.root()
    for connection in connections:
        await connection.close()


async def test_a_head_that_was_committed_and_not_signed_is_signed_in_the_next_round(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(connection, 3)

    async def killed(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "show", killed)
        with pytest.raises(ConnectionResetError):
            await SEALER.round(connection)
    assert (await sealed.shown(connection)).note is None
    assert (await SEALER.round(connection)).entries == 0
    assert (await sealed.shown(connection)).size == 3


async def test_an_older_checkpoint_does_not_replace_a_newer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, other = await database.connect(), await database.connect()
    await write(connection, 2)
    shows = Sealer.show

    async def overtaken(self: Sealer, connection: asyncpg.Connection) -> None:
        monkeypatch.setattr(Sealer, "show", shows)
        head = await connection.fetchrow("SELECT size, root FROM tree_head")
        await write(other, 2)
        await SEALER.round(other)
        assert head is not None
        assert await connection.execute(SHOW, head["size"], "old") == "UPDATE 0"

    monkeypatch.setattr(Sealer, "show", overtaken)
    await SEALER.round(connection)
    assert (await sealed.shown(connection)).size == 4
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("UPDATE tree_head SET checkpoint_size = 2, checkpoint = 'old'")
    await connection.close()
    await other.close()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE log_tile SET hashes = sha256('x')",
        "UPDATE tree_head SET root = sha256('x')",
        "DELETE FROM log_tile",
    ],
)
async def test_tiles_that_do_not_make_the_root_stop_the_sealer(connection: asyncpg.Connection, forgery: str) -> None:
    await write(connection, 1)
    await SEALER.round(connection)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(forgery)
    table = forgery.split()[2 if forgery.startswith("DELETE") else 1]
    await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER; {forgery}")  # whoever owns the database can
    await write(connection, 1)
    with pytest.raises(TileError) as fault:
        await SEALER.round(connection)
    assert fault.value.reason in ("edge-root-mismatch", "tile-length")
    assert await connection.fetchval("SELECT count(*) FROM log_pending") == 1


async def test_nothing_beyond_the_checkpoint_is_read(connection: asyncpg.Connection) -> None:
    await write(connection, TILE_WIDTH + 2)
    await SEALER.round(connection)
    assert len(await sealed.read_tile(connection, Tile(0, 0)) or b"") == TILE_WIDTH * 32
    assert len(await sealed.read_tile(connection, Tile(0, 0, 3)) or b"") == 96
    assert len(await sealed.read_tile(connection, Tile(0, 1, 2)) or b"") == 64
    assert await sealed.read_tile(connection, Tile(0, 1, 3)) is None
    assert len(await sealed.read_tile(connection, Tile(1, 0, 1)) or b"") == 32
    assert await sealed.read_tile(connection, Tile(1, 0, 2)) is None
    assert await sealed.read_leaves(connection, TILE_WIDTH, 3) is None


@pytest.mark.parametrize("statement", ["UPDATE sealed_entry SET leaf_index = 9", "DELETE FROM sealed_entry"])
async def test_a_number_once_given_stays(connection: asyncpg.Connection, statement: str) -> None:
    await write(connection, 1)
    await SEALER.round(connection)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)
    assert isinstance(await connection.fetchval("SELECT id FROM sealed_entry"), UUID)
