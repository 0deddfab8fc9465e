"""`/v1/exchanges`: the door of the exchange. Posting is plain ASGI, for a request model would cost half of the hot path."""

import asyncio
import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hub.api.context import Context, ContextDep
from hub.api.exchange_examples import ENVELOPE_EXAMPLE, RECEIPT_EXAMPLE, STATE_EXAMPLE
from hub.api.guard import SIGNED_MESSAGE, SystemOrStaff, marked
from hub.api.problems import database_away, problem
from hub.api.requests import address_of, english_wanted, header, read_body, request_id_from, request_id_of
from hub.api.wire import example
from hub.audit.entry import instant
from hub.db.faults import FAULTS
from hub.errors import NotFound, Refused, Unavailable
from hub.exchange.gate import Origin
from hub.exchange.reading import ExchangeState, read_exchange
from hub.exchange.steps import Steps
from hub.ledger.committer import busy, outcome_unknown
from hub.ledger.records import Committed, NewExchange, Outcome

log = logging.getLogger("hub.access")

ENVELOPE_TYPE = b"application/jose"

MAX_IN_FLIGHT = 1024
"""Envelopes that have arrived and are not answered, in one gateway; the next one is told to come back."""

MAX_READING = 128
"""Bodies being read outside the express lane, large ones that is; each may hold `max_bytes`."""

GROUP = 32
"""Messages that go through the steps of their judgement together. More spare nothing that can be measured, and hold up the first."""

SLICE_S = 0.004
"""How long messages are judged at a stretch. Between two stretches answers are read, the committer sends what is ready, arrivals
are gathered: without an end the database would wait for the gateway, and then the gateway for it."""

router = APIRouter(tags=["交换 / exchanges"])


Headers = Sequence[tuple[bytes, bytes]]
Answer = Callable[[int, Headers, bytes], None]
"""Writes a whole response: status, headers without the length, body."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted message whose body has arrived: its headers (names in lower case), body, and where it came from."""

    headers: Headers
    body: bytes
    address: str
    request_id: str


Group = tuple[Sequence[tuple[Posted, Answer]], Steps[list[NewExchange | None]]]
"""Messages that are judged together, and their judgement as far as it is."""


class ExchangeDoor:
    """`POST /v1/exchanges`, as an ASGI application and as an express lane for servers that hand over whole messages.

    The express lane takes a good envelope to the committer's queue without a task or a future, and answers from the
    committer's call; anything else about an envelope is said by the ordinary way, which begins again with the same bytes.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._in_flight = 0
        self._reading = 0
        self._slow: set[asyncio.Task[Response]] = set()
        self._arrived: deque[tuple[Posted, Answer]] = deque()
        self._going: Group | None = None
        self._is_taking = False

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest body that is worth reading."""
        return self._context.settings.max_envelope_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, hand to intake, answer 201 or 200 with the receipt, or a problem document."""
        headers: Headers = scope["headers"]
        request_id = request_id_of(scope)
        try:
            body = await self._read(scope, receive)
            self._in_flight += 1
            try:
                self._check_room()
                response = await self._respond(Posted(headers, body, address_of(scope), request_id))
            finally:
                self._in_flight -= 1
        except Refused as refusal:
            response = problem(refusal, request_id=request_id, english=english_wanted(headers))
        except asyncio.CancelledError:  # the process ends, and this took longer than it waits
            response = problem(outcome_unknown(), request_id=request_id, english=english_wanted(headers))
        except ConnectionResetError:
            return
        await response(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """The body. Raises `Refused`, counted; bounded in number, for who reads slowly holds a body's memory."""
        self._reading += 1
        try:
            if self._reading > MAX_READING:
                raise busy()
            check_media_type(scope["headers"])
            return await read_body(scope, receive, self.max_bytes)
        except Refused as refusal:
            self._count(refusal, address_of(scope))
            raise
        finally:
            self._reading -= 1

    def _count(self, refusal: Refused, address: str) -> None:
        """Count a refusal that comes before intake."""
        self._context.refusals.count(refusal.slug, address, now=self._context.clock())

    def express(self, headers: Headers, body: bytes, address: str, answer: Answer) -> None:
        """Take a message that has arrived whole; `answer` is called once, now or later."""
        posted = Posted(headers, body, address, request_id_from(headers))
        self._in_flight += 1
        try:
            self._check_room()
            check_media_type(headers)
        except Refused as refusal:
            self._refuse(posted, refusal, answer)
            return
        self._arrived.append((posted, answer))
        if not self._is_taking:
            self._is_taking = True
            asyncio.get_running_loop().call_soon(self._take_some)

    def _take_some(self) -> None:
        """Judge for `SLICE_S`; then it is the others' turn."""
        try:
            self._judge_until(time.monotonic() + SLICE_S)
        finally:
            self._is_taking = self._going is not None or len(self._arrived) > 0
            if self._is_taking:
                asyncio.get_running_loop().call_soon(self._take_some)

    def _judge_until(self, end: float) -> None:
        """Judge what has arrived, the oldest first, `GROUP` messages together."""
        while self._going is not None or self._arrived:
            if self._going is None:
                self._going = self._next_group()
            group, work = self._going
            try:
                next(work)
            except StopIteration as done:
                self._going = None
                for (posted, answer), exchange in zip(group, done.value, strict=True):
                    self._pass_on(posted, answer, exchange)
            if time.monotonic() >= end:
                return

    def _next_group(self) -> Group:
        group = [self._arrived.popleft() for _ in range(min(GROUP, len(self._arrived)))]
        messages = [(posted.body, Origin(posted.address, posted.request_id)) for posted, _ in group]
        return group, self._context.intake.prepare(messages)

    def _pass_on(self, posted: Posted, answer: Answer, exchange: NewExchange | None) -> None:
        try:
            if exchange is None:
                self._begin_again(posted, answer)
            else:
                self._context.committer.enqueue(exchange, partial(self._settle, posted, exchange, answer))
        except Refused as refusal:
            self._refuse(posted, refusal, answer)
        except Exception:  # noqa: BLE001  nobody above would answer; the ordinary way meets it again and tells
            self._begin_again(posted, answer)

    def _refuse(self, posted: Posted, refusal: Refused, answer: Answer) -> None:
        self._count(refusal, posted.address)
        self._answer(_refusal(posted, refusal), answer)

    def _settle(self, posted: Posted, exchange: NewExchange, answer: Answer, outcome: Outcome | Unavailable) -> None:
        if isinstance(outcome, Committed):
            self._in_flight -= 1
            answer(201, _receipt_headers(exchange.id, posted.request_id), exchange.receipt)
        elif isinstance(outcome, Unavailable):
            self._answer(_refusal(posted, outcome), answer)
        else:
            self._begin_again(posted, answer)

    def _begin_again(self, posted: Posted, answer: Answer) -> None:
        """Say by the ordinary way what there is to be said about a message."""
        task = asyncio.get_running_loop().create_task(self._respond(posted))
        self._slow.add(task)
        task.add_done_callback(partial(self._finish, posted, answer))

    def _finish(self, posted: Posted, answer: Answer, task: asyncio.Task[Response]) -> None:
        """Answer, whatever has become of it: nobody else would."""
        self._slow.discard(task)
        fault = asyncio.CancelledError() if task.cancelled() else task.exception()
        if fault is None:
            response = task.result()
        elif isinstance(fault, Refused):
            response = _refusal(posted, fault)
        else:
            # what an unforeseen error says may quote what was sent; where it arose does not
            where = traceback.format_tb(fault.__traceback__, limit=-3)
            extra = {"request_id": posted.request_id, "fault": type(fault).__name__, "where": where}
            log.error("a message could not be judged", extra=extra)
            response = _refusal(posted, busy())
        self._answer(response, answer)

    async def _respond(self, posted: Posted) -> Response:
        intake = self._context.intake
        try:
            accepted = await intake.accept(posted.body, address=posted.address, request_id=posted.request_id)
        except FAULTS as fault:
            log.error("database fault", extra={"request_id": posted.request_id, "fault": type(fault).__name__})
            return _refusal(posted, database_away())
        response = Response(accepted.receipt, 201 if accepted.fresh else 200)
        response.raw_headers += _receipt_headers(accepted.exchange, posted.request_id)
        return response

    def _answer(self, response: Response, answer: Answer) -> None:
        self._in_flight -= 1
        headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        answer(response.status_code, headers, bytes(response.body))

    def _check_room(self) -> None:
        if self._in_flight > MAX_IN_FLIGHT:
            raise busy()
        if not self._context.clock.trustworthy:
            raise Unavailable(
                "枢纽的时钟与数据库不一致，暂不接收；请联系枢纽的系统管理员",
                "the hub's clock and its database's disagree: nothing is accepted; tell the hub's operator",
                retry_after=30,
            )


def _refusal(posted: Posted, refusal: Refused) -> Response:
    return problem(refusal, request_id=posted.request_id, english=english_wanted(posted.headers))


def _receipt_headers(exchange: UUID, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", ENVELOPE_TYPE),
        (b"location", b"/v1/exchanges/" + str(exchange).encode()),
        (b"x-request-id", request_id.encode()),
    ]


def check_media_type(headers: Headers) -> None:
    """Refuse anything that does not call itself an envelope."""
    given = header(headers, b"content-type")
    if given != ENVELOPE_TYPE and given.split(b";")[0].strip().lower() != ENVELOPE_TYPE:
        raise Refused(
            "信封的 Content-Type 须为 application/jose",
            "send envelopes with Content-Type: application/jose",
            slug="unsupported-media-type",
        )


_RECEIPT = {ENVELOPE_TYPE.decode(): {"schema": {"type": "string"}, "example": RECEIPT_EXAMPLE}}

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
                    "example": ENVELOPE_EXAMPLE,
                }
            },
        },
        "responses": {
            "201": {
                "description": "已接收：签名的接收凭证 / accepted: the signed receipt",
                "headers": {"Location": {"schema": {"type": "string"}, "description": "/v1/exchanges/{id}"}},
                "content": _RECEIPT,
            },
            "200": {
                "description": "此前已接收：同一张接收凭证 / accepted before: the same receipt",
                "content": _RECEIPT,
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


@router.get(
    "/v1/exchanges/{identifier}",
    summary="一次交换的状态 / the state of an exchange",
    responses=example(STATE_EXAMPLE),
)
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
