"""Ten thousand rows: tried and written within a minute, in bounded memory, and cancelled in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from catalog.sheets.export import Exported, export
from hub.publishing.imports import clerk
from tests.support.gateway import running_gateway
from tests.support.office import Office
from tests.support.publishing import METADATA

RESOURCES, ITEMS = 1_000, 9
ROWS = RESOURCES * (1 + ITEMS)
WITHIN_S = 60.0
CLERK_MIB = 400
"""What a clerk may take; the largest workbook that is read takes 300."""


@pytest.fixture
async def office(database_dsn: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        yield await Office.open(gateway)


def described() -> Iterator[Exported]:
    for number in range(RESOURCES):
        said = {**METADATA, "name": f"资源{number}号", "summary": f"资源{number}号的摘要，供各部门业务协同使用"}
        items = [
            {
                "field_name": f"f{place}",
                "name": f"信息项{place}",
                "data_type": "C",
                "length": 10 + (number + place) % 90,
            }
            for place in range(ITEMS)
        ]
        yield Exported(None, "", None, "lintao-finance", said, items, "306001000001")


def clerks_kib() -> int:
    """What the clerk that works for this process has taken at most so far, in KiB; 0 if there is none."""
    if clerk.OFFICE._process is None:
        return 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            if f"\nPPid:\t{clerk.OFFICE._process.pid}\n" in status:
                return int(status.partition("VmHWM:")[2].split()[0])
        except (OSError, IndexError):  # it ended meanwhile
            continue
    return 0


@pytest.mark.usefixtures("unmeasured")
async def test_ten_thousand_rows_are_tried_and_written_in_time_and_in_bounds(office: Office) -> None:
    book = export(described())
    began = time.perf_counter()
    tried = await office.upload(book)
    working = asyncio.create_task(office.importer.take_up())
    told, peak_kib = set(), 0
    while not working.done():
        await asyncio.wait({working}, timeout=0.1)
        peak_kib = max(peak_kib, clerks_kib())
        found = await office.look(tried["id"])
        told.add((found["done"], found["total"]))
    assert found["state"] == "judged", found
    assert (found["counts"]["rows"], found["counts"]["new"], found["counts"]["faults"]) == (ROWS, RESOURCES, 0)
    assert told & {(done, RESOURCES) for done in range(RESOURCES + 1)}
    await office.orders(tried["id"])
    assert await office.importer.take_up()
    assert time.perf_counter() - began < WITHIN_S
    found = await office.look(tried["id"])
    assert (found["state"], found["done"]) == ("committed", RESOURCES)
    async with office.gateway.context.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM resource") == RESOURCES
        written = "SELECT count(*) FROM log_entry WHERE event = 'resource.registered'"
        assert await connection.fetchval(written) == RESOURCES
    assert 30 << 10 < peak_kib < CLERK_MIB << 10
