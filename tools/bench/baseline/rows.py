"""What an accepted envelope leaves behind: its row, its event, its receipt."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from catalog.models import Resource, ResourceVersion
from certs.digests import digest, parse_digest
from certs.envelope import seal
from certs.header import RECEIPT
from hub.access.models import AccessGrant
from hub.audit.entry import Actor, Event, instant
from hub.db.ids import new_id
from hub.ledger.models import Exchange
from hub.registry.models import Certificate, Organisation, System
from tools.bench.baseline.messages import Posted, ReceiptPayload
from tools.bench.baseline.parts import Plain

SEAL_WITHIN = timedelta(seconds=60)


def new_exchange(
    posted: Posted,
    system: System,
    certificate: Certificate,
    resource: Resource,
    version: ResourceVersion,
    deliveries: list[UUID],
    now: datetime,
) -> Exchange:
    """The row of the exchange."""
    return Exchange(
        id=new_id(now),
        sender_id=system.id,
        jti=posted.header.jti,
        resource_id=resource.id,
        version=version.number,
        digest=parse_digest(digest(posted.compact)),
        schema_digest=parse_digest(version.schema_digest),
        kid=certificate.kid,
        envelope=posted.compact,
        data_key_id=0,
        deliveries=deliveries,
        epoch=0,
        accepted_at=now,
    )


def accepted(
    exchange: Exchange,
    posted: Posted,
    system: System,
    organisation: Organisation,
    version: ResourceVersion,
    grants: Sequence[AccessGrant],
    address: str,
) -> Event:
    """What the log says of it."""
    return Event(
        type="exchange.accepted",
        actor=Actor(kind="system", id=system.code, organisation=organisation.code or "", address=address),
        object_type="exchange",
        object_id=str(exchange.id),
        details={
            "envelope": f"sha-256:{exchange.digest.hex()}",
            "jti": exchange.jti,
            "kid": exchange.kid,
            "res": posted.header.res,
            "ver": exchange.version,
            "schema": version.schema_digest,
            "grants": [str(grant.id) for grant in grants],
        },
    )


def sign_receipt(plain: Plain, exchange: Exchange, posted: Posted, version: ResourceVersion, entry: str) -> bytes:
    """The signed receipt."""
    header, hub = posted.header, plain.settings.hub_id
    payload = ReceiptPayload(
        exchange=str(exchange.id),
        envelope_digest=f"sha-256:{exchange.digest.hex()}",
        sender=header.iss,
        jti=header.jti,
        res=header.res,
        ver=header.ver,
        schema_digest=version.schema_digest,
        accepted_at=instant(exchange.accepted_at),
        lanes=len(exchange.deliveries),
        hub=hub,
        log=hub,
        entry=entry,
        seal_by=instant(exchange.accepted_at + SEAL_WITHIN),
    )
    return seal(
        plain.receipts,
        typ=RECEIPT,
        iss=hub,
        aud=header.iss,
        iat=int(exchange.accepted_at.timestamp()),
        jti=str(exchange.id),
        payload=payload.model_dump_json().encode(),
        res=header.res,
        ver=header.ver,
        ref=header.jti,
    )
