"""The table of objections."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, Text
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign keys below
import hub.identity.models  # noqa: F401  others


class Objection(SQLModel, table=True):
    """An objection 异议 of one organisation, its answer, and how it rates the answer.

    `subject_id` is the id of what it is about, of a resource too; `resource_id` the resource that this belongs to.
    """

    __tablename__ = "objection"
    __table_args__ = (
        CheckConstraint("kind IN ('catalogue', 'approval', 'quality', 'use')"),
        CheckConstraint("detail IN ('duration', 'opinion', 'response', 'data', 'other')"),
        CheckConstraint("(kind = 'catalogue') = (detail IS NULL)"),
        CheckConstraint("subject_kind IN ('resource', 'access-request', 'grant', 'exchange')"),
        CheckConstraint("text <> ''"),
        CheckConstraint("state IN ('submitted', 'handling', 'answered', 'rated', 'withdrawn')"),
        CheckConstraint("(state IN ('answered', 'rated')) = (answer IS NOT NULL)"),
        CheckConstraint("(answer IS NULL) = (answered_by IS NULL) AND (answer IS NULL) = (answered_at IS NULL)"),
        CheckConstraint("rating BETWEEN 1 AND 5"),
        CheckConstraint("(state = 'rated') = (rating IS NOT NULL)"),
        Index("objection_organisation_idx", "organisation_id", "id"),
        Index("objection_resource_idx", "resource_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    detail: str | None = Field(default=None, sa_type=Text)
    subject_kind: str = Field(sa_type=Text)
    subject_id: UUID
    resource_id: UUID = Field(foreign_key="resource.id")
    organisation_id: UUID = Field(foreign_key="organisation.id")
    staff_id: UUID = Field(foreign_key="staff.id")
    text: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    answer: str | None = Field(default=None, sa_type=Text)
    answered_by: UUID | None = Field(default=None, foreign_key="staff.id")
    answered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    rating: int | None = Field(default=None, sa_type=SmallInteger)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
