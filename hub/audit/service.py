"""Appending to the sharing log from a session: what cannot be recorded does not happen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit import repository
from hub.audit.entry import Entry, Event, make_entry


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes events of this hub into the transaction of whoever acts."""

    hub: str
    region: str = ""

    def record(self, session: AsyncSession, event: Event, *, now: datetime, entry_id: UUID | None = None) -> Entry:
        """Add the event's entry to the session; it commits or vanishes with the act itself."""
        entry = make_entry(event, hub=self.hub, region=self.region, now=now, entry_id=entry_id)
        repository.add(session, entry)
        return entry
