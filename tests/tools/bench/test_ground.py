"""The bench refuses to measure where writing costs nothing, or without its load generator; it leaves nothing behind."""

import os
from pathlib import Path

import pytest

from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.layout import Layout
from hub.db.engine import Database
from hub.db.errors import DatabaseUnsafe
from hub.errors import SetupError
from tools.bench import __main__ as bench
from tools.bench import ground
from tools.bench.ground import IN_MEMORY, Ground, describe_machine, file_system_magic, refuse_memory

PROC_MAGIC = 0x9FA0


def test_the_kind_of_a_file_system_is_read_from_the_kernel() -> None:
    assert file_system_magic(Path("/proc")) == PROC_MAGIC


def test_a_folder_that_is_not_there_has_no_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_system_magic(tmp_path / "nowhere")


def test_a_folder_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(IN_MEMORY, file_system_magic(tmp_path), "memory-of-this-test")
    with pytest.raises(SetupError, match="memory-of-this-test"):
        refuse_memory(tmp_path)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no tmpfs to look at")
def test_tmpfs_is_refused_before_anything_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    place = Path(f"/dev/shm/shuniu-bench-test-{os.getpid()}")
    try:
        with pytest.raises(SetupError, match="tmpfs"), Ground(place).prepared():
            pytest.fail("prepared in memory")
        assert bench.main(["--smoke", "--dir", str(place)]) == 3
        assert "tmpfs" in capsys.readouterr().err
        assert list(place.iterdir()) == []
    finally:
        place.rmdir()


def test_a_folder_on_a_disk_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "file_system_magic", lambda _: 0xEF53)
    refuse_memory(tmp_path)


def test_without_wrk_the_exit_code_is_3_and_the_message_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bench.main(["--dir", str(tmp_path / "bench")]) == 3
    assert "apt install wrk" in capsys.readouterr().err
    assert not (tmp_path / "bench").exists()


def test_what_an_earlier_run_left_is_removed_also_where_a_link_leads(tmp_path: Path) -> None:
    place = Ground(tmp_path / "bench")
    elsewhere = tmp_path / "cluster"
    elsewhere.mkdir()
    (elsewhere / "PG_VERSION").write_text("18")
    place.data.mkdir(parents=True)
    Layout(place.data).cluster.symlink_to(elsewhere)
    (place.directory / "post.requests").write_bytes(b"x")
    (place.directory / "gateway-0.log").write_bytes(b"x")
    with place.prepared():
        assert list(place.directory.iterdir()) == []
        assert not elsewhere.exists()
        (place.directory / "gateway-0.log").write_bytes(b"worth reading")
        place.data.mkdir()
    assert [path.name for path in place.directory.iterdir()] == ["gateway-0.log"]


async def test_the_machine_is_described_with_what_a_receipt_rests_on(database_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    machine = await describe_machine(database_dsn, tmp_path)
    assert machine["settings"] == {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    assert machine["cpus"] >= 1
    assert machine["fsync_us"] > 0


async def test_a_database_that_may_lose_commits_is_refused(
    database: Database, database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Database._settings
    monkeypatch.setattr(Database, "_settings", lambda self: settings(self) | {"synchronous_commit": "off"})
    with pytest.raises(DatabaseUnsafe, match="synchronous_commit"):
        await describe_machine(database_dsn, tmp_path)


def test_the_embedded_server_cannot_be_told_to_be_unsafe(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="never off"):
        EmbeddedPostgres(tmp_path, settings={"fsync": "off"})
