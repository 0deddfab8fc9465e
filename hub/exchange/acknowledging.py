"""Signed acknowledgements: all deliveries of one message or none, in any order; the same bytes get the same answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from certs.envelope import Opened
from certs.header import ACK
from hub.audit import repository as audit
from hub.audit.entry import Entry, Event, make_entry
from hub.db.ids import new_id, time_of
from hub.errors import Conflict, FieldError, NotFound, Refused
from hub.exchange.ack_payload import read_deliveries
from hub.exchange.gate import Gate, Origin, reused, system_actor
from hub.exchange.inbox import RightsChanged, under_barrier
from hub.exchange.judging import RegistryDependent, check_sender
from hub.ledger import repository as sql
from hub.ledger.committer import Acquire, busy, find_seen
from hub.ledger.records import Seen
from hub.registry.picture import Picture, SignerState

MAX_ATTEMPTS = 5
_MILLISECOND = timedelta(milliseconds=1)
_ACK_ONLY = frozenset({ACK})


@dataclass(slots=True)
class Acknowledging:
    """Takes acknowledgements for one hub."""

    gate: Gate
    acquire: Acquire

    async def acknowledge(self, compact: bytes, *, address: str, request_id: str, oldest_s: int | None = None) -> bytes:
        """The answer's JSON bytes, `{"acknowledged": n}`, once committed. Raises `Refused`.

        `oldest_s`: how old it may be if it came by a way that takes its time, such as a one-way gateway. An acknowledgement that is
        played back does nothing: it counts once, and what it named counts as acknowledged already.
        """
        origin = Origin(address, request_id)
        return await self.gate.admit(
            compact,
            allowed=_ACK_ONLY,
            origin=origin,
            act=lambda opened, picture: self._acknowledge(opened, picture, origin, oldest_s),
            repeat=_answer_again,
        )

    async def _acknowledge(self, opened: Opened, picture: Picture, origin: Origin, oldest_s: int | None) -> bytes:
        gate = self.gate
        for _ in range(MAX_ATTEMPTS):
            signer = gate.signer(opened, picture)
            check_sender(opened.header, signer, now=gate.clock(), skew_s=gate.skew_s, oldest_s=oldest_s)
            try:
                wanted = read_deliveries(opened.payload_bytes)
                async with self.acquire() as connection, under_barrier(connection, picture, gate.clock) as told:
                    now = max(told, gate.clock())  # not before what this gateway accepted or judges by
                    check_sender(opened.header, signer, now=now, skew_s=gate.skew_s, oldest_s=oldest_s)
                    answer = await self._commit(connection, opened, signer, wanted, origin, now)
                if answer is not None:
                    return answer
            except RightsChanged as changed:
                picture = await gate.pictures.at_least(changed.epoch)
            except Refused as refusal:
                raise RegistryDependent(refusal, signer=signer, after_seen=True) from None
        raise busy()

    async def _commit(
        self,
        connection: asyncpg.Connection,
        opened: Opened,
        signer: SignerState,
        wanted: Mapping[UUID, bytes],
        origin: Origin,
        now: datetime,
    ) -> bytes | None:
        """The answer, this one's or its forerunner's. None when the forerunner's was cleared this moment: begin again."""
        identifier = new_id(now)
        answer = orjson.dumps({"acknowledged": len(wanted)})
        # 1 the key; who comes second reads what came first
        if not await _take_key(connection, opened, identifier, answer, now):
            return await _first_answer(connection, opened)
        # 2 what is there to acknowledge
        found = await _find(connection, wanted, signer.system.id)
        _check(wanted, found.digests)
        now = _after(now, found.exchanges)
        # 3 move, keep the signed words, log
        await _move(connection, found, identifier, now)
        await _keep_words(connection, opened, signer, identifier, len(wanted), now)
        entry = self._entry(opened, signer, identifier, len(wanted), found.moving, origin, now)
        await audit.insert(connection, [entry])
        return answer

    def _entry(
        self,
        opened: Opened,
        signer: SignerState,
        identifier: UUID,
        named: int,
        moved: int,
        origin: Origin,
        now: datetime,
    ) -> Entry:
        header = opened.header
        event = Event(
            type="delivery.acknowledged",
            actor=system_actor(signer, origin.address),
            object_type="acknowledgement",
            object_id=str(identifier),
            rows=named,
            request_id=origin.request_id,
            details={"envelope_digest": opened.digest, "jti": header.jti, "kid": header.kid, "moved": moved},
        )
        return make_entry(event, hub=self.gate.hub_id, region=signer.system.region, now=now)


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of the deliveries that a message names, by where they are: still out, parked (both locked), or ended."""

    out: Sequence[asyncpg.Record]
    parked: Sequence[asyncpg.Record]
    ended: Sequence[asyncpg.Record]

    @property
    def digests(self) -> dict[UUID, bytes]:
        """What each delivery's digest is."""
        return {row["id"]: row["digest"] for row in self._all}

    @property
    def exchanges(self) -> list[UUID]:
        """The exchanges that they deliver."""
        return [row["exchange_id"] for row in self._all]

    @property
    def moving(self) -> int:
        """How many come to their end now."""
        return len(self.out) + len(self.parked)

    @property
    def _all(self) -> tuple[asyncpg.Record, ...]:
        return (*self.out, *self.parked, *self.ended)


async def _take_key(
    connection: asyncpg.Connection, opened: Opened, identifier: UUID, answer: bytes, now: datetime
) -> bool:
    """Whether the message's key is its own from now on; not, when another has it."""
    header = opened.header
    won = await connection.fetch(
        sql.INSERT_ACCEPTANCES,
        [header.iss],
        [header.jti],
        ["ack"],
        [opened.digest_bytes],
        [identifier],
        [answer],
        [now],
    )
    return bool(won)


async def _first_answer(connection: asyncpg.Connection, opened: Opened) -> bytes | None:
    """What who came first under the key was answered; None when it outlived its 24 months and was cleared meanwhile."""
    key = opened.header.iss, opened.header.jti
    seen = (await find_seen(connection, [key])).get(key)
    return None if seen is None else _answer_again(opened, seen)


async def _find(connection: asyncpg.Connection, wanted: Mapping[UUID, bytes], consumer: UUID) -> _Found:
    """The rows, locked in the order of ids, so that two acknowledgements never wait for each other.

    In this order they cannot be missed: a delivery that leaves one place while it is looked for is in the next by then.
    """
    out = await connection.fetch(sql.LOCK_DELIVERIES, list(wanted), consumer)
    rest = wanted.keys() - {row["id"] for row in out}
    parked = await connection.fetch(sql.LOCK_LETTERS, list(rest), consumer)
    ended = await connection.fetch(sql.FIND_DELIVERED, list(rest - {row["id"] for row in parked}), consumer)
    return _Found(out, parked, ended)


async def _move(connection: asyncpg.Connection, found: _Found, identifier: UUID, now: datetime) -> None:
    await connection.execute(sql.MOVE_TO_DELIVERED, [row["id"] for row in found.out], identifier, now)
    await connection.execute(sql.MOVE_LETTERS_TO_DELIVERED, [row["id"] for row in found.parked], identifier, now)
    await connection.execute(sql.SIGN_DELIVERED, [row["id"] for row in found.ended], identifier)


async def _keep_words(
    connection: asyncpg.Connection, opened: Opened, signer: SignerState, identifier: UUID, named: int, now: datetime
) -> None:
    await connection.execute(
        sql.INSERT_ACKNOWLEDGEMENT,
        identifier,
        signer.system.id,
        opened.header.jti,
        opened.digest_bytes,
        opened.compact,
        named,
        now,
    )


def _after(now: datetime, exchanges: Sequence[UUID]) -> datetime:
    """`now`, or later than all these were accepted: by another gateway's clock, which may be ahead of the database's.

    An exchange's id carries the time of its acceptance, to the millisecond.
    """
    return max(now, max(map(time_of, exchanges)) + _MILLISECOND)


def _answer_again(opened: Opened, seen: Seen) -> bytes:
    if seen.kind == "ack" and seen.digest == opened.digest_bytes:
        return seen.answer
    raise reused(opened.header.jti)


def _check(wanted: Mapping[UUID, bytes], known: Mapping[UUID, bytes]) -> None:
    missing = _places(wanted, lambda identifier: identifier not in known)
    if missing:
        zh = "没有发给本系统的这项投递；请使用收件箱给出的 delivery"
        en = "no such delivery to this system; use the delivery ids of your inbox"
        raise NotFound(
            f"{zh}（共 {len(missing)} 项，整个确认未生效）",
            f"{en} ({len(missing)} of them; nothing was acknowledged)",
            errors=[FieldError(f"/deliveries/{place}/id", zh, en) for place in missing],
        )
    differing = _places(wanted, lambda identifier: wanted[identifier] != known[identifier])
    if differing:
        zh = "digest 与所投递的信封不符；请对收到的字节重新计算 SHA-256"
        en = "the digest is not that of the delivered envelope; compute SHA-256 over the bytes you received"
        raise Conflict(
            f"{zh}（共 {len(differing)} 项，整个确认未生效）",
            f"{en} ({len(differing)} of them; nothing was acknowledged)",
            errors=[FieldError(f"/deliveries/{place}/digest", zh, en) for place in differing],
        )


def _places(wanted: Mapping[UUID, bytes], is_wrong: Callable[[UUID], bool]) -> Sequence[int]:
    return [place for place, identifier in enumerate(wanted) if is_wrong(identifier)]
