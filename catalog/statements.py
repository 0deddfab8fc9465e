"""Statements that are written with SQLAlchemy and run by the driver itself, where an ORM costs more than the database.

A search is a handful of statements of less than a millisecond each; a session takes longer to pass them on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters by number, the names of these in their order, and the values that the statement brings."""

    sql: str
    names: tuple[str, ...]
    given: Mapping[str, Any]

    async def fetch(self, connection: asyncpg.Connection, **values: Any) -> Sequence[asyncpg.Record]:
        """Return the rows; `values` are as the driver takes them, and may be more than the statement names."""
        every = {**self.given, **values}
        return await connection.fetch(self.sql, *[every[name] for name in self.names])


def compiled(statement: ClauseElement) -> Statement:
    """Return the statement for the driver."""
    found = statement.compile(dialect=_DIALECT)
    assert isinstance(found, SQLCompiler)
    return Statement(str(found), tuple(found.positiontup or ()), found.params)
