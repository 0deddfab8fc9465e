"""Makes a new cluster, complete or not at all, at a place that the server's account can reach."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from hub.db.embedded.account import CLEAN_ENVIRONMENT, Account
from hub.db.embedded.binaries import SYSTEM_DIRECTORY, major_version, make_system_directory
from hub.db.embedded.layout import DATABASE, ROLE, SUPERUSER, Layout
from hub.db.errors import DatabaseUnavailable

WORK = ".postgres-new-"

# Our role owns its database and may read the server's statistics; it is no superuser.
FIRST_STATEMENTS = f"""CREATE ROLE {ROLE} LOGIN;
GRANT pg_monitor TO {ROLE};
CREATE DATABASE {DATABASE} OWNER {ROLE};
"""


def create_cluster(layout: Layout, account: Account, binaries: Path, system_directory: Path = SYSTEM_DIRECTORY) -> None:
    """Make the cluster beside its place, then put it there in one step: a broken-off attempt leaves no half of one.

    It lies in the data folder; where the account cannot reach that (root's folders are closed), in root's system folder,
    with a link from the data folder. Raises `DatabaseUnavailable`.
    """
    place = layout.cluster
    if place.exists() and any(place.iterdir()):
        raise DatabaseUnavailable(
            f"{place} 里有别的东西；请移走", f"{place} holds something else than a cluster; move it away"
        )
    is_at_home = account.can_enter(layout.directory)
    home = layout.directory if is_at_home else _system_home(system_directory)
    for rest in layout.directory.glob(f"{WORK}*"):
        shutil.rmtree(rest)
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=home))
    try:
        account.own(work)
        _initialise(work, account, binaries)
        if is_at_home:
            work.rename(place)
        else:
            target = home / f"{layout.directory.name}-{work.name.removeprefix(WORK)}"
            work.rename(target)
            try:
                place.symlink_to(target)  # afterwards: a link that leads nowhere means data that are away
            except OSError:
                shutil.rmtree(target)  # a cluster without a link is lost
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _system_home(system_directory: Path) -> Path:
    clusters = system_directory / "clusters"
    make_system_directory(system_directory)
    make_system_directory(clusters)
    return clusters


def _initialise(work: Path, account: Account, binaries: Path) -> None:
    if major_version(binaries, account) >= 17:  # the first with a locale that is the same on every system
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    else:
        locale = ["--locale=C.UTF-8", "--lc-collate=C"]
    initdb = ["-D", str(work), f"--username={SUPERUSER}", "--encoding=UTF8", "--data-checksums", *locale]
    _run(binaries / "initdb", [*initdb, "--auth-local=peer", "--auth-host=reject"], account)
    # Single-user mode needs no server, so there is no moment in which a half-made one could be reached.
    _run(binaries / "postgres", ["--single", "-D", str(work), "template1"], account, FIRST_STATEMENTS)


def _run(program: Path, arguments: list[str], account: Account, text: str = "") -> None:
    done = subprocess.run(
        [str(program), *arguments],
        input=text,
        cwd="/",
        env=CLEAN_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **account.switch(),
    )
    # single-user mode ends with 0 whatever its statements did
    if done.returncode != 0 or "ERROR:" in done.stdout or "FATAL:" in done.stdout:
        raise DatabaseUnavailable(f"{program.name} 失败", f"{program.name} failed:\n{done.stdout.strip()[-2000:]}")
