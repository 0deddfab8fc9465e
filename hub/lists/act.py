"""Who does something to a list, where it is recorded, and when: what every act here has in common."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.audit.entry import Actor
from hub.audit.service import Recorder


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a member of staff or of a partner system, at a moment."""

    actor: Actor
    recorder: Recorder
    now: datetime

    @property
    def staff_id(self) -> UUID:
        """The member of staff who acts; systems have no such id."""
        return UUID(self.actor.id)
