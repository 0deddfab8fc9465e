"""The registry's tables: organisations, systems, certificates, the hub's own keys, the epoch. Knows no rules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class RegistryEpoch(SQLModel, table=True):
    """The one row that counts changes of rights (I3): who judged under an older epoch judges again."""

    __tablename__ = "registry_epoch"
    __table_args__ = (CheckConstraint("singleton"),)

    singleton: bool = Field(default=True, sa_type=Boolean, primary_key=True)
    epoch: int = Field(sa_type=BigInteger)


class Organisation(SQLModel, table=True):
    """A body 机构: with its 统一社会信用代码 (GB 32100), or without one and then under its parent; ended is final."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'"),
        CheckConstraint("name <> ''"),
        CheckConstraint("region ~ '^[0-9]{6}$'"),
        CheckConstraint("code IS NOT NULL OR parent_id IS NOT NULL"),
        CheckConstraint("state IN ('active', 'ended')"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)"),
        UniqueConstraint("code"),
        Index("organisation_name_taken_idx", "region", "name", unique=True, postgresql_where=text("state = 'active'")),
    )

    id: UUID = Field(primary_key=True)
    code: str | None = Field(default=None, sa_type=Text)
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    region: str = Field(sa_type=Text)
    parent_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    is_example: bool = Field(default=False)
    state: str = Field(default="active", sa_type=Text, sa_column_kwargs={"server_default": text("'active'")})
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class OrganisationName(SQLModel, table=True):
    """What a body was called, and its code, from a moment until that of its next row; a code in any row stays taken."""

    __tablename__ = "organisation_name"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'"),
        CheckConstraint("name <> ''"),
        Index("organisation_name_code_idx", "code"),
    )

    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    valid_from: datetime = Field(sa_type=DateTime(timezone=True), primary_key=True)
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    code: str | None = Field(default=None, sa_type=Text)


class System(SQLModel, table=True):
    """A partner's software 系统: it signs, it pulls, it is suspended and retired; retired is final."""

    __tablename__ = "system"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{1,62}$'"),
        CheckConstraint("name <> ''"),
        CheckConstraint("state IN ('active', 'suspended', 'retired')"),
        UniqueConstraint("code"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    state: str = Field(sa_type=Text)
    state_reason: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class Certificate(SQLModel, table=True):
    """A system's certificate 数字证书 by its `kid`; several may be active at once, so that keys rotate without a gap."""

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("kid ~ '^[A-Za-z0-9_-]{43}$'"),
        CheckConstraint("algorithm IN ('ES256', 'EdDSA', 'SM2')"),
        CheckConstraint("not_after > not_before"),
        CheckConstraint("state IN ('active', 'revoked')"),
        CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL AND revocation_reason IS NOT NULL)"),
        UniqueConstraint("serial"),
        Index("certificate_system_idx", "system_id"),
    )

    kid: str = Field(sa_type=Text, primary_key=True)
    system_id: UUID = Field(foreign_key="system.id")
    der: bytes = Field(sa_type=LargeBinary)
    serial: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    algorithm: str = Field(sa_type=Text)
    not_before: datetime = Field(sa_type=DateTime(timezone=True))
    not_after: datetime = Field(sa_type=DateTime(timezone=True))
    state: str = Field(sa_type=Text)
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revocation_reason: str | None = Field(default=None, sa_type=Text)
    issued_at: datetime = Field(sa_type=DateTime(timezone=True))


class KeptRevocationList(SQLModel, table=True):
    """The revocation list that an issuing key has out, and the epoch whose revocations it has."""

    __tablename__ = "revocation_list"

    issuing: str = Field(sa_type=Text, primary_key=True)
    epoch: int = Field(sa_type=BigInteger)
    number: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    entries_digest: bytes = Field(sa_type=LargeBinary)
    der: bytes = Field(sa_type=LargeBinary)


class HubKey(SQLModel, table=True):
    """One of the hub's own keys, its private half wrapped under the master key; one active key for each purpose."""

    __tablename__ = "hub_key"
    __table_args__ = (
        CheckConstraint("purpose IN ('root', 'issuing', 'receipt', 'projection', 'push', 'token', 'log')"),
        CheckConstraint("state IN ('active', 'retired')"),
        Index("hub_key_active_idx", "purpose", unique=True, postgresql_where=text("state = 'active'")),
    )

    kid: str = Field(sa_type=Text, primary_key=True)
    purpose: str = Field(sa_type=Text)
    algorithm: str = Field(sa_type=Text)
    wrapped_key: bytes = Field(sa_type=LargeBinary)
    certificate: bytes | None = Field(default=None, sa_type=LargeBinary)
    state: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
