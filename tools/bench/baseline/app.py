"""The application: one endpoint."""

from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException, Request, Response
from sqlalchemy.exc import IntegrityError

from hub.audit import repository as audit
from hub.audit.entry import entry_reference, make_entry
from hub.db.ids import new_id
from hub.ledger.models import Acceptance, Delivery
from tools.bench.baseline.checks import check_payload, check_sender, find_grants, find_signer, find_version
from tools.bench.baseline.messages import read, read_payload
from tools.bench.baseline.parts import Plain, PlainDep, SessionDep
from tools.bench.baseline.rows import accepted, new_exchange, sign_receipt


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


def create_app(plain: Plain) -> FastAPI:
    """The application around its parts."""
    app = FastAPI()
    app.state.plain = plain
    app.add_api_route("/v1/exchanges", post_exchange, methods=["POST"], status_code=201)
    return app
