"""The small process that keeps the embedded server running while anybody uses it, and stops it after the last user.

The problem: several `shuniu` commands share one server, any of them may be killed at any moment, and so may the server
and this process itself. So nothing here counts users or trusts lists of process ids. Three files are locked:

- `postgres.users`, shared, by every process that uses the server. The kernel unlocks it when a process dies, however it
  dies. Whoever gets it exclusively knows that no user is left.
- `postgres.supervisor`, exclusively, by this process. The command that starts us takes the lock first and hands it over
  with the open file, so there is no moment in which two could start, and none in which a starting one is not seen.
- `postgres.server`, exclusively, by the postmaster and whatever it forks, handed down from here in the same way. Without
  it, a postmaster that we had just forked as we were killed could be overlooked, and a second one started on its data.

States: `starting` (leftovers cleared, recovery runs) → `ready` → gone. Killed postmaster: started again here. Killed
supervisor: the kernel shuts the postmaster down (`PR_SET_PDEATHSIG`), and a user starts another supervisor. Killed all:
the next user finds both locks free and starts us; what still runs of the old server is ended first. While stopping we
hold the users' lock, so that a newcomer waits and then starts a fresh server. If the data folder is deleted under us,
the lock files are no longer the ones we opened: we stop and touch nothing in that folder any more.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.db.embedded.account import choose_account
from hub.db.embedded.binaries import reachable_binaries
from hub.db.embedded.cluster import Cluster
from hub.db.embedded.layout import Layout, is_still_at, open_private, socket_directory, try_lock
from hub.db.errors import DatabaseUnavailable
from hub.errors import SetupError

POLL_S = 0.2
READY_POLL_S = 0.01

# A server that ends by itself this often within the period has a reason that restarting does not cure.
RESTARTS = 5
RESTART_PERIOD_S = 60.0


class Supervisor:
    """Holds the postmaster; `run` returns when it has stopped."""

    def __init__(self, cluster: Cluster, *, lock: int, grace_s: float) -> None:
        self.cluster = cluster
        self.layout = cluster.layout
        self.lock = lock
        self.grace_s = grace_s
        self.users = open_private(self.layout.users, os.O_RDWR)
        self.log = self.layout.open_log()
        self.asked_to_stop = False
        self._starts: list[float] = []

    def run(self) -> None:
        """Start, watch, restart, and stop after the last user; raises `DatabaseUnavailable` where it will not run."""
        postmaster = self._start()
        unused_since: float | None = None
        while postmaster is not None:
            time.sleep(POLL_S)
            if not self._is_at_home():
                self.cluster.stop(postmaster)
                return
            if postmaster.poll() is not None:
                self.say(f"postmaster ended ({postmaster.returncode}), starting it again")
                postmaster = self._start()
            elif self._is_unused():
                unused_since = unused_since or time.monotonic()
                if self.asked_to_stop or time.monotonic() - unused_since >= self.grace_s:
                    self.cluster.stop(postmaster)
                    self.layout.state.unlink(missing_ok=True)  # while both locks are still ours
                    return
                fcntl.flock(self.users, fcntl.LOCK_UN)
            else:
                unused_since = None

    def say(self, text: str) -> None:
        """A line of ours in the server's log."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        os.write(self.log, f"{stamp} [{os.getpid()}] supervisor: {text}\n".encode())

    def report(self, status: str, **more: object) -> None:
        """Tell whoever waits."""
        self.layout.write_state({"status": status, "supervisor": os.getpid(), **more})

    def _start(self) -> subprocess.Popen[bytes] | None:
        """A ready postmaster; None when the last user went while it was starting."""
        now = time.monotonic()
        self._starts = [moment for moment in self._starts if now - moment < RESTART_PERIOD_S] + [now]
        if len(self._starts) > RESTARTS:
            raise DatabaseUnavailable(
                "内嵌的 PostgreSQL 反复退出", f"the embedded PostgreSQL ended {RESTARTS} times within a minute"
            )
        self.report("starting")
        server_lock = open_private(self.layout.server, os.O_RDWR)
        try:
            self.cluster.prepare(server_lock)
            postmaster = self.cluster.start(self.log, server_lock)
        finally:
            os.close(server_lock)
        while not self.cluster.is_ready(postmaster.pid):
            if postmaster.poll() is not None:
                if len(self._starts) == 1:
                    raise DatabaseUnavailable("内嵌的 PostgreSQL 无法启动", "the embedded PostgreSQL does not start")
                return self._start()
            if not self._is_at_home():
                self.cluster.stop(postmaster)
                return None
            time.sleep(READY_POLL_S)
        self.report("ready", host=str(self.cluster.sockets), postmaster=postmaster.pid)
        return postmaster

    def _is_unused(self) -> bool:
        """Whether nobody holds the users' lock; if so we hold it now."""
        return try_lock(self.users, fcntl.LOCK_EX)

    def _is_at_home(self) -> bool:
        return is_still_at(self.lock, self.layout.supervisor)


def supervise(directory: Path, *, lock: int, grace_s: float, binaries: Path | None, settings: Mapping[str, str]) -> int:
    """Run the server of a data folder until nobody uses it; 0, or 1 after telling in the state file what is wrong."""
    layout = Layout(directory)
    with contextlib.ExitStack() as stack:
        try:
            account = choose_account(layout.cluster.stat().st_uid if layout.cluster.exists() else None)
            sockets = socket_directory(layout, lock, account)
            stack.callback(_remove_if_empty, sockets)  # its name hangs on our lock's inode: it is nobody else's
            programs = binaries or reachable_binaries(account)
            cluster = Cluster(layout, account, programs, sockets, settings)
            supervisor = Supervisor(cluster, lock=lock, grace_s=grace_s)
            _obey_signals(supervisor)
            supervisor.run()
        except SetupError as error:
            layout.write_state({"status": "failed", "supervisor": os.getpid(), "zh": error.zh, "en": error.en})
            return 1
    return 0


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _obey_signals(supervisor: Supervisor) -> None:
    """A terminal's signals are for the users; SIGTERM says: do not wait longer than the last of them."""

    def stop(_number: int, _frame: object) -> None:
        supervisor.asked_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main(arguments: Sequence[str]) -> int:
    """`python -m hub.db.embedded.supervisor`: started by `EmbeddedPostgres`, never by hand."""
    parser = argparse.ArgumentParser(prog="hub.db.embedded.supervisor")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--lock", type=int, required=True, help="descriptor of the supervisor's lock, already taken")
    parser.add_argument("--grace", type=float, required=True, help="seconds from the last user's leave to the stop")
    parser.add_argument("--binaries", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    settings = dict(item.split("=", 1) for item in given.set)
    os.set_inheritable(given.lock, False)
    os.chdir("/")
    return supervise(given.directory, lock=given.lock, grace_s=given.grace, binaries=given.binaries, settings=settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
