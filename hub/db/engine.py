"""Connections to the database: SQLAlchemy sessions for everyday work, raw asyncpg where an ORM costs too much.

Both kinds are opened by `Database.connect`, so both have the same settings; what a session means by a transaction is
therefore the same everywhere. Knows no tables.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from hub.db.closing import close, close_all
from hub.db.errors import DatabaseUnavailable

# I3: a transaction that sits idle holds the barrier; past this the server ends it.
IDLE_IN_TRANSACTION_MS = 5_000
# No statement of a request takes this long; whatever may (migrations, exports) sets its own.
STATEMENT_MS = 30_000
# Longer than any holder of a lock lives (`IDLE_IN_TRANSACTION_MS`), so who waits that long meets a fault.
LOCK_MS = 8_000
CONNECT_S = 10.0

# A gateway needs a few: console and API pages, the picture, health; intake's path has its own raw connection.
POOL_SIZE = 8


class Database:
    """One database, named by a libpq-style address; belongs to the event loop that first uses it.

    Where the server says nothing for `session_timeout_s`, a session raises TimeoutError; raw connections are told by `connect`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        application: str = "shuniu",
        pool_size: int = POOL_SIZE,
        session_timeout_s: float | None = None,
    ) -> None:
        if not dsn.startswith(("postgresql://", "postgres://")):
            raise DatabaseUnavailable(
                "SHUNIU_DATABASE_URL 须以 postgresql:// 开头", "SHUNIU_DATABASE_URL must begin with postgresql://"
            )
        self.dsn = dsn
        self.application = application
        self._pool_size = pool_size
        self._session_timeout_s = session_timeout_s
        self._engine: AsyncEngine | None = None
        self._pooled: WeakSet[asyncpg.Connection] = WeakSet()

    async def connect(self, *, command_timeout_s: float | None = None) -> asyncpg.Connection:
        """A raw connection. `jsonb` and `json` take and give Python values, through orjson, both ways.

        Where the server says nothing for `command_timeout_s`, a command raises TimeoutError.

        Text that must keep its bytes is `bytea`, never `jsonb`. Raises `DatabaseUnavailable` where nobody answers or
        lets us in.
        """
        connection = await self._open(command_timeout_s)
        for name, prefix in (("jsonb", b"\x01"), ("json", b"")):  # jsonb's binary form begins with its version
            await connection.set_type_codec(
                name, schema="pg_catalog", format="binary", encoder=_json_encoder(prefix), decoder=_json_decoder(prefix)
            )
        return connection

    @asynccontextmanager
    async def connection(self, *, command_timeout_s: float | None = None) -> AsyncIterator[asyncpg.Connection]:
        """A raw connection, as `connect` makes it, that is closed at the end of the block."""
        connection = await self.connect(command_timeout_s=command_timeout_s)
        try:
            yield connection
        finally:
            await close(connection)

    def async_engine(self) -> AsyncEngine:
        """The pool of SQLAlchemy connections, made at first use."""
        if self._engine is None:
            self._engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=self._open_pooled,
                pool_size=self._pool_size,
                max_overflow=0,
                hide_parameters=True,  # what is refused is told without the row, keys and persons in it
                pool_pre_ping=True,  # a restarted server costs a round trip, not a failed request
                json_serializer=lambda value: orjson.dumps(value).decode(),
                json_deserializer=orjson.loads,
            )
        return self._engine

    def session(self) -> AsyncSession:
        """A session, to be used as `async with`; objects keep their values after commit."""
        return AsyncSession(self.async_engine(), expire_on_commit=False)

    async def dispose(self) -> None:
        """Close the pool; raw connections are their owners'."""
        if self._engine is not None:
            # the pool itself would wait for a database that says nothing, and log what it meets
            await close_all(tuple(self._pooled))
            await self._engine.dispose()
            self._engine = None

    async def _open_pooled(self) -> asyncpg.Connection:
        connection = await self._open(self._session_timeout_s)
        self._pooled.add(connection)
        return connection

    async def _open(self, command_timeout_s: float | None = None) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                self.dsn, timeout=CONNECT_S, command_timeout=command_timeout_s, server_settings=self._settings()
            )
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable(
                "连不上数据库；请检查 SHUNIU_DATABASE_URL、服务器和权限",
                f"no connection to the database; check SHUNIU_DATABASE_URL, server and rights: {error}",
            ) from error
        except (ValueError, OverflowError):  # their text may be a piece of the password
            raise DatabaseUnavailable(
                "SHUNIU_DATABASE_URL 不成地址；口令中的 / # ? [ @ 等须百分号编码，端口在 1 至 65535 之间",
                "SHUNIU_DATABASE_URL is no address; in a password / # ? [ @ and the like are percent-encoded, a port is 1 to 65535",
            ) from None

    def _settings(self) -> dict[str, Any]:
        """What every connection insists on; it outranks what the server has for database and role."""
        return {
            "application_name": self.application,
            "default_transaction_isolation": "read committed",
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            "statement_timeout": str(STATEMENT_MS),
            "lock_timeout": str(LOCK_MS),
            "timezone": "UTC",
            "synchronous_commit": "on",
            "jit": "off",
        }


def _json_encoder(prefix: bytes) -> Callable[[Any], bytes]:
    return lambda value: prefix + orjson.dumps(value)


def _json_decoder(prefix: bytes) -> Callable[[bytes], Any]:
    return lambda data: orjson.loads(memoryview(data)[len(prefix) :])
