"""Brings the schema to this release: Alembic's revisions, run from here, forward only.

One process migrates at a time (advisory lock); each revision is one transaction, so a broken-off migration stands at the
last complete revision. What a newer release made is refused.
"""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from hub.db.engine import Database
from hub.db.locks import MIGRATION
from hub.db.revision import SCRIPTS, too_new

__all__ = ["SCRIPTS", "migrate"]

# Whoever starts while another migrates waits for it at most so long.
WAIT_FOR_OTHERS_MS = 120_000
# A revision that cannot get a table's lock in this time gives up, rather than hold up everybody behind it.
LOCK_MS = 5_000


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing, oldest first; returns the revisions applied.

    Raises `DatabaseTooNew` where the database is at a revision that this code does not know, `DatabaseUnavailable`
    where it cannot be reached.
    """
    database = Database(dsn, application="shuniu-migrate", pool_size=1)
    try:
        async with database.async_engine().connect() as connection:
            await connection.execute(text(f"SET lock_timeout = {WAIT_FOR_OTHERS_MS}"))
            await connection.execute(text("SET statement_timeout = 0"))
            await connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION})"))
            await connection.execute(text(f"SET lock_timeout = {LOCK_MS}"))
            await connection.commit()
            return await connection.run_sync(_upgrade)
    finally:
        await database.dispose()  # closes the connection and with it ends the lock


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> list[str]:
    scripts = ScriptDirectory(str(SCRIPTS))
    before = _current(connection)
    connection.commit()
    known = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    if before is not None and before not in known:
        raise too_new(before)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    command.upgrade(config, "head")
    return known[known.index(before) + 1 :] if before else known
