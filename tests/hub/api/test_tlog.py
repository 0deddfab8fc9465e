"""`/tlog` at the door: what anybody may read, what auditors may, and what the operator can close."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from certs.checkpoint import Checkpoint, open_checkpoint
from certs.log_walk import LogWalk
from certs.tile_files import Tile, entries_path, read_bundle, tile_path
from certs.tree import leaf_hash
from hub.audit.sealer import Sealer
from hub.identity.roles import Role
from tests.support.gateway import HUB, TestGateway, bearer


async def seal(gateway: TestGateway) -> Checkpoint:
    keyring = gateway.context.keyring
    key = keyring.log_verifier_key(HUB)
    async with gateway.context.acquire() as connection:
        await Sealer.of(keyring.signer("log"), key).round(connection)
    answer = await gateway.client.get("/tlog/checkpoint")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return open_checkpoint(answer.content, key)


async def leaves_of(gateway: TestGateway, headers: dict[str, str], size: int) -> Sequence[bytes]:
    answer = await gateway.client.get("/tlog/" + entries_path(0, size).removeprefix("tile/"), headers=headers)
    assert answer.status_code == 200
    return read_bundle(answer.content)


async def test_what_is_shown_makes_the_signed_tree(gateway: TestGateway) -> None:
    auditor = bearer(await gateway.staff("auditor", Role.AUDITOR))
    await gateway.partner("jiguan-portal")
    checkpoint = await seal(gateway)
    assert checkpoint.size > 0
    tile = await gateway.client.get("/tlog/" + tile_path(Tile(0, 0, checkpoint.size)))
    assert (tile.status_code, tile.headers["content-type"]) == (200, "application/octet-stream")
    assert "immutable" in tile.headers["cache-control"]
    leaves = await leaves_of(gateway, auditor, checkpoint.size)
    assert tile.content == b"".join(map(leaf_hash, leaves))
    walk = LogWalk(checkpoint)
    walk.feed(leaves, tile.content)
    walk.finish()


async def test_events_name_their_place_in_the_tree(gateway: TestGateway) -> None:
    auditor = bearer(await gateway.staff("auditor", Role.AUDITOR))
    checkpoint = await seal(gateway)
    leaves = await leaves_of(gateway, auditor, checkpoint.size)
    await gateway.partner("jiguan-portal")
    items = (await gateway.client.get("/v1/audit/events", headers=auditor)).json()["items"]
    assert any("leaf_index" not in item for item in items)
    assert {item["leaf_index"] for item in items if "leaf_index" in item} == set(range(checkpoint.size))
    for item in items:
        if "leaf_index" in item:
            assert item["id"].encode() in leaves[item["leaf_index"]]


@pytest.mark.parametrize(
    "path", ["tile/0/001", "tile/0/000.p/200", "tile/9/000", "tile/0/0", "tile/0/x000/000", "tile/"]
)
async def test_a_tile_that_is_not_there_is_not_found(gateway: TestGateway, path: str) -> None:
    await seal(gateway)
    answer = await gateway.client.get(f"/tlog/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["entries/001", "entries/000.p/200", "entries/0"])
async def test_entries_that_are_not_there_are_not_found(gateway: TestGateway, path: str) -> None:
    auditor = bearer(await gateway.staff("auditor", Role.AUDITOR))
    await seal(gateway)
    assert (await gateway.client.get(f"/tlog/{path}", headers=auditor)).status_code == 404


async def test_before_the_first_round_there_is_no_checkpoint(gateway: TestGateway) -> None:
    assert (await gateway.client.get("/tlog/checkpoint")).status_code == 404


async def test_entries_are_for_auditors(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("officer", Role.SECURITY))
    await seal(gateway)
    assert (await gateway.client.get("/tlog/entries/000.p/1")).status_code == 401
    assert (await gateway.client.get("/tlog/entries/000.p/1", headers=officer)).status_code == 403


async def test_the_operator_can_close_the_log(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("officer", Role.SECURITY))
    auditor = bearer(await gateway.staff("auditor", Role.AUDITOR))
    await seal(gateway)
    settings = gateway.context.settings.model_copy(update={"tlog_open": False})
    gateway.app.state.context = replace(gateway.context, settings=settings)
    assert (await gateway.client.get("/tlog/checkpoint")).status_code == 401
    assert (await gateway.client.get("/tlog/tile/0/000.p/1", headers=officer)).status_code == 403
    tile = await gateway.client.get("/tlog/tile/0/000.p/1", headers=auditor)
    assert tile.status_code == 200
    assert "public" not in tile.headers["cache-control"]
    beyond = await gateway.client.get("/tlog/tile/0/000.p/255", headers=auditor)
    assert (beyond.status_code, beyond.headers["cache-control"]) == (404, "no-store")


async def test_a_bundle_whose_rows_are_all_gone_says_that_the_log_is_damaged(gateway: TestGateway) -> None:
    auditor = bearer(await gateway.staff("audit.gone", Role.AUDITOR))
    await seal(gateway)
    async with gateway.context.acquire() as connection:
        await connection.execute(
            "ALTER TABLE log_entry DISABLE TRIGGER USER; DELETE FROM log_entry; ALTER TABLE log_entry ENABLE TRIGGER USER"
        )
    damaged = await gateway.client.get("/tlog/entries/000.p/1", headers=auditor)
    assert (damaged.status_code, damaged.json()["type"]) == (503, "/problems/unavailable")
    assert "shuniu audit verify" in damaged.json()["detail"]


DAMAGE = {
    "a row is gone": (
        "log_entry",
        "DELETE FROM log_entry WHERE id = (SELECT id FROM sealed_entry WHERE leaf_index = 1)",
    ),
    "a tile is short": ("log_tile", "UPDATE log_tile SET hashes = substring(hashes FOR 64)"),
    "a tile is gone": ("log_tile", "DELETE FROM log_tile"),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_what_is_not_whole_is_not_handed_out_to_be_kept_for_ever(gateway: TestGateway, damage: str) -> None:
    auditor = bearer(await gateway.staff("audit.part", Role.AUDITOR))
    await gateway.partner("jiguan-portal")
    size = (await seal(gateway)).size
    assert size > 3
    table, statement = DAMAGE[damage]
    path = ("entries" if table == "log_entry" else "tile/0") + f"/000.p/{size}"
    assert (await gateway.client.get(f"/tlog/{path}", headers=auditor)).status_code == 200
    async with gateway.context.acquire() as connection:
        await connection.execute(
            f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}; ALTER TABLE {table} ENABLE TRIGGER USER"
        )
    damaged = await gateway.client.get(f"/tlog/{path}", headers=auditor)
    assert (damaged.status_code, damaged.headers["cache-control"]) == (503, "no-store")
    assert "shuniu audit verify" in damaged.json()["detail"]
