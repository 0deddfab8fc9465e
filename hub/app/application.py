"""The web application: doors put together, and every error turned into a problem document."""

import asyncio
import logging
import time
import traceback
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api import (
    access_requests,
    approval_chains,
    audit_events,
    audit_exports,
    certificates,
    classifications,
    corrections,
    deliveries,
    documentation,
    duties,
    duty_rules,
    evidence,
    exchanges,
    grants,
    health,
    holiday_notices,
    inbox,
    list_types,
    lists,
    notices,
    oauth,
    objections,
    organisation_changes,
    organisations,
    pki,
    power_suspensions,
    resource_imports,
    resource_sheets,
    resources,
    responsible_people,
    reviews,
    session,
    staff,
    systems,
    tlog,
    upstream_catalogues,
)
from hub.api.context import Context
from hub.api.problems import database_away, problem
from hub.api.requests import english_wanted, header, request_id_of, too_large
from hub.app.description import DESCRIPTION, Application
from hub.app.input_faults import field_error
from hub.app.proxies import Proxies
from hub.db.faults import FAULTS
from hub.errors import FieldError, InvalidInput, NotFound, Refused, SetupError, Unavailable
from hub.ledger.committer import busy

log = logging.getLogger("hub.access")


def create_app(context: Context) -> FastAPI:
    """The application around `context`; starts nothing."""
    app = Application(
        title="Shuniu 枢纽",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirect would name http:// behind a proxy, and have the body sent there
    )
    app.state.context = context
    app.router.routes.insert(0, exchanges.post_route(context))
    # As they are: to include a router is to analyse its routes a second time.
    for door in (
        exchanges,
        evidence,
        inbox,
        session,
        oauth,
        responsible_people,
        organisations,
        organisation_changes,
        systems,
        certificates,
        resource_imports,
        resource_sheets,
        resources,
        upstream_catalogues,
        reviews,
        approval_chains,
        classifications,
        notices,
        list_types,
        lists,
        power_suspensions,
        grants,
        access_requests,
        objections,
        corrections,
        deliveries,
        duties,
        duty_rules,
        holiday_notices,
        staff,
        audit_events,
        audit_exports,
        tlog,
        pki,
        health,
        documentation,
    ):
        app.router.routes += door.router.routes
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)
    for fault in (SetupError, *FAULTS):
        app.add_exception_handler(fault, _database_fault)
    app.add_middleware(_WithoutNul)
    return app


MAX_JSON_BYTES = 4 << 20
"""Bodies of the ordinary routes: a resource of 500 items with long descriptions has 1 MiB."""

MAX_HELD_BYTES = 64 << 20
"""Bodies of the ordinary routes that one gateway holds at a time: they are read before anybody is asked who sends."""

SIGNED_PATHS = frozenset({"/v1/inbox/acks"})

MAX_BYTES = {resource_imports.PATH: resource_imports.MAX_BYTES}
"""Bodies of routes that take more, by their path."""


RETRY_AFTER_STOP_S = 5
"""Behind a balancer another gateway answers at once; a single one is back in about this time."""


class Front:
    """Before the application: takes the hot path straight to its door, and logs one line for every other request.

    The framework's routing costs as much as checking a signature, so posted envelopes do not go through it; the route
    is registered there too, for whoever mounts the application without this front.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.posting = exchanges.ExchangeDoor(app.state.context)
        self.held = 0
        self.proxies = Proxies(app.state.context.settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] == "/v1/exchanges" and scope["method"] == "POST":
            await self.posting(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        longest = MAX_BYTES.get(scope["path"], MAX_JSON_BYTES)
        body = _Body(self, receive, self.posting.max_bytes if scope["path"] in SIGNED_PATHS else longest)
        started = time.perf_counter()
        request_id = request_id_of(scope)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                if all(name != b"x-request-id" for name, _ in headers):
                    message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, body.receive, sending)
        except asyncio.CancelledError:  # the process ends, and this took longer than it waits
            if status:
                raise
            refusal = Unavailable(
                "服务正在停止，结果未知；请稍后查看是否已办成，没有再重试",
                "the hub is stopping and the outcome is unknown; see later whether it was done, and try again if not",
                retry_after=RETRY_AFTER_STOP_S,
            )
            english = english_wanted(scope["headers"])
            await problem(refusal, request_id=request_id, english=english)(scope, body.receive, sending)
        except Exception as fault:  # noqa: BLE001  the server would log its message, which may quote what was sent
            where = traceback.format_tb(fault.__traceback__, limit=-3)
            extra = {"request_id": request_id, "fault": type(fault).__name__, "where": where}
            log.error("a request could not be answered", extra=extra)
        finally:
            self.held -= body.size
            route = scope.get("route")
            log.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": getattr(route, "path", "-"),
                    "status": status,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                },
            )


class _Body:
    """The body of one request as it arrives: of a size that its route has any use for, and of one that there is room for."""

    def __init__(self, front: Front, receive: Receive, limit: int) -> None:
        self._front = front
        self._receive = receive
        self._limit = limit
        self.size = 0

    async def receive(self) -> Message:
        """The next message. Raises `Refused`."""
        message = await self._receive()
        arrived = len(message.get("body", b""))
        self.size += arrived
        self._front.held += arrived
        if self.size > self._limit:
            raise too_large(self._limit)
        if self._front.held > MAX_HELD_BYTES:
            raise busy()
        return message


class _WithoutNul:
    """Refuses addresses with NUL for all routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = _nul(scope) if scope["type"] == "http" else None
        answering = self._app if refusal is None else _answer(Request(scope), refusal)
        await answering(scope, receive, send)


def _nul(scope: Scope) -> InvalidInput | None:
    """The refusal of an address with NUL, which no text in the database can hold; names the parameter."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    named = {name.replace("\0", "") for name, value in query if "\0" in name + value}
    if "\0" in scope["path"]:
        named.add("path")
    if not named:
        return None
    zh, en = "地址含有 NUL 字符；请去掉", "the address holds NUL; leave it out"
    return InvalidInput(zh, en, errors=[FieldError(f"/{name}", zh, en) for name in sorted(named)])


def _answer(request: Request, refusal: Refused) -> Response:
    return problem(refusal, request_id=request_id_of(request.scope), english=english_wanted(request.scope["headers"]))


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refused)
    if fault.note:
        log.warning(
            "refused", extra={"request_id": request_id_of(request.scope), "slug": fault.slug, "note": fault.note}
        )
    return _answer(request, fault)


async def _invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    sent = header(request.scope["headers"], b"content-type").partition(b";")[0].strip().lower()
    is_json = sent == b"application/json" or (sent.startswith(b"application/") and sent.endswith(b"+json"))
    if not is_json and any(error["loc"] == ("body",) and error["type"] != "missing" for error in fault.errors()):
        return _answer(
            request,
            Refused(
                "请求体没有标明是 JSON；请加上 Content-Type: application/json",
                "the body is not marked as JSON; send Content-Type: application/json",
                slug="unsupported-media-type",
            ),
        )
    errors = [field_error(error) for error in fault.errors()]
    zh = f"有 {len(errors)} 处输入有误，没有任何内容被保存"
    return _answer(request, InvalidInput(zh, f"{len(errors)} field(s) are wrong; nothing was saved", errors=errors))


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if fault.status_code == 405:
        refusal = Refused(
            "该地址不支持此方法；请查看 /docs",
            "this address does not take that method; see /docs",
            slug="method-not-allowed",
        )
    elif isinstance(fault.__cause__, Refused):  # what reading the body raised, wrapped by the framework
        refusal = fault.__cause__
    elif fault.status_code == 400:
        refusal = InvalidInput("请求体无法解析；请发送 UTF-8 的 JSON", "the body cannot be parsed; send JSON in UTF-8")
    else:
        refusal = NotFound("没有这个地址；请查看 /docs", "there is nothing at this address; see /docs")
    answer = _answer(request, refusal)
    if fault.status_code == 405:
        answer.headers.update(fault.headers or {})  # Allow
    return answer


async def _unforeseen(request: Request, fault: Exception) -> Response:
    return _answer(
        request,
        Unavailable(
            "枢纽出了没有料到的错误，是否已办不能确定；请先查看结果再重试，并把 request_id 告诉枢纽的系统管理员",
            "The hub met an error that was not foreseen, and whether it was done is not known; look before you try again, "
            "and tell the hub's operator the request_id",
            retry_after=30,
        ),
    )


async def _database_fault(request: Request, fault: Exception) -> Response:
    log.error("database fault", extra={"request_id": request_id_of(request.scope), "fault": type(fault).__name__})
    return _answer(request, database_away())
