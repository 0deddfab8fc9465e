"""The loop that takes up imports: one after the other, until it is told to stop; nothing that goes wrong ends it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.worker import imports
from tests.support.gateway import running_gateway
from tests.support.office import Office, workbook
from tests.support.workbooks import RESOURCE


async def test_what_waits_is_taken_up_until_it_is_told_to_stop(database_dsn: str, tmp_path: Path) -> None:
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        office = await Office.open(gateway)
        waiting = [(await office.upload(workbook(RESOURCE)))["id"] for _ in range(2)]
        stop = asyncio.Event()
        running = asyncio.create_task(imports.run(office.importer, stop))
        for identifier in waiting:
            while (await office.look(identifier))["state"] == "queued":  # noqa: ASYNC110  another connection does it
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(running, 30)
        assert {(await office.look(identifier))["state"] for identifier in waiting} == {"judged"}


@dataclass
class Failing:
    """An importer that fails in its own way each time."""

    faults: list[Exception]

    async def take_up(self) -> bool:
        raise self.faults.pop(0)


async def test_a_database_that_is_away_and_what_nobody_foresaw_are_told_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(imports, "REST_S", 0.01)
    failing, stop = Failing([ConnectionRefusedError(), ValueError("内容")]), asyncio.Event()
    running = asyncio.create_task(imports.run(failing, stop))  # type: ignore[arg-type]
    while failing.faults:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(running, return_exceptions=True)
    said = [(record.levelname, record.message) for record in caplog.records if record.name == "hub.worker.imports"]
    assert said[:2] == [("WARNING", "imports put off"), ("ERROR", "an import broke off")]
    assert "内容" not in caplog.text


@dataclass
class Endless:
    """An importer whose import never ends."""

    begun: asyncio.Event

    async def take_up(self) -> bool:
        self.begun.set()
        await asyncio.sleep(60)
        return True


async def test_stopping_lets_go_what_is_in_hand() -> None:
    endless, stop = Endless(asyncio.Event()), asyncio.Event()
    running = asyncio.create_task(imports.run(endless, stop))  # type: ignore[arg-type]
    await endless.begun.wait()
    stop.set()
    await asyncio.wait_for(running, 30)
