"""Which revision of the schema this code is written for, and which one a database is at; what brings it there is `migrate`.

Every gateway and worker asks as it starts, so Alembic, which takes a tenth of a second to import, is not asked.
"""

from pathlib import Path

from hub.db.engine import Database
from hub.db.errors import DatabaseTooNew

SCRIPTS = Path(__file__).parent / "migrations"


def head() -> str:
    """The revision that this code is written for: the number that begins the name of the newest script."""
    return max(script.name for script in (SCRIPTS / "versions").glob("[0-9]*.py")).partition("_")[0]


def is_unknown(revision: str) -> bool:
    """Whether it is the revision of another release: no script here makes it."""
    return not any((SCRIPTS / "versions").glob(f"{revision}_*.py"))


def too_new(revision: str) -> DatabaseTooNew:
    """What is said of a database that is at a revision unknown to this code."""
    return DatabaseTooNew(
        f"数据库的结构版本 {revision} 比本程序新；请升级本程序，或从备份恢复",
        f"the database is at revision {revision}, which this release does not know; "
        "install the release that made it, or restore a backup",
    )


async def current(dsn: str, *, command_timeout_s: float | None = None) -> str | None:
    """The revision that the database is at; None before the first migration. Raises as `Database.connect` does."""
    database = Database(dsn, application="shuniu-migrate")
    async with database.connection(command_timeout_s=command_timeout_s) as connection:
        if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return revision
