"""The table of the sharing log. Rows are only ever added; the sealer alone fills `leaf_index`, once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class LogEntry(SQLModel, table=True):
    """One entry: its leaf as signed for, and copies of a few of its fields for search. Partitioned by month of `id`."""

    __tablename__ = "log_entry"
    __table_args__ = (
        CheckConstraint("outcome IN ('success', 'fail')"),
        CheckConstraint("octet_length(leaf_hash) = 32"),
        Index("log_entry_unsealed_idx", "id", postgresql_where=text("leaf_index IS NULL")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = Field(primary_key=True)
    event: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    actor: str = Field(sa_type=Text)
    object_type: str = Field(sa_type=Text)
    object_id: str = Field(sa_type=Text)
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    leaf: bytes = Field(sa_type=LargeBinary)
    leaf_hash: bytes = Field(sa_type=LargeBinary)
    openings: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    leaf_index: int | None = Field(default=None, sa_type=BigInteger)


class RefusalCount(SQLModel, table=True):
    """Refusals that came before a verified signature: counted per minute, cause and address, never stored singly."""

    __tablename__ = "refusal_count"

    minute: datetime = Field(sa_type=DateTime(timezone=True), primary_key=True)
    cause: str = Field(sa_type=Text, primary_key=True)
    address: str = Field(sa_type=Text, primary_key=True)
    count: int = Field(sa_type=BigInteger)
