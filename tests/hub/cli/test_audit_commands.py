"""The auditor at a terminal: the whole log checked against a key and checkpoints that lie with the auditor."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from certs.checkpoint import open_checkpoint
from tests.support.commands import User
from tests.support.town import Town

pytestmark = pytest.mark.process

SEALED_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def trust(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The anchors as the auditor took them home once."""
    folder = tmp_path_factory.mktemp("trust")
    shutil.copy(town.base / "data" / "trust" / "log.pub", folder)
    return folder


@pytest.fixture(scope="module")
def auditor(town: Town, trust: Path) -> Iterator[User]:
    """An auditor of a log that a worker seals."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "hub", "worker"],
        env=town.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_size(town, trust, 1)
        yield town.user("auditadmin")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def size_shown(town: Town, trust: Path) -> int:
    answer = httpx.get(f"{town.url}/tlog/checkpoint")
    return open_checkpoint(answer.content, (trust / "log.pub").read_text()).size if answer.is_success else 0


def wait_for_size(town: Town, trust: Path, least: int) -> int:
    deadline = time.monotonic() + SEALED_WITHIN_S
    while (size := size_shown(town, trust)) < least:
        assert time.monotonic() < deadline, "nothing was sealed"
        time.sleep(0.1)
    return size


@contextmanager
def forged(town: Town, statement: str, back: str) -> Iterator[None]:
    """A row changed behind the log's back, as whoever owns the database can; put right afterwards."""

    async def run(text: str) -> None:
        connection = await asyncpg.connect(town.environment["SHUNIU_DATABASE_URL"])
        try:
            await connection.execute(
                f"ALTER TABLE log_entry DISABLE TRIGGER USER; {text}; ALTER TABLE log_entry ENABLE TRIGGER USER"
            )
        finally:
            await connection.close()

    asyncio.run(run(statement))
    try:
        yield
    finally:
        asyncio.run(run(back))


def test_a_whole_log_is_verified_and_its_checkpoint_kept(
    town: Town, auditor: User, trust: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    first = auditor.types("audit", "verify", "--trust", str(trust), "--keep", str(kept))
    assert first.code == 0, first.err
    assert "日志完好" in first.out
    before = open_checkpoint(kept.read_bytes(), (trust / "log.pub").read_text()).size
    assert User(tmp_path).signs_in(town.url, "auditadmin", "a wrong password").code == 1  # which is logged
    wait_for_size(town, trust, before + 1)
    second = auditor.types("audit", "verify", "--trust", str(trust), "--checkpoint", str(kept))
    assert second.code == 0, second.err
    assert "以前的检查点" in second.out


ENTRY = "(SELECT id FROM sealed_entry WHERE leaf_index = 3)"


def test_a_forged_row_is_found_and_named(town: Town, auditor: User, trust: Path) -> None:
    change = f"UPDATE log_entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '%s', '%s'), 'UTF8') WHERE id = {ENTRY}"
    with forged(town, change % ("success", "SUCCESS"), change % ("SUCCESS", "success")):
        found = auditor.types("audit", "verify", "--trust", str(trust))
    assert found.code == 1
    assert "第 3 条" in found.err
    assert "entry 3 " in found.err
    assert auditor.types("audit", "verify", "--trust", str(trust)).code == 0


def test_a_log_signed_with_another_key_is_not_believed(auditor: User, tmp_path: Path) -> None:
    (tmp_path / "log.pub").write_text("lintao-hub+00000000+AAAA\n")
    assert auditor.types("audit", "verify", "--trust", str(tmp_path)).code == 1


def test_without_a_key_nothing_is_verified(auditor: User, tmp_path: Path) -> None:
    done = auditor.types("audit", "verify", "--trust", str(tmp_path))
    assert done.code == 3
    assert "log.pub" in done.err


def test_who_is_no_auditor_does_not_get_the_entries(town: Town, auditor: User, trust: Path) -> None:
    assert town.user("secadmin").types("audit", "verify", "--trust", str(trust)).code == 1
