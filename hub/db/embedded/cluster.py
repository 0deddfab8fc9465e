"""One PostgreSQL cluster: configured, started and stopped.

Everything here happens under the supervisor's lock: nobody else starts or stops this cluster meanwhile.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.db.embedded.account import CLEAN_ENVIRONMENT, Account, account_of
from hub.db.embedded.binaries import major_version
from hub.db.embedded.initialise import create_cluster
from hub.db.embedded.layout import PORT, ROLE, SUPERUSER, VERSION_FILE, Layout
from hub.db.embedded.leftovers import (
    FAST_SHUTDOWN_S,
    IMMEDIATE_SHUTDOWN_S,
    clear_leftovers,
    read_postmaster_file,
)
from hub.db.errors import DatabaseUnavailable

# What a receipt's promise rests on. Given on the command line, where neither file nor ALTER SYSTEM overrides it.
OWNER = "shuniu.owner"
"""A file in the cluster that names the data folder whose it is."""

NEVER_OFF = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}

SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    # What is evicted goes to the disk in small pieces: the kernel would gather half a minute of it, and commits wait behind.
    "backend_flush_after": "512kB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",  # files kept for use again: a new one costs every commit of its moment some 30 ms
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # In the data folder: what lies in /dev/shm systemd removes when the account logs out (RemoveIPC), and no connection opens any more.
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",  # our statements are short: compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "unix_socket_permissions": "0700",
    # The log may be read by people who must not see payloads: no statements, no parameters, no DETAIL with row values.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_line_prefix": "%m [%p] ",
}

PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(slots=True)
class Cluster:
    """A cluster and the account, programs and socket folder that it runs with."""

    layout: Layout
    account: Account
    binaries: Path
    sockets: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the data really is."""
        return self.layout.cluster.resolve()

    def prepare(self, server_lock: int) -> None:
        """Leave nothing of an earlier run, make the cluster if there is none, and write its configuration.

        Returns with `server_lock` taken.
        """
        self._check_owner()
        clear_leftovers(self.path, self.sockets, server_lock)
        if not (self.layout.cluster / VERSION_FILE).exists():
            create_cluster(self.layout, self.account, self.binaries)
        self._check_version()
        self._configure()

    def start(self, log: int, server_lock: int) -> subprocess.Popen[bytes]:
        """The postmaster as our child, holding `server_lock`; it shuts down by itself should we be killed."""
        options = {
            **NEVER_OFF,
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "port": str(PORT),
            "hba_file": str(self.path / "pg_hba.conf"),
            "ident_file": str(self.path / "pg_ident.conf"),
        }
        command = [str(self.binaries / "postgres"), "-D", str(self.path)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return subprocess.Popen(
            command,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[server_lock],
            start_new_session=True,
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509  the supervisor has one thread
            **self.account.switch(),
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the postmaster `pid` accepts connections, by its own word in `postmaster.pid`."""
        lines = read_postmaster_file(self.path)
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def stop(self, postmaster: subprocess.Popen[bytes]) -> None:
        """Shut down: disconnect everybody, write a checkpoint, end; if it hangs, end it harder (recovery follows)."""
        for number, seconds in ((signal.SIGINT, FAST_SHUTDOWN_S), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S)):
            postmaster.send_signal(number)
            try:
                postmaster.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        postmaster.kill()
        postmaster.wait()

    def _check_owner(self) -> None:
        """Raises `DatabaseUnavailable` where the place that the link names is away, or is another data folder's.

        A copy of a data folder has the same link, and locks of its own: it would end the server of the one it is a copy of.
        """
        link = self.layout.cluster
        if not link.is_symlink():
            return
        if not (link / VERSION_FILE).exists():
            raise DatabaseUnavailable(
                f"{link} 指向的 {link.readlink()} 不在，或里面没有数据库；请挂载或恢复它。若要放弃原来的数据新建，请先删除该链接",
                f"{link} leads to {link.readlink()}, which is not there or holds no database: mount or restore it. To give the "
                "data up and begin anew, remove the link first",
            )
        mark = self.path / OWNER
        owner = Layout(Path(mark.read_text(encoding="utf-8").strip())) if mark.exists() else self.layout
        if owner != self.layout and owner.cluster.exists() and owner.cluster.samefile(link):
            raise DatabaseUnavailable(
                f"{link} 指向的是 {owner.directory} 的数据库；请把 {self.path} 也复制一份，让 {link} 指向副本",
                f"{link} leads to the database of {owner.directory}: copy {self.path} too, and have {link} lead to the copy",
            )

    def _check_version(self) -> None:
        made_by = (self.layout.cluster / VERSION_FILE).read_text().strip()
        version = major_version(self.binaries, self.account)
        if made_by != str(version):
            raise DatabaseUnavailable(
                f"数据由 PostgreSQL {made_by} 建立，程序是 {version}；请先用旧版本备份，再恢复到新版本",
                f"the data was made by PostgreSQL {made_by}, the programs are {version}; "
                "back up with the old release, restore with the new one",
            )

    def _configure(self) -> None:
        """Ours is the whole configuration, written anew at each start; what an operator wants goes into settings."""
        settings = {**SETTINGS, **self.settings}
        lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
        own = "# 由枢纽在每次启动时写出 / written by shuniu at each start\n"
        self._write("postgresql.conf", own + "\n".join(lines) + "\n")
        rules = [f"local all {name} peer map=shuniu" for name in (ROLE, SUPERUSER)]
        rules += [f"local replication {SUPERUSER} peer map=shuniu", "local all all reject"]
        self._write("pg_hba.conf", own + "\n".join(rules) + "\n")
        people = [f'shuniu "{name}" {role}' for name in sorted(self._people()) for role in (ROLE, SUPERUSER)]
        self._write("pg_ident.conf", own + "\n".join(people) + "\n")
        self._write(OWNER, f"{self.layout.directory}\n")

    def _people(self) -> set[str]:
        """Who may come in: whoever runs us, the server's account, the data folder's owner.

        Root among them takes nothing from anybody: root can become each of them.
        """
        owner = self.layout.directory.stat().st_uid
        return {account_of(uid).name for uid in (os.geteuid(), owner, 0)} | {self.account.name}

    def _write(self, name: str, text: str) -> None:
        beside = self.path / f"{name}.new"
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if not self.account.is_ours:
                os.fchown(descriptor, self.account.uid, self.account.gid)
            file.write(text)
        beside.replace(self.path / name)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """What the child does before it becomes the postmaster: ask the kernel to shut it down when we die."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return ask
