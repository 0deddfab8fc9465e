"""Tables of review: who wrote a version, the steps of its rounds, and the chains of approval as data."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign keys below
import hub.registry.models  # noqa: F401  the other one

_WAITING = text("opened_at IS NOT NULL AND verdict IS NULL")


class VersionAuthor(SQLModel, table=True):
    """Somebody who registered, edited or submitted a version, as the log names them: they review nothing of it."""

    __tablename__ = "version_author"
    __table_args__ = (
        ForeignKeyConstraint(
            ["resource_id", "version"],
            ["resource_version.resource_id", "resource_version.number"],
        ),
    )

    resource_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    actor: str = Field(sa_type=Text, primary_key=True)


class ApprovalChainStep(SQLModel, table=True):
    """One approval that resources of a list 清单 need, by place; without an organisation the provider's own decider gives it."""

    __tablename__ = "approval_chain_step"
    __table_args__ = (
        CheckConstraint("position >= 1"),
        CheckConstraint("list_type <> ''"),
        CheckConstraint("basis <> ''"),
        CheckConstraint("role IN ('reviewer', 'decider')"),
        CheckConstraint("role = 'decider' OR organisation_id IS NOT NULL"),
    )

    list_type: str = Field(sa_type=Text, primary_key=True)
    position: int = Field(primary_key=True)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    role: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)


class Review(SQLModel, table=True):
    """One step of one round of a version's review: whose it is, on what basis, when its turn came, and what was decided.

    A step without an organisation is the authority's (publication), the secrecy officer's, or the provider's decider's.
    `decided_by` is who decided, as the log names them. A decided step never changes.
    """

    __tablename__ = "review"
    __table_args__ = (
        ForeignKeyConstraint(
            ["resource_id", "version"],
            ["resource_version.resource_id", "resource_version.number"],
        ),
        CheckConstraint("round >= 1"),
        CheckConstraint("position >= 1"),
        CheckConstraint("kind IN ('secrecy', 'chain', 'publication')"),
        CheckConstraint("role IN ('secrecy', 'reviewer', 'decider')"),
        CheckConstraint("verdict IN ('approved', 'returned')"),
        CheckConstraint("num_nulls(verdict, decided_by, decided_at) IN (0, 3)"),
        CheckConstraint("verdict IS NULL OR opened_at IS NOT NULL"),
        CheckConstraint("verdict <> 'returned' OR opinion IS NOT NULL"),
        Index("review_one_waiting_idx", "resource_id", unique=True, postgresql_where=_WAITING),
        Index("review_waiting_idx", "opened_at", "resource_id", postgresql_where=_WAITING),
    )

    resource_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    round: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    role: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)
    opened_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    verdict: str | None = Field(default=None, sa_type=Text)
    decided_by: str | None = Field(default=None, sa_type=Text)
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    opinion: str | None = Field(default=None, sa_type=Text)
