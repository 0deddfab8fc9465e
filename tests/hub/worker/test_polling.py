"""Bundles cross a pair of folders, from the claim to the acknowledgement that comes back: hub, gateway and far side."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from adapters.errors import Unreachable
from adapters.testing import make_batch
from certs.bundles import ACKNOWLEDGEMENT, FORMAT, seal_manifest
from certs.digests import digest
from certs.envelope import seal
from certs.http_signature import HttpSigner
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.client.bundle_file import write_bundle
from hub.delivery.making import Adapters
from hub.delivery.settling import Settled
from hub.errors import Unavailable
from hub.worker.polling import OLDEST_S, Polls
from tests.adapters.bundle_folders import NotaryOfTests, items, make_folders, now, written
from tests.hub.delivery.conftest import Post, post  # noqa: F401  a fixture
from tests.support.world import HUB, TestSystem, new_jti

SIGNER = HttpSigner(KeySigner(generate_key("ES256"), "A" * 43))
WITHIN_S = 60.0


@dataclass
class Crossing:
    """A hub whose consumer is behind a gateway, in folders under `base`."""

    post: Post
    base: Path
    adapters: Adapters
    taken: list[tuple[bytes, str]] = field(default_factory=list)
    fault: Callable[[bytes], None] = field(default=lambda _: None)

    async def push(self) -> Settled | None:
        pusher = self.post.pusher()
        pusher.adapter_for = self.adapters
        return await pusher.push(self.post.lane)

    async def acknowledge(self, compact: bytes, *, address: str, request_id: str, oldest_s: int) -> bytes:
        self.fault(compact)
        answer = await self.post.acknowledging.acknowledge(
            compact, address=address, request_id=request_id, oldest_s=oldest_s
        )
        self.taken.append((compact, request_id))
        return answer

    def lay(self, name: str, who: TestSystem, named: Sequence[tuple[str, str]], **changes: Any) -> bytes:
        """An acknowledgement bundle of `who` over (delivery, digest) pairs."""
        listed = [{"id": identifier, "digest": value} for identifier, value in named]
        iat = int((now() - timedelta(**changes.pop("age", {}))).timestamp())
        compact = seal(
            changes.pop("signer", who.signer), typ="ack+jws", iss=who.code, aud=HUB, iat=iat, jti=new_jti(),
            payload=orjson.dumps({"deliveries": listed}),
        )  # fmt: skip
        members = {
            "format": FORMAT,
            "kind": ACKNOWLEDGEMENT,
            "hub": HUB,
            "system": who.code,
            "series": "ABCDEFGH",
            "number": 1,
            "made_at": now().isoformat(),
            "parts": [{"kind": ACKNOWLEDGEMENT, "size": len(compact), "digest": digest(compact)}],
        }
        (self.base / "in" / name).write_bytes(write_bundle(seal_manifest(who.signer, members), [compact]))
        return compact

    def named(self) -> list[tuple[str, str]]:
        """What lies in the outgoing folder, as an acknowledgement names it."""
        return [(item["delivery"], item["digest"]) for bundle in written(self.base) for item in items(bundle)]

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in (self.base / "in").iterdir() if path.is_file())

    @property
    def rejected(self) -> list[str]:
        return sorted(path.name for path in (self.base / "in").glob("rejected/*") if "reason" not in path.name)

    @asynccontextmanager
    async def polling(self, **changes: Any) -> AsyncIterator[Polls]:
        stop = asyncio.Event()
        polls = Polls(
            changes.pop("connect", self.connect), self.adapters, self.acknowledge, every_s=changes.pop("every_s", 0.02)
        )
        task = asyncio.create_task(polls.run(stop))
        try:
            yield polls
        finally:
            stop.set()
            await asyncio.wait_for(task, WITHIN_S)

    async def connect(self) -> asyncpg.Connection:
        raise NotImplementedError


@pytest.fixture
async def crossing(post: Post, tmp_path: Path, database: Any) -> AsyncIterator[Crossing]:  # noqa: F811
    base = make_folders(tmp_path / "gateway")
    settings = {
        name: str(base / folder) for name, folder in (("outgoing", "out"), ("incoming", "in"), ("state", "state"))
    }
    await post.connection.execute("UPDATE push_target SET adapter = 'bundle', settings = $1", settings)
    found = Crossing(post, base, Adapters(SIGNER, post.clock, NotaryOfTests()))
    found.connect = database.connect  # type: ignore[method-assign]
    yield found
    await found.adapters.close()


async def until(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def test_a_delivery_is_settled_when_its_acknowledgement_comes_back(crossing: Crossing) -> None:
    sent = await crossing.post.publish(2)
    assert await crossing.push() is Settled.HANDED_OVER
    assert [item["envelope"].encode() for bundle in written(crossing.base) for item in items(bundle)] == sent
    assert await crossing.post.values("SELECT count(*) FROM delivered") == [0]
    compact = crossing.lay("a.txt", crossing.post.consumer, crossing.named())
    async with crossing.polling():
        await until(lambda: crossing.left == [])
    assert [found for found, _ in crossing.taken] == [compact]
    assert await crossing.post.values("SELECT outcome FROM delivered") == ["acknowledged"] * 2
    assert await crossing.post.values("SELECT envelope FROM acknowledgement") == [compact]
    assert await crossing.push() is None


async def test_an_acknowledgement_may_have_been_long_on_its_way_but_not_for_ever(crossing: Crossing) -> None:
    await crossing.post.publish(1)
    await crossing.push()
    crossing.lay("old.txt", crossing.post.consumer, crossing.named(), age={"seconds": OLDEST_S + 60})
    crossing.lay("future.txt", crossing.post.consumer, crossing.named(), age={"hours": -1})
    async with crossing.polling():
        await until(lambda: crossing.rejected == ["future.txt", "old.txt"])
        assert await crossing.post.values("SELECT count(*) FROM delivered") == [0]
        crossing.lay("late.txt", crossing.post.consumer, crossing.named(), age={"days": 20})
        await until(lambda: crossing.left == [])
    assert await crossing.post.values("SELECT outcome FROM delivered") == ["acknowledged"]


async def test_what_is_refused_is_set_aside_logged_and_holds_up_nothing(
    crossing: Crossing, caplog: pytest.LogCaptureFixture
) -> None:
    await crossing.post.publish(1)
    await crossing.push()
    stranger = KeySigner(generate_key("ES256"), crossing.post.consumer.kid)
    crossing.lay("a.txt", crossing.post.consumer, crossing.named(), signer=stranger)
    crossing.lay("b.txt", crossing.post.provider, crossing.named())
    unknown = [(str(make_batch(1).items[0].delivery), digest(b""))]
    crossing.lay("c.txt", crossing.post.consumer, unknown)
    crossing.lay("d.txt", crossing.post.consumer, crossing.named())
    with caplog.at_level(logging.WARNING):
        async with crossing.polling():
            await until(lambda: crossing.left == [])
    assert crossing.rejected == ["a.txt", "b.txt", "c.txt"]
    slugs = {record.__dict__.get("slug") for record in caplog.records}
    assert {"bad-signature", "not-found"} <= slugs
    assert await crossing.post.values("SELECT outcome FROM delivered") == ["acknowledged"]


async def test_what_cannot_be_judged_now_stays_and_counts_later(crossing: Crossing) -> None:
    await crossing.post.publish(1)
    await crossing.push()
    crossing.lay("a.txt", crossing.post.consumer, crossing.named())
    asked = 0

    def busy(_: bytes) -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise Unavailable("忙", "busy")

    crossing.fault = busy
    async with crossing.polling():
        await until(lambda: crossing.left == [])
    assert asked == 3
    assert crossing.rejected == []


async def test_a_death_after_the_commit_makes_it_come_again_and_count_once(crossing: Crossing) -> None:
    await crossing.post.publish(1)
    await crossing.push()
    compact = crossing.lay("a.txt", crossing.post.consumer, crossing.named())
    await crossing.post.acknowledging.acknowledge(compact, address="", request_id="r")
    assert crossing.left == ["a.txt"]
    async with crossing.polling():
        await until(lambda: crossing.left == [])
    assert await crossing.post.values("SELECT count(*) FROM acknowledgement") == [1]
    assert crossing.rejected == []


async def test_two_workers_may_poll_the_same_folder(crossing: Crossing) -> None:
    await crossing.post.publish(5)
    await crossing.push()
    for number, pair in enumerate(crossing.named()):
        crossing.lay(f"{number}.txt", crossing.post.consumer, [pair])
    other = Crossing(crossing.post, crossing.base, Adapters(SIGNER, crossing.post.clock, NotaryOfTests()))
    other.connect = crossing.connect  # type: ignore[method-assign]
    async with crossing.polling(), other.polling():
        await until(lambda: crossing.left == [])
    await other.adapters.close()
    assert await crossing.post.values("SELECT count(*) FROM delivered") == [5]
    assert await crossing.post.values("SELECT count(*) FROM acknowledgement") == [5]
    assert crossing.rejected == []


async def test_a_mount_that_is_gone_rests_and_is_found_again(
    crossing: Crossing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hub.worker.polling.REST_S", 0.1)
    await crossing.post.publish(1)
    await crossing.push()
    shutil.move(crossing.base / "in", crossing.base / "gone")
    with caplog.at_level(logging.WARNING):
        async with crossing.polling():
            await until(lambda: any(r.__dict__.get("reason") == "folder-missing" for r in caplog.records))
            shutil.move(crossing.base / "gone", crossing.base / "in")
            crossing.lay("a.txt", crossing.post.consumer, crossing.named())
            await until(lambda: crossing.left == [])
    assert await crossing.post.values("SELECT outcome FROM delivered") == ["acknowledged"]


async def test_a_target_that_hangs_or_fails_holds_up_nobody_else(
    crossing: Crossing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hub.worker.polling.REST_S", 0.01)
    calls = {"hangs": 0, "fails": 0, "breaks": 0, "answers": 0}

    class Target:
        def __init__(self, name: str) -> None:
            self.name = name

        async def poll(self, *, limit: int) -> list[bytes]:
            calls[self.name] += 1
            if self.name == "hangs":
                await asyncio.sleep(600)
            if self.name == "fails":
                raise Unreachable(reason="folder-missing", zh="没有", en="gone")
            if self.name == "breaks":
                raise ConnectionResetError  # nothing that an adapter may raise
            return []

        async def put_away(self, acknowledgement: bytes, *, refused: str = "") -> None:
            raise AssertionError(acknowledgement, refused)

    class Some:
        def polling(self, system: Any, code: str, name: str, settings: dict[str, Any], locked: bytes | None) -> Target:
            return Target(code)

    await crossing.post.connection.execute("DELETE FROM push_target")
    for code in calls:
        system = await crossing.post.world.system(code)
        await crossing.post.target(system)
    crossing.adapters = Some()  # type: ignore[assignment]
    async with crossing.polling():
        await until(lambda: calls["answers"] > 3 and calls["fails"] > 3 and calls["breaks"] > 3)
    assert calls["hangs"] == 1
    told = {(r.__dict__["system"], r.__dict__["reason"]) for r in caplog.records}
    assert told == {("fails", "folder-missing"), ("breaks", "adapter-fault")}
    crossing.adapters = Adapters(SIGNER, crossing.post.clock)


async def test_targets_that_do_not_poll_are_left_alone(crossing: Crossing) -> None:
    settings = {"url": "https://sink.example/deliveries", "networks": ["10.1.0.0/16"]}
    await crossing.post.connection.execute("UPDATE push_target SET adapter = 'http', settings = $1", settings)
    async with crossing.polling() as polls:
        await asyncio.sleep(0.2)
        assert not polls._resting
    assert crossing.taken == []


async def test_a_database_that_is_away_is_waited_for(crossing: Crossing) -> None:
    await crossing.post.publish(1)
    await crossing.push()
    crossing.lay("a.txt", crossing.post.consumer, crossing.named())
    asked = 0
    connect = crossing.connect

    async def away() -> asyncpg.Connection:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise ConnectionRefusedError
        return await connect()

    async with crossing.polling(connect=away):
        await until(lambda: crossing.left == [])
    assert asked == 3
