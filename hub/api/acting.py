"""The transaction of an act: who acts is judged again under the barrier of rights, where nothing can change any more (I3).

A guard judges the caller before the act's transaction begins, and a change of organisations may commit between the two. So
the barrier is the first statement of the transaction; then the caller's session is asked for again, and what the act is about
is read after that, with whose it is by now (`permissions.require`). What changes rights takes `changing_rights`: a shared
lock that is to become an exclusive one would wait for another that wants the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from hub.api.context import Context
from hub.identity import sessions
from hub.identity.callers import StaffCaller, SystemCaller
from hub.identity.errors import TokenRefused
from hub.registry import barrier, certificates


@asynccontextmanager
async def acting(ctx: Context, caller: StaffCaller | SystemCaller) -> AsyncIterator[AsyncSession]:
    """The transaction of an act that changes no rights: they stay as they are until it ends. Raises SessionOver, TokenRefused."""
    async with ctx.transaction() as session:
        await barrier.share(session)
        await expect_standing(session, caller)
        yield session


@asynccontextmanager
async def changing_rights(ctx: Context, caller: StaffCaller) -> AsyncIterator[AsyncSession]:
    """The transaction of an act that changes rights, or may: nobody accepts, claims or answers until it ends. Raises SessionOver."""
    await indexing.ready()  # what publishing needs: every acceptance waits from here on
    async with ctx.transaction() as session:
        await barrier.hold(session, ctx.clock())
        await expect_standing(session, caller)
        yield session


@asynccontextmanager
async def upon_accounts(ctx: Context, caller: StaffCaller) -> AsyncIterator[AsyncSession]:
    """The transaction of an act upon accounts, which the barrier has no part in: the caller's own is held. Raises SessionOver."""
    async with ctx.transaction() as session:
        await sessions.expect_open(session, caller, hold=True)
        yield session


async def expect_standing(session: AsyncSession, caller: StaffCaller | SystemCaller) -> None:
    """Pass while what the caller showed to the guard still counts. Raises SessionOver, TokenRefused."""
    if isinstance(caller, StaffCaller):
        await sessions.expect_open(session, caller)
        return
    certificate, system = await certificates.find_certificate(session, caller.kid)
    if (system.state, certificate.state) != ("active", "active"):
        raise TokenRefused(
            "系统或取得令牌所用的证书在此期间被停用；请联系安全管理员",
            "the system, or the certificate that obtained the token, was stopped meanwhile; ask the security officer",
        )
