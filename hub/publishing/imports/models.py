"""The table of imports: the workbook as it came, how far it is, what was found, and the same workbook marked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import hub.identity.models  # noqa: F401  the target of the foreign key to staff

_JSON = JSONB(none_as_null=True)


class CatalogueImport(SQLModel, table=True):
    """One workbook on its way into the catalogue.

    `queued` waits to be judged, `judged` for its editor's word, `committing` to be written; `committed`, `refused` (it cannot
    be read), `cancelled` and `failed` (workers died of it) are ends. Whoever works on it holds a lease with a fence, and says
    by `done` of `total` how far it is. `actor` is who ordered, as the log will name them; emptied at an end.
    """

    __tablename__ = "catalogue_import"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'judged', 'committing', 'committed', 'refused', 'cancelled', 'failed')"),
        CheckConstraint("file_digest ~ '^sha-256:[0-9a-f]{64}$'"),
        CheckConstraint("(state IN ('judged', 'committed')) <= (counts IS NOT NULL AND workbook IS NOT NULL)"),
        CheckConstraint("(state IN ('refused', 'failed')) = (reason IS NOT NULL)"),
        Index("catalogue_import_open_idx", "created_at", postgresql_where=text("state IN ('queued', 'committing')")),
    )

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    staff_id: UUID = Field(foreign_key="staff.id")
    actor: dict[str, Any] = Field(sa_type=_JSON)
    file: bytes = Field(sa_type=LargeBinary)
    file_digest: str = Field(sa_type=Text)
    options: dict[str, Any] = Field(sa_type=_JSON)
    state: str = Field(sa_type=Text)
    good_rows: bool = Field(default=False)
    done: int = Field(default=0)
    total: int = Field(default=0)
    counts: dict[str, Any] | None = Field(default=None, sa_type=_JSON)
    faults: list[dict[str, Any]] | None = Field(default=None, sa_type=_JSON)
    notes: list[dict[str, Any]] | None = Field(default=None, sa_type=_JSON)
    workbook: bytes | None = Field(default=None, sa_type=LargeBinary)
    reason: dict[str, Any] | None = Field(default=None, sa_type=_JSON)
    attempts: int = Field(default=0)
    fence: int = Field(default=0, sa_type=BigInteger)
    leased_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
