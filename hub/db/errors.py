"""What can be wrong with the database itself; each names its cure, for the operator who has to act.

SetupError
├── DatabaseUnavailable   it cannot be started or reached
├── DatabaseUnsafe        it runs, but its settings would lose what a receipt promises
└── DatabaseTooNew        its schema comes from a newer release than this code
"""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.errors import SetupError

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


class DatabaseUnavailable(SetupError, ConnectionError):
    """The database cannot be started or reached; the message ends with the tail of its log where there is one.

    Also a `ConnectionError`: for who keeps running it is one more way in which a connection fails.
    """

    slug = "database-unavailable"


class DatabaseUnsafe(SetupError):
    """The server refuses one of the guarantees that start-up insists on."""

    slug = "database-unsafe"


class DatabaseTooNew(SetupError):
    """The database was migrated by a newer release; running this one on it could destroy data."""

    slug = "database-too-new"
