"""Tables of delivery that pushes. The claim and its settlement write them through raw SQL in `repository`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import hub.access.models
import hub.registry.models  # noqa: F401  the other one


class PushTarget(SQLModel, table=True):
    """Where and how a system is pushed to, as a security officer allowed it.

    `settings` are the adapter's own, checked by its type: for HTTP the URL and the networks it may lead to; its `secrets` are
    kept apart, as `hub.delivery.vault` locked them. A target that `holds` is pushed to by nobody: its lanes are shown in the
    system's inbox.
    """

    __tablename__ = "push_target"
    __table_args__ = (
        CheckConstraint("adapter ~ '^[a-z0-9][a-z0-9_-]{0,62}$'"),
        CheckConstraint("policy IN ('park', 'block')"),
        CheckConstraint("max_attempts BETWEEN 1 AND 100"),
        CheckConstraint("state IN ('active', 'paused')"),
        CheckConstraint("set_by <> ''"),
        CheckConstraint("(state = 'paused') = (state_reason IS NOT NULL)"),
    )

    system_id: UUID = Field(primary_key=True, foreign_key="system.id")
    adapter: str = Field(sa_type=Text)
    settings: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    policy: str = Field(sa_type=Text)
    max_attempts: int
    state: str = Field(sa_type=Text)
    state_reason: str | None = Field(default=None, sa_type=Text)
    set_by: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=DateTime(timezone=True))
    holds: bool = False
    secrets: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)


class LaneLease(SQLModel, table=True):
    """Who pushes a lane until when, and how the lane fares. Apart from `lane`, whose row pulls lock.

    `handed_over_at`: when what is numbered up to `handed_over_last` was handed over to something that only carries it on. Until
    it is acknowledged, or `next_attempt_at` has come, the lane waits.
    """

    __tablename__ = "lane_lease"
    __table_args__ = (
        CheckConstraint("fence >= 0"),
        CheckConstraint("failures >= 0"),
        CheckConstraint("batch_limit >= 1"),
        CheckConstraint("(holder IS NULL) = (expires_at IS NULL)"),
        CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)"),
        CheckConstraint("(failures = 0) = (failed_reason IS NULL)"),
        CheckConstraint("(handed_over_at IS NULL) = (handed_over_last IS NULL)"),
    )

    lane_id: UUID = Field(primary_key=True, foreign_key="lane.id")
    fence: int = Field(sa_type=BigInteger)
    holder: UUID | None = None
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    next_attempt_at: datetime = Field(sa_type=DateTime(timezone=True))
    failures: int
    failed_reason: str | None = Field(default=None, sa_type=Text)
    batch_limit: int
    blocked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    paused_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    paused_reason: str | None = Field(default=None, sa_type=Text)
    handed_over_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    handed_over_last: int | None = Field(default=None, sa_type=BigInteger)


class Attempt(SQLModel, table=True):
    """One push of one batch: committed before the call, ended by its result or by the next claim of the lane."""

    __tablename__ = "attempt"
    __table_args__ = (
        CheckConstraint("count >= 1"),
        CheckConstraint("outcome IN ('transport-confirmed', 'acknowledged', 'handed-over', 'failed', 'expired')"),
        CheckConstraint("octet_length(answer) <= 512"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)"),
        UniqueConstraint("lane_id", "fence"),
        Index("attempt_open_idx", "lane_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    lane_id: UUID
    fence: int = Field(sa_type=BigInteger)
    holder: UUID
    first_sequence: int = Field(sa_type=BigInteger)
    count: int
    started_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    outcome: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)


class DeadLetter(SQLModel, table=True):
    """A delivery that was parked 死信, under its own id, with the reason; `replayed_as` is the delivery that replaced it."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        CheckConstraint("attempts >= 1"),
        CheckConstraint("reason <> ''"),
        CheckConstraint("(replayed_as IS NULL) = (replayed_at IS NULL)"),
        UniqueConstraint("replayed_as"),
        Index("dead_letter_waiting_idx", "lane_id", "sequence", postgresql_where=text("replayed_as IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    lane_id: UUID
    exchange_id: UUID
    kid: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary)
    position: int = Field(sa_type=BigInteger)
    sequence: int = Field(sa_type=BigInteger)
    claimed_at: datetime = Field(sa_type=DateTime(timezone=True))
    attempts: int
    reason: str = Field(sa_type=Text)
    parked_at: datetime = Field(sa_type=DateTime(timezone=True))
    replayed_as: UUID | None = None
    replayed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    projection_id: UUID | None = None
