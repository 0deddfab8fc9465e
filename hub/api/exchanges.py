"""`/v1/exchanges`: the door of the exchange. Posting is plain ASGI, for a request model would cost half of the hot path."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hub.api.context import Context, ContextDep
from hub.api.guard import SIGNED_MESSAGE, SystemOrStaff, marked
from hub.api.problems import problem
from hub.api.requests import address_of, english_wanted, header, read_body, request_id_of
from hub.audit.entry import instant
from hub.errors import NotFound, Refused, Unavailable
from hub.exchange.reading import ExchangeState, read_exchange

ENVELOPE_TYPE = b"application/jose"

MAX_IN_FLIGHT = 1024
"""Envelopes that one gateway holds at once, read or being read; the next one is told to come back before it is read."""

Answer = Callable[[int, list[tuple[bytes, bytes]], bytes], None]
"""Writes a whole response in one piece; where the server offers it."""

router = APIRouter(tags=["交换 / exchanges"])


class ExchangeDoor:
    """`POST /v1/exchanges` as an ASGI application."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, hand to intake, answer 201 or 200 with the receipt, or a problem document."""
        context = self._context
        request_id = request_id_of(scope)
        self._in_flight += 1
        try:
            if self._in_flight > MAX_IN_FLIGHT:
                raise Unavailable(
                    "枢纽繁忙，没有接收任何内容；请稍后原样重发",
                    "the hub is busy and has accepted nothing; send the same bytes again later",
                    retry_after=1,
                )
            check_media_type(scope)
            body = await read_body(scope, receive, context.settings.max_envelope_bytes)
            accepted = await context.intake.accept(body, address=address_of(scope), request_id=request_id)
        except Refused as refusal:
            await problem(refusal, request_id=request_id, english=english_wanted(scope))(scope, receive, send)
            return
        except ConnectionResetError:
            return
        finally:
            self._in_flight -= 1
        status = 201 if accepted.fresh else 200
        headers = [
            (b"content-type", ENVELOPE_TYPE),
            (b"location", b"/v1/exchanges/%s" % str(accepted.exchange).encode()),
            (b"x-request-id", request_id.encode()),
        ]
        at_once: Answer | None = scope.get("shuniu.answer")
        if at_once is not None:
            at_once(status, headers, accepted.receipt)
            return
        headers.append((b"content-length", b"%d" % len(accepted.receipt)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": accepted.receipt})


def check_media_type(scope: Scope) -> None:
    """Refuse anything that does not call itself an envelope."""
    given = header(scope["headers"], b"content-type").split(b";")[0].strip().lower()
    if given != ENVELOPE_TYPE:
        raise Refused(
            "信封的 Content-Type 须为 application/jose",
            "send envelopes with Content-Type: application/jose",
            slug="unsupported-media-type",
        )


POST_OPERATION: dict[str, Any] = {
    "post": {
        "tags": ["交换 / exchanges"],
        "summary": "发布：提交签名信封 / publish: post a signed envelope",
        "description": "exchange+jws，媒体类型 application/jose；原样重发得到同一张接收凭证。\n\n"
        "An exchange+jws as application/jose; the same bytes again get the same receipt.",
        "operationId": "post_exchange",
        "requestBody": {
            "required": True,
            "content": {
                ENVELOPE_TYPE.decode(): {
                    "schema": {"type": "string"},
                    "example": "eyJhbGciOiJFUzI1NiIs….eyJyZWNvcmRz….MEUCIQ…",
                }
            },
        },
        "responses": {
            "201": {
                "description": "已接收：签名的接收凭证 / accepted: the signed receipt",
                "headers": {"Location": {"schema": {"type": "string"}, "description": "/v1/exchanges/{id}"}},
                "content": {ENVELOPE_TYPE.decode(): {"schema": {"type": "string"}}},
            },
            "200": {
                "description": "此前已接收：同一张接收凭证 / accepted before: the same receipt",
                "content": {ENVELOPE_TYPE.decode(): {"schema": {"type": "string"}}},
            },
            "default": {
                "description": "拒收：problem+json / refused",
                "content": {"application/problem+json": {"schema": {"type": "object"}}},
            },
        },
    }
}
"""The plain route in OpenAPI, which the framework cannot see into."""


def post_route(context: Context) -> Route:
    """The route of the plain ASGI door."""
    return Route("/v1/exchanges", marked(ExchangeDoor(context), SIGNED_MESSAGE), methods=["POST"], name="post_exchange")


@router.get("/v1/exchanges/{identifier}", summary="一次交换的状态 / the state of an exchange")
async def get_exchange(identifier: str, caller: SystemOrStaff, ctx: ContextDep) -> dict[str, Any]:
    """Its state and the deliveries that the caller may know of: all for sender and staff, its own for a consumer."""
    try:
        exchange_id = UUID(identifier)
    except ValueError:
        raise NotFound("没有这次交换", "no such exchange") from None
    async with ctx.acquire() as connection:
        state = await read_exchange(connection, exchange_id, caller)
    return _shown(state)


def _shown(state: ExchangeState) -> dict[str, Any]:
    return {
        "id": str(state.id),
        "sender": state.sender,
        "jti": state.jti,
        "res": state.resource,
        "ver": state.version,
        "envelope_digest": state.digest,
        "schema_digest": state.schema_digest,
        "accepted_at": instant(state.accepted_at),
        "lanes": state.lanes,
        "state": state.state,
        "deliveries": [
            {
                "id": str(d.id),
                "consumer": d.consumer,
                "state": d.state,
                "sequence": d.sequence,
                "claimed_at": instant(d.claimed_at) if d.claimed_at else None,
                "ended_at": instant(d.ended_at) if d.ended_at else None,
            }
            for d in state.deliveries
        ],
    }
