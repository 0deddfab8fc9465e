"""The gate that every signed message comes through: who sent it, is it for us, was it seen, and how refusals are recorded.

What is done with a message that passes is its caller's `act`; it may be called twice, for a refusal must not rest on a
picture of the registry that is older than the question.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from certs.envelope import Opened
from hub.audit.entry import Actor
from hub.db.clock import DatabaseClock
from hub.errors import Refused
from hub.exchange.judging import BeforeSignature, RegistryDependent, check_parties, find_signer, open_message
from hub.exchange.refusals import RefusalLog
from hub.ledger.committer import Acquire, find_seen
from hub.ledger.records import Seen
from hub.registry.picture import Picture, SignerState
from hub.registry.picture_store import PictureStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from, for the log."""

    address: str
    request_id: str


@dataclass(slots=True)
class Gate:
    """The gate of one gateway process."""

    hub_id: str
    skew_s: int
    max_bytes: int
    pictures: PictureStore
    refusals: RefusalLog
    acquire: Acquire
    clock: DatabaseClock

    async def admit(
        self,
        compact: bytes,
        *,
        allowed: frozenset[str],
        origin: Origin,
        act: Callable[[Opened, Picture], Awaitable[T]],
        repeat: Callable[[Opened, Seen], T],
    ) -> T:
        """What `act` makes of the message, or `repeat` of the answer it once got. Raises `Refused`, recorded already."""
        try:
            # 1 size, 2 form
            opened = open_message(compact, max_bytes=self.max_bytes, allowed=allowed)
            try:
                return await self._act(opened, act)
            except RegistryDependent as late:
                return await self._refuse(opened, late, origin, repeat)
        except BeforeSignature as early:
            self.refusals.count(early.refusal.slug, origin.address, now=self.clock())
            raise early.refusal from None

    async def _act(self, opened: Opened, act: Callable[[Opened, Picture], Awaitable[T]]) -> T:
        picture = self.pictures.picture
        try:
            return await act(opened, picture)
        except RegistryDependent as late:
            # Only who has signed gets as far as that: nobody else has the picture grow.
            sought = opened.header.res if late.refusal.slug == "unknown-resource" else None
            fresh = await self.pictures.at_least_now(sought)
            if fresh is picture:
                raise
            return await act(opened, fresh)

    def signer(self, opened: Opened, picture: Picture) -> SignerState:
        """Signer, signature, whose, for us (steps 3 to 6). Raises `RegistryDependent`, `BeforeSignature`."""
        signer = find_signer(opened, picture)
        check_parties(opened.header, signer, hub_id=self.hub_id)
        return signer

    async def _refuse(
        self, opened: Opened, late: RegistryDependent, origin: Origin, repeat: Callable[[Opened, Seen], T]
    ) -> T:
        now = self.clock()
        if late.signer is None:
            self.refusals.count(late.refusal.slug, origin.address, now=now)
            raise late.refusal
        refusal = late.refusal
        # 7 seen before, which stands in front of what was refused
        seen = await self._seen(opened.header.iss, opened.header.jti) if late.after_seen else None
        if seen is not None:
            try:
                return repeat(opened, seen)
            except Refused as reused:
                refusal = reused
        await self._record(opened, refusal, late.signer, origin, now)
        raise refusal

    async def _seen(self, sender: str, jti: str) -> Seen | None:
        async with self.acquire() as connection:
            return (await find_seen(connection, [(sender, jti)])).get((sender, jti))

    async def _record(
        self, opened: Opened, refusal: Refused, signer: SignerState, origin: Origin, now: datetime
    ) -> None:
        await self.refusals.record(
            opened, refusal, signer, address=origin.address, request_id=origin.request_id, now=now
        )


def system_actor(signer: SignerState, address: str) -> Actor:
    """The partner system that signed, as the log names it."""
    return Actor(kind="system", id=signer.system.code, organisation=signer.system.organisation_code, address=address)


def reused(jti: str) -> Refused:
    """The refusal of a `jti` that stood in other bytes before."""
    return Refused(
        f"jti {jti} 已用于另一封内容不同的信封；重试请原样重发已保存的字节，新内容请换新的 jti",
        f"the jti {jti} stands in other bytes already; retries resend stored bytes, new content takes a new jti",
        slug="jti-reused",
    )
