"""Which revision of the schema this code is written for, and which one a database is at; what brings it there is `migrate`.

Every gateway and worker asks as it starts, so Alembic, which takes a tenth of a second to import, is not asked.
"""

from pathlib import Path

from hub.db.engine import Database

SCRIPTS = Path(__file__).parent / "migrations"


def head() -> str:
    """The revision that this code is written for: the number that begins the name of the newest script."""
    return max(script.name for script in (SCRIPTS / "versions").glob("[0-9]*.py")).partition("_")[0]


async def current(dsn: str) -> str | None:
    """The revision that the database is at; None before the first migration."""
    async with Database(dsn, application="shuniu-migrate").connection() as connection:
        if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return revision
