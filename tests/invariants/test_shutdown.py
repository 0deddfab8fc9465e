"""SIGTERM: what is under way is finished and answered, then the process ends with 0."""

import asyncio
import os
import signal

import pytest

from tests.invariants.county import RES, County
from tests.invariants.test_overload import PATIENT, nothing_commits, one_more_gateway, until_read
from tests.support.load import Load, missing
from tests.support.puller import Puller
from tests.support.wire import Connection
from tests.support.world import record

pytestmark = pytest.mark.process

POLL_S = 30.0


async def test_requests_under_way_are_answered_after_sigterm(calm: County) -> None:
    async with one_more_gateway(calm, tuned=PATIENT) as gateway:
        connections = [Connection(gateway.port) for _ in range(20)]
        for connection in connections:
            await connection.open()
        async with nothing_commits(calm):
            tasks = [
                asyncio.create_task(connection.post(calm.provider.exchange(RES, [record(n)])))
                for n, connection in enumerate(connections)
            ]
            await until_read(gateway.port)
            gateway.terminate()
            await asyncio.sleep(0.5)
            assert gateway.is_running
        answers = await asyncio.gather(*tasks)
        assert {answer.status for answer in answers} == {201}
        assert await gateway.ended() == 0
    assert await calm.connection.fetchval("SELECT count(*) FROM exchange") == len(answers)


async def test_a_gateway_that_is_told_to_stop_under_load_ends_with_0_and_loses_no_receipt(calm: County) -> None:
    async with one_more_gateway(calm) as gateway:
        other = calm.hub.gateways[0]
        async with Load([gateway.port, other.port], calm.envelopes()) as load:
            await load.flows(200)
            gateway.terminate()
            assert await gateway.ended() == 0
            await load.flows(50)
    assert not load.refused
    assert await missing(calm.connection, load.held) == []


async def test_a_long_poll_is_answered_and_does_not_hold_the_end_up(calm: County) -> None:
    async with one_more_gateway(calm) as gateway, Connection(gateway.port) as connection:
        puller = Puller(calm.consumers[0])
        await puller.get_token(connection)
        polling = asyncio.create_task(puller.pull(connection, wait=POLL_S))
        await until_read(gateway.port)
        assert not polling.done()
        gateway.terminate()
        assert (await polling).json() == {"items": []}
        assert await gateway.ended(POLL_S / 2) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_ends_with_0(calm: County, number: signal.Signals) -> None:
    worker = calm.hub.worker()
    while "worker ready" not in worker.tail():
        assert worker.is_running
        await asyncio.sleep(0.05)
    os.kill(worker.pid, number)
    assert await worker.ended() == 0
    calm.hub.workers.remove(worker)


async def test_a_gateway_that_is_told_to_stop_while_it_starts_does_not_start(calm: County) -> None:
    gateway = calm.hub.gateway()
    await asyncio.sleep(0.2)
    gateway.terminate()
    assert await gateway.ended() in (0, -signal.SIGTERM)
    calm.hub.gateways.remove(gateway)
