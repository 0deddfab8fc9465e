"""The barrier of rights (I3): after a revocation commits, nothing that it forbids is accepted, claimed or answered.

The problem. A gateway judges an envelope against a picture of the registry in its memory, and commits a moment later, in
another transaction. Between the two somebody may revoke the certificate. Notifications alone only make the window
short; rows locked one by one would put every acceptance in the queue behind its own system.

Two sides meet at one advisory lock and one counter. (The same holds for people: `hub.api.acting` judges who acts again under it.)

* Who accepts, claims or answers begins its transaction with the *shared* lock and, in its next statement, reads the
  epoch. Many hold it at once; it costs no row. If the epoch is not the one that its picture was loaded with, it rolls
  back, loads the picture and judges again.
* Who changes rights begins with the *exclusive* lock (`hold`) and bumps the epoch last (`bump`), both in the
  transaction of the change.

So either the acceptance commits before the change gets the lock, and then it was lawful when it committed; or it gets
the shared lock after the change committed, reads the new epoch and judges again. PostgreSQL grants advisory locks in the
order of the requests, so that a stream of acceptances cannot starve a revocation.

What would break it:

* Lock and read in one statement, or REPEATABLE READ: the snapshot is taken before the wait for the lock, so the read
  returns the epoch of before the change. Connections are set to READ COMMITTED, and the read is a statement of its own.
* A session-level lock: it would survive a rollback. The lock is one of the transaction: it ends with COMMIT, with
  ROLLBACK and with the death of the connection, never earlier and never later.
* Work between `hold` and the commit that waits for something else than this database: every gateway waits with it. What
  is slow (compiling a schema) is done before; `idle_in_transaction_session_timeout` ends a holder that was stopped.
* `bump` before the last write: harmless while the lock is held, but the notification must not leave without the change;
  NOTIFY is delivered at commit, and only then.

A holder that dies half-way takes its changes, its bump and its notification with it.
"""

from datetime import datetime, timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.ids import lowest_id
from hub.db.locks import REGISTRY_BARRIER, REGISTRY_CHANNEL
from hub.errors import Unavailable

_LOCK_NOT_AVAILABLE = "55P03"
RETRY_S = 5
"""Longer than a stopped holder of the shared lock lives (`hub.db.engine.IDLE_IN_TRANSACTION_MS`)."""

_HOLD = text("SELECT pg_advisory_xact_lock(:key)")
_LOGGED_SINCE = text("SELECT max(occurred_at) FROM log_entry WHERE id >= :id")
"""An entry's id carries its time to the millisecond, so those after a moment lie from that moment's lowest id on."""

_TICK = timedelta(microseconds=1)
_SHARE = text("SELECT pg_advisory_xact_lock_shared(:key)")
_BUMP = text("UPDATE registry_epoch SET epoch = epoch + 1 RETURNING epoch")
_NOTIFY = text("SELECT pg_notify(:channel, :epoch)")
_EPOCH = text("SELECT epoch FROM registry_epoch")


async def hold(session: AsyncSession, now: datetime) -> datetime:
    """Wait until nobody accepts, claims or answers, and keep them waiting until this transaction ends.

    The first statement of every transaction that changes rights; holding it twice is the same as once. Returns the time of
    the act: `now`, or later than everything that was logged while it waited, for the log is read by its times: what is
    accepted before a change must not be dated after it. Raises Unavailable when the wait exceeds the connection's lock_timeout.
    """
    await _lock(
        session,
        _HOLD,
        "正在处理的报文尚未落库，暂时不能变更权限；没有任何改动，请稍后重试",
        "messages in hand have not committed yet, so rights cannot change now; nothing was changed, try again soon",
    )
    logged: datetime | None = (await session.execute(_LOGGED_SINCE, {"id": lowest_id(now)})).scalar_one()
    return now if logged is None or logged <= now else logged + _TICK


async def share(session: AsyncSession) -> None:
    """Wait for who changes rights, and keep them as they are until this transaction ends; read them in the next statement.

    The first statement, as `hold`, and never before `hold` in one transaction. Raises Unavailable as that does.
    """
    await _lock(
        session,
        _SHARE,
        "权限正在变更，尚未完成；没有任何改动，请稍后重试",
        "rights are being changed and that is not done yet; nothing was changed, try again soon",
    )


async def bump(session: AsyncSession) -> int:
    """Write out what the session has changed, count the change and tell the gateways; returns the new epoch.

    The last statement before the commit of a transaction that called `hold`.
    """
    await session.flush()
    new: int = (await session.execute(_BUMP)).scalar_one()
    await session.execute(_NOTIFY, {"channel": REGISTRY_CHANNEL, "epoch": str(new)})
    return new


async def epoch(session: AsyncSession) -> int:
    """The epoch as this statement sees it."""
    now: int = (await session.execute(_EPOCH)).scalar_one()
    return now


async def _lock(session: AsyncSession, lock: TextClause, zh: str, en: str) -> None:
    try:
        await session.execute(lock, {"key": REGISTRY_BARRIER})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise Unavailable(zh, en, retry_after=RETRY_S) from error
