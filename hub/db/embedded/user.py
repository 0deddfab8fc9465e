"""A process's share in the embedded server: joins the users, sees to it that a supervisor runs, waits until it is ready.

Knows nothing of how PostgreSQL is run; `supervisor` does, in its own process.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import hub
from hub.db.embedded.cluster import NEVER_OFF
from hub.db.embedded.layout import (
    PORT,
    SUPERUSER,
    Layout,
    dsn,
    is_still_at,
    make_data_directory,
    open_private,
    try_lock,
)
from hub.db.errors import DatabaseUnavailable

# Long enough for crash recovery of `max_wal_size` on a slow disk.
START_S = 300.0

# So long the server outlives its last user, for the next command of a script.
GRACE_S = 2.0

# A killed supervisor is noticed in so long; where it cannot start, we ask ever more rarely.
WATCH_S = 1.0
LONGEST_WATCH_S = 60.0
POLL_S = 0.02

# The word of a supervisor that we did not start counts after so long: it may have been killed a moment ago, its lock not
# yet free and its server about to go.
CONFIRM_S = 0.05

# How often we start a supervisor that ends without a word before we believe it.
ATTEMPTS = 3


class EmbeddedPostgres:
    """The server of one data folder, shared with every other process that asks for it.

    `settings` are PostgreSQL's own; the three that a receipt rests on cannot be among them. `binaries` names another
    PostgreSQL's program folder. The server starts with its first user and stops a moment after its last, also when that
    one is killed; while this object holds it, a killed server comes back by itself (connections to it are lost).
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
        grace_s: float = GRACE_S,
        start_s: float = START_S,
    ) -> None:
        self.settings = dict(settings or {})
        if refused := NEVER_OFF.keys() & self.settings.keys():
            raise ValueError(f"never off, not to be set: {', '.join(sorted(refused))}")
        self.directory = directory
        self.binaries = binaries
        self.grace_s = grace_s
        self.start_s = start_s
        self._users: int | None = None
        self._host = ""
        self._supervisor: int | None = None
        self._watch: threading.Thread | None = None
        self._released = threading.Event()

    def __enter__(self) -> "EmbeddedPostgres":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def dsn(self) -> str:
        """The address of the database `shuniu`, as the role that owns it; valid while acquired."""
        return dsn(self._host)

    @property
    def socket_directory(self) -> str:
        """The folder of the server's socket; valid while acquired."""
        return self._host

    def admin_dsn(self, database: str = "postgres") -> str:
        """The address of a database for the cluster's superuser: backups and tests; the gateway never needs it."""
        return dsn(self._host, role=SUPERUSER, database=database)

    def acquire(self) -> str:
        """Join the users, start the server if it does not run, wait until it answers; returns `dsn`. Blocks.

        Raises `DatabaseUnavailable`, with cause, cure and the tail of the log.
        """
        if self._users is None:
            deadline = time.monotonic() + self.start_s
            self.layout = Layout(make_data_directory(self.directory))
            users = self._join(deadline)
            try:
                self._host = self._wait_until_ready(deadline)
            except BaseException:
                os.close(users)
                raise
            self._users = users
            self._released.clear()
            self._watch = threading.Thread(target=self._keep_supervised, name="embedded-postgres", daemon=True)
            self._watch.start()
        return self.dsn

    def release(self) -> None:
        """Leave the users; the last one's leaving stops the server."""
        if self._users is not None:
            self._released.set()
            if self._watch is not None:
                self._watch.join()
            os.close(self._users)
            self._users = None
            self._reap()

    def wait_until_stopped(self, seconds: float = 30.0) -> bool:
        """Whether the server has stopped, waiting for it at most `seconds`: for who removes the folder next."""
        deadline = time.monotonic() + seconds
        layout = Layout(make_data_directory(self.directory))
        while time.monotonic() < deadline:
            lock = self._try_to_supervise(layout)
            if lock is not None:
                os.close(lock)
                self._reap()
                return True
            time.sleep(POLL_S)
        return False

    def _join(self, deadline: float) -> int:
        """Hold the users' lock, shared; waits while a supervisor is stopping."""
        while True:
            users = open_private(self.layout.users, os.O_RDWR)
            while not try_lock(users, fcntl.LOCK_SH):
                if time.monotonic() > deadline:
                    os.close(users)
                    raise self._unavailable("旧的数据库没有停下来", "the database that is stopping does not end")
                time.sleep(POLL_S)
            if is_still_at(users, self.layout.users):
                return users
            os.close(users)

    def _wait_until_ready(self, deadline: float) -> str:
        """Start a supervisor whenever there is none, and wait for its word; returns the socket's folder."""
        attempts = 0
        seen: dict[str, object] = {}
        seen_at = 0.0
        while time.monotonic() < deadline:
            lock = self._try_to_supervise(self.layout)
            if lock is None:
                state = self.layout.read_state()
                if state != seen:
                    seen, seen_at = state, time.monotonic()
                host = state.get("host")
                is_ours = state.get("supervisor") == self._supervisor
                if (is_ours or time.monotonic() - seen_at > CONFIRM_S) and isinstance(host, str) and _answers(host):
                    return host
            elif failure := self._failure(attempts):
                os.close(lock)
                raise failure
            else:
                attempts += 1
                self._start_supervisor(lock)
            time.sleep(POLL_S)
        raise self._unavailable(
            f"数据库在 {self.start_s:.0f} 秒内没有就绪", f"the database was not ready within {self.start_s:.0f} s"
        )

    def _try_to_supervise(self, layout: Layout) -> int | None:
        """The supervisor's lock, if nobody has it."""
        lock = open_private(layout.supervisor, os.O_RDWR)
        if try_lock(lock, fcntl.LOCK_EX) and is_still_at(lock, layout.supervisor):
            return lock
        os.close(lock)
        return None

    def _start_supervisor(self, lock: int) -> None:
        """Hand the lock over to a new supervisor, in its own session: a terminal's Ctrl-C is not for it."""
        self.layout.state.unlink(missing_ok=True)
        log = self.layout.open_log()
        # Any number but its own: only a duplicate outlives the exec.
        handed = 3 if lock != 3 else 4
        command = [sys.executable, "-P", "-m", "hub.db.embedded.supervisor", str(self.layout.directory)]
        command += [f"--lock={handed}", f"--grace={self.grace_s}"]
        command += [f"--binaries={self.binaries}"] if self.binaries else []
        command += [f"--set={name}={value}" for name, value in self.settings.items()]
        try:
            self._supervisor = os.posix_spawn(
                sys.executable,
                command,
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                    (os.POSIX_SPAWN_DUP2, lock, handed),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
            )
        finally:
            os.close(log)
            os.close(lock)

    def _failure(self, attempts: int) -> DatabaseUnavailable | None:
        """What the supervisor that we started, and that has ended, gave as the reason; or that it ends without one."""
        state = self.layout.read_state()
        if attempts and state.get("status") == "failed" and state.get("supervisor") == self._supervisor:
            self._reap()
            return self._unavailable(str(state.get("zh")), str(state.get("en")))
        if attempts == ATTEMPTS:
            return self._unavailable("数据库监护进程意外结束", "the database's supervisor ends unexpectedly")
        return None

    def _unavailable(self, zh: str, en: str) -> DatabaseUnavailable:
        tail = self.layout.log_tail()
        quoted = f"\n{self.layout.log}:\n{tail}" if tail else ""
        return DatabaseUnavailable(zh, en + quoted)

    def _keep_supervised(self) -> None:
        """Start another supervisor whenever there is none, as long as we use the server and its folder is there."""
        pause = WATCH_S
        while not self._released.wait(pause):
            self._reap()
            # the folder may go at this very moment, or not be ours to enter for one
            with contextlib.suppress(OSError, DatabaseUnavailable):
                if self._users is None or not is_still_at(self._users, self.layout.users):
                    return
                lock = self._try_to_supervise(self.layout)
                if lock is None:
                    pause = WATCH_S
                else:
                    pause = min(pause * 2, LONGEST_WATCH_S)  # what does not start now does not start in a second
                    self._start_supervisor(lock)

    def _reap(self) -> None:
        """Take notice of an ended supervisor that was our child."""
        if self._supervisor is not None:
            with contextlib.suppress(ChildProcessError):
                pid, _ = os.waitpid(self._supervisor, os.WNOHANG)
                if pid == 0:
                    return
            self._supervisor = None


def _environment() -> dict[str, str]:
    """Ours, without what would lead PostgreSQL's programs astray; our own package stays importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    package = str(Path(hub.__file__).resolve().parents[1])
    kept["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [kept.get("PYTHONPATH")])])
    return kept


def _answers(host: str) -> bool:
    """Whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(f"{host}/.s.PGSQL.{PORT}")
        except OSError:
            return False
    return True
