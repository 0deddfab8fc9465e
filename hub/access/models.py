"""Tables of access: the lane, its grants, and the schema digest that a grant pins for each published version."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign keys below
import hub.registry.models  # noqa: F401  the other one


class Lane(SQLModel, table=True):
    """One consumer × resource × purpose × mode 通道: the queue that keeps its order; it outlives its grants."""

    __tablename__ = "lane"
    __table_args__ = (
        CheckConstraint("purpose <> ''"),
        CheckConstraint("mode IN ('inbox', 'push')"),
        UniqueConstraint("consumer_id", "resource_id", "purpose", "mode"),
    )

    id: UUID = Field(primary_key=True)
    consumer_id: UUID = Field(foreign_key="system.id")
    resource_id: UUID = Field(foreign_key="resource.id")
    purpose: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    next_sequence: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class AccessGrant(SQLModel, table=True):
    """A decided right 授权 of one consumer to one resource, for a purpose, on a basis, for a time; revoked is final.

    `items` and `rows` (conditions and masks) narrow it (`hub.access.scope`); NULL leaves nothing out. What a narrowed one names
    leaves as a projection, and nothing else leaves by it (I5).
    """

    __tablename__ = "access_grant"
    __table_args__ = (
        CheckConstraint("basis <> ''"),
        CheckConstraint("valid_to > valid_from"),
        CheckConstraint("state IN ('active', 'suspended', 'revoked')"),
        CheckConstraint("frequency_average >= 0"),
        CheckConstraint("frequency_peak >= frequency_average"),
        CheckConstraint("(frequency_average IS NULL) = (frequency_peak IS NULL)"),
        CheckConstraint("policy IN ('park', 'block')"),
        CheckConstraint("policy IS NULL OR mode = 'push'"),
        Index(
            "access_grant_one_live_idx",
            "consumer_id",
            "resource_id",
            "purpose",
            "mode",
            unique=True,
            postgresql_where=text("state <> 'revoked'"),
        ),
        Index("access_grant_resource_idx", "resource_id"),
        Index("access_grant_lane_idx", "lane_id"),
    )

    id: UUID = Field(primary_key=True)
    lane_id: UUID = Field(foreign_key="lane.id")
    consumer_id: UUID = Field(foreign_key="system.id")
    resource_id: UUID = Field(foreign_key="resource.id")
    purpose: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_to: datetime = Field(sa_type=DateTime(timezone=True))
    policy: str | None = Field(default=None, sa_type=Text)
    items: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    rows: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    frequency_average: int | None = None
    frequency_peak: int | None = None
    state: str = Field(sa_type=Text)
    state_reason: str | None = Field(default=None, sa_type=Text)
    renewal_reason: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class GrantVersion(SQLModel, table=True):
    """The digest of the schema that a grant was decided on, for one published version of its resource."""

    __tablename__ = "grant_version"
    __table_args__ = (CheckConstraint("version >= 1"),)

    grant_id: UUID = Field(foreign_key="access_grant.id", primary_key=True)
    version: int = Field(primary_key=True)
    schema_digest: str = Field(sa_type=Text)
