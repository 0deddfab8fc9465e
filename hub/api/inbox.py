"""`/v1/inbox`: pulling and acknowledging."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from hub.api.context import ContextDep
from hub.api.exchange_examples import ACKNOWLEDGEMENT_EXAMPLE, INBOX_EXAMPLE
from hub.api.exchanges import ENVELOPE_TYPE, check_media_type
from hub.api.guard import SignedMessage, SystemToken
from hub.api.requests import address_of, read_body, request_id_of
from hub.api.wire import example
from hub.audit.entry import instant
from hub.exchange.inbox import MAX_LIMIT, MAX_WAIT_S, Item

DEFAULT_LIMIT = 100

router = APIRouter(tags=["收件箱 / inbox"])


def shown(item: Item) -> dict[str, Any]:
    """An item as the contract writes it."""
    return {
        "delivery": str(item.delivery),
        "exchange": str(item.exchange),
        "res": item.resource,
        "ver": item.version,
        "lane": str(item.lane),
        "sequence": item.sequence,
        "digest": f"sha-256:{item.digest.hex()}",
        "envelope": item.envelope.decode("ascii"),
        "accepted_at": instant(item.accepted_at),
    }


@router.get("/v1/inbox", summary="取未确认的投递 / pull what is not yet acknowledged", responses=example(INBOX_EXAMPLE))
async def pull(
    request: Request,
    caller: SystemToken,
    ctx: ContextDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 0.0,
) -> Response:
    """Up to `limit` items, each lane from its oldest; the same again until acknowledged. `wait`: seconds of long poll."""
    request_id = request_id_of(request.scope)
    items = await ctx.inbox.pull(
        caller, limit=limit, wait_s=wait, request_id=request_id, is_abandoned=request.is_disconnected
    )
    body = orjson.dumps({"items": [shown(item) for item in items]})
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post(
    "/v1/inbox/acks",
    summary="签名确认 / acknowledge with a signature",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                ENVELOPE_TYPE.decode(): {"schema": {"type": "string"}, "example": ACKNOWLEDGEMENT_EXAMPLE},
            },
        }
    },
    responses=example(
        {"acknowledged": 1}, described="这条消息确认了几条投递 / how many deliveries the message acknowledges"
    ),
)
async def acknowledge(request: Request, _: SignedMessage, ctx: ContextDep) -> Response:
    """Takes an `ack+jws` (application/jose); all or nothing; the same bytes again get the same answer."""
    check_media_type(request.scope["headers"])
    body = await read_body(request.scope, request.receive, ctx.settings.max_envelope_bytes)
    answer = await ctx.acknowledging.acknowledge(
        body, address=address_of(request.scope), request_id=request_id_of(request.scope)
    )
    return Response(answer, media_type="application/json")
