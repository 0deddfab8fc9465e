"""The authority's current revocation list, signed anew only when it says something else or is about to run out.

Signing is cheap, but the list is open to anyone: between two changes of rights a request costs one row of one table.
Every gateway keeps its own copy; numbers come from a sequence in the database, so a later list never has a lower one.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import Issued, RevocationReason, Revoked, certificate_revocation_list
from hub.registry import barrier, repository
from hub.registry.models import Certificate

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
    """The list of one issuing key, kept between requests."""

    def __init__(self, issuing: Issued) -> None:
        self._issuing = issuing
        self._entries: tuple[Revoked, ...] = ()
        self._epoch = -1
        self._renew_at: datetime | None = None
        self._der = b""

    async def der(self, session: AsyncSession, now: datetime) -> bytes:
        """The list in DER (RFC 5280 §5), with every certificate revoked and not long run out, and `RENEW_BEFORE` to run."""
        epoch = await barrier.epoch(session)
        fresh = self._renew_at is not None and now < self._renew_at
        if fresh and epoch == self._epoch:
            return self._der
        # Read and numbered under one state of rights, or a list from before a revocation could outrank one from after it.
        await barrier.share(session)
        epoch = await barrier.epoch(session)
        # RFC 5280 §3.3: a certificate stays listed until one list after its end.
        rows = await repository.revoked(session, valid_after=now - LIFE)
        entries = tuple(_entry(row) for row in rows)
        if not fresh or entries != self._entries:
            number = await repository.next_crl_number(session)
            self._der = certificate_revocation_list(self._issuing, entries, number, now, now + LIFE)
            self._entries, self._renew_at = entries, now + LIFE - RENEW_BEFORE
        self._epoch = epoch
        return self._der


def _entry(row: Certificate) -> Revoked:
    assert row.revoked_at is not None
    assert row.revocation_reason is not None
    return Revoked(int(row.serial, 16), row.revoked_at, REASONS[row.revocation_reason])
