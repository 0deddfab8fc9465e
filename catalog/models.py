"""The catalogue's tables: classification, resource, its versions, their codes here and upstream, the index. Knows no rules.

The organisation and the system belong to the gateway and are named by their tables only.
"""

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
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel


class Classification(SQLModel, table=True):
    """One class of the catalogue's tree 类、项、目、细目: its code is what the codes of resources below it begin with.

    `changed_by` is whoever last changed it, as the log names them.
    """

    __tablename__ = "classification"
    __table_args__ = (
        CheckConstraint("code ~ '^[123]([0-9]{2}([0-9]{3}([0-9A-Za-z]{1,32})?)?)?$'"),
        CheckConstraint("name <> ''"),
        CheckConstraint("state IN ('active', 'ended')"),
        CheckConstraint(
            "parent IS NOT DISTINCT FROM CASE length(code) WHEN 1 THEN NULL WHEN 3 THEN left(code, 1)"
            " WHEN 6 THEN left(code, 3) ELSE left(code, 6) END"
        ),
        Index("classification_parent_idx", "parent"),
    )

    code: str = Field(sa_type=Text, primary_key=True)
    parent: str | None = Field(default=None, sa_type=Text, foreign_key="classification.code")
    name: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    changed_at: datetime = Field(sa_type=DateTime(timezone=True))
    changed_by: str = Field(sa_type=Text)


class Resource(SQLModel, table=True):
    """An information resource 信息资源: whose it is and where it stands in its life; what it carries is in its versions.

    Name, summary, share type and its clauses, update cycle and `is_example` are those of the live version, or of the
    newest one before the first is published.
    """

    __tablename__ = "resource"
    __table_args__ = (
        CheckConstraint("code ~ '^[123][0-9]{5}[0-9A-Za-z]*/[0-9]+$'"),
        CheckConstraint("name <> ''"),
        CheckConstraint("share_type BETWEEN 1 AND 3"),
        CheckConstraint("status IN ('draft', 'submitted', 'published', 'suspended', 'withdrawn')"),
        UniqueConstraint("code"),
        Index("resource_provider_idx", "provider_id"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    summary: str = Field(sa_type=Text)
    provider_id: UUID = Field(foreign_key="organisation.id")
    system_id: UUID = Field(foreign_key="system.id")
    share_type: int = Field(sa_type=SmallInteger)
    share_condition: str | None = Field(default=None, sa_type=Text)
    no_share_basis: str | None = Field(default=None, sa_type=Text)
    update_cycle: int = Field(sa_type=SmallInteger)
    status: str = Field(sa_type=Text)
    status_reason: str | None = Field(default=None, sa_type=Text)
    live_version: int | None = Field(default=None)
    is_example: bool = Field(default=False)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class ResourceVersion(SQLModel, table=True):
    """One version of what a resource says of itself, its items and the schema derived; once published it never changes.

    `description` is the JSON form of `catalog.metadata.Metadata` (column `metadata`, a name that SQLAlchemy keeps).
    `claims` are what `catalog.sources.claims_of` says of it. From `ends_at` on a published version counts as ended.
    """

    __tablename__ = "resource_version"
    __table_args__ = (
        CheckConstraint("number >= 1"),
        CheckConstraint("schema_digest ~ '^sha-256:[0-9a-f]{64}$'"),
        CheckConstraint("state IN ('draft', 'submitted', 'published', 'ended')"),
        Index(
            "resource_version_claims_idx",
            "claims",
            postgresql_using="gin",
            postgresql_where=text("state = 'published'"),
        ),
    )

    resource_id: UUID = Field(foreign_key="resource.id", primary_key=True)
    number: int = Field(primary_key=True)
    description: dict[str, Any] = Field(sa_column=Column("metadata", JSONB, nullable=False))
    items: list[dict[str, Any]] = Field(sa_type=JSONB)
    # The column is `schema`; an attribute of that name would hide one of pydantic's.
    payload_schema: dict[str, Any] = Field(sa_column=Column("schema", JSONB, nullable=False))
    schema_digest: str = Field(sa_type=Text)
    claims: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )
    state: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    submitted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    published_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ends_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ResourceCodeCounter(SQLModel, table=True):
    """The last sequence given out below a classification; it only rises, so no code is given out twice."""

    __tablename__ = "resource_code_counter"
    __table_args__ = (CheckConstraint("last >= 0"),)

    prefix: str = Field(sa_type=Text, primary_key=True)
    last: int = Field(sa_type=BigInteger)


class UpstreamRegistration(SQLModel, table=True):
    """One state of a resource's registration with a catalogue above 上级目录; the one of the highest number holds.

    The code that the catalogue above gave lies here and nowhere else. `receipt_…` say by which receipt it told us:
    its reference there, `sha-256:<hex>` of its bytes, and its time. `recorded_by` is who entered it, as the log names them.
    """

    __tablename__ = "upstream_registration"
    __table_args__ = (
        CheckConstraint("catalogue <> ''"),
        CheckConstraint("number >= 1"),
        CheckConstraint("state IN ('pending', 'refused', 'accepted', 'cancelled')"),
        CheckConstraint("receipt_digest ~ '^sha-256:[0-9a-f]{64}$'"),
        CheckConstraint("state <> 'accepted' OR upstream_code IS NOT NULL"),
        CheckConstraint(
            "state = 'pending' OR receipt_reference IS NOT NULL AND receipt_digest IS NOT NULL AND receipt_at IS NOT NULL"
        ),
    )

    resource_id: UUID = Field(foreign_key="resource.id", primary_key=True)
    catalogue: str = Field(sa_type=Text, primary_key=True)
    number: int = Field(primary_key=True)
    state: str = Field(sa_type=Text)
    upstream_code: str | None = Field(default=None, sa_type=Text)
    receipt_reference: str | None = Field(default=None, sa_type=Text)
    receipt_digest: str | None = Field(default=None, sa_type=Text)
    receipt_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    recorded_by: str = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=DateTime(timezone=True))


# Without fastupdate: its list of what is not yet indexed would be read by every search, and catalogues change seldom.
_AT_ONCE: dict[str, Any] = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}}
_SAMPLE = _AT_ONCE | {"postgresql_where": text("is_sample")}

# Ordered and compared by bytes: codes are ASCII, and a range of them is a prefix.
_CODE = Text(collation="C")


class ResourceSearch(SQLModel, table=True):
    """What a resource is found by under its name; derived from resource, versions and provider, and rebuilt from them.

    One row serves partner systems and staff, with what is live; while there is more for staff to find (a draft, a
    successor), they have a row of their own. `text` and `tokens` are of `catalog.search_text`, with tokens of facets.
    """

    __tablename__ = "resource_search"
    __table_args__ = (
        CheckConstraint("for_systems OR for_staff"),
        Index("resource_search_code_idx", "code"),
        Index("resource_search_tokens_idx", "tokens", **_AT_ONCE),
        Index("resource_search_sample_idx", "tokens", **_SAMPLE),
    )

    resource_id: UUID = Field(foreign_key="resource.id", primary_key=True)
    for_systems: bool = Field(primary_key=True)
    for_staff: bool
    is_sample: bool
    code: str = Field(sa_type=_CODE)
    status: str = Field(sa_type=Text)
    share_type: int = Field(sa_type=SmallInteger)
    provider_id: UUID
    update_cycle: int = Field(sa_type=SmallInteger)
    format_class: int | None = Field(default=None, sa_type=SmallInteger)
    text: str = Field(sa_type=Text)
    tokens: str = Field(sa_type=TSVECTOR)


class ResourceSearchBody(SQLModel, table=True):
    """The same by all its texts: apart, for these rows are three times as long. `text` is all but the name."""

    __tablename__ = "resource_search_body"
    __table_args__ = (
        CheckConstraint("for_systems OR for_staff"),
        Index("resource_search_body_code_idx", "code"),
        Index("resource_search_body_tokens_idx", "tokens", **_AT_ONCE),
        Index("resource_search_body_sample_idx", "tokens", **_SAMPLE),
    )

    resource_id: UUID = Field(foreign_key="resource.id", primary_key=True)
    for_systems: bool = Field(primary_key=True)
    for_staff: bool
    is_sample: bool
    code: str = Field(sa_type=_CODE)
    status: str = Field(sa_type=Text)
    share_type: int = Field(sa_type=SmallInteger)
    provider_id: UUID
    update_cycle: int = Field(sa_type=SmallInteger)
    format_class: int | None = Field(default=None, sa_type=SmallInteger)
    name: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    tokens: str = Field(sa_type=TSVECTOR)
