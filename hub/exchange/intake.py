"""Intake: what happens to one posted envelope, from its bytes to the receipt that says it is committed.

The order is the contract's "Check order". Judging is done on the registry picture, without a transaction; the committer
proves that the picture was current, and hands the envelope back to be judged again if it was not (I3).
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from certs import envelope
from certs.digests import parse_digest
from certs.envelope import Opened
from certs.header import EXCHANGE, RECEIPT
from certs.suites import Signer
from hub.audit.entry import Actor, Entry, Event, entry_reference, instant, make_entry
from hub.db.clock import Clock
from hub.db.ids import new_ids
from hub.errors import Refused
from hub.exchange.judging import (
    BeforeSignature,
    Judged,
    RegistryDependent,
    check_parties,
    find_signer,
    judge_exchange,
    open_message,
)
from hub.exchange.refusals import RefusalLog
from hub.ledger.committer import Committer, busy
from hub.ledger.records import Committed, NewDelivery, NewExchange, Seen, Stale
from hub.registry.picture import Picture, PictureStore, SignerState

log = logging.getLogger(__name__)

SEAL_WITHIN = timedelta(seconds=60)
"""The promise of a receipt: its log entry is sealed by then, or an auditor may say that it was dropped."""

MAX_JUDGEMENTS = 5
"""Times that one envelope is judged because rights keep changing under it, before its sender is asked to come back."""

Lookup = Callable[[str, str], Awaitable[Seen | None]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to an accepted envelope: the receipt's bytes; `fresh` is False when it had been accepted before."""

    exchange: UUID
    receipt: bytes
    fresh: bool


@dataclass(slots=True)
class Intake:
    """Accepts exchanges for one hub."""

    hub_id: str
    skew_s: int
    max_bytes: int
    pictures: PictureStore
    committer: Committer
    receipts: Signer
    refusals: RefusalLog
    find_seen: Lookup
    clock: Clock

    async def accept(self, compact: bytes, *, address: str, request_id: str) -> Accepted:
        """The receipt for `compact`, once it is committed. Raises `Refused` with a slug of the check order."""
        try:
            # 1 size, 2 form
            opened = open_message(compact, max_bytes=self.max_bytes, allowed=_EXCHANGE_ONLY)
            picture = self.pictures.picture
            try:
                return await self._accept_opened(opened, picture, address, request_id)
            except RegistryDependent:
                # a refusal must not rest on a picture older than the question
                fresh = await self.pictures.at_least_now()
                if fresh is picture:
                    raise
                return await self._accept_opened(opened, fresh, address, request_id)
        except BeforeSignature as early:
            self.refusals.count(early.refusal.slug, address, now=self.clock())
            raise early.refusal from None
        except RegistryDependent as late:
            return await self._refuse(opened, late, address, request_id)

    async def _accept_opened(self, opened: Opened, picture: Picture, address: str, request_id: str) -> Accepted:
        for _ in range(MAX_JUDGEMENTS):
            # 3 signer, 4 signature
            signer = find_signer(opened, picture)
            # 5 whose, 6 for us
            check_parties(opened.header, signer, hub_id=self.hub_id)
            # 7 seen before: found by the committer, or before a refusal is given
            # 8 to 13
            now = self.clock()
            judged = judge_exchange(opened, signer, picture, now=now, skew_s=self.skew_s)
            # 14 receipt, commit
            exchange = self._exchange(opened, judged, now, address, request_id)
            match await self.committer.submit(exchange):
                case Committed():
                    return Accepted(exchange.id, exchange.receipt, fresh=True)
                case Seen() as seen:
                    return _answer_again(opened, seen)
                case Stale(epoch):
                    picture = await self.pictures.at_least(epoch)
        raise busy()

    async def _refuse(self, opened: Opened, late: RegistryDependent, address: str, request_id: str) -> Accepted:
        if late.signer is None:
            self.refusals.count(late.refusal.slug, address, now=self.clock())
            raise late.refusal
        if late.after_seen:
            seen = await self.find_seen(opened.header.iss, opened.header.jti)
            if seen is not None:
                try:
                    return _answer_again(opened, seen)
                except Refused as reused:
                    late = RegistryDependent(reused, signer=late.signer)
        await self.refusals.record(
            opened, late.refusal, late.signer, address=address, request_id=request_id, now=self.clock()
        )
        raise late.refusal

    def _exchange(self, opened: Opened, judged: Judged, now: datetime, address: str, request_id: str) -> NewExchange:
        header = opened.header
        assert header.res is not None
        assert header.ver is not None
        exchange_id, *delivery_ids = new_ids(now, 1 + len(judged.lanes))
        entry = self._entry(exchange_id, opened, judged, now, address, request_id)
        return NewExchange(
            id=exchange_id,
            sender=header.iss,
            sender_id=judged.signer.system.id,
            jti=header.jti,
            kid=header.kid,
            resource_id=judged.resource.id,
            version=header.ver,
            digest=parse_digest(opened.digest),
            schema_digest=judged.version.schema_digest_bytes,
            envelope=opened.compact,
            receipt=self._receipt(str(exchange_id), opened, judged, now, entry),
            deliveries=[NewDelivery(i, lane.id) for i, lane in zip(delivery_ids, judged.lanes, strict=True)],
            consumers=frozenset([lane.consumer.id for lane in judged.lanes]),
            accepted_at=now,
            epoch=judged.epoch,
            judged_until=judged.until,
            entry=entry,
        )

    def _entry(
        self, exchange_id: UUID, opened: Opened, judged: Judged, now: datetime, address: str, request_id: str
    ) -> Entry:
        """The log entry of the acceptance; it shares the exchange's id."""
        header = opened.header
        event = Event(
            type="exchange.accepted",
            actor=system_actor(judged.signer, address),
            object_type="exchange",
            object_id=str(exchange_id),
            request_id=request_id,
            details={
                "envelope": opened.digest,
                "jti": header.jti,
                "kid": header.kid,
                "res": header.res,
                "ver": header.ver,
                "schema": judged.version.schema_digest,
                "grants": [lane.grant_text for lane in judged.lanes],
            },
        )
        return make_entry(event, hub=self.hub_id, region=judged.signer.system.region, now=now, entry_id=exchange_id)

    def _receipt(self, exchange_id: str, opened: Opened, judged: Judged, now: datetime, entry: Entry) -> bytes:
        header = opened.header
        payload = {
            "exchange": exchange_id,
            "envelope_digest": opened.digest,
            "sender": header.iss,
            "jti": header.jti,
            "res": header.res,
            "ver": header.ver,
            "schema_digest": judged.version.schema_digest,
            "accepted_at": instant(now),
            "lanes": len(judged.lanes),
            "hub": self.hub_id,
            "log": self.hub_id,
            "entry": entry_reference(entry.leaf_hash),
            "seal_by": instant(now + SEAL_WITHIN),
        }
        members = {
            "alg": self.receipts.alg,
            "kid": self.receipts.kid,
            "typ": RECEIPT,
            "iss": self.hub_id,
            "aud": header.iss,
            "iat": int(now.timestamp()),
            "jti": exchange_id,
            "res": header.res,
            "ver": header.ver,
            "ref": header.jti,
        }
        return envelope.seal_members(self.receipts, members, orjson.dumps(payload))


_EXCHANGE_ONLY = frozenset({EXCHANGE})


def system_actor(signer: SignerState, address: str) -> Actor:
    """The partner system that signed, as the log names it."""
    return Actor(kind="system", id=signer.system.code, organisation=signer.system.organisation_code, address=address)


def _answer_again(opened: Opened, seen: Seen) -> Accepted:
    if seen.kind == "exchange" and seen.digest == parse_digest(opened.digest):
        return Accepted(seen.message_id, seen.answer, fresh=False)
    raise reused(opened.header.jti)


def reused(jti: str) -> Refused:
    """The refusal of a `jti` that stood in other bytes before."""
    return Refused(
        f"jti {jti} 已用于另一封内容不同的信封；重试请原样重发已保存的字节，新内容请换新的 jti",
        f"the jti {jti} stands in other bytes already; retries resend stored bytes, new content takes a new jti",
        slug="jti-reused",
    )
