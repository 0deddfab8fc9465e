"""The classification 类、项、目、细目 as the authority maintains it here: each act of the catalogue's with its log entry.

Classes are nothing that judging looks at, so no act holds the barrier. None commits.
"""

from collections.abc import Awaitable, Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import classification
from catalog.classification import ClassChange
from catalog.lists import list_type, list_types, proposed_classes
from catalog.models import Classification
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.publishing.recording import refusing
from hub.registry.errors import InvalidField


async def add_class(
    session: AsyncSession, code: str, name: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Classification:
    """Add a class. Raises InvalidInput, Conflict if its code is taken."""
    act = classification.add_class(session, code, name, by=actor.id, now=now)
    return await _take(session, "class.added", act, actor, recorder, now)


async def add_list_classes(
    session: AsyncSession, keys: Collection[str], *, actor: Actor, recorder: Recorder, now: datetime
) -> Sequence[Classification]:
    """Add those classes that the types of lists propose and that are not there; returns them. Raises InvalidField, InvalidInput."""
    if unknown := sorted(key for key in keys if list_type(key) is None):
        raise InvalidField(
            "/list_types",
            f"没有清单类型 {'、'.join(unknown)}；请先查询清单类型列表",
            f"there is no type of list {', '.join(unknown)}; list the types first",
        )
    proposed = proposed_classes(keys or [one.key for one in list_types()])
    there = await classification.known_classes(session, [code for code, _ in proposed])
    return [
        await add_class(session, code, name, actor=actor, recorder=recorder, now=now)
        for code, name in proposed
        if code not in there
    ]


async def rename_class(
    session: AsyncSession, code: str, name: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Classification:
    """Give a class another name; codes stay. Raises NotFound, InvalidInput."""
    act = classification.rename_class(session, code, name, by=actor.id, now=now)
    return await _take(session, "class.renamed", act, actor, recorder, now)


async def end_class(
    session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Classification:
    """Let nothing more be registered under a class. Raises NotFound, Conflict."""
    act = classification.end_class(session, code, by=actor.id, now=now)
    return await _take(session, "class.ended", act, actor, recorder, now)


async def reopen_class(
    session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Classification:
    """Let resources be registered under an ended class again. Raises NotFound, Conflict, InvalidInput."""
    act = classification.reopen_class(session, code, by=actor.id, now=now)
    return await _take(session, "class.reopened", act, actor, recorder, now)


async def list_classes(
    session: AsyncSession, *, parent: str | None, after: str | None, limit: int
) -> Sequence[Classification]:
    """At most `limit` classes by code beyond `after`; with `parent`, those right below it."""
    return await classification.list_classes(session, parent=parent, after=after, limit=limit)


async def _take(
    session: AsyncSession, event: str, act: Awaitable[ClassChange], actor: Actor, recorder: Recorder, now: datetime
) -> Classification:
    change = await refusing(act)
    row = change.row
    recorder.record(
        session,
        Event(event, actor, "class", row.code, before=change.before or "", after=change.after),
        now=now,
    )
    await session.flush()
    return row
