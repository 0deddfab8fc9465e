"""I6: what a receipt promises is in the tree, whatever dies meanwhile; and no checkpoint ever takes back what another said.

Judged from outside: from receipts that clients hold and from what `/tlog` serves, by the mathematics of RFC 6962 alone.
"""

import asyncio
import base64
import os
import random
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from certs.checkpoint import Checkpoint, open_checkpoint, parse_verifier_key
from certs.tile_files import Tile, tile_path
from certs.tiles import new_tiles, node_reader
from certs.tree import verify_consistency, verify_inclusion
from certs.tree_proofs import consistency_proof, inclusion_proof
from tests.invariants.county import County, county_in
from tests.support.harness import Hub, running_hub
from tests.support.load import Load
from tests.support.wire import Connection

pytestmark = [pytest.mark.process, pytest.mark.chaos, pytest.mark.timeout(380)]

ROUNDS = 8
SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
SEALED_WITHIN_S = 60.0

WATCH_S = 3.0
WATCHES = 10
"""A machine that pauses spoils a watch, a hub that seals too late spoils all."""


@pytest.fixture(scope="module")
def sealed_hub() -> Iterator[Hub]:
    """A hub with two gateways, and two sealers, of which one was started by mistake."""
    with running_hub(gateways=2, workers=2) as hub:
        yield hub


@pytest.fixture
async def sealed(sealed_hub: Hub) -> AsyncIterator[County]:
    """A fresh county in it."""
    async with county_in(sealed_hub) as found:
        yield found


async def get(port: int, path: str) -> bytes | None:
    async with Connection(port) as connection:
        answer = await connection.request("GET", path)
    return answer.body if answer.status == 200 else None


async def checkpoint_of(found: County) -> Checkpoint | None:
    note = await get(found.hub.ports[0], "/tlog/checkpoint")
    key = parse_verifier_key((found.hub.directory / "trust" / "log.pub").read_text())
    return None if note is None else open_checkpoint(note, key)


async def watch(found: County, seen: dict[int, Checkpoint], stop: asyncio.Event) -> None:
    """Keep every checkpoint that is shown, as a monitor does; two of one size must be equal."""
    while not stop.is_set():
        checkpoint = await checkpoint_of(found)
        if checkpoint is not None:
            assert seen.setdefault(checkpoint.size, checkpoint) == checkpoint
        await asyncio.sleep(0.05)


async def grows(seen: dict[int, Checkpoint], beyond: int) -> None:
    """Return when a larger checkpoint has been seen."""
    deadline = time.monotonic() + SEALED_WITHIN_S
    while max(seen, default=-1) <= beyond:
        assert time.monotonic() < deadline, f"no checkpoint beyond {beyond}"
        await asyncio.sleep(0.05)


async def tiles_of(found: County, size: int) -> dict[Tile, bytes]:
    tiles: dict[Tile, bytes] = {}
    for tile in new_tiles(0, size):
        data = await get(found.hub.ports[-1], f"/tlog/{tile_path(tile)}")
        assert data is not None, tile_path(tile)
        tiles[tile] = data
    return tiles


async def until_sealed(found: County) -> Checkpoint:
    """The checkpoint that covers everything logged so far."""
    logged = await logged_in(found)
    deadline = time.monotonic() + SEALED_WITHIN_S
    while (checkpoint := await checkpoint_of(found)) is None or checkpoint.size < logged:
        assert time.monotonic() < deadline, f"{logged} logged, shown: {checkpoint}"
        await asyncio.sleep(0.1)
    assert checkpoint.size <= await logged_in(found)
    return checkpoint


async def logged_in(found: County) -> int:
    return int(await found.connection.fetchval("SELECT count(*) FROM log_entry"))


async def test_every_promise_is_in_one_tree_though_sealers_are_killed(sealed: County) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it")
    moments = random.Random(SEED)
    seen: dict[int, Checkpoint] = {}
    stop = asyncio.Event()
    watching = asyncio.create_task(watch(sealed, seen, stop))
    async with Load(sealed.hub.ports, sealed.envelopes(), connections=16, pause_s=0.02) as load:
        for _ in range(ROUNDS):
            shown = max(seen, default=-1)
            await asyncio.sleep(moments.uniform(0.05, 1.2))
            victim = moments.choice(sealed.hub.workers)
            victim.kill()
            victim.start()
            await load.flows()
            await grows(seen, shown)
    last = await until_sealed(sealed)
    stop.set()
    await watching
    assert not load.refused
    tiles = await tiles_of(sealed, last.size)
    node = node_reader(last.size, tiles.__getitem__)
    assert len(seen) >= ROUNDS
    for older in seen.values():
        proof = consistency_proof(older.size, last.size, node) if older.size else []
        verify_consistency(older.size, older.root, last.size, last.root, proof)
    hashes = b"".join(tiles[tile] for tile in new_tiles(0, last.size) if tile.level == 0)
    places = {hashes[at : at + 32]: at // 32 for at in range(0, len(hashes), 32)}
    assert len(places) == last.size
    for held in load.held:
        promised = base64.b64decode(str(held.payload["entry"]))
        index = places[promised]
        verify_inclusion(promised, index, last.size, inclusion_proof(index, last.size, node), last.root)
    print(f"{len(load.held)} receipts, {len(seen)} checkpoints, {last.size} entries")


async def test_an_entry_is_sealed_within_two_seconds_of_its_commit(sealed: County) -> None:
    async with Load(sealed.hub.ports, sealed.envelopes(), connections=4, pause_s=0.01) as load:
        await until_sealed_once(sealed)
        await load.flows(50)
        late = [await oldest_waiting(sealed)]
        while late[-1] > 2.0 and len(late) < WATCHES:
            late.append(await oldest_waiting(sealed))
    print(f"oldest waiting entry, from watch to watch: {late} s")
    assert late[-1] <= 2.0


async def oldest_waiting(found: County) -> float:
    """The most seconds that an entry waits to be sealed, while it is watched for longer than it may wait."""
    late = 0.0
    until = time.monotonic() + WATCH_S
    while time.monotonic() < until:
        # the oldest that waits, by the hub's own clock: ids carry their time
        age = await found.connection.fetchval(
            "SELECT extract(epoch FROM clock_timestamp() - min(l.occurred_at))::float8"
            " FROM log_pending p JOIN log_entry l ON l.id = p.id"
        )
        late = max(late, age or 0.0)
        await asyncio.sleep(0.1)
    return late


async def until_sealed_once(found: County) -> None:
    deadline = time.monotonic() + SEALED_WITHIN_S
    while (await checkpoint_of(found)) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
