"""The table of notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Notice(SQLModel, table=True):
    """One notice to one organisation: its kind, the code of what it is about, and codes, counts and times besides.

    The organisation belongs to the registry and is named by its table only. `read_at` is when somebody of the
    organisation first said that it was read.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("kind ~ '^[a-z][a-z-]*$'"),
        CheckConstraint("subject <> ''"),
        Index("notice_organisation_idx", "organisation_id", "id"),
        Index("notice_unread_idx", "organisation_id", "id", postgresql_where=text("read_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    details: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    read_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
