"""An import in the hands of workers: leased, let go, taken up again, given up; written whole or not at all."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from hub.errors import Unavailable
from hub.publishing.imports import clerk, handing, running
from hub.publishing.imports.clerk import Clerk, ClerkLost
from hub.publishing.imports.running import MOST_ATTEMPTS
from tests.support.gateway import running_gateway
from tests.support.office import Office, workbook
from tests.support.workbooks import RESOURCE

EXPIRED = "UPDATE catalogue_import SET leased_until = now() - interval '1 second'"


@pytest.fixture
async def office(database_dsn: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        yield await Office.open(gateway)


async def state(office: Office) -> tuple[Any, ...]:
    async with office.gateway.context.acquire() as connection:
        row = await connection.fetchrow("SELECT state, attempts, leased_until IS NULL FROM catalogue_import")
    assert row is not None
    return tuple(row)


async def until_taken_up(office: Office) -> None:
    while (await state(office))[1] == 0:  # noqa: ASYNC110  another connection does it
        await asyncio.sleep(0.01)


def replaced(monkeypatch: pytest.MonkeyPatch, *program: str) -> None:
    """Have another program in the clerk's place."""

    @asynccontextmanager
    async def other() -> AsyncIterator[Clerk]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            yield Clerk(process.stdout, process.stdin)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    monkeypatch.setattr(running, "hired", other)
    monkeypatch.setattr(handing, "hired", other)


SILENT = (sys.executable, "-c", "import time; time.sleep(600)")
"""A clerk that is at work for as long as a test may take."""


async def test_a_worker_that_dies_leaves_an_import_that_another_takes_up_when_its_lease_has_run_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await office.upload(workbook(RESOURCE))
    with monkeypatch.context() as patch:
        replaced(patch, *SILENT)
        dying = asyncio.create_task(office.importer.take_up())
        await until_taken_up(office)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    assert await state(office) == ("queued", 1, False)
    assert not await office.importer.take_up()  # the lease still counts
    await office.execute(EXPIRED)
    assert await office.importer.take_up()
    assert (await office.look(found["id"]))["state"] == "judged"


async def test_a_transaction_that_fails_at_its_last_statement_has_written_nothing(office: Office) -> None:
    found = await office.tried(workbook(RESOURCE))
    await office.orders(found["id"])
    before = await office.events()
    await office.execute(
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
        "CREATE TRIGGER fails BEFORE INSERT ON log_entry FOR EACH ROW WHEN (NEW.event = 'import.committed')"
        " EXECUTE FUNCTION fails()"
    )
    with pytest.raises(DBAPIError):
        await office.importer.take_up()
    assert (await office.resources(), await office.events()) == ([], before)
    assert await state(office) == ("committing", 1, False)
    await office.execute(f"DROP TRIGGER fails ON log_entry; {EXPIRED}")
    assert await office.importer.take_up()
    assert (await office.look(found["id"]))["state"] == "committed"
    assert len(await office.resources()) == 1
    assert (await office.events())["import.committed"] == 1


async def test_a_cancelled_import_is_let_go_while_it_is_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HEARTBEAT_S", 0.02)
    replaced(monkeypatch, *SILENT)
    found = await office.upload(workbook(RESOURCE))
    working = asyncio.create_task(office.importer.take_up())
    await until_taken_up(office)
    assert (await office.orders(found["id"], "cancel")).status_code == 200
    assert await asyncio.wait_for(working, 60)
    found = await office.look(found["id"])
    assert (found["state"], "counts" in found) == ("cancelled", False)


async def test_one_that_was_taken_over_changes_nothing_any_more(office: Office) -> None:
    found = await office.tried(workbook(RESOURCE))
    await office.orders(found["id"])
    await office.execute(
        "CREATE FUNCTION taken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE catalogue_import SET fence = fence + 1; RETURN NULL; END $$;"
        "CREATE TRIGGER taken AFTER INSERT ON resource_code_counter EXECUTE FUNCTION taken()"
    )
    assert await office.importer.take_up()
    assert await office.resources() == []
    assert (await office.look(found["id"]))["state"] == "committing"


async def test_two_imports_of_one_workbook_that_are_written_at_once_write_it_once(office: Office) -> None:
    found = [await office.tried(workbook(RESOURCE)) for _ in range(2)]
    for one in found:
        assert (await office.orders(one["id"])).status_code == 200
    await asyncio.gather(office.importer.take_up(), office.importer.take_up())
    while await office.importer.take_up():
        pass
    assert len(await office.resources()) == 1
    shown = [await office.look(one["id"]) for one in found]
    assert sorted(one["state"] for one in shown) == ["committed", "judged"]
    assert [fault["rule"] for one in shown for fault in one.get("faults", ())] == ["sheet-exists"]


async def test_a_workbook_that_clerks_die_of_is_given_up_after_a_few_attempts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, sys.executable, "-c", "")
    found = await office.upload(workbook(RESOURCE))
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert await office.importer.take_up()
        assert await state(office) == ("queued", attempt, True)
    assert await office.importer.take_up()
    found = await office.look(found["id"])
    assert (found["state"], found["reason"]["rule"]) == ("failed", "sheet-effort")
    assert not await office.importer.take_up()
    with pytest.raises(Unavailable):
        await handing.template()


async def test_a_clerk_that_says_nothing_is_lost() -> None:
    async with clerk.hired() as found:
        with pytest.raises(ClerkLost):
            await found.hear(0.05)
    with pytest.raises(ClerkLost):
        await asyncio.gather(*(found.hand(bytes(1 << 16)) for _ in range(50)))
