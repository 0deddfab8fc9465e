"""The new items at the heads of lanes' queues, for a pull: how far it looks past what may not leave.

What a compromised signer has in a queue stays there and is gone past. Read at each pull, a hundred thousand such items cost 36 ms
under the lane's lock, and a consumer pulls as often as it likes.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from hub.ledger import repository as sql
from hub.ledger.heads import DEEP_EVERY_S, DEEP_SHARE, MOST_PASSED


@dataclass(slots=True)
class NewItems:
    """Reads them, and remembers of which lanes a look past all that may not leave has found less than was asked for.

    Until `DEEP_EVERY_S` have passed, or `DEEP_SHARE` times what that look took, such a lane is looked at past `MOST_PASSED` items.
    """

    _shallow_until: dict[UUID, float] = field(default_factory=dict)

    async def at_heads(
        self,
        connection: asyncpg.Connection,
        narrowed_by: Mapping[UUID, UUID | None],
        limit: int,
        stopped_signers: Sequence[str],
    ) -> Sequence[asyncpg.Record]:
        """Up to `limit` rows of each lane that is a key of `narrowed_by`, in queue order; its value is the grant that narrows it."""
        if not narrowed_by:
            return []
        began = time.monotonic()
        bounds = [MOST_PASSED if began < self._shallow_until.get(lane, 0.0) else None for lane in narrowed_by]
        rows = await connection.fetch(
            sql.HEADS_NEW, list(narrowed_by), limit, stopped_signers, list(narrowed_by.values()), bounds
        )
        ended = time.monotonic()
        until = ended + max(DEEP_EVERY_S, (ended - began) * DEEP_SHARE)
        found = Counter(row["lane_id"] for row in rows)
        for lane, bound in zip(narrowed_by, bounds, strict=True):
            if bound is None and found[lane] < limit:
                self._shallow_until[lane] = until
        return rows
