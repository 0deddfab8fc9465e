"""What can be wrong with the database itself; each names its cure, for the operator who has to act.

SetupError
├── DatabaseUnavailable   it cannot be started or reached
├── DatabaseUnsafe        it runs, but its settings would lose what a receipt promises
└── DatabaseTooNew        its schema comes from a newer release than this code
"""

from hub.errors import SetupError


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
