"""Tables of duties: rules that were set or used, what is owed, and the notices of years that operators added."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Date, DateTime, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import hub.registry.models  # noqa: F401  the target of the foreign key to organisations

_ROLES = (
    "'authority', 'provider', 'consumer', 'operator', 'security', 'secrecy', 'auditor', 'supervisor', 'responsible'"
)


class DutyRule(SQLModel, table=True):
    """One version of the rule of a duty 时限规则; it never changes, a later version supersedes it.

    `shipped` ones are copied from their profile when something is first owed under them; `set` ones the authority made or
    adopted. `terms` is the whole rule as its profile would have it.
    """

    __tablename__ = "duty_rule"
    __table_args__ = (
        CheckConstraint("origin IN ('shipped', 'set')"),
        CheckConstraint("version >= 1"),
        UniqueConstraint("duty", "version"),
        Index("duty_rule_shipped_idx", "code", "digest", unique=True, postgresql_where=text("origin = 'shipped'")),
    )

    id: UUID = Field(primary_key=True)
    duty: str = Field(sa_type=Text)
    version: int
    code: str = Field(sa_type=Text)
    origin: str = Field(sa_type=Text)
    terms: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    digest: str = Field(sa_type=Text)
    valid_from: date = Field(sa_type=Date)
    set_by: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=DateTime(timezone=True))


class Duty(SQLModel, table=True):
    """What one debtor owes for one subject by `due_at` 时限; its rule says why.

    `first_due_at` is the deadline before any extension; `soon_at` is when it counts as due soon. `declared`: a person declared
    the event, so a person also says when it is done.
    """

    __tablename__ = "duty"
    __table_args__ = (
        CheckConstraint(f"debtor_role IN ({_ROLES})"),
        CheckConstraint("state IN ('open', 'done', 'cancelled')"),
        CheckConstraint("subject_kind <> '' AND subject_id <> ''"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)"),
        CheckConstraint("(extended_at IS NULL) = (extension_basis IS NULL)"),
        CheckConstraint("(extended_at IS NULL) = (extended_amount IS NULL)"),
        Index(
            "duty_one_open_idx",
            "subject_kind",
            "subject_id",
            "duty",
            "debtor_organisation_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("duty_due_idx", "due_at", "id", postgresql_where=text("state = 'open'")),
    )

    id: UUID = Field(primary_key=True)
    rule_id: UUID = Field(foreign_key="duty_rule.id")
    duty: str = Field(sa_type=Text)
    subject_kind: str = Field(sa_type=Text)
    subject_id: str = Field(sa_type=Text)
    debtor_role: str = Field(sa_type=Text)
    debtor_organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    debtor_staff_id: UUID | None = None
    declared: bool = Field(sa_type=Boolean)
    anchored_at: datetime = Field(sa_type=DateTime(timezone=True))
    first_due_at: datetime = Field(sa_type=DateTime(timezone=True))
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    soon_at: datetime = Field(sa_type=DateTime(timezone=True))
    provisional: bool = Field(sa_type=Boolean)
    extended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    extended_amount: int | None = None
    extension_basis: str | None = Field(default=None, sa_type=Text)
    state: str = Field(sa_type=Text)
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    closed_by: str | None = Field(default=None, sa_type=Text)
    closed_reason: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class HolidayNotice(SQLModel, table=True):
    """One notice of a year's days off and days worked 放假安排; the latest of a year is in force, none changes."""

    __tablename__ = "holiday_notice"
    __table_args__ = (
        CheckConstraint("year BETWEEN 2000 AND 2200"),
        CheckConstraint("version >= 1"),
        CheckConstraint("basis <> ''"),
        UniqueConstraint("year", "version"),
    )

    id: UUID = Field(primary_key=True)
    year: int
    version: int
    days_off: list[date] = Field(sa_column=Column(ARRAY(Date), nullable=False))
    days_worked: list[date] = Field(sa_column=Column(ARRAY(Date), nullable=False))
    basis: str = Field(sa_type=Text)
    added_by: str = Field(sa_type=Text)
    added_at: datetime = Field(sa_type=DateTime(timezone=True))
