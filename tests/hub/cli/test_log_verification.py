"""The whole log compared with its rows: whatever was changed beside a leaf, removed, or written past the log is named."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.canonical import canonical
from certs.checkpoint import Checkpoint, parse_verifier_key, sign, verifier_key
from certs.errors import LogBrokenError
from certs.suites import KeySigner
from certs.tile_files import TILE_WIDTH, Tile, tile_path, write_bundle
from certs.tiles import TileWriter
from certs.tree import Frontier, leaf_hash
from hub.api import audit_events
from hub.audit import repository
from hub.audit.entry import Actor, Event, make_entry
from hub.audit.sealer import Sealer
from hub.cli.log_verification import Verified, _columns, verify_log
from hub.identity.roles import Role
from tests.support.gateway import HUB, TestGateway, bearer, running_gateway

Verify = Callable[[], Awaitable[Verified]]

SIZE = 300


@pytest.fixture
async def gateway(database_dsn: str, tmp_path: Path) -> AsyncIterator[TestGateway]:
    async with running_gateway(database_dsn, tmp_path / "data") as found:
        yield found


@pytest.fixture
async def verify(gateway: TestGateway) -> Verify:
    """Verifies the log of a hub in which all kinds of actors have done something, as the command does."""
    headers = bearer(await gateway.staff("auditor", Role.AUDITOR))
    await gateway.partner("jiguan-portal")
    await write(gateway, SIZE)
    await seal(gateway)
    key = gateway.context.keyring.log_verifier_key(HUB)
    loop = asyncio.get_running_loop()

    async def get(path: str) -> bytes:
        answer = await gateway.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.content

    def fetch(path: str) -> bytes:
        return asyncio.run_coroutine_threadsafe(get(path), loop).result()

    async def verifying() -> Verified:
        return await asyncio.to_thread(verify_log, fetch, key)

    return verifying


async def write(gateway: TestGateway, count: int, age: timedelta = timedelta()) -> None:
    now = datetime.now(UTC) - age
    entries = [
        make_entry(Event("system.suspended", Actor("host", "host:x"), "system", f"system-{n}"), hub=HUB, now=now)
        for n in range(count)
    ]
    async with gateway.context.acquire() as connection:
        await repository.insert(connection, entries)


async def seal(gateway: TestGateway) -> None:
    keyring = gateway.context.keyring
    async with gateway.context.acquire() as connection:
        await Sealer.of(keyring.signer("log"), keyring.log_verifier_key(HUB)).round(connection)


async def forge(gateway: TestGateway, statement: str, table: str = "log_entry") -> None:
    """A change behind the log's back, as whoever owns the database can make it."""
    async with gateway.context.acquire() as connection:
        await connection.execute(
            f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}; ALTER TABLE {table} ENABLE TRIGGER USER"
        )


ENTRY = "(SELECT id FROM sealed_entry WHERE leaf_index = 280)"


async def test_a_log_whose_rows_say_what_its_leaves_say_is_whole(gateway: TestGateway, verify: Verify) -> None:
    assert (await verify()).checkpoint.size >= SIZE


async def test_entries_that_wait_for_the_sealer_are_no_fault(gateway: TestGateway, verify: Verify) -> None:
    await write(gateway, 3, timedelta(seconds=50))
    await verify()


FORGED = {
    "event": "'system.resumed'",
    "outcome": "'fail'",
    "actor": "'host:somebody-else'",
    "object_type": "'grant'",
    "object_id": "'system-0'",
    "occurred_at": "occurred_at - interval '1 microsecond'",
    "leaf_hash": "sha256('x')",
}


async def test_every_forged_column_is_found_by_its_name_and_its_row(gateway: TestGateway, verify: Verify) -> None:
    async with gateway.context.acquire() as connection:
        row = await connection.fetchval(f"SELECT {ENTRY}")
        await connection.execute(f"CREATE TABLE kept AS SELECT * FROM log_entry WHERE id = {ENTRY}")
    for column, forged in FORGED.items():
        await forge(gateway, f"UPDATE log_entry SET {column} = {forged} WHERE id = {ENTRY}")
        with pytest.raises(LogBrokenError) as fault:
            await verify()
        assert fault.value.reason == "column-unlike-leaf"
        for text in (fault.value.zh, fault.value.en):
            assert all(name in text for name in (column, str(row), "280"))
        await forge(gateway, f"UPDATE log_entry SET {column} = (SELECT {column} FROM kept) WHERE id = {ENTRY}")
    await verify()


async def test_two_rows_whose_places_were_exchanged_are_found(gateway: TestGateway, verify: Verify) -> None:
    moves = ((280, 10_000), (281, 280), (10_000, 281))
    change = "; ".join(f"UPDATE sealed_entry SET leaf_index = {to} WHERE leaf_index = {at}" for at, to in moves)
    await forge(gateway, change, "sealed_entry")
    with pytest.raises(LogBrokenError) as fault:
        await verify()
    assert fault.value.reason == "entry-unlike-tile"


@pytest.mark.parametrize("index", [0, 280, "last"])
async def test_a_removed_row_is_found_and_named(gateway: TestGateway, verify: Verify, index: int | str) -> None:
    async with gateway.context.acquire() as connection:
        size = await connection.fetchval("SELECT size FROM tree_head")
    place = size - 1 if index == "last" else index
    await forge(gateway, f"DELETE FROM log_entry WHERE id = (SELECT id FROM sealed_entry WHERE leaf_index = {place})")
    with pytest.raises(LogBrokenError) as fault:
        await verify()
    assert fault.value.reason == "row-missing"
    assert f" {place} " in fault.value.zh


async def test_a_row_that_was_written_past_the_log_is_found_wherever_it_stands(
    gateway: TestGateway, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_events, "STRETCH", 100)  # the log has four stretches
    await verify()
    for name in ("00000000-0000-7000-8000-00000000beef", "ffffffff-0000-7000-8000-00000000beef"):
        columns = "event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash"
        await forge(
            gateway,
            f"INSERT INTO log_entry (id, {columns}) SELECT '{name}', {columns} FROM log_entry WHERE id = {ENTRY}",
        )
        with pytest.raises(LogBrokenError, match=name) as fault:
            await verify()
        assert fault.value.reason == "row-outside-log"
        await forge(gateway, f"DELETE FROM log_entry WHERE id = '{name}'")
    await verify()


async def test_a_row_that_was_taken_out_of_the_queue_is_found(gateway: TestGateway, verify: Verify) -> None:
    await write(gateway, 1)
    await forge(gateway, "DELETE FROM log_pending", "log_pending")
    with pytest.raises(LogBrokenError) as fault:
        await verify()
    assert fault.value.reason == "row-outside-log"


async def test_a_row_that_waits_longer_than_receipts_promise_is_found(gateway: TestGateway, verify: Verify) -> None:
    await write(gateway, 1, timedelta(seconds=61))
    with pytest.raises(LogBrokenError, match="worker") as fault:
        await verify()
    assert fault.value.reason == "row-overdue"
    await seal(gateway)
    await verify()


async def test_a_forged_tile_above_the_entries_own_is_found(gateway: TestGateway, verify: Verify) -> None:
    await verify()
    forged = "UPDATE log_tile SET hashes = sha256('x') || substring(hashes FROM 33) WHERE level = 1 AND index = 0"
    await forge(gateway, forged, "log_tile")
    with pytest.raises(LogBrokenError) as caught:
        await verify()
    assert caught.value.reason == "tile-unlike-tree"
    assert "tile/1/000" in caught.value.en


def test_a_forged_full_tile_above_the_entries_own_is_found() -> None:
    key = Ed25519PrivateKey.generate()
    named = verifier_key("log", key.public_key())
    leaf = canonical(
        {"id": "0", "event": "e", "result": "success", "actor": {"id": "a"}, "object": {"type": "t", "id": "o"},
         "time": "2026-11-22T00:00:00.000000+08:00"}
    )  # fmt: skip
    size = TILE_WIDTH * TILE_WIDTH
    tiles, tree = TileWriter().extend([leaf_hash(leaf)] * size)
    served = {f"/tlog/{tile_path(tile)}": hashes for tile, hashes in tiles}
    served["/tlog/checkpoint"] = sign(
        Checkpoint("log", size, tree.root()), KeySigner(key, "A" * 43), parse_verifier_key(named)
    )
    row = _columns(leaf)

    def fetch(path: str) -> bytes:
        if path.startswith("/v1/audit/events/sealed"):
            first = int(path.partition("first=")[2].partition("&")[0])
            return orjson.dumps({"items": [row | {"leaf_index": first + n} for n in range(TILE_WIDTH)]})
        if path.startswith("/v1/audit/events/unsealed"):
            return b'{"items": [], "next": null}'
        return served[path] if path in served else write_bundle([leaf] * TILE_WIDTH)

    assert verify_log(fetch, named).checkpoint.size == size
    path = f"/tlog/{tile_path(Tile(1, 0))}"
    served[path] = bytes(32) + served[path][32:]
    with pytest.raises(LogBrokenError) as caught:
        verify_log(fetch, named)
    assert caught.value.reason == "tile-unlike-tree"


def small_log(leaves: Sequence[bytes]) -> tuple[str, dict[str, bytes]]:
    """The key of a log with these leaves, and what a hub answers of it, by the beginning of the path."""
    key = Ed25519PrivateKey.generate()
    named = verifier_key("log", key.public_key())
    hashes = [leaf_hash(leaf) for leaf in leaves]
    note = sign(
        Checkpoint("log", len(leaves), Frontier().extend(hashes).root()),
        KeySigner(key, "A" * 43),
        parse_verifier_key(named),
    )
    return named, {
        "/tlog/checkpoint": note,
        "/tlog/tile/0/": b"".join(hashes),
        "/tlog/entries/": write_bundle(leaves),
        "/v1/audit/events/sealed": orjson.dumps({"items": [{"leaf_index": index} for index in range(len(leaves))]}),
        "/v1/audit/events/unsealed": b'{"items": [], "next": null}',
    }


def verdict_on(named: str, answers: Mapping[str, bytes]) -> str:
    with pytest.raises(LogBrokenError) as caught:
        verify_log(lambda path: next(data for start, data in answers.items() if path.startswith(start)), named)
    return caught.value.reason


LEAF: dict[str, object] = {
    "id": "0", "event": "e", "result": "success", "actor": {"id": "a"}, "object": {"type": "t", "id": "o"},
    "time": "2026-11-22T00:00:00.000000+08:00",
}  # fmt: skip


@pytest.mark.parametrize(
    "leaf",
    [
        b"no json",
        b"[]",
        b"\xff",
        b"[" * 60_000,
        canonical(LEAF | {"actor": "a"}),
        canonical(LEAF | {"time": "9999-12-31T23:59:59-12:00"}),
        canonical(LEAF | {"time": 7}),
        canonical({name: value for name, value in LEAF.items() if name != "id"}),
    ],
    ids=["no-json", "list", "no-text", "deep", "actor", "late", "no-time", "lacking"],
)
def test_a_sealed_entry_that_is_no_leaf_is_named(leaf: bytes) -> None:
    named, answers = small_log([leaf])
    assert verdict_on(named, answers) == "leaf-form"


def test_beyond_a_row_that_is_no_leaf_further_faults_are_told() -> None:
    leaves = [b"no leaf", *(canonical(LEAF | {"id": str(number)}) for number in range(1, 4)), b"none either"]
    named, answers = small_log(leaves)
    rows = [{"id": f"row-{index}", "leaf_index": index} for index in range(5)]
    for index in (1, 3):
        rows[index] |= _columns(leaves[index])
    said = {
        "/v1/audit/events/sealed": orjson.dumps({"items": rows}),
        "/v1/audit/events/unsealed": orjson.dumps({"items": [{"id": "row-x"}, {"id": "row-y", "pending": True}]}),
    }
    served = answers | said

    def fetch(path: str) -> bytes:
        return next(data for start, data in served.items() if path.startswith(start))

    told: list[LogBrokenError] = []
    assert verify_log(fetch, named, tell=told.append).checkpoint.size == 5
    assert [fault.reason for fault in told] == [
        "leaf-form", "column-unlike-leaf", "leaf-form", "row-outside-log", "row-overdue",
    ]  # fmt: skip
    for fault, row in zip(told, ("row-0", "row-2", "row-4", "row-x", "row-y"), strict=True):
        assert row in fault.zh
        assert row in fault.en
    served["/tlog/tile/0/"] = bytes(32) + answers["/tlog/tile/0/"][32:]
    with pytest.raises(LogBrokenError) as caught:  # what is about the tree ends the walk
        verify_log(fetch, named, tell=told.append)
    assert caught.value.reason == "entry-unlike-tile"


def test_a_hub_that_answers_anything_gets_a_verdict_and_nothing_else() -> None:
    leaves = [canonical(LEAF | {"id": str(number)}) for number in range(3)]
    named, answers = small_log(leaves)
    rows = [_columns(leaf) | {"leaf_index": index} for index, leaf in enumerate(leaves)]
    answers["/v1/audit/events/sealed"] = orjson.dumps({"items": [*rows, {}]})
    fetched = verify_log(lambda path: next(data for start, data in answers.items() if path.startswith(start)), named)
    assert fetched.checkpoint.size == 3
    _, shorter = small_log(leaves[:2])
    short = {path: shorter[path] for path in ("/tlog/tile/0/", "/tlog/entries/")}
    assert verdict_on(named, answers | short) == "entries-missing"
    for page in (b"<html>", b"[]", b"{}", b'{"items": 1}', b'{"items": [1]}'):
        for path in ("/v1/audit/events/sealed", "/v1/audit/events/unsealed"):
            assert verdict_on(named, answers | {path: page}) == "answer-form"
    for waiting, reason in (({}, "row-outside-log"), ({"pending": True}, "row-overdue")):
        said = orjson.dumps({"items": [waiting]})
        assert verdict_on(named, answers | {"/v1/audit/events/unsealed": said}) == reason
