"""The tables of corrections: the report with its outcome, and apart from it what the reporter believes right."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, Text, text
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign keys below
import hub.identity.models  # noqa: F401  others


class Correction(SQLModel, table=True):
    """A report 校核 that something in an exchange is wrong, by one consumer that received it, and what came of it.

    `pointers` are JSON pointers into the payload as its consumer has it; where that is a projection, `original_pointers` are the
    same places in the provider's, whose records stand elsewhere. `staff_id` is None where the consumer's system reported.
    Exchanges are partitioned, so no foreign key names them.
    """

    __tablename__ = "correction"
    __table_args__ = (
        CheckConstraint("cardinality(pointers) BETWEEN 1 AND 200"),
        CheckConstraint("state IN ('submitted', 'verifying', 'corrected', 'rejected', 'withdrawn')"),
        CheckConstraint("(state = 'corrected') = (correcting_id IS NOT NULL)"),
        CheckConstraint("(state = 'rejected') = (reason IS NOT NULL)"),
        CheckConstraint("(state IN ('corrected', 'rejected')) = (answered_by IS NOT NULL)"),
        CheckConstraint("(answered_by IS NULL) = (answered_at IS NULL)"),
        Index(
            "correction_one_open_idx",
            "exchange_id",
            "consumer_id",
            unique=True,
            postgresql_where=text("state IN ('submitted', 'verifying')"),
        ),
        Index("correction_organisation_idx", "organisation_id", "id"),
        Index("correction_resource_idx", "resource_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    exchange_id: UUID
    resource_id: UUID = Field(foreign_key="resource.id")
    consumer_id: UUID = Field(foreign_key="system.id")
    organisation_id: UUID = Field(foreign_key="organisation.id")
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    pointers: list[str] = Field(sa_type=ARRAY(Text))
    state: str = Field(sa_type=Text)
    correcting_id: UUID | None = None
    reason: str | None = Field(default=None, sa_type=Text)
    answered_by: UUID | None = Field(default=None, foreign_key="staff.id")
    answered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    original_pointers: list[str] | None = Field(default=None, sa_type=ARRAY(Text))


class CorrectionClaim(SQLModel, table=True):
    """What the reporter believes right: it may speak of a person, so no digest in the log covers it and it can be erased alone."""

    __tablename__ = "correction_claim"
    __table_args__ = (CheckConstraint("believed <> ''"),)

    correction_id: UUID = Field(foreign_key="correction.id", primary_key=True)
    believed: str = Field(sa_type=Text)
