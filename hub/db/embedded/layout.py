"""The files of an embedded server: which there are in the data folder, who owns them, how they are opened safely."""

import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from hub.db.embedded.account import Account, choose_account
from hub.db.errors import DatabaseUnavailable

ROLE = "shuniu"
DATABASE = "shuniu"
SUPERUSER = "postgres"
VERSION_FILE = "PG_VERSION"
"""A file that every cluster has: a folder without it holds none."""
PORT = 5432  # nothing listens on it: it only ends the socket's file name

# A log beyond this is put aside at the next start, and the one put aside before is dropped.
LOG_BYTES = 16 << 20

# How much of the log an error quotes.
LOG_TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one embedded server, all in the data folder."""

    directory: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data; as root possibly a link to a place that the service account can reach."""
        return self.directory / "postgres"

    @property
    def users(self) -> Path:
        """Every process that uses the server holds this file locked, shared; the kernel lets go when it dies."""
        return self.directory / "postgres.users"

    @property
    def supervisor(self) -> Path:
        """The supervisor holds this file locked, exclusively, as long as it lives."""
        return self.directory / "postgres.supervisor"

    @property
    def server(self) -> Path:
        """Every process of the server inherits this file locked: while one lives, no other server can start."""
        return self.directory / "postgres.server"

    @property
    def state(self) -> Path:
        """What the supervisor has to say: `starting`, `ready` and where, or `failed` and why."""
        return self.directory / "postgres.state"

    @property
    def log(self) -> Path:
        """What server and supervisor wrote."""
        return self.directory / "postgres.log"

    def read_state(self) -> dict[str, object]:
        """The supervisor's last word; empty where there is none."""
        try:
            found = json.loads(self.state.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_state(self, state: Mapping[str, object]) -> None:
        """Replace the supervisor's word in one step."""
        beside = self.state.with_suffix(".state.new")
        beside.unlink(missing_ok=True)
        with os.fdopen(open_private(beside, os.O_WRONLY), "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
        beside.replace(self.state)

    def log_tail(self) -> str:
        """The last lines of the log; holds no payload, for the server writes neither statements nor rows."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8192))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def open_log(self) -> int:
        """A descriptor that appends to the log; a large log is put aside first."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
        return open_private(self.log, os.O_WRONLY | os.O_APPEND)


def dsn(socket_directory: str, *, role: str = ROLE, database: str = DATABASE) -> str:
    """The address of a database behind a private socket, as `postgresql:///…`."""
    query = urlencode({"host": socket_directory, "port": PORT, "user": role}, safe="/")
    return f"postgresql:///{database}?{query}"


def open_private(path: Path, flags: int) -> int:
    """Open or create a file that only its owner may use; follows no link, and root's belong to the folder's owner.

    Raises `DatabaseUnavailable` where the file is somebody else's.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DatabaseUnavailable(
            f"无法使用 {path}；请用数据目录的属主运行，并检查该文件",
            f"{path} cannot be used; run as the owner of the data folder and look at that file: {error.strerror}",
        ) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise DatabaseUnavailable(f"{path} 不是普通文件；请删除", f"{path} is not a plain file; remove it")
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the file's lock of that kind (`fcntl.LOCK_SH`, `LOCK_EX`) if it is free now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_still_at(descriptor: int, path: Path) -> bool:
    """Whether `path` still is the file that was opened: false once the folder was deleted, even if made anew."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def make_data_directory(directory: Path) -> Path:
    """The data folder, absolute, made if missing; an existing one keeps its mode.

    A new one is closed to others; root's lets the server's account pass through, to the cluster that is its own. Raises
    `DatabaseUnavailable`.
    """
    path = directory.expanduser().resolve()
    try:
        _make_closed(path)
    except OSError as error:
        raise DatabaseUnavailable(
            f"无法建立数据目录 {path}", f"the data folder {path} cannot be made: {error.strerror}"
        ) from error
    return path


def _make_closed(path: Path) -> None:
    if path.exists():
        return
    _make_closed(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, 0, choose_account(None).gid)
        path.chmod(0o710)


def socket_directory(layout: Layout, lock: int, account: Account) -> Path:
    """A private folder with a short name (a socket's path has at most 107 bytes), owned by the server's account.

    The name hangs on the lock file's inode too: a data folder that was deleted and made anew gets another, so that the
    old server, on its way out, cannot take the new one's socket away.
    """
    inode = os.fstat(lock)
    seed = f"{layout.directory}:{inode.st_dev}:{inode.st_ino}"
    digest = hashlib.sha256(seed.encode()).hexdigest()[:16]
    path = _parent_of_sockets() / f"shuniu-{account.uid}-{digest}"
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    _claim(path, account)
    return path


def _parent_of_sockets() -> Path:
    """`/run` for root; `/tmp` for others: their runtime folder goes away when they log out, the server does not."""
    run = Path("/run")
    if os.geteuid() == 0 and run.is_dir() and not run.stat().st_mode & 0o022:
        return run
    return Path("/tmp")  # noqa: S108  what we find there is checked in `_claim`


def _claim(path: Path, account: Account) -> None:
    """Refuse a folder that is a link or somebody else's; everything on the opened folder, not on its name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise DatabaseUnavailable(
            f"{path} 不是我们的目录；请删除后重试", f"{path} is not our folder; remove it and try again"
        ) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in (os.geteuid(), account.uid):
            raise DatabaseUnavailable(
                f"{path} 属于别的用户（{status.st_uid}）；请查明后删除",
                f"{path} belongs to somebody else (user id {status.st_uid}); find out who, then remove it",
            )
        if not account.is_ours and status.st_uid != account.uid:
            os.fchown(descriptor, account.uid, account.gid)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
