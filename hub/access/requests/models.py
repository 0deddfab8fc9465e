"""Tables of access requests: the request, its steps, its attachment."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import hub.access.models
import hub.identity.models  # noqa: F401  targets of the foreign keys below, as those of hub.access

_LIVE = "state IN ('in-review', 'returned', 'with-provider')"


class AccessRequest(SQLModel, table=True):
    """A request 共享申请 of one consumer for one resource: 依据, 场景, 用途, 范围, 方式, 时限, 频次, and what became of it.

    `version` is the live one when it was handed in: its items are those that the scope speaks of. `applicant_id` is who
    handed it in last, `reviewer_id` who passed it. `first_sequence` is the number that the lane's next item had at the grant.
    """

    __tablename__ = "access_request"
    __table_args__ = (
        CheckConstraint("basis <> ''"),
        CheckConstraint("scene <> ''"),
        CheckConstraint("purpose <> ''"),
        CheckConstraint("mode IN ('inbox', 'push')"),
        CheckConstraint("valid_to > valid_from"),
        CheckConstraint("frequency_average >= 0"),
        CheckConstraint("frequency_peak >= frequency_average"),
        CheckConstraint("(frequency_average IS NULL) = (frequency_peak IS NULL)"),
        CheckConstraint("state IN ('in-review', 'returned', 'with-provider', 'granted', 'refused', 'withdrawn')"),
        CheckConstraint("refusal_code BETWEEN 1 AND 4"),
        CheckConstraint("(state = 'refused') = (refusal_code IS NOT NULL AND refusal_text IS NOT NULL)"),
        CheckConstraint("(state = 'granted') = (grant_id IS NOT NULL AND first_sequence IS NOT NULL)"),
        CheckConstraint(f"({_LIVE}) = (closed_at IS NULL)"),
        UniqueConstraint("grant_id"),
        Index(
            "access_request_one_live_idx",
            "consumer_id",
            "resource_id",
            "purpose",
            "mode",
            unique=True,
            postgresql_where=text(_LIVE),
        ),
        Index("access_request_organisation_idx", "organisation_id", "id"),
        Index("access_request_resource_idx", "resource_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    consumer_id: UUID = Field(foreign_key="system.id")
    organisation_id: UUID = Field(foreign_key="organisation.id")
    resource_id: UUID = Field(foreign_key="resource.id")
    version: int
    applicant_id: UUID = Field(foreign_key="staff.id")
    reviewer_id: UUID | None = Field(default=None, foreign_key="staff.id")
    basis: str = Field(sa_type=Text)
    scene: str = Field(sa_type=Text)
    purpose: str = Field(sa_type=Text)
    items: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    rows: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    mode: str = Field(sa_type=Text)
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_to: datetime = Field(sa_type=DateTime(timezone=True))
    frequency_average: int | None = None
    frequency_peak: int | None = None
    state: str = Field(sa_type=Text)
    refusal_code: int | None = Field(default=None, sa_type=SmallInteger)
    refusal_text: str | None = Field(default=None, sa_type=Text)
    grant_id: UUID | None = Field(default=None, foreign_key="access_grant.id")
    first_sequence: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class AccessRequestStep(SQLModel, table=True):
    """One step of a request: the act, where it led, who did it when and with what opinion. Without `staff_id` the rule did it."""

    __tablename__ = "access_request_step"
    __table_args__ = (
        CheckConstraint("number >= 1"),
        CheckConstraint(
            "act IN ('submitted', 'resubmitted', 'returned', 'forwarded', 'granted', 'refused', 'withdrawn')"
        ),
        CheckConstraint("(staff_id IS NULL) = (role IS NULL)"),
    )

    request_id: UUID = Field(foreign_key="access_request.id", primary_key=True)
    number: int = Field(primary_key=True)
    act: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    role: str | None = Field(default=None, sa_type=Text)
    opinion: str | None = Field(default=None, sa_type=Text)
    at: datetime = Field(sa_type=DateTime(timezone=True))


class AccessRequestAttachment(SQLModel, table=True):
    """The one file that a request may bring, kept as it came."""

    __tablename__ = "access_request_attachment"
    __table_args__ = (
        CheckConstraint("name <> ''"),
        CheckConstraint("octet_length(content) BETWEEN 1 AND 2097152"),
        CheckConstraint("digest ~ '^sha-256:[0-9a-f]{64}$'"),
    )

    request_id: UUID = Field(foreign_key="access_request.id", primary_key=True)
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    content: bytes = Field(sa_type=LargeBinary)
    added_at: datetime = Field(sa_type=DateTime(timezone=True))
