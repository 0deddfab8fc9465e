"""The table of freshness: when data last came for a resource."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel

import catalog.models  # noqa: F401  a target of the foreign key below


class ResourceFreshness(SQLModel, table=True):
    """When the newest exchange of a resource was accepted, as far as exchanges have been looked through."""

    __tablename__ = "resource_freshness"
    __table_args__ = (Index("resource_freshness_last_idx", "last_data_at"),)

    resource_id: UUID = Field(primary_key=True, foreign_key="resource.id")
    last_data_at: datetime = Field(sa_type=DateTime(timezone=True))
