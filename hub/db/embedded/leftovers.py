"""Clears what a killed server left behind: living processes, and the files that name dead ones.

PostgreSQL itself refuses to start while the number in `postmaster.pid` belongs to any process of the account, a zombie
or an innocent newcomer included, and while an orphaned backend is attached to the old shared memory. So the file must go;
and since it is PostgreSQL's own guard against two servers on the same data, another takes its place: a lock that every
process of the server inherits, from before it becomes PostgreSQL, and that the kernel frees when the last of them is dead.
"""

import fcntl
import signal
import time
from pathlib import Path

from hub.db.embedded.layout import try_lock
from hub.db.embedded.processes import POLL_S, Process, identify, processes_of, wait_until_gone
from hub.db.errors import DatabaseUnavailable

# How long a living postmaster of a dead supervisor gets to shut down at each stage before the next one.
FAST_SHUTDOWN_S = 20.0
IMMEDIATE_SHUTDOWN_S = 5.0

# Orphaned backends notice within a moment that their postmaster died; those busy in a long statement are killed.
ORPHANS_LEAVE_S = 1.0

# A killed process can stay for as long as the disk keeps it; beyond this something is wrong with the machine.
KILLED_GONE_S = 30.0


def clear_leftovers(cluster: Path, sockets: Path, server_lock: int) -> None:
    """End every process of the cluster, the gentle way first, then remove `postmaster.pid` and the sockets.

    Returns with `server_lock` taken, which proves that none is left: each has inherited it. Raises
    `DatabaseUnavailable` where a process does not even end when killed.
    """
    _shut_down(_postmaster(cluster))
    wait_until_gone(processes_of(cluster), ORPHANS_LEAVE_S)
    deadline = time.monotonic() + KILLED_GONE_S
    while not try_lock(server_lock, fcntl.LOCK_EX):
        remaining = processes_of(cluster)
        if time.monotonic() > deadline:
            numbers = ", ".join(str(process.pid) for process in remaining)
            raise DatabaseUnavailable(
                f"旧的 PostgreSQL 进程无法结束：{numbers}；请检查磁盘",
                f"old PostgreSQL processes do not end: {numbers}; check the disk",
            )
        for process in remaining:
            process.send(signal.SIGKILL)
        time.sleep(POLL_S)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for socket in sockets.glob(".s.PGSQL.*"):
        socket.unlink()


def _shut_down(postmaster: Process | None) -> None:
    """End a living postmaster whose supervisor died; it ends its backends."""
    for number, seconds in ((signal.SIGINT, FAST_SHUTDOWN_S), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S)):
        if postmaster is not None:
            postmaster.send(number)
            if not wait_until_gone([postmaster], seconds):
                return


def read_postmaster_file(cluster: Path) -> list[str]:
    """The lines of `postmaster.pid`; none where there is no such file."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _postmaster(cluster: Path) -> Process | None:
    """The living postmaster of this cluster: named by the file, and really one of the cluster's processes."""
    lines = read_postmaster_file(cluster)
    process = identify(int(lines[0])) if lines and lines[0].strip().isdigit() else None
    return process if process in processes_of(cluster) else None
