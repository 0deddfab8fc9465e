"""Exports at the door: asked for, logged, fetched by who asked, resumed from any leaf, and proved with the anchors alone."""

import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from certs.evidence import Anchors
from certs.export import Exported, ExportVerdict, verify_export
from certs.export_reading import read_export
from certs.tree import Frontier, leaf_hash
from hub.audit import exporting, repository, sealed
from hub.audit.entry import Actor, Event, make_entry
from hub.audit.errors import LogDamaged
from hub.audit.exporting import Exporter, Filter
from hub.audit.sealer import Sealer
from hub.db.ids import new_id
from hub.identity.roles import Role
from tests.support.gateway import HUB, TestGateway, bearer

EXPORTS = "/v1/audit/exports"


async def seal(gateway: TestGateway) -> int:
    keyring = gateway.context.keyring
    async with gateway.context.acquire() as connection:
        sealer = Sealer.of(keyring.signer("log"), keyring.log_verifier_key(HUB))
        return (await sealer.round(connection)).size


async def write(gateway: TestGateway, count: int) -> None:
    """So many entries more, of one minute each."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [
        make_entry(
            Event("system.suspended", Actor("host", f"host:{number % 2}"), "system", f"system-{number}"),
            hub=HUB,
            now=began + timedelta(minutes=number),
        )
        for number in range(count)
    ]
    async with gateway.context.acquire() as connection:
        await repository.insert(connection, entries)


@pytest.fixture
async def auditor(gateway: TestGateway) -> dict[str, str]:
    return bearer(await gateway.staff("auditor", Role.AUDITOR))


@pytest.fixture
async def size(gateway: TestGateway, auditor: dict[str, str]) -> int:
    """The size of a log of a little more than two tiles, all of it sealed."""
    await write(gateway, 600)
    return await seal(gateway)


def judge(gateway: TestGateway, data: bytes, seen: Callable[[Exported], None] | None = None) -> ExportVerdict:
    keyring = gateway.context.keyring
    anchors = Anchors.read(keyring.ca_pem(), keyring.log_verifier_key(HUB))
    return verify_export(io.BytesIO(data), anchors, watch=seen)


def failure(verdict: ExportVerdict) -> tuple[str, str]:
    assert verdict.failed is not None
    assert verdict.failed.fault is not None
    return verdict.failed.name, verdict.failed.fault.reason


async def export(gateway: TestGateway, auditor: dict[str, str], **asked: object) -> bytes:
    made = await gateway.client.post(EXPORTS, json=asked, headers=auditor)
    assert made.status_code == 201, made.text
    answer = await gateway.client.get(made.headers["location"], headers=auditor)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return answer.content


async def test_an_export_of_everything_is_the_log_and_proves_itself(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    seen: list[Exported] = []
    verdict = judge(gateway, await export(gateway, auditor), seen.append)
    assert verdict.failed is None
    assert [(checked.name, checked.outcome) for checked in verdict.checked][-1] == ("whole", "holds")
    async with gateway.context.acquire() as connection:
        stored = await connection.fetch("SELECT leaf FROM sealed_entry JOIN log_entry USING (id) ORDER BY leaf_index")
    assert [one.leaf for one in seen] == [row["leaf"] for row in stored][:size]


async def test_every_part_proves_itself(gateway: TestGateway, auditor: dict[str, str], size: int) -> None:
    for first, until in ((0, 0), (0, 256), (255, 257), (256, 512), (511, 600), (600, 600), (size, size)):
        seen: list[Exported] = []
        verdict = judge(gateway, await export(gateway, auditor, first=first, until=until), seen.append)
        assert verdict.failed is None
        assert [one.index for one in seen] == list(range(first, until))


async def test_asking_is_logged_and_the_entry_says_what_was_asked(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    asked = {"first": 3, "until": 500, "event": "system.suspended", "actor": "host:1"}
    times = {"since": "2026-01-01T08:10:00+08:00", "before": "2026-01-01T01:00:00Z"}
    made = (await gateway.client.post(EXPORTS, json=asked | times, headers=auditor)).json()
    query = "/v1/audit/events?event=audit.exported"
    (entry,) = (await gateway.client.get(query, headers=auditor)).json()["items"]
    leaf = entry["leaf"]
    assert (leaf["object"], leaf["rows"]) == ({"type": "export", "id": made["id"]}, 497)
    utc = {"since": "2026-01-01T00:10:00.000000+00:00", "before": "2026-01-01T01:00:00.000000+00:00"}
    assert leaf["details"] == asked | utc
    assert made["only"] == {name: value for name, value in leaf["details"].items() if name not in ("first", "until")}
    data = (await gateway.client.get(f"{EXPORTS}/{made['id']}", headers=auditor)).content
    head = json.loads(data.partition(b"\n")[0])["export"]
    assert (head["by"], head["id"], head["only"]) == (leaf["actor"]["id"], made["id"], made["only"])


async def test_a_filter_shows_what_it_names_and_the_rest_as_hashes(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    seen: list[Exported] = []
    asked = {
        "event": "system.suspended",
        "actor": "host:1",
        "since": "2026-01-01T00:10:00Z",
        "before": "2026-01-01T00:20:00Z",
    }
    verdict = judge(gateway, await export(gateway, auditor, **asked), seen.append)
    assert verdict.failed is None
    assert len(seen) == size
    shown = [json.loads(one.leaf)["object"]["id"] for one in seen if one.leaf is not None]
    assert shown == [f"system-{number}" for number in (11, 13, 15, 17, 19)]


async def test_a_download_goes_on_from_any_leaf_with_the_same_bytes(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    made = (await gateway.client.post(EXPORTS, json={"first": 5}, headers=auditor)).json()
    address = f"{EXPORTS}/{made['id']}"
    whole = (await gateway.client.get(address, headers=auditor)).content.splitlines(keepends=True)
    await write(gateway, 10)
    assert await seal(gateway) > size
    for cursor in (5, 6, 255, 256, 400, size):
        rest = (await gateway.client.get(f"{address}?cursor={cursor}", headers=auditor)).content
        data = b"".join(whole[: 1 + cursor - 5]) + rest
        assert data.splitlines()[: size - 4] == [line.rstrip(b"\n") for line in whole[: size - 4]]
        verdict = judge(gateway, data)
        assert verdict.failed is None
        assert verdict.checkpoint is not None
        assert verdict.checkpoint.size > size


async def test_a_forged_leaf_is_exported_whatever_the_filter_and_found(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    assert size > 300
    forged = "convert_to(replace(convert_from(leaf, 'UTF8'), 'suspended', 'resumed'), 'UTF8')"
    entry = "(SELECT id FROM sealed_entry WHERE leaf_index = 300)"
    await _forge(gateway, f"UPDATE log_entry SET event = 'system.resumed', leaf = {forged} WHERE id = {entry}")
    verdict = judge(gateway, await export(gateway, auditor, event="system.suspended"))
    assert failure(verdict) == ("entries", "entry-unlike-hash")
    assert verdict.failed is not None
    assert "300" in str(verdict.failed.fault)


async def test_a_column_that_was_forged_hides_nothing_from_a_filter(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    await _forge(gateway, "UPDATE log_entry SET event = 'system.resumed', actor = 'host:x'")
    data = await export(gateway, auditor, event="system.suspended")
    assert read_export(io.BytesIO(data)).counts.entries == 600
    assert judge(gateway, data).failed is None


async def write_past(gateway: TestGateway, *leaves: bytes) -> None:
    """Rows that whoever owns the database wrote: the queue takes them, they are sealed, and the tree says nothing against them."""
    columns = "id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash"
    async with gateway.context.acquire() as connection:
        for number, leaf in enumerate(leaves):  # sealed in the order of their ids
            await connection.execute(
                f"INSERT INTO log_entry ({columns}) VALUES ($1, 'x', 'success', 'x', 'x', 'x', now(), $2, $3)",
                new_id(datetime.now(UTC) + timedelta(milliseconds=number)),
                leaf,
                leaf_hash(leaf),
            )
    await seal(gateway)


async def test_what_is_not_of_a_leafs_form_is_exported_whatever_the_filter(
    gateway: TestGateway, auditor: dict[str, str]
) -> None:
    strange = [
        b"{}",
        b"{no json}",
        b'{"event":"x","actor":7,"time":""}',
        b'{"event":"x","actor":{"id":"a"},"time":"today"}',
    ]
    await write_past(gateway, *strange)
    seen: list[Exported] = []
    asked = {"event": "system.suspended", "since": "2026-01-01T00:00:00Z"}
    verdict = judge(gateway, await export(gateway, auditor, **asked), seen.append)
    assert verdict.failed is None
    assert [one.leaf for one in seen if one.leaf is not None] == strange


@pytest.mark.parametrize("asked", [{}, {"event": "system.suspended"}], ids=["all", "filter"])
async def test_what_no_line_can_hold_is_named_and_the_rest_is_exported(
    gateway: TestGateway, auditor: dict[str, str], asked: dict[str, str]
) -> None:
    await write_past(gateway, b"no json", b"[]", b'{"a":\n}', b"{}", b"")
    found = (await gateway.client.get("/v1/audit/events?event=x", headers=auditor)).json()["items"]
    assert [item.get("leaf") for item in found] == [None, {}, None, [], None]
    data = await export(gateway, auditor, **asked)
    assert read_export(io.BytesIO(data)).counts.missing == 4
    assert failure(judge(gateway, data)) == ("entries", "entry-missing")


async def test_a_removed_row_is_named_and_the_rest_is_exported(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    await _forge(gateway, "DELETE FROM log_entry WHERE id = (SELECT id FROM sealed_entry WHERE leaf_index = 300)")
    data = await export(gateway, auditor)
    assert read_export(io.BytesIO(data)).counts.missing == 1
    assert failure(judge(gateway, data)) == ("entries", "entry-missing")


async def test_where_the_stored_tree_is_damaged_the_file_has_no_end(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    made = (await gateway.client.post(EXPORTS, json={}, headers=auditor)).json()
    async with gateway.context.acquire() as connection:
        staff = await connection.fetchval("SELECT leaf FROM log_entry WHERE event = 'audit.exported'")
        head = await exporting.read_head(connection, made["id"], json.loads(staff)["actor"]["id"])
    exporter = Exporter(gateway.context.acquire, gateway.context.keyring.signer("receipt"), [])

    async def fetch(came: list[bytes]) -> None:
        async for piece in exporter.lines(head, cursor=None, clock=gateway.context.clock):
            came.append(piece)  # noqa: PERF401  what came before the fault counts

    tile = "log_tile WHERE level = 0 AND index = 1"
    for damage in (
        "UPDATE log_tile SET hashes = substring(hashes FOR 320)" + tile.removeprefix("log_tile"),
        f"DELETE FROM {tile}",
    ):
        await _forge(gateway, damage, table="log_tile")
        came: list[bytes] = []
        with pytest.raises(LogDamaged, match="256"):
            await fetch(came)
        assert sum(piece.count(b"\n") for piece in came) == 257
        assert failure(judge(gateway, b"".join(came))) == ("form", "truncated")


async def test_a_part_whose_proof_cannot_be_made_has_no_end(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    assert size > 300
    made = (await gateway.client.post(EXPORTS, json={"until": 10}, headers=auditor)).json()
    async with gateway.context.acquire() as connection:
        leaf = json.loads(await connection.fetchval("SELECT leaf FROM log_entry WHERE event = 'audit.exported'"))
        head = await exporting.read_head(connection, made["id"], leaf["actor"]["id"])
    exporter = Exporter(gateway.context.acquire, gateway.context.keyring.signer("receipt"), [])
    await _forge(gateway, "DELETE FROM log_tile WHERE level = 1", table="log_tile")
    came: list[bytes] = []

    async def fetch() -> None:
        async for piece in exporter.lines(head, cursor=None, clock=gateway.context.clock):
            came.append(piece)  # noqa: PERF401  what came before the fault counts

    with pytest.raises(LogDamaged):
        await fetch()
    assert sum(piece.count(b"\n") for piece in came) == 11


async def test_a_part_that_begins_in_a_damaged_tree_is_not_given(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    made = (await gateway.client.post(EXPORTS, json={"first": 300}, headers=auditor)).json()
    await _forge(gateway, "DELETE FROM log_tile WHERE level = 0 AND index = 1", table="log_tile")
    answer = await gateway.client.get(f"{EXPORTS}/{made['id']}", headers=auditor)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def _forge(gateway: TestGateway, statement: str, table: str = "log_entry") -> None:
    """A change behind the log's back, as whoever owns the database can make it."""
    async with gateway.context.acquire() as connection:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}")


async def test_an_export_is_for_who_asked(gateway: TestGateway, auditor: dict[str, str], size: int) -> None:
    inspector = bearer(await gateway.staff("inspector", Role.INSPECTOR))
    officer = bearer(await gateway.staff("officer", Role.SECURITY))
    made = (await gateway.client.post(EXPORTS, json={}, headers=inspector)).json()
    address = f"{EXPORTS}/{made['id']}"
    assert (await gateway.client.get(address, headers=inspector)).status_code == 200
    assert (await gateway.client.get(address, headers=auditor)).status_code == 404
    assert (await gateway.client.get(address, headers=officer)).status_code == 403
    assert (await gateway.client.post(EXPORTS, json={}, headers=officer)).status_code == 403
    assert (await gateway.client.post(EXPORTS, json={})).status_code == 401


async def test_what_is_no_export_is_not_found(gateway: TestGateway, auditor: dict[str, str], size: int) -> None:
    events = (await gateway.client.get("/v1/audit/events?limit=1", headers=auditor)).json()["items"]
    for name in ("rubbish", "00000000-0000-7000-8000-000000000000", events[0]["id"]):
        assert (await gateway.client.get(f"{EXPORTS}/{name}", headers=auditor)).status_code == 404


async def test_a_part_that_the_checkpoint_does_not_cover_is_refused(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    for asked, field in (
        ({"first": 10_000}, "/first"),
        ({"until": 10_000}, "/until"),
        ({"first": 9, "until": 8}, "/until"),
    ):
        answer = await gateway.client.post(EXPORTS, json=asked, headers=auditor)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == field
        assert f"{size}" in answer.text


async def test_a_cursor_outside_the_part_is_refused(gateway: TestGateway, auditor: dict[str, str], size: int) -> None:
    assert size > 6
    made = (await gateway.client.post(EXPORTS, json={"first": 2, "until": 5}, headers=auditor)).json()
    for cursor in (1, 6):
        answer = await gateway.client.get(f"{EXPORTS}/{made['id']}?cursor={cursor}", headers=auditor)
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


async def test_what_is_not_of_its_form_is_refused(gateway: TestGateway, auditor: dict[str, str]) -> None:
    for asked in ({"since": "2026-01-01T00:00:00"}, {"event": "X"}, {"actor": "a b"}, {"upto": 3}, {"first": -1}):
        assert (await gateway.client.post(EXPORTS, json=asked, headers=auditor)).status_code == 422


async def test_before_the_first_checkpoint_there_is_nothing_to_export(
    gateway: TestGateway, auditor: dict[str, str]
) -> None:
    answer = await gateway.client.post(EXPORTS, json={}, headers=auditor)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-sealed")
    assert "retry-after" in answer.headers


async def test_nothing_is_held_while_the_reader_takes_their_time(
    gateway: TestGateway, auditor: dict[str, str], size: int
) -> None:
    """Between two pieces no connection is out, and no piece is larger than a tile's lines."""
    out = 0

    class Lent:
        def __init__(self) -> None:
            self._inner = gateway.context.acquire()

        async def __aenter__(self) -> asyncpg.Connection:
            nonlocal out
            out += 1
            return await self._inner.__aenter__()

        async def __aexit__(self, *fault: object) -> None:
            nonlocal out
            out -= 1
            await self._inner.__aexit__(*fault)  # type: ignore[arg-type]

    made = (await gateway.client.post(EXPORTS, json={}, headers=auditor)).json()
    async with gateway.context.acquire() as connection:
        leaf = json.loads(await connection.fetchval("SELECT leaf FROM log_entry WHERE event = 'audit.exported'"))
        head = await exporting.read_head(connection, made["id"], leaf["actor"]["id"])
    exporter = Exporter(Lent, gateway.context.keyring.signer("receipt"), [])
    pieces: AsyncIterator[bytes] = exporter.lines(head, cursor=None, clock=gateway.context.clock)
    counts = []
    async for piece in pieces:
        assert out == 0
        counts.append(piece.count(b"\n"))
    assert max(counts) == 256
    assert sum(counts) == size + 3


async def test_the_edge_of_every_earlier_tree_is_read_from_the_tiles(gateway: TestGateway, size: int) -> None:
    async with gateway.context.acquire() as connection:
        leaves = await sealed.read_leaves(connection, 0, size)
        assert leaves is not None
        for earlier in (0, 1, 255, 256, 257, 511, 512, 513, size):
            expected = Frontier().extend(map(leaf_hash, leaves[:earlier]))
            assert await sealed.read_frontier(connection, earlier) == expected


def test_a_filter_is_read_as_it_was_written() -> None:
    moment = datetime(2026, 1, 1, 8, tzinfo=UTC)
    for only in (Filter(), Filter("a.b", "c", moment, moment), Filter(before=moment)):
        assert Filter.read(only.written()) == only
