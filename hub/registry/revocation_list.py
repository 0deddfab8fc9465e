"""The authority's current revocation list, signed anew only when it says something else or is about to run out.

Signing is cheap, but the list is open to anyone: between two changes of rights a request costs two rows. The list stands in
the database, so that a reader who asks now one gateway, now another, never gets an older one or a lower number (RFC 5280 §5.2.3).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import Issued, RevocationReason, Revoked, certificate_revocation_list
from certs.digests import digest_bytes
from certs.envelope import kid_of
from hub.audit.entry import instant
from hub.registry import barrier, repository
from hub.registry.models import Certificate, KeptRevocationList

LIFE = timedelta(hours=24)
"""From thisUpdate to nextUpdate: who fetches the list once a day always has a valid one."""

RENEW_BEFORE = timedelta(hours=6)
"""A list handed out has at least this long to run."""

REASONS = {
    reason.flag.value: reason
    for reason in (
        RevocationReason.UNSPECIFIED,
        RevocationReason.KEY_COMPROMISE,
        RevocationReason.AFFILIATION_CHANGED,
        RevocationReason.SUPERSEDED,
        RevocationReason.CESSATION_OF_OPERATION,
        RevocationReason.PRIVILEGE_WITHDRAWN,
    )
}
"""RFC 5280 §5.3.1 by its own words, without those of authorities, and without certificateHold: revoked is final."""


class RevocationList:
    """The list of one issuing key, the same from every gateway; each keeps a copy of what it gave last."""

    def __init__(self, issuing: Issued) -> None:
        self._issuing = issuing
        self._kid = kid_of(issuing.certificate.public_bytes(Encoding.DER))
        self._held: tuple[int, datetime] | None = None
        self._der = b""

    async def der(self, session: AsyncSession, now: datetime) -> bytes:
        """The list in DER (RFC 5280 §5), with every certificate revoked and not long run out, and `RENEW_BEFORE` to run.

        The session commits what it adds.
        """
        epoch, of_epoch, number, made_at = await repository.standing_of_list(session, self._kid)
        if of_epoch == epoch and made_at is not None and _is_fresh(made_at, now):
            if (number, made_at) == self._held:
                return self._der
            kept = await repository.kept_revocation_list(session, self._kid)
            assert kept is not None
        else:
            kept = await self._brought_up_to_date(session, now)
        if (kept.number, kept.made_at) != self._held:
            self._held, self._der = (kept.number, kept.made_at), kept.der
        return self._der

    async def _brought_up_to_date(self, session: AsyncSession, now: datetime) -> KeptRevocationList:
        # Read and numbered under one state of rights, or a list from before a revocation could outrank one from after it.
        await barrier.share(session)
        await repository.hold_revocation_list(session)
        epoch = await barrier.epoch(session)
        kept = await repository.kept_revocation_list(session, self._kid)
        fresh = kept if kept is not None and _is_fresh(kept.made_at, now) else None
        if fresh is not None and fresh.epoch == epoch:
            return fresh
        # RFC 5280 §3.3: a certificate stays listed until one list after its end, however long nobody asked for that.
        ended_by = now - LIFE if kept is None else min(now - LIFE, kept.made_at)
        entries = [_entry(row) for row in await repository.revoked(session, valid_after=ended_by)]
        digest = _digest(entries)
        if fresh is not None and fresh.entries_digest == digest:
            fresh.epoch = epoch
            return fresh
        # Gateways' clocks differ a little; a list is no older than the one before, nor than what it tells of.
        made_at = max(now, now if kept is None else kept.made_at, *(entry.at for entry in entries))
        number = await repository.next_crl_number(session)
        made = KeptRevocationList(
            issuing=self._kid,
            epoch=epoch,
            number=number,
            made_at=made_at,
            entries_digest=digest,
            der=certificate_revocation_list(self._issuing, entries, number, made_at, made_at + LIFE),
        )
        return await session.merge(made)


def _is_fresh(made_at: datetime, now: datetime) -> bool:
    return now < made_at + LIFE - RENEW_BEFORE


def _entry(row: Certificate) -> Revoked:
    assert row.revoked_at is not None
    assert row.revocation_reason is not None
    return Revoked(int(row.serial, 16), row.revoked_at, REASONS[row.revocation_reason])


def _digest(entries: Sequence[Revoked]) -> bytes:
    lines = [f"{entry.serial:x} {instant(entry.at)} {entry.reason.value}" for entry in entries]
    return digest_bytes("\n".join(lines).encode())
