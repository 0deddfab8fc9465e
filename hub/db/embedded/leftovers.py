"""Clears what a killed server left behind: living processes, and the files that name dead ones.

PostgreSQL itself refuses to start while the number in `postmaster.pid` belongs to any process of the account, a zombie
or an innocent newcomer included, and while an orphaned backend is attached to the old shared memory. We hold the
supervisor's lock and look at each process, so we can tell.
"""

import signal
from pathlib import Path

from hub.db.embedded.processes import Process, identify, processes_of, wait_until_gone
from hub.db.errors import DatabaseUnavailable

# How long a living postmaster of a dead supervisor gets to shut down at each stage before the next one.
FAST_SHUTDOWN_S = 20.0
IMMEDIATE_SHUTDOWN_S = 5.0

# Orphaned backends notice within a moment that their postmaster died; those busy in a long statement are killed.
ORPHANS_LEAVE_S = 1.0

# A killed process can stay for as long as the disk keeps it; beyond this something is wrong with the machine.
KILLED_GONE_S = 30.0


def clear_leftovers(cluster: Path, sockets: Path) -> None:
    """End every process of the cluster, the gentle way first, then remove `postmaster.pid` and the sockets.

    Only under the supervisor's lock. Raises `DatabaseUnavailable` where a process does not even end when killed.
    """
    postmaster = _postmaster(cluster)
    if postmaster is not None:
        for number, seconds in ((signal.SIGINT, FAST_SHUTDOWN_S), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S)):
            postmaster.send(number)
            if not wait_until_gone([postmaster], seconds):
                break
    remaining = wait_until_gone(processes_of(cluster), ORPHANS_LEAVE_S)
    for process in remaining:
        process.send(signal.SIGKILL)
    if stuck := wait_until_gone(remaining, KILLED_GONE_S):
        numbers = ", ".join(str(process.pid) for process in stuck)
        raise DatabaseUnavailable(
            f"旧的 PostgreSQL 进程无法结束：{numbers}；请检查磁盘",
            f"old PostgreSQL processes do not end: {numbers}; check the disk",
        )
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for socket in sockets.glob(".s.PGSQL.*"):
        socket.unlink()


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
