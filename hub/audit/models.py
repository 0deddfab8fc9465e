"""The tables of the sharing log: its entries, and what sealing makes of them. Rows of the log are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class LogEntry(SQLModel, table=True):
    """One entry: its leaf as signed for, and copies of a few of its fields for search. Partitioned by month of `id`."""

    __tablename__ = "log_entry"
    __table_args__ = (
        CheckConstraint("outcome IN ('success', 'fail')"),
        CheckConstraint("octet_length(leaf_hash) = 32"),
        Index(
            "log_entry_evidence_idx",
            "object_id",
            postgresql_where=text("object_type IN ('acknowledgement', 'certificate', 'grant')"),
        ),
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


class RefusalCount(SQLModel, table=True):
    """Refusals that came before a verified signature: counted per minute, cause and address, never stored singly."""

    __tablename__ = "refusal_count"

    minute: datetime = Field(sa_type=DateTime(timezone=True), primary_key=True)
    cause: str = Field(sa_type=Text, primary_key=True)
    address: str = Field(sa_type=Text, primary_key=True)
    count: int = Field(sa_type=BigInteger)


LOG_PENDING = Table(
    "log_pending",
    SQLModel.metadata,
    Column("id", Uuid, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)
"""What waits to be sealed: a queue without any index, filled by a trigger, so that nothing written to the log escapes it."""


class SealedEntry(SQLModel, table=True):
    """Where an entry lies in the tree; the tree's order is that of sealing, not of time."""

    __tablename__ = "sealed_entry"
    __table_args__ = (CheckConstraint("leaf_index >= 0"),)

    leaf_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: UUID = Field(unique=True)


class LogTile(SQLModel, table=True):
    """A tile of the tree (C2SP tlog-tiles): up to 256 hashes of 32 bytes; `index` counts tiles of the level."""

    __tablename__ = "log_tile"
    __table_args__ = (
        CheckConstraint("level >= 0"),
        CheckConstraint("index >= 0"),
        CheckConstraint("octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0"),
    )

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_type=LargeBinary)


class TreeHead(SQLModel, table=True):
    """The one head: what is committed (`size`, `root`), and what of it is signed and shown (`checkpoint`)."""

    __tablename__ = "tree_head"
    __table_args__ = (
        CheckConstraint("singleton"),
        CheckConstraint("size >= 0"),
        CheckConstraint("octet_length(root) = 32"),
        CheckConstraint("checkpoint_size <= size"),
        CheckConstraint("checkpoint IS NOT NULL OR checkpoint_size = 0"),
    )

    singleton: bool = Field(default=True, sa_column=Column(Boolean, primary_key=True, server_default="true"))
    size: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = Field(sa_type=DateTime(timezone=True))
    checkpoint_size: int = Field(sa_type=BigInteger)
    checkpoint: str | None = Field(default=None, sa_type=Text)
