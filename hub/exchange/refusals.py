"""Refusals in the log: singly once a verified signature makes somebody accountable, counted per minute before that.

Both are bounded, so that a broken or hostile client cannot fill the log: past a rate per sender a refusal is counted
instead, and past `MAX_ADDRESSES` in a minute further addresses share one counter.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from certs.envelope import Opened
from hub.audit.entry import Actor, Event, make_entry
from hub.db.faults import FAULTS
from hub.errors import Refused
from hub.ledger.committer import Acquire, Committer
from hub.registry.picture import SignerState

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 5.0

SINGLE_RATE_PER_S = 5.0
"""Refusals of one sender logged singly, sustained; a mapping being mended makes fewer."""

SINGLE_BURST = 100.0
"""Refusals of one sender logged singly at once."""

MAX_ADDRESSES = 4096
"""Distinct (cause, address) pairs counted in one minute before the rest shares `OTHERS`."""

OTHERS = "others"

ADD_COUNTS = """
INSERT INTO refusal_count (minute, cause, address, count)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[]) AS new (minute, cause, address, count)
ORDER BY minute, cause, address
ON CONFLICT (minute, cause, address) DO UPDATE SET count = refusal_count.count + excluded.count
"""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime

    def take(self, now: datetime) -> bool:
        self.tokens = min(SINGLE_BURST, self.tokens + (now - self.filled_at).total_seconds() * SINGLE_RATE_PER_S)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class RefusalLog:
    """Records refusals of one gateway process."""

    hub_id: str
    committer: Committer
    _counts: Counter[tuple[datetime, str, str]] = field(default_factory=Counter)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _flushing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def count(self, cause: str, address: str, *, now: datetime) -> None:
        """Count a refusal that nobody signed for."""
        minute = now.replace(second=0, microsecond=0)
        key = (minute, cause, address)
        if key not in self._counts and len(self._counts) >= MAX_ADDRESSES:
            key = (minute, cause, OTHERS)
        self._counts[key] += 1

    def may_be_single(self, sender: str, cause: str, *, now: datetime) -> bool:
        """Whether one more refusal of this sender is within its rate of single entries; if not, it is counted here."""
        within = self._buckets.setdefault(sender, _Bucket(SINGLE_BURST, now)).take(now)
        if not within:
            self.count(cause, sender, now=now)
        return within

    async def record(
        self, opened: Opened, refusal: Refused, signer: SignerState, *, address: str, request_id: str, now: datetime
    ) -> None:
        """Log the refusal of a message whose signature is good; returns when the entry is committed.

        Keeps codes and the envelope's digest, no part of the payload (I8). Raises `Unavailable` if it cannot be recorded.
        """
        if not self.may_be_single(signer.system.code, refusal.slug, now=now):
            return
        header = opened.header
        details: dict[str, str | int] = {
            "envelope_digest": opened.digest,
            "jti": header.jti,
            "kid": header.kid,
            "typ": header.typ,
        }
        if header.res is not None and header.ver is not None:
            details |= {"res": header.res, "ver": header.ver}
        event = Event(
            type="message.refused",
            actor=Actor(
                kind="system", id=signer.system.code, organisation=signer.system.organisation_code, address=address
            ),
            object_type="envelope",
            object_id=opened.digest,
            outcome="fail",
            error=refusal.slug,
            request_id=request_id,
            details=details,
        )
        entry = make_entry(event, hub=self.hub_id, region=signer.system.region, now=now)
        await self.committer.submit_entry(entry)

    async def flush(self, connection: asyncpg.Connection) -> int:
        """Write the counts gathered so far; returns how many rows. What cannot be written stays for the next time."""
        async with self._flushing:
            counts, self._counts = self._counts, Counter()
            if not counts:
                return 0
            try:
                minutes, causes, addresses = zip(*counts, strict=True)
                await connection.execute(ADD_COUNTS, minutes, causes, addresses, list(counts.values()))
            except BaseException:
                self._counts.update(counts)
                raise
            return len(counts)

    async def flush_regularly(self, acquire: Acquire) -> None:
        """Flush every `FLUSH_EVERY_S` until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            await self.flush_last(acquire)

    async def flush_last(self, acquire: Acquire) -> None:
        """Flush once; a database that is away keeps nothing from ending."""
        try:
            async with acquire() as connection:
                await self.flush(connection)
        except FAULTS as fault:
            log.warning("refusal counts not written yet: %s", type(fault).__name__)
