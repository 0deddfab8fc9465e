"""Who may come in: every route carries exactly one guard, and a test walks all routes and fails on one without.

* `Anyone`: open to all, as the contract says of that route.
* `LogReader`: open to all, unless the operator keeps the log's hashes for auditors.
* `SignedMessage`: what is posted proves by itself who signed it; the endpoint judges it.
* `SystemToken`, `SystemTokenNow`: a partner system with an access token, by the picture in memory or by the registry now.
* `staff_may(action)`: a member of staff with a session, to whom `hub.identity.permissions` allows the action.
* `system_or_staff(action)`: either of the two.

A session comes as bearer token or as cookie. A browser sends a cookie along whoever made it ask, so a request that changes
something is accepted with the cookie only if the browser says that our own page made it: `Sec-Fetch-Site: same-origin`,
or, from browsers and addresses without that header, an `Origin` whose host is the one that was asked. Programs send the
token as bearer and need neither.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request

from hub.api.context import Context, ContextDep
from hub.api.requests import address_of, request_id_of
from hub.errors import Forbidden, Unauthenticated
from hub.identity import permissions, sessions, tokens
from hub.identity.callers import StaffCaller, SystemCaller
from hub.identity.errors import PasswordChangeDue, TokenRefused
from hub.identity.sessions import Origin
from hub.registry import barrier

COOKIE = "shuniu_session"

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing (RFC 9110 §9.2.1), as far as we serve them."""

LONGEST_TERMINAL = 200
"""Characters of `User-Agent` that the log keeps."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a guard lets in; `action` names a function of `hub.identity.permissions`."""

    kind: str
    action: str = ""


ANYONE = Mark("anyone")
SIGNED_MESSAGE = Mark("signed-message")
SYSTEM = Mark("system")


def marked(guard: Any, mark: Mark) -> Any:
    """The guard with its mark, for the test that walks all routes."""
    guard.shuniu_guard = mark
    return guard


def origin_of(request: Request) -> Origin:
    """Where the request came from, for the log."""
    return Origin(
        address_of(request.scope),
        request.headers.get("user-agent", "")[:LONGEST_TERMINAL],
        request_id_of(request.scope),
    )


def is_same_origin(request: Request) -> bool | None:
    """Whether our own page made the request, as the browser tells; None if it tells nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return None
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # such as `http://[x`
        return False


async def anyone() -> None:
    """Let everybody in."""


async def signed_message() -> None:
    """Let everybody in: the endpoint judges the signature of what is posted."""


async def system_token(request: Request, ctx: ContextDep) -> SystemCaller:
    """The system whose access token the request carries. Raises Unauthenticated, TokenRefused.

    Judged by the picture in memory: what this guard opens looks at rights again under the barrier (I3).
    """
    token = _bearer(request)
    if token is None:
        raise _nobody("访问令牌（POST /oauth/token）", "an access token (POST /oauth/token)")
    return await _system(token, request, ctx)


async def system_token_now(request: Request, ctx: ContextDep) -> SystemCaller:
    """The same, judged by what the registry says at this request: for acts that are not looked at again under the barrier."""
    token = _bearer(request)
    if token is None:
        raise _nobody("访问令牌（POST /oauth/token）", "an access token (POST /oauth/token)")
    return await _system_now(token, request, ctx)


def staff_may(
    action: str, *, before_password_change: bool = False
) -> Callable[[Request, ContextDep], Awaitable[StaffCaller]]:
    """The guard that lets in staff to whom `permissions` allows the action.

    `before_password_change` opens the route to a session that may otherwise only change its password.
    """
    allows = permissions.ACTIONS[action]

    async def guard(request: Request, ctx: ContextDep) -> StaffCaller:
        caller = await _staff(_session_token(request), request, ctx)
        if caller.must_change_password and not before_password_change:
            raise PasswordChangeDue
        permissions.require(allows, caller)
        return caller

    return marked(guard, Mark("staff", action))  # type: ignore[no-any-return]


def system_or_staff(action: str) -> Callable[[Request, ContextDep], Awaitable[SystemCaller | StaffCaller]]:
    """The guard that lets in any active system with a token, and staff to whom `permissions` allows the action."""
    staff_guard = staff_may(action)

    async def guard(request: Request, ctx: ContextDep) -> SystemCaller | StaffCaller:
        token = _bearer(request)
        if token is not None and _is_access_token(token):
            return await _system_now(token, request, ctx)
        return await staff_guard(request, ctx)

    return marked(guard, Mark("system-or-staff", action))  # type: ignore[no-any-return]


async def log_reader(request: Request, ctx: ContextDep) -> None:
    """Let everybody read the log's hashes; if the operator has closed them, auditors and inspectors only."""
    if not ctx.settings.tlog_open:
        await _AUDIT_READ(request, ctx)


_AUDIT_READ = staff_may("audit_read")

marked(anyone, ANYONE)
marked(log_reader, ANYONE)
marked(signed_message, SIGNED_MESSAGE)
marked(system_token, SYSTEM)
marked(system_token_now, SYSTEM)

Anyone = Annotated[None, Depends(anyone)]
LogReader = Annotated[None, Depends(log_reader)]
SignedMessage = Annotated[None, Depends(signed_message)]
SystemToken = Annotated[SystemCaller, Depends(system_token)]
SystemTokenNow = Annotated[SystemCaller, Depends(system_token_now)]
SystemOrStaff = Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("exchange_read"))]


async def _staff(token: str, request: Request, ctx: Context) -> StaffCaller:
    async with ctx.transaction() as session:
        return await sessions.authenticate(
            session, token, idle_limit=ctx.identity.idle_limit, origin=origin_of(request), now=ctx.clock()
        )


async def _system(token: str, request: Request, ctx: Context) -> SystemCaller:
    now, origin = ctx.clock(), origin_of(request)
    access = ctx.identity.tokens.read(token, now=now)
    try:
        return tokens.caller_of(access, ctx.pictures.picture, origin=origin, now=now)
    except TokenRefused:
        # A refusal must not rest on an old picture: the system may have been resumed a moment ago.
        fresh = await ctx.pictures.at_least_now()
        return tokens.caller_of(access, fresh, origin=origin, now=now)


async def _system_now(token: str, request: Request, ctx: Context) -> SystemCaller:
    """The same by a picture that is not older than this request: what it opens is not under the barrier of rights."""
    async with ctx.transaction() as session:
        epoch = await barrier.epoch(session)
    await ctx.pictures.at_least(epoch)
    return await _system(token, request, ctx)


def _session_token(request: Request) -> str:
    token = _bearer(request)
    if token is not None:
        return token
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise _nobody("会话（POST /v1/session）", "a session (POST /v1/session)")
    if request.method not in SAFE_METHODS and not is_same_origin(request):
        raise Forbidden(
            "该请求不是本站页面发出的，不接受 Cookie；程序请改用 Authorization: Bearer",
            "no page of ours made this request, so the cookie does not count; programs send Authorization: Bearer",
        )
    return cookie


def _bearer(request: Request) -> str | None:
    """The bearer token (RFC 6750 §2.1), None without `Authorization`. Raises Unauthenticated for any other scheme."""
    value = request.headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _nobody("Authorization: Bearer 令牌", "Authorization: Bearer with a token")
    return token.strip()


def _is_access_token(token: str) -> bool:
    """Whether a bearer token is a JWT: those of sessions hold no dot."""
    return "." in token


def _nobody(zh: str, en: str) -> Unauthenticated:
    return Unauthenticated(f"需要{zh}", f"this needs {en}")
