"""The tables of organisational change: what was asked, who took part, what moved."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import hub.identity.models  # noqa: F401  accounts, and with them organisations: targets of the foreign keys below


class Kind(StrEnum):
    """Kinds of change that 000-B 八条(二) speaks of as 机构改革、职能调整."""

    RENAMING = "renaming"
    MERGER = "merger"
    SPLIT = "split"
    TRANSFER = "transfer"
    ABOLITION = "abolition"

    @property
    def zh(self) -> str:
        """The Chinese label."""
        return _LABELS[self]


_LABELS = {
    Kind.RENAMING: "更名",
    Kind.MERGER: "合并",
    Kind.SPLIT: "分设",
    Kind.TRANSFER: "职能划转",
    Kind.ABOLITION: "撤销",
}


class What(StrEnum):
    """What a change moves from one organisation to another; the value is what the API and the database write."""

    ORGANISATION = "organisation"
    SYSTEM = "system"
    CERTIFICATE = "certificate"
    RESOURCE = "resource"
    GRANT_GIVEN = "grant-given"
    GRANT_HELD = "grant-held"
    STAFF = "staff"
    PERSON = "person"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(f'{str(value)!r}' for value in values)})")


class OrganisationChange(SQLModel, table=True):
    """One change: proposed by a security officer with the digest of its plan, confirmed or refused by a reviewer.

    `request` is what was asked, by ids; `effective_on` the day that the document names. Confirmed is final.
    """

    __tablename__ = "organisation_change"
    __table_args__ = (
        _one_of("kind", Kind),
        CheckConstraint("basis <> ''"),
        CheckConstraint("plan_digest ~ '^sha-256:[0-9a-f]{64}$'"),
        CheckConstraint("state IN ('proposed', 'confirmed', 'refused', 'withdrawn')"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)"),
        CheckConstraint("state <> 'confirmed' OR decided_by <> proposed_by"),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)
    effective_on: date = Field(sa_type=Date)
    request: dict[str, Any] = Field(sa_type=JSONB)
    plan_digest: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    state_reason: str | None = Field(default=None, sa_type=Text)
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime = Field(sa_type=DateTime(timezone=True))
    decided_by: UUID | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class OrganisationChangeParty(SQLModel, table=True):
    """An organisation that a change takes from or gives to; `ends`: it is no more once the change is confirmed."""

    __tablename__ = "organisation_change_party"
    __table_args__ = (
        CheckConstraint("side IN ('from', 'to')"),
        CheckConstraint("side = 'from' OR NOT ends"),
        Index("organisation_change_party_organisation_idx", "organisation_id"),
    )

    change_id: UUID = Field(foreign_key="organisation_change.id", primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    side: str = Field(sa_type=Text, primary_key=True)
    ends: bool


class OrganisationChangeMove(SQLModel, table=True):
    """One thing that a confirmed change moved, written once. `object_id` is its code, or its id where it has none.

    `before` and `after`: the publishing system of a resource, the state of an account.
    """

    __tablename__ = "organisation_change_move"
    __table_args__ = (
        CheckConstraint("number >= 1"),
        _one_of("what", What),
        Index("organisation_change_move_object_idx", "what", "object_id"),
    )

    change_id: UUID = Field(foreign_key="organisation_change.id", primary_key=True)
    number: int = Field(primary_key=True)
    what: str = Field(sa_type=Text)
    object_id: str = Field(sa_type=Text)
    from_id: UUID = Field(foreign_key="organisation.id")
    to_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    before: str | None = Field(default=None, sa_type=Text)
    after: str | None = Field(default=None, sa_type=Text)
