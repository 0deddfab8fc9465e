"""How a database that is away shows itself to whoever uses it; apart from `errors`, for the supervisor needs no driver."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DBAPIError,
    PoolTimeout,
)
"""How a database that is away, or goes away half-way, shows itself to whoever uses it; `DatabaseUnavailable` is among them.

The internal error is what asyncpg raises where a connection breaks between two of its own steps.
"""
