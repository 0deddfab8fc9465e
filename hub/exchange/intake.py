"""Intake: what happens to one posted envelope, from its bytes to the receipt that says it is committed.

The order is the contract's "Check order". Judging is done on the registry picture, without a transaction; the committer
proves that the picture was current, and hands the envelope back to be judged again if it was not (I3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from certs import envelope
from certs.envelope import Opened
from certs.header import EXCHANGE, RECEIPT
from certs.leaf_grants import write_grants
from certs.suites import Signer
from hub.audit.entry import Entry, Event, entry_reference, instant, make_entry
from hub.audit.errors import LeafTooLong
from hub.db.ids import new_ids
from hub.errors import Refused
from hub.exchange.gate import Gate, Origin, reused, system_actor
from hub.exchange.judging import Judged, RegistryDependent, judge_exchange, open_message
from hub.exchange.projecting import Narrowed, seal_projection
from hub.exchange.steps import Steps, at_once, in_step
from hub.ledger.committer import Committer, busy
from hub.ledger.records import Committed, NewDelivery, NewExchange, NewProjection, Seen, Stale
from hub.ledger.repository import FIND_SENDER
from hub.registry.picture import Picture, SignerState

SEAL_WITHIN = timedelta(seconds=60)
"""The promise of a receipt: its log entry is sealed by then, or an auditor may say that it was dropped."""

MAX_JUDGEMENTS = 5
"""Times that one envelope is judged because rights keep changing under it, before its sender is asked to come back."""


class _ReferredWanted(Exception):
    """Who sent what `ref` names must be known before projections of a message are made; the picture does not have it."""

    def __init__(self, resource: UUID) -> None:
        super().__init__()
        self.resource = resource


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to an accepted envelope: the receipt's bytes; `fresh` is False when it had been accepted before."""

    exchange: UUID
    receipt: bytes
    fresh: bool


@dataclass(slots=True)
class Intake:
    """Accepts exchanges for one hub."""

    gate: Gate
    committer: Committer
    receipts: Signer
    projections: Signer

    async def accept(self, compact: bytes, *, address: str, request_id: str) -> Accepted:
        """The receipt for `compact`, once it is committed. Raises `Refused` with a slug of the check order."""
        origin = Origin(address, request_id)
        return await self.gate.admit(
            compact,
            allowed=_EXCHANGE_ONLY,
            origin=origin,
            act=lambda opened, picture: self._accept(opened, picture, origin),
            repeat=_answer_again,
        )

    def prepare(self, messages: Sequence[tuple[bytes, Origin]]) -> Steps[list[NewExchange | None]]:
        """For each message in its place what is to be committed for it, if every check passes by the picture at hand.

        None when anything is to be said about it: then `accept` says it. Does not wait for anything, so that the door may
        take good envelopes as far as the committer's queue without a task for each; they go through their steps together.
        """
        picture = self.gate.pictures.picture
        return in_step([self._steps(compact, picture, origin) for compact, origin in messages])

    async def _accept(self, opened: Opened, picture: Picture, origin: Origin) -> Accepted:
        referred = None
        for _ in range(MAX_JUDGEMENTS):
            try:
                signer, exchange = at_once(self._judge(opened, picture, origin, referred))
            except _ReferredWanted as wanted:
                referred = await self._sender_of_ref(opened, wanted.resource)
                continue
            match await self.committer.submit(exchange):
                case Committed():
                    return Accepted(exchange.id, exchange.receipt, fresh=True)
                case Seen() as seen:
                    return self._repeat(opened, signer, seen)
                case Stale(epoch):
                    picture = await self.gate.pictures.at_least(epoch)
        raise busy()

    def _steps(self, compact: bytes, picture: Picture, origin: Origin) -> Steps[NewExchange]:
        opened = open_message(compact, max_bytes=self.gate.max_bytes, allowed=_EXCHANGE_ONLY)
        yield
        _, exchange = yield from self._judge(opened, picture, origin)
        return exchange

    def _judge(
        self, opened: Opened, picture: Picture, origin: Origin, referred: str | None = None
    ) -> Steps[tuple[SignerState, NewExchange]]:
        """From the signer to the receipt, each a step of its own. Raises `_ReferredWanted`."""
        # 3 signer, 4 signature, 5 whose, 6 for us
        signer = self.gate.signer(opened, picture)
        yield
        # 7 seen before: found by the committer, or by the gate before it gives a refusal
        # 8 to 13
        now = self.gate.clock()
        judged = judge_exchange(opened, signer, picture, now=now, skew_s=self.gate.skew_s)
        yield
        # 14 receipt; then commit
        exchange_id, *delivery_ids = new_ids(now, 1 + len(judged.lanes) + len(judged.narrowed))
        yield
        try:
            entry = self._entry(exchange_id, opened, judged, now, origin)
        except LeafTooLong as refusal:
            raise RegistryDependent(refusal, signer=signer, after_seen=True) from None
        if judged.narrowed and opened.header.ref is not None and referred is None:
            raise _ReferredWanted(judged.resource.id)
        yield
        unsigned = self._receipt(str(exchange_id), opened, judged, now, entry)
        yield
        receipt = envelope.sign(self.receipts, unsigned)
        yield
        projections = []
        for identifier, narrowed in zip(delivery_ids[len(judged.lanes) :], judged.narrowed, strict=True):
            projections.append(self._projection(identifier, opened, narrowed, referred, entry))
            yield
        deliveries = [NewDelivery(i, lane.id) for i, lane in zip(delivery_ids, judged.lanes, strict=False)]
        return signer, _exchange(opened, judged, entry, receipt, deliveries, projections)

    def _repeat(self, opened: Opened, signer: SignerState, seen: Seen) -> Accepted:
        try:
            return _answer_again(opened, seen)
        except Refused as refusal:
            raise RegistryDependent(refusal, signer=signer) from None

    async def _sender_of_ref(self, opened: Opened, resource: UUID) -> str:
        """Who sent what `ref` names; where nobody did, the sender of `opened` itself."""
        header = opened.header
        async with self.gate.acquire() as connection:
            sender: str | None = await connection.fetchval(FIND_SENDER, header.ref, resource, header.iss)
        return sender or header.iss

    def _projection(
        self, delivery: UUID, opened: Opened, narrowed: Narrowed, referred: str | None, entry: Entry
    ) -> NewProjection:
        return seal_projection(
            self.projections,
            opened,
            narrowed,
            referred=referred,
            delivery=delivery,
            exchange=entry.id,
            hub_id=self.gate.hub_id,
            now=entry.occurred_at,
        )

    def _entry(self, exchange_id: UUID, opened: Opened, judged: Judged, now: datetime, origin: Origin) -> Entry:
        """The log entry of the acceptance; it shares the exchange's id."""
        header = opened.header
        event = Event(
            type="exchange.accepted",
            actor=system_actor(judged.signer, origin.address),
            object_type="exchange",
            object_id=str(exchange_id),
            rows=judged.records,
            request_id=origin.request_id,
            details={
                "envelope_digest": opened.digest,
                "jti": header.jti,
                "kid": header.kid,
                "res": header.res,
                "ver": header.ver,
                "schema_digest": judged.version.schema_digest,
                **write_grants([lane.grant_text for lane in judged.all_lanes]),
            },
        )
        return make_entry(
            event, hub=self.gate.hub_id, region=judged.signer.system.region, now=now, entry_id=exchange_id
        )

    def _receipt(self, exchange_id: str, opened: Opened, judged: Judged, now: datetime, entry: Entry) -> bytes:
        """The receipt, to be signed."""
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
            "lanes": len(judged.lanes) + len(judged.narrowed),
            "hub": self.gate.hub_id,
            "log": self.gate.hub_id,
            "entry": entry_reference(entry.leaf_hash),
            "seal_by": instant(now + SEAL_WITHIN),
        }
        members = {
            "alg": self.receipts.alg,
            "kid": self.receipts.kid,
            "typ": RECEIPT,
            "iss": self.gate.hub_id,
            "aud": header.iss,
            "iat": int(now.timestamp()),
            "jti": exchange_id,
            "res": header.res,
            "ver": header.ver,
            "ref": header.jti,
        }
        return envelope.signing_input(members, orjson.dumps(payload))


_EXCHANGE_ONLY = frozenset({EXCHANGE})


def _exchange(
    opened: Opened,
    judged: Judged,
    entry: Entry,
    receipt: bytes,
    deliveries: Sequence[NewDelivery],
    projections: Sequence[NewProjection],
) -> NewExchange:
    header = opened.header
    assert header.res is not None
    assert header.ver is not None
    return NewExchange(
        id=entry.id,
        sender=header.iss,
        sender_id=judged.signer.system.id,
        jti=header.jti,
        kid=header.kid,
        resource_id=judged.resource.id,
        version=header.ver,
        digest=opened.digest_bytes,
        schema_digest=judged.version.schema_digest_bytes,
        envelope=opened.compact,
        receipt=receipt,
        deliveries=deliveries,
        projections=projections,
        consumers=frozenset([lane.consumer.id for lane in judged.all_lanes]),
        accepted_at=entry.occurred_at,
        epoch=judged.epoch,
        judged_until=judged.until,
        entry=entry,
    )


def _answer_again(opened: Opened, seen: Seen) -> Accepted:
    if seen.kind == "exchange" and seen.digest == opened.digest_bytes:
        return Accepted(seen.message_id, seen.answer, fresh=False)
    raise reused(opened.header.jti)
