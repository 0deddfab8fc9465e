"""Consumers get a token, pull and acknowledge at a real gateway; what they count is what the database moved."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.db.engine import Database
from hub.settings import Settings
from tests.support.harness import Hub, running_hub
from tests.support.world import HUB
from tools.bench import puller
from tools.bench.counts import check_acknowledged, count
from tools.bench.county import County, settle
from tools.bench.cpu import used
from tools.bench.errors import VoidRun
from tools.bench.plan import PULL_CONSUMERS
from tools.bench.puller import Connection, Pulled, pull
from tools.bench.requests import Sending, request
from tools.bench.servers import peak_resident_kib

EXCHANGES = 7


@dataclass(frozen=True, slots=True)
class Stand:
    """A gateway with a county; `settings` are what the bench knows of it."""

    hub: Hub
    settings: Settings
    county: County

    @property
    def database(self) -> Database:
        return Database(self.hub.dsn)

    async def post(self, count: int) -> None:
        """Exchanges that put one item each before every consumer."""
        provider = self.county.provider
        sending = Sending(HUB, provider.code, provider.kid, provider.key_pem, self.county.pulled, 1024)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.settings.port)
        for number in range(count):
            writer.write(request(sending, sending.signer(), number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 201 " in head
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
        writer.close()
        await writer.wait_closed()


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with running_hub(gateways=1) as hub:
        [gateway] = hub.gateways
        settings = Settings(data=hub.directory, hub_id=HUB, port=gateway.port)
        asyncio.run(hub.ready())
        yield Stand(hub, settings, asyncio.run(settle(settings, hub.dsn)))


@pytest.mark.process
async def test_every_item_is_acknowledged_once(stand: Stand) -> None:
    await stand.post(EXCHANGES)
    before = await count(stand.database)
    pulled = await pull(stand.settings, stand.county.pullers, 20, may_run_out=True)
    assert pulled.items == EXCHANGES * PULL_CONSUMERS
    check_acknowledged(pulled.items, (await count(stand.database)).since(before))
    assert len(pulled.round_trips_ms) >= PULL_CONSUMERS
    assert pulled.per_second > 0


@pytest.mark.process
async def test_an_empty_inbox_voids_a_run(stand: Stand) -> None:
    with pytest.raises(VoidRun, match="ran out"):
        await pull(stand.settings, stand.county.pullers[:1], 20)


@pytest.mark.process
async def test_a_refusal_voids_a_run(stand: Stand) -> None:
    stranger = Settings(data=stand.settings.data, hub_id=HUB, port=stand.settings.port, public_url="http://elsewhere")
    with pytest.raises(VoidRun, match="/oauth/token was not answered 200: 401"):
        await pull(stranger, stand.county.pullers[:1], 1)


@pytest.mark.process
async def test_a_delivery_that_is_not_what_its_digest_says_voids_a_run(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stand.post(1)
    monkeypatch.setattr(puller, "digest", lambda data: "sha-256:" + "0" * 64)
    with pytest.raises(VoidRun, match="the digest of a delivery"):
        await pull(stand.settings, stand.county.pullers[:1], 1)


@pytest.mark.process
async def test_a_gateway_that_is_gone_voids_a_run(stand: Stand) -> None:
    nobody = Settings(data=stand.settings.data, hub_id=HUB, port=1)
    with pytest.raises(VoidRun, match="a connection broke"):
        await pull(nobody, stand.county.pullers[:1], 1)


@pytest.mark.process
async def test_what_gateway_and_database_use_is_found_in_the_kernels_books(stand: Stand) -> None:
    pids, cluster = [stand.hub.gateways[0].pid], stand.hub.directory / "postgres"
    before = used(pids, cluster)
    connection = await Connection.open(stand.settings.port)
    for _ in range(200):
        await connection.ask("GET", "/livez", {})
    await stand.post(30)
    await connection.close()
    spent = used(pids, cluster).since(before)
    assert spent.servers > 0
    assert spent.load > 0
    assert before.database > 0
    assert peak_resident_kib(pids[0]) > 20_000


def test_a_percentile_is_one_of_the_round_trips() -> None:
    pulled = Pulled(items=10, seconds=2.0, round_trips_ms=[5.0, 1.0, 2.0, 4.0, 3.0])
    assert (pulled.percentile(50), pulled.percentile(99), pulled.percentile(1)) == (3.0, 5.0, 1.0)
    assert str(pulled) == "5/s, p50 3.0 ms, p99 5.0 ms"


def test_a_process_that_has_ended_has_used_nothing(tmp_path: Path) -> None:
    assert used([2**22 + 1], tmp_path / "no-cluster").servers == 0
