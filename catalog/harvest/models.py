"""Tables of harvesting: catalogues, harvests with their staging, and upstream resources. Knows no rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class UpstreamCatalogue(SQLModel, table=True):
    """A catalogue of others, by the short name that this hub calls it."""

    __tablename__ = "upstream_catalogue"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{1,62}$'"),
        CheckConstraint("title <> ''"),
        UniqueConstraint("name"),
    )

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Harvest(SQLModel, table=True):
    """One walk through a catalogue: its pages are staged, compared, and applied or given up; at most one is open.

    `links` has each page that was staged, by its address or by what it holds, with the addresses that it names: none for
    whoever is the last of pages that do not know the first.
    """

    __tablename__ = "harvest"
    __table_args__ = (
        CheckConstraint("state IN ('gathering', 'applied', 'abandoned')"),
        CheckConstraint("pages >= 0"),
        Index("harvest_one_open_idx", "catalogue_id", unique=True, postgresql_where=text("state = 'gathering'")),
    )

    id: UUID = Field(primary_key=True)
    catalogue_id: UUID = Field(foreign_key="upstream_catalogue.id")
    state: str = Field(sa_type=Text)
    pages: int
    is_complete: bool
    links: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    faults: list[dict[str, Any]] = Field(sa_type=JSONB)
    counts: dict[str, int] | None = Field(default=None, sa_type=JSONB)
    began_at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class HarvestEntry(SQLModel, table=True):
    """What a harvest found at one address; there only while the harvest is open."""

    __tablename__ = "harvest_entry"

    harvest_id: UUID = Field(foreign_key="harvest.id", primary_key=True)
    uri: str = Field(sa_type=Text, primary_key=True)
    said: dict[str, Any] = Field(sa_type=JSONB)
    digest: str = Field(sa_type=Text)


class UpstreamResource(SQLModel, table=True):
    """A resource of another catalogue: what it says of itself, what our people wrote over it, and whether it is still there.

    `edits` holds the fields that a person of ours set; `edited_over` what the catalogue said in them then.
    """

    __tablename__ = "upstream_resource"
    __table_args__ = (UniqueConstraint("catalogue_id", "uri"),)

    id: UUID = Field(primary_key=True)
    catalogue_id: UUID = Field(foreign_key="upstream_catalogue.id")
    uri: str = Field(sa_type=Text)
    said: dict[str, Any] = Field(sa_type=JSONB)
    digest: str = Field(sa_type=Text)
    edits: dict[str, Any] = Field(sa_type=JSONB)
    edited_over: dict[str, Any] = Field(sa_type=JSONB)
    edited_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    first_seen_at: datetime = Field(sa_type=DateTime(timezone=True))
    last_seen_at: datetime = Field(sa_type=DateTime(timezone=True))
    gone_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
