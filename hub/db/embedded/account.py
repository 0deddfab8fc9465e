"""Under which account the embedded server runs, and what that account can reach.

PostgreSQL refuses to run as root. Root therefore lends it an unprivileged account; everybody else runs it as themselves.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.db.errors import DatabaseUnavailable

# Our own service account first; the one that distributions make for PostgreSQL; the one that every system has.
SERVICE_ACCOUNTS = ("shuniu", "postgres", "nobody")

# What the server's programs see of our environment: nothing that could point them to another cluster or language.
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether this process already runs under the account."""
        return self.uid == os.geteuid()

    def switch(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make the child run under this account, in its groups only."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}

    def own(self, path: Path) -> None:
        """Give the folder or file itself (never what a link points to) to this account."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, directory: Path) -> bool:
        """Whether the account can traverse to `directory`: asked of the kernel, which knows modes, ACLs and mounts."""
        probe = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)]
        done = subprocess.run(probe, cwd="/", env=CLEAN_ENVIRONMENT, capture_output=True, check=False, **self.switch())
        return done.returncode == 0


def account_of(uid: int) -> Account:
    """The account with this id; raises `DatabaseUnavailable` where the system has no name for it."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise DatabaseUnavailable(
            f"系统里没有编号为 {uid} 的用户，PostgreSQL 无法启动；请用有名字的用户运行，或设 SHUNIU_DATABASE_URL",
            f"the system has no user with id {uid} and PostgreSQL cannot start without a name; "
            "run as a named user or set SHUNIU_DATABASE_URL",
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def choose_account(cluster_owner: int | None) -> Account:
    """The account that the server runs under: as root the cluster's owner or a service account, else ourselves."""
    uid = os.geteuid()
    if uid == 0:
        return account_of(cluster_owner) if cluster_owner else _service_account()
    if cluster_owner not in (None, uid):
        raise DatabaseUnavailable(
            f"内嵌库属于用户 {cluster_owner}，不是当前用户；请用同一用户运行",
            f"the embedded cluster belongs to user id {cluster_owner}; run as that user",
        )
    return account_of(uid)


def _service_account() -> Account:
    for name in SERVICE_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "以 root 运行时需要一个普通账户来运行 PostgreSQL；请执行 useradd --system shuniu",
        "as root, PostgreSQL needs an unprivileged account to run under; create one: useradd --system shuniu",
    )
