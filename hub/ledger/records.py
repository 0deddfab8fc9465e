"""What the committer is handed and what it answers: plain values, no database.

One of each is made for every envelope, so they are not frozen: that would triple the cost of making them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.audit.entry import Entry


@dataclass(slots=True)
class NewDelivery:
    """One row of a lane's queue, to be written with its exchange."""

    id: UUID
    lane_id: UUID


@dataclass(slots=True)
class NewProjection:
    """The delivery of a narrowed grant, with the envelope that it delivers and its digest; `kid` is the original's."""

    id: UUID
    exchange_id: UUID
    lane_id: UUID
    grant_id: UUID
    kid: str
    digest: bytes
    envelope: bytes


@dataclass(slots=True)
class NewExchange:
    """A judged envelope with everything that its commit writes; `deliveries` are those of the envelope itself.

    `epoch` is that of the registry picture it was judged by; `judged_until` is the first moment at which one of the
    validities it rests on ends. The committer takes it back to intake if either no longer holds.
    """

    id: UUID
    sender: str
    sender_id: UUID
    jti: str
    kid: str
    resource_id: UUID
    version: int
    digest: bytes
    schema_digest: bytes
    envelope: bytes
    receipt: bytes
    deliveries: Sequence[NewDelivery]
    projections: Sequence[NewProjection]
    consumers: frozenset[UUID]
    accepted_at: datetime
    epoch: int
    judged_until: datetime
    entry: Entry

    @property
    def size(self) -> int:
        """Bytes that this holds in the queue."""
        return len(self.envelope) + len(self.receipt) + sum([len(one.envelope) for one in self.projections])


@dataclass(frozen=True, slots=True)
class LogOnly:
    """A log entry that stands alone: a refusal, say. Written in the committer's next transaction."""

    entry: Entry

    @property
    def size(self) -> int:
        """Bytes that this holds in the queue."""
        return len(self.entry.leaf)


@dataclass(frozen=True, slots=True)
class Committed:
    """It is in the database, with its log entry."""


@dataclass(frozen=True, slots=True)
class Seen:
    """(sender, jti) was there before: the digest, kind and answer of what came first."""

    digest: bytes
    kind: str
    message_id: UUID
    answer: bytes


@dataclass(frozen=True, slots=True)
class Stale:
    """Rights have changed, or a validity has ended, since it was judged; `epoch` is the registry's present one."""

    epoch: int


Outcome = Committed | Seen | Stale
Work = NewExchange | LogOnly
