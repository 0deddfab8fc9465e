"""Tables of lists: suspensions of powers, publications of lists, and where each sub-site stands with them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign keys below
import hub.registry.models  # noqa: F401  the other one

_GROUNDS = "'never-exercised', 'no-case-for-three-years', 'periodic', 'other'"


class PowerSuspension(SQLModel, table=True):
    """The suspension of one power 权力事项暂停, from its application to the day the power is exercised again.

    The power is the record `power_code` of a list of powers; its data stay with the provider, who says in which exchange the
    record carries the state. `document` approves the suspension, `confirmation` the resumption.
    """

    __tablename__ = "power_suspension"
    __table_args__ = (
        CheckConstraint("power_code <> ''"),
        CheckConstraint(f"ground IN ({_GROUNDS})"),
        CheckConstraint("ground <> 'other' OR reason IS NOT NULL"),
        CheckConstraint("state IN ('applied', 'refused', 'suspended', 'resuming', 'confirmed', 'restored')"),
        CheckConstraint("(state IN ('applied', 'refused')) = (document IS NULL)"),
        CheckConstraint("(state IN ('confirmed', 'restored')) = (confirmation IS NOT NULL)"),
        CheckConstraint("(state = 'restored') = (restored_in IS NOT NULL)"),
        Index(
            "power_suspension_one_open_idx",
            "resource_id",
            "power_code",
            unique=True,
            postgresql_where=text("state NOT IN ('refused', 'restored')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(foreign_key="resource.id")
    power_code: str = Field(sa_type=Text)
    ground: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    state: str = Field(sa_type=Text)
    applied_by: UUID
    applied_at: datetime = Field(sa_type=DateTime(timezone=True))
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    document: str | None = Field(default=None, sa_type=Text)
    refusal: str | None = Field(default=None, sa_type=Text)
    suspended_in: UUID | None = None
    resumption_reason: str | None = Field(default=None, sa_type=Text)
    resumption_by: UUID | None = None
    resumption_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    confirmed_by: UUID | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    confirmation: str | None = Field(default=None, sa_type=Text)
    restored_in: UUID | None = None
    restored_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ListPublication(SQLModel, table=True):
    """One publication of a list 清单发布, declared by its provider: the whole of it, or a change with its explanation.

    `occurred_on` is when what it rests on happened (the budget was approved, the project changed); `exchange_id` carries the
    data. `period_to` is the first day on which the list is no longer announced, None until it is replaced.
    """

    __tablename__ = "list_publication"
    __table_args__ = (
        CheckConstraint("number >= 1"),
        CheckConstraint("kind IN ('whole', 'change')"),
        CheckConstraint("number > 1 OR kind = 'whole'"),
        CheckConstraint("number = 1 OR explanation IS NOT NULL"),
        CheckConstraint("period_to > period_from"),
        UniqueConstraint("resource_id", "number"),
    )

    id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(foreign_key="resource.id")
    number: int
    kind: str = Field(sa_type=Text)
    explanation: str | None = Field(default=None, sa_type=Text)
    occurred_on: date = Field(sa_type=Date)
    period_from: date = Field(sa_type=Date)
    period_to: date | None = Field(default=None, sa_type=Date)
    exchange_id: UUID | None = None
    declared_by: UUID
    declared_at: datetime = Field(sa_type=DateTime(timezone=True))


class ListLoading(SQLModel, table=True):
    """That a sub-site's system loaded a publication 加载, and at which address the public reads it 上线."""

    __tablename__ = "list_loading"
    __table_args__ = (CheckConstraint("(online_at IS NULL) = (url IS NULL)"),)

    publication_id: UUID = Field(foreign_key="list_publication.id", primary_key=True)
    system_id: UUID = Field(foreign_key="system.id", primary_key=True)
    loaded_at: datetime = Field(sa_type=DateTime(timezone=True))
    online_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    url: str | None = Field(default=None, sa_type=Text)
