"""Who had what when, and what a body was called then: the questions of an audit, answered from the rows of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy.ext.asyncio import AsyncSession

from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.certificates import name_in_certificates
from hub.registry.models import Organisation, OrganisationName
from hub.reorganisation import repository
from hub.reorganisation.errors import UnknownObject
from hub.reorganisation.models import What

RENEW_WITHIN = timedelta(days=90)
"""Time for a partner to have a certificate renewed that names a body of before: its key is as good as it was."""

_OWNERS = {
    What.RESOURCE: repository.resource_owner,
    What.SYSTEM: repository.system_owner,
    What.CERTIFICATE: repository.certificate_owner,
}
"""What has an owner that the audit asks for by code."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something was: the body as it is now, what it was called then, and the change that gave it (None: the first)."""

    organisation: Organisation
    named: OrganisationName | None
    change: UUID | None


@dataclass(frozen=True, slots=True)
class ToRenew:
    """A certificate whose subject names a body of before; `renew_by` is when its replacement is due."""

    kid: str
    system: str
    subject: str
    organisation: str
    not_after: datetime
    renew_by: datetime
    overdue: bool


async def owner_at(session: AsyncSession, what: What, named: str, moment: datetime) -> Owner:
    """Whose the resource, system or certificate of that code or kid was at `moment`.

    Raises UnknownObject, also for a moment before there was such a thing.
    """
    present = await _OWNERS[what](session, named) if what in _OWNERS else None
    if present is None or moment < present[1]:
        raise UnknownObject(what.value, named)
    holder, since = present[0], None
    moves = [one for one in await repository.moves_of(session, what, named) if one[0].from_id != one[0].to_id]
    for move, change in reversed(moves):
        assert change.decided_at is not None
        if change.decided_at <= moment:
            since = change.id
            break
        holder = move.from_id
    body = await registry.find_organisation(session, holder)
    return Owner(body, await registry_rows.name_at(session, holder, moment), since)


async def certificates_to_renew(session: AsyncSession, *, now: datetime) -> Sequence[ToRenew]:
    """Certificates in use whose subject does not name the body that has the system now, by when they are to be replaced."""
    moved = await repository.last_moves(session, What.CERTIFICATE)
    found = []
    for certificate, system, body, named_since in await repository.certificates_in_use(session, now):
        if _organisation_in(certificate.der) == name_in_certificates(body.name):
            continue
        since = max(moment for moment in (named_since, moved.get(certificate.kid), certificate.issued_at) if moment)
        due = min(since + RENEW_WITHIN, certificate.not_after)
        found.append(
            ToRenew(certificate.kid, system.code, certificate.subject, body.name, certificate.not_after, due, due < now)
        )
    return sorted(found, key=lambda one: (one.renew_by, one.kid))


def _organisation_in(der: bytes) -> str:
    named = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(named[0].value) if named else ""
