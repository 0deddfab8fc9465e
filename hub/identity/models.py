"""The tables of identity: staff with their roles and sessions, and the client assertions that were used. Knows no rules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

import hub.registry.models  # noqa: F401  the target of the foreign key to organisations

_ROLES = "'editor', 'reviewer', 'secrecy', 'decider', 'security', 'operator', 'auditor', 'inspector'"


class Staff(SQLModel, table=True):
    """A person's account 账户. `proposed` has no password; `disabled` keeps its row, for logins are never given twice.

    `wrapped_totp` is the encrypted secret of the second factor; it counts from the first confirmed code on, and
    `totp_last_step` is the last time step that was used.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'"),
        CheckConstraint("state IN ('proposed', 'active', 'disabled')"),
        UniqueConstraint("login"),
    )

    id: UUID = Field(primary_key=True)
    login: str = Field(sa_type=Text)
    display_name: str = Field(sa_type=Text)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    state: str = Field(sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    password_changed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    must_change: bool = Field(default=True, sa_type=Boolean, sa_column_kwargs={"server_default": text("true")})
    wrapped_totp: bytes | None = Field(default=None, sa_type=LargeBinary)
    totp_last_step: int | None = Field(default=None, sa_type=BigInteger)
    failed_attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    locked_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    proposed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    approved_by: UUID | None = Field(default=None, foreign_key="staff.id")
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class StaffRole(SQLModel, table=True):
    """One role of one person."""

    __tablename__ = "staff_role"
    __table_args__ = (CheckConstraint(f"role IN ({_ROLES})"),)

    staff_id: UUID = Field(foreign_key="staff.id", primary_key=True)
    role: str = Field(sa_type=Text, primary_key=True)


class StaffSession(SQLModel, table=True):
    """A session by the SHA-256 of its token; the token itself is nowhere."""

    __tablename__ = "staff_session"
    __table_args__ = (UniqueConstraint("token_digest"), Index("staff_session_staff_idx", "staff_id"))

    id: UUID = Field(primary_key=True)
    token_digest: bytes = Field(sa_type=LargeBinary)
    staff_id: UUID = Field(foreign_key="staff.id")
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    last_used_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ClientAssertion(SQLModel, table=True):
    """A client assertion that bought a token; kept until it could not be used again."""

    __tablename__ = "client_assertion"

    system_code: str = Field(sa_type=Text, primary_key=True)
    jti: str = Field(sa_type=Text, primary_key=True)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
