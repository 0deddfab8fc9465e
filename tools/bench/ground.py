"""The ground that the bench stands on: its folder on a real disk, the load generator, a database that keeps promises."""

import contextlib
import ctypes
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.db.checks import Check, check_server, fsync_cost, insist
from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.layout import Layout
from hub.db.engine import Database
from hub.errors import SetupError

IN_MEMORY = {0x01021994: "tmpfs", 0x858458F6: "ramfs"}
"""File systems that forget, by the magic numbers of statfs(2)."""

LOAD_GENERATOR = "wrk"
STOP_S = 60.0


def find_load_generator() -> str:
    """The path of `wrk`. Raises SetupError naming the package."""
    found = shutil.which(LOAD_GENERATOR)
    if found is None:
        raise SetupError(
            "找不到 wrk；请安装（Debian/Ubuntu：apt install wrk）",
            "wrk is missing; install it (Debian/Ubuntu: apt install wrk)",
        )
    return found


def file_system_magic(path: Path) -> int:
    """The `f_type` of statfs(2) for the file system that `path` lies on."""
    library = ctypes.CDLL(None, use_errno=True)
    answer = ctypes.create_string_buffer(1024)  # larger than any struct statfs; f_type is its first long
    if library.statfs(os.fsencode(path), answer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int.from_bytes(answer.raw[: ctypes.sizeof(ctypes.c_long)], "little") & 0xFFFFFFFF


def refuse_memory(path: Path) -> None:
    """Raise SetupError if `path` lies in memory: writing to it costs nothing, so commits would look too cheap."""
    name = IN_MEMORY.get(file_system_magic(path))
    if name is not None:
        raise SetupError(
            f"{path} 在 {name}（内存）上，测不出落盘的代价；请用 --dir 指定磁盘上的目录",
            f"{path} lies on {name} (memory), where reaching the disk costs nothing; name a folder on a disk with --dir",
        )


@dataclass(slots=True)
class Ground:
    """A fresh data folder with its own PostgreSQL; everything in it is removed at the end."""

    directory: Path

    @property
    def data(self) -> Path:
        """The hub's data folder."""
        return self.directory / "data"

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """The empty folder, for the length of the block. Raises SetupError where it lies in memory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        refuse_memory(self.directory)
        self.remove()
        self.remove_logs()
        try:
            yield
        finally:
            self.remove()

    def remove(self) -> None:
        """Remove what a run leaves: the data folder, the cluster that its link names, request files."""
        if self.data.exists():
            EmbeddedPostgres(self.data).wait_until_stopped(STOP_S)
            cluster = Layout(self.data).cluster
            if cluster.is_symlink():
                shutil.rmtree(cluster.resolve(), ignore_errors=True)
            shutil.rmtree(self.data)
        for rest in self.directory.glob("*.requests"):
            rest.unlink()

    def remove_logs(self) -> None:
        """Remove the logs of the last run; those of a void one are worth reading until the next begins."""
        for log in self.directory.glob("*.log"):
            log.unlink()


async def describe_machine(dsn: str, data: Path) -> dict[str, Any]:
    """CPU count, versions, the cost of reaching the disk, and the settings that a receipt rests on.

    Raises `DatabaseUnsafe`, and SetupError where the cluster lies in memory.
    """
    async with Database(dsn, application="bench").connection() as connection:
        checks = await check_server(connection)
    insist(checks)
    cluster = Layout(data).cluster.resolve()
    refuse_memory(cluster)
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": _found(checks, "server_version"),
        "wrk": _version_of_load_generator(),
        "fsync_us": round(fsync_cost(data)),
        "settings": {name: _found(checks, name) for name in ("fsync", "full_page_writes", "synchronous_commit")},
    }


def _found(checks: Sequence[Check], name: str) -> str:
    return next(check.found for check in checks if check.name == name)


def _version_of_load_generator() -> str:
    """What `wrk -v` calls itself; it exits with 1 after saying so."""
    said = subprocess.run([find_load_generator(), "-v"], capture_output=True, text=True, check=False).stdout
    return said.split("[")[0].strip()
