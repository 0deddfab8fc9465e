"""How a step of the catalogue is recorded here, and how its refusals become the gateway's."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing, steps
from catalog.errors import CatalogError
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.registry import barrier
from hub.registry.errors import from_catalog

_Result = TypeVar("_Result")


async def hold(session: AsyncSession, now: datetime) -> datetime:
    """Hold the barrier; what indexing needs is loaded before, for every acceptance waits from here on."""
    await indexing.ready()
    return await barrier.hold(session, now)


async def refusing(act: Awaitable[_Result]) -> _Result:
    """What the catalogue's act returns. Raises the gateway's refusal for the catalogue's."""
    try:
        return await act
    except CatalogError as error:
        raise from_catalog(error) from error


async def finish(
    session: AsyncSession, event: str, step: steps.Step, actor: Actor, recorder: Recorder, **said: int | str | None
) -> None:
    """Record a step that was taken, with what else is said of it (codes and counts), index it, and bump the epoch."""
    recorder.record(session, event_of(event, step, actor, **said), now=step.at)
    await indexing.index(session, [step.resource_id])
    await barrier.bump(session)


def event_of(event: str, step: steps.Step, actor: Actor, **said: int | str | None) -> Event:
    """The log's event of a step of the catalogue, with what else is said of it (codes and counts)."""
    details: dict[str, Any] = {"version": step.version, "schema_digest": step.schema_digest, **said}
    return Event(
        event,
        actor,
        "resource",
        step.code,
        before=step.before or "",
        after=step.after,
        details={name: value for name, value in details.items() if value is not None},
    )
