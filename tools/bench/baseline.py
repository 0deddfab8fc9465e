"""The baseline: the same endpoint as a good programmer writes it at first, with the usual parts in their usual places.

FastAPI, pydantic models, jsonschema, one SQLModel session for each request, in the hub's own tables and under the same
checks. It is given what costs it nothing to have: uvloop, httptools, a pool, compiled schemas kept, a fast signature library, our
strict JSON reader. It has no registry in memory, no shared transaction and no barrier of rights: it reads what it needs
and commits what it accepts, once for each envelope. Run as `python -m tools.bench.baseline` with the hub's settings.
"""

import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import uvicorn
import uvloop
from cryptography import x509
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import Resource, ResourceVersion
from catalog.secrecy import find_marking, may_hold_marking
from certs.digests import b64u_decode, digest, parse_digest
from certs.envelope import seal
from certs.errors import JsonError
from certs.header import RECEIPT
from certs.jsontext import parse_object
from certs.suites import Signer, Verifier
from hub.access.models import AccessGrant, GrantVersion
from hub.app.run import listen
from hub.audit import repository as audit
from hub.audit.entry import Actor, Event, entry_reference, instant, make_entry
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.ledger.models import Acceptance, Delivery, Exchange
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from hub.registry.models import Certificate, Organisation, System
from hub.settings import Settings

log = logging.getLogger("baseline")

SEAL_WITHIN = timedelta(seconds=60)


class EnvelopeHeader(BaseModel):
    """The protected header of an `exchange+jws`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    alg: Literal["ES256", "EdDSA"]
    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    typ: Literal["exchange+jws"]
    iss: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    aud: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    iat: int
    jti: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
    res: Annotated[str, Field(pattern=r"^[123][0-9]{5}[0-9A-Za-z]*/[0-9]+$")]
    ver: Annotated[int, Field(ge=1)]


class ExchangePayload(BaseModel):
    """What an exchange carries."""

    model_config = ConfigDict(extra="forbid")

    op: Literal["upsert", "delete", "snapshot"] = "upsert"
    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1000)]


class ReceiptPayload(BaseModel):
    """What the receipt says."""

    exchange: str
    envelope_digest: str
    sender: str
    jti: str
    res: str
    ver: int
    schema_digest: str
    accepted_at: str
    lanes: int
    hub: str
    log: str
    entry: str
    seal_by: str


@dataclass(slots=True)
class Plain:
    """What the endpoint needs; kept at `app.state.plain`."""

    settings: Settings
    database: Database
    receipts: Signer
    validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def validator(self, version: ResourceVersion) -> Draft202012Validator:
        """The compiled schema of a version."""
        if (found := self.validators.get(version.schema_digest)) is None:
            checker = Draft202012Validator.FORMAT_CHECKER
            found = Draft202012Validator(version.payload_schema, format_checker=checker)
            self.validators[version.schema_digest] = found
        return found


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope taken apart."""

    compact: bytes
    header: EnvelopeHeader
    payload: bytes
    signed: bytes
    signature: bytes


async def plain_of(request: Request) -> Plain:
    """The parts of the application; `async`, or FastAPI would ask a thread for it."""
    plain: Plain = request.app.state.plain
    return plain


async def session_of(plain: Annotated[Plain, Depends(plain_of)]) -> AsyncIterator[AsyncSession]:
    """One session for one request."""
    async with plain.database.session() as session:
        yield session


PlainDep = Annotated[Plain, Depends(plain_of)]
SessionDep = Annotated[AsyncSession, Depends(session_of)]


async def post_exchange(request: Request, plain: PlainDep, session: SessionDep) -> Response:
    """Accept one envelope: read, verify, check, write, commit, answer with the receipt."""
    posted = read(await request.body(), plain.settings.max_envelope_bytes)
    now = datetime.now(UTC)
    certificate, system, organisation = await find_signer(session, posted)
    check_sender(posted, certificate, system, plain.settings, now)
    payload = read_payload(posted.payload)
    resource, version = await find_version(session, posted.header, system)
    check_payload(plain, version, posted.payload, payload)
    grants = await find_grants(session, resource, version, now)
    lanes = {new_id(now): grant.lane_id for grant in grants}
    exchange = new_exchange(posted, system, certificate, resource, version, list(lanes), now)
    address = request.client.host if request.client else ""
    event = accepted(exchange, posted, system, organisation, version, grants, address)
    entry = make_entry(event, hub=plain.settings.hub_id, region=organisation.region, now=now, entry_id=exchange.id)
    receipt = sign_receipt(plain, exchange, posted, version, entry_reference(entry.leaf_hash))
    audit.add(session, entry)
    session.add(exchange)
    session.add(
        Acceptance(
            sender=system.code,
            jti=exchange.jti,
            kind="exchange",
            digest=exchange.digest,
            message_id=exchange.id,
            answer=receipt,
            accepted_at=now,
        )
    )
    for delivery_id, lane_id in lanes.items():
        session.add(
            Delivery(  # type: ignore[call-arg]  # the database draws `position`
                id=delivery_id,
                lane_id=lane_id,
                exchange_id=exchange.id,
                kid=exchange.kid,
                digest=exchange.digest,
            )
        )
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "jti-reused") from None
    return Response(receipt, 201, {"Location": f"/v1/exchanges/{exchange.id}"}, "application/jose")


def read(compact: bytes, limit: int) -> Posted:
    """Size and form."""
    if len(compact) > limit:
        raise HTTPException(413, "too-large")
    try:
        head, body, signature = compact.split(b".")
        header = EnvelopeHeader.model_validate(parse_object(b64u_decode(head)))
        return Posted(compact, header, b64u_decode(body), head + b"." + body, b64u_decode(signature))
    except (ValueError, ValidationError, JsonError):
        raise HTTPException(400, "malformed-envelope") from None


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


def read_payload(data: bytes) -> dict[str, Any]:
    """The payload's form."""
    try:
        payload = parse_object(data)
        ExchangePayload.model_validate(payload)
    except (JsonError, ValidationError):
        raise HTTPException(400, "malformed-payload") from None
    return payload


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


def create_app(plain: Plain) -> FastAPI:
    """The application around its parts."""
    app = FastAPI()
    app.state.plain = plain
    app.add_api_route("/v1/exchanges", post_exchange, methods=["POST"], status_code=201)
    return app


async def open_plain(settings: Settings) -> Plain:
    """The parts, from the hub's own database and keys."""
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), application="baseline")
    async with database.session() as session:
        keyring = await KeyRing.load(session, load_master_key(settings.master_key_path))
    return Plain(settings, database, keyring.signer("receipt"))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, on a port that other processes of the baseline share."""
    plain = await open_plain(settings)
    config = uvicorn.Config(create_app(plain), http="httptools", ws="none", lifespan="off", access_log=False)
    listener = listen(settings, shared=True)
    log.warning("baseline ready")
    try:
        await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await plain.database.dispose()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn raises it again once it has shut down
    uvloop.run(serve(Settings()))
