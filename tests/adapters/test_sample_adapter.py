"""A third party's adapter: found through its entry point, and held to the same tests as ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters import registry
from adapters.errors import SettingsInvalid
from adapters.protocol import Adapter, Limits
from adapters.testing import Arrived, Behaviour, PushContract, Receiver
from tests.adapters.http_receiver import hub_signer
from tests.support.talks import served
from tests.support.third_party import sample_installed

pytestmark = pytest.mark.sockets

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with sample_installed(tmp_path, monkeypatch):
        yield


class LineReceiver:
    """A system that reads JSON lines and does as it was told."""

    def __init__(self) -> None:
        self.behaviour = Behaviour.CONFIRM
        self.arrived: list[Arrived] = []
        self.acknowledgement = b"eyJhbGciOiJFUzI1NiJ9.eyJkZWxpdmVyaWVzIjpbXX0.c2lnbmF0dXJl"
        self.reached = asyncio.Event()
        self.port = 0
        self._open = AsyncExitStack()

    async def start(self) -> None:
        self.port = await self._open.enter_async_context(served(self._talk))

    async def stop(self) -> None:
        await self._open.aclose()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            greeting = json.loads(await reader.readline())
            lines = [json.loads(await reader.readline()) for _ in range(greeting["count"])]
            self.reached.set()
            assert greeting["password"] == PASSWORD
            arrived = [
                Arrived(
                    UUID(line["delivery"]), int(line["sequence"]), greeting["fence"], line["digest"], line["envelope"]
                )
                for line in lines
            ]
            await self._answer(writer, arrived)

    async def _answer(self, writer: asyncio.StreamWriter, arrived: list[Arrived]) -> None:
        match self.behaviour:
            case Behaviour.CONFIRM:
                self.arrived += arrived
                writer.write(b"ok\n")
            case Behaviour.ACKNOWLEDGE:
                self.arrived += arrived
                writer.write(b"ack " + self.acknowledgement + b"\n")
            case Behaviour.BREAK:
                self.arrived += arrived[: len(arrived) // 2]
                writer.transport.abort()
            case Behaviour.HANG:
                await asyncio.sleep(60)
            case Behaviour.HUGE_ANSWER | Behaviour.HUGE_ACKNOWLEDGEMENT:
                writer.write(b"ok " if self.behaviour is Behaviour.HUGE_ANSWER else b"ack ")
                while True:
                    writer.write(b"a" * 65536)
                    await writer.drain()
            case Behaviour.DISBELIEVE:
                writer.write(b"no password\n")
            case Behaviour.REJECT:
                writer.write(b"no items\n")
            case Behaviour.BUSY:
                writer.write(b"no busy\n")
            case Behaviour.STALE:
                writer.write(b"no stale\n")


def make(port: int, limits: Limits | None = None, **secrets: object) -> Adapter:
    return registry.build(
        "line",
        settings={"host": "127.0.0.1", "port": port},
        secrets={"password": PASSWORD} | secrets,
        signer=hub_signer(),
        clock=lambda: datetime.now(UTC),
        limits=limits,
    )


class TestLine(PushContract):
    @asynccontextmanager
    async def receiver(self) -> AsyncIterator[Receiver]:
        receiver = LineReceiver()
        await receiver.start()
        try:
            yield receiver
        finally:
            await receiver.stop()

    def adapter(self, receiver: Receiver, limits: Limits) -> Adapter:
        assert isinstance(receiver, LineReceiver)
        return make(receiver.port, limits)


def test_it_is_found_through_its_entry_point() -> None:
    assert "line" in registry.names()
    found = registry.find("line")
    assert found.__module__ == "shuniu_line"


def test_its_settings_and_secrets_are_checked_and_the_secret_is_not_shown() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        make(99999, password=[PASSWORD])
    assert "port" in caught.value.en
    with pytest.raises(SettingsInvalid) as caught:
        make(1, password=[PASSWORD])
    assert "password" in caught.value.en
    assert PASSWORD not in str(caught.value)
