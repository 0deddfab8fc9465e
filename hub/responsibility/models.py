"""The table of responsible people, and the roles they have. Knows no rules."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

import hub.identity.models  # noqa: F401  accounts, and with them organisations: targets of the foreign keys below


class ResponsibleRole(StrEnum):
    """What somebody answers for; the first three are asked for by 000-A 九条, the liaison is customary."""

    LEADER = "leader"
    SECTION = "section"
    DEDICATED = "dedicated"
    LIAISON = "liaison"

    @property
    def zh(self) -> str:
        """The Chinese label."""
        return _LABELS[self][0]

    @property
    def en(self) -> str:
        """The English label."""
        return _LABELS[self][1]


_LABELS = {
    ResponsibleRole.LEADER: ("分管领导", "leader in charge"),
    ResponsibleRole.SECTION: ("主管股室", "section in charge"),
    ResponsibleRole.DEDICATED: ("专人", "dedicated person"),
    ResponsibleRole.LIAISON: ("联络员", "liaison"),
}

REQUIRED = (ResponsibleRole.LEADER, ResponsibleRole.SECTION, ResponsibleRole.DEDICATED)
"""000-A 九条 and 001-A 十一条: 明确分管领导和主管股室, 安排专人."""

_ROLES = ", ".join(f"'{role}'" for role in ResponsibleRole)


class ResponsiblePerson(SQLModel, table=True):
    """Who has a role for an organisation from one day until before another; `name` is a section's for a section.

    `follows` is the row that was handed over; `note` says what was handed over, or why it ended. Days are Beijing's.
    """

    __tablename__ = "responsible_person"
    __table_args__ = (
        CheckConstraint(f"role IN ({_ROLES})"),
        CheckConstraint("name <> ''"),
        CheckConstraint("valid_to >= valid_from"),
        UniqueConstraint("follows"),
        Index("responsible_person_organisation_idx", "organisation_id"),
        Index(
            "responsible_person_one_idx",
            "organisation_id",
            "role",
            unique=True,
            postgresql_where=text("valid_to IS NULL AND role <> 'dedicated'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    role: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    valid_from: date = Field(sa_type=Date)
    valid_to: date | None = Field(default=None, sa_type=Date)
    follows: UUID | None = Field(default=None, foreign_key="responsible_person.id")
    note: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
