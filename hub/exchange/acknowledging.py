"""Signed acknowledgements: all deliveries of one message or none, in any order; the same bytes get the same answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from certs.digests import parse_digest
from certs.envelope import Opened
from certs.errors import JsonError
from certs.header import ACK
from certs.jsontext import parse_object
from hub.audit import repository as audit
from hub.audit.entry import Event, make_entry
from hub.db.ids import new_id, time_of
from hub.errors import Conflict, FieldError, NotFound, Refused
from hub.exchange.gate import Gate, Origin, reused, system_actor
from hub.exchange.inbox import MAX_LIMIT, RightsChanged, under_barrier
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
                wanted = _deliveries(opened)
                async with self.acquire() as connection, under_barrier(connection, picture, gate.clock) as told:
                    now = max(told, gate.clock())  # not before what this gateway accepted or judges by
                    check_sender(opened.header, signer, now=now, skew_s=gate.skew_s, oldest_s=oldest_s)
                    return await self._commit(connection, opened, signer, wanted, origin, now)
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
    ) -> bytes:
        header = opened.header
        identifier = new_id(now)
        answer = orjson.dumps({"acknowledged": len(wanted)})
        envelope_digest = opened.digest_bytes
        # 1 the key; who comes second reads what came first
        won = await connection.fetch(
            sql.INSERT_ACCEPTANCES,
            [header.iss],
            [header.jti],
            ["ack"],
            [envelope_digest],
            [identifier],
            [answer],
            [now],
        )
        if not won:
            seen = await find_seen(connection, [(header.iss, header.jti)])
            return _answer_again(opened, seen[header.iss, header.jti])
        # 2 what is there to acknowledge, in the order of ids so that two acknowledgements never wait for each other
        rows = await connection.fetch(sql.LOCK_DELIVERIES, list(wanted), signer.system.id)
        held = {row["id"]: row["digest"] for row in rows}
        letters = await connection.fetch(sql.LOCK_LETTERS, [i for i in wanted if i not in held], signer.system.id)
        parked = {row["id"]: row["digest"] for row in letters}
        rest = [i for i in wanted if i not in held and i not in parked]
        done = await connection.fetch(sql.FIND_DELIVERED, rest, signer.system.id)
        _check(wanted, held | parked | {row["id"]: row["digest"] for row in done})
        now = _after(now, [row["exchange_id"] for row in (*rows, *letters, *done)])
        # 3 move, keep the signed words, log
        await connection.execute(sql.MOVE_TO_DELIVERED, list(held), identifier, now)
        found = [row["id"] for row in letters if row["replayed_as"] is None]
        await connection.execute(sql.MOVE_LETTERS_TO_DELIVERED, found, identifier, now)
        await connection.execute(sql.SIGN_DELIVERED, [row["id"] for row in done], identifier)
        await connection.execute(
            sql.INSERT_ACKNOWLEDGEMENT,
            identifier,
            signer.system.id,
            header.jti,
            envelope_digest,
            opened.compact,
            len(wanted),
            now,
        )
        event = Event(
            type="delivery.acknowledged",
            actor=system_actor(signer, origin.address),
            object_type="acknowledgement",
            object_id=str(identifier),
            rows=len(wanted),
            request_id=origin.request_id,
            details={
                "envelope_digest": opened.digest,
                "jti": header.jti,
                "kid": header.kid,
                "moved": len(held) + len(found),
            },
        )
        await audit.insert(connection, [make_entry(event, hub=self.gate.hub_id, region=signer.system.region, now=now)])
        return answer


def _after(now: datetime, exchanges: Sequence[UUID]) -> datetime:
    """`now`, or later than all these were accepted: by another gateway's clock, which may be ahead of the database's.

    An exchange's id carries the time of its acceptance, to the millisecond.
    """
    return max(now, max(map(time_of, exchanges)) + _MILLISECOND)


def _answer_again(opened: Opened, seen: Seen) -> bytes:
    if seen.kind == "ack" and seen.digest == opened.digest_bytes:
        return seen.answer
    raise reused(opened.header.jti)


def _malformed(pointer: str, zh: str, en: str) -> Refused:
    return Refused(zh, en, slug="malformed-payload", errors=[FieldError(pointer, zh, en)])


def _deliveries(opened: Opened) -> dict[UUID, bytes]:
    """The deliveries that the payload names, with their digests (32 bytes). Raises `Refused` `malformed-payload`."""
    try:
        payload = parse_object(opened.payload_bytes)
    except JsonError as fault:
        raise Refused(fault.zh, fault.en, slug="malformed-payload") from None
    listed = payload.get("deliveries")
    if set(payload) != {"deliveries"} or not isinstance(listed, list) or not 1 <= len(listed) <= MAX_LIMIT:
        raise _malformed(
            "/deliveries",
            f'载荷须为 {{"deliveries": [{{"id", "digest"}}]}}，1 至 {MAX_LIMIT} 项',
            f'the payload is {{"deliveries": [{{"id", "digest"}}]}} with 1 to {MAX_LIMIT} entries',
        )
    wanted: dict[UUID, bytes] = {}
    for position, entry in enumerate(listed):
        identifier, value = _delivery(entry, position)
        if identifier in wanted:
            raise _malformed(
                f"/deliveries/{position}/id",
                "同一投递出现了两次；每项只列一次",
                "this delivery is listed twice; list it once",
            )
        wanted[identifier] = value
    return wanted


def _delivery(entry: object, position: int) -> tuple[UUID, bytes]:
    if not isinstance(entry, dict) or set(entry) != {"id", "digest"}:
        raise _malformed(
            f"/deliveries/{position}",
            "每项只有 id 和 digest 两个成员",
            "each entry has the members id and digest, no others",
        )
    identifier = _identifier(entry["id"])
    if identifier is None:
        raise _malformed(
            f"/deliveries/{position}/id",
            "id 须原样使用收件箱给出的投递 uuid（小写，带连字符）",
            "id is the uuid of a delivery as the inbox gave it: lower case, with hyphens",
        )
    try:
        return identifier, parse_digest(entry["digest"])
    except (ValueError, TypeError):
        raise _malformed(
            f"/deliveries/{position}/digest",
            "digest 须为 sha-256: 加 64 位小写十六进制",
            "digest is sha-256: and 64 lower-case hex digits",
        ) from None


def _identifier(text: object) -> UUID | None:
    """The uuid in the one form that the inbox gives; evidence looks for it in the signed message by that text."""
    try:
        identifier = UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


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
