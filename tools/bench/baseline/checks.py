"""What is looked up and checked for an envelope; who does not pass gets the slug that the hub would give."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import Resource, ResourceVersion
from catalog.secrecy import find_marking, may_hold_marking
from certs.suites import Verifier
from hub.access.models import AccessGrant, GrantVersion
from hub.registry.models import Certificate, Organisation, System
from hub.settings import Settings
from tools.bench.baseline.messages import EnvelopeHeader, Posted
from tools.bench.baseline.parts import Plain


async def find_signer(session: AsyncSession, posted: Posted) -> tuple[Certificate, System, Organisation]:
    """Signer and signature."""
    query = (
        select(Certificate, System, Organisation)
        .join(System, System.id == Certificate.system_id)  # type: ignore[arg-type]
        .join(Organisation, Organisation.id == System.organisation_id)  # type: ignore[arg-type]
        .where(Certificate.kid == posted.header.kid)  # type: ignore[arg-type]
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise HTTPException(401, "unknown-signer")
    certificate, system, organisation = found
    verifier = Verifier(x509.load_der_x509_certificate(certificate.der).public_key())
    if not verifier.verify(posted.header.alg, posted.signed, posted.signature):
        raise HTTPException(401, "bad-signature")
    return certificate, system, organisation


def check_sender(posted: Posted, certificate: Certificate, system: System, settings: Settings, now: datetime) -> None:
    """Whose, for us, state of system and certificate, freshness."""
    header = posted.header
    if header.iss != system.code:
        raise HTTPException(403, "signer-mismatch")
    if header.aud != settings.hub_id:
        raise HTTPException(403, "wrong-audience")
    if system.state != "active":
        raise HTTPException(403, "system-suspended")
    if certificate.state != "active":
        raise HTTPException(401, "certificate-revoked")
    if not certificate.not_before <= now < certificate.not_after:
        raise HTTPException(401, "certificate-expired")
    if abs(header.iat - now.timestamp()) > settings.clock_skew_s:
        raise HTTPException(401, "stale-message")


async def find_version(
    session: AsyncSession, header: EnvelopeHeader, system: System
) -> tuple[Resource, ResourceVersion]:
    """Resource, provider, version."""
    query = (
        select(Resource, ResourceVersion)
        .join(ResourceVersion, ResourceVersion.resource_id == Resource.id)  # type: ignore[arg-type]
        .where(Resource.code == header.res, ResourceVersion.number == header.ver)  # type: ignore[arg-type]
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise HTTPException(404, "unknown-resource")
    resource, version = found
    if resource.system_id != system.id:
        raise HTTPException(403, "not-the-provider")
    if resource.status != "published" or version.state != "published":
        raise HTTPException(409, "resource-not-published")
    return resource, version


def check_payload(plain: Plain, version: ResourceVersion, raw: bytes, payload: dict[str, Any]) -> None:
    """Secrecy and schema."""
    if may_hold_marking(raw) and find_marking(payload, secrecy_fields=frozenset()) is not None:
        raise HTTPException(422, "classified-content")
    if not plain.validator(version).is_valid(payload):
        raise HTTPException(422, "schema-violation")


async def find_grants(
    session: AsyncSession, resource: Resource, version: ResourceVersion, now: datetime
) -> Sequence[AccessGrant]:
    """The grants whose lanes it goes to."""
    query = (
        select(AccessGrant)
        .join(GrantVersion, GrantVersion.grant_id == AccessGrant.id)  # type: ignore[arg-type]
        .join(System, System.id == AccessGrant.consumer_id)  # type: ignore[arg-type]
        .where(
            AccessGrant.resource_id == resource.id,  # type: ignore[arg-type]
            AccessGrant.state == "active",  # type: ignore[arg-type]
            System.state == "active",  # type: ignore[arg-type]
            AccessGrant.valid_from <= now,  # type: ignore[arg-type]
            AccessGrant.valid_to > now,  # type: ignore[arg-type]
            GrantVersion.version == version.number,  # type: ignore[arg-type]
        )
    )
    return (await session.scalars(query)).all()
