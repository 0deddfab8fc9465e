"""Does what imports wait for: judges workbooks, and writes those that were ordered to be written.

The problem. A workbook of ten thousand rows takes a minute of a processor, may be hostile, and must be written whole or not at
all; whoever works on it may be killed at any moment, and its editor may cancel.

* The workbook is read and judged by a clerk, a process of its own with limits, which also makes every row that is to be written,
  schemas and digests included. Here nothing is computed that takes long.
* An import in hand is leased, with a fence. Every two seconds the lease is prolonged, and that is when a cancelled or taken-over
  import is noticed: the clerk is ended and nothing has happened. A worker that dies leaves a lease that runs out, and another
  worker begins anew: until the last transaction nothing of an import is in the catalogue.
* The last transaction holds the import's row, so that cancelling comes before it or too late; holds each resource that changes and
  compares it with what was judged; writes all rows, their log entries and one for the import; and bumps the epoch last. It holds
  no barrier, for drafts change no rights.
* Codes are taken before, in a transaction of their own, for schemas and digests name them: an import that fails after that leaves
  numbers that nobody has, never one that two have.
* Imports of one organisation are written one after the other, and names that are to be new are asked for again.
* A resource that was changed meanwhile, or a name that was taken, ends the transaction, and the workbook is judged once more.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from catalog.sheets.known import Wanted
from catalog.sheets.preparing import REGISTERED, Prepared
from catalog.sheets.storing import Moved, reserve, store
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.clock import Clock
from hub.db.engine import Database
from hub.db.ids import new_ids
from hub.identity import repository as identity
from hub.identity.roles import Role
from hub.publishing.imports import repository
from hub.publishing.imports.clerk import Clerk, ClerkLost, hired
from hub.publishing.imports.knowing import look_up
from hub.publishing.imports.models import CatalogueImport
from hub.publishing.recording import event_of
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import OrganisationEnded
from hub.reviewing import service as reviewing

log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=30)
HEARTBEAT_S: Final = 2.0
"""Between two looks at whether the import is still ours; a cancelled one ends within that time."""

MOST_ATTEMPTS: Final = 3
"""Times that an import is taken up; one that kills its workers or its clerks is given up then."""

_PREPARED: Final = b'{"prepared":'
_COUNTS: Final = ("new", "changed", "unchanged", "bad", "skipped")
_EVENTS: Final = {"registered": "resource.registered", "edited": "resource.edited", "drafted": "resource.drafted"}

_LOST: Final = {
    "rule": "sheet-effort",
    "zh": "处理这个工作簿几次都没有完成：它超出了时间或内存限制，或后台进程多次中断；请拆成几个较小的工作簿，仍不行请联系系统管理员",
    "en": "this workbook was not finished in several attempts: it takes more time or memory than allowed, or workers kept"
    " ending; split it into smaller ones, and if that does not help ask the operator",
}
_NO_EDITOR: Final = {
    "rule": "sheet-editor",
    "zh": "下达导入的账户已停用，或不再是该机构的目录编辑；没有写入任何内容",
    "en": "the account that ordered this is closed or does not edit for the organisation any more; nothing was written",
}


class LetGo(Exception):
    """The import is not ours any more: it was cancelled, or the lease ran out and another has it."""


@dataclass(slots=True)
class Importer:
    """Takes up one import after the other."""

    database: Database
    clock: Clock
    recorder: Recorder

    async def take_up(self) -> bool:
        """Whether an import waited; it has been done, given up, or left to another when this returns."""
        async with self.database.session() as session, session.begin():
            row = await repository.claim(session, LEASE)
        if row is None:
            return False
        with suppress(LetGo):
            if row.attempts > MOST_ATTEMPTS:
                await self.settle(row, state="failed", reason=_LOST, actor={})
            else:
                await self._work(row)
        return True

    async def _work(self, row: CatalogueImport) -> None:
        job = _Job(self, row)
        try:
            await job.run()
        except ClerkLost:
            log.warning("a clerk was lost", extra={"import": str(row.id), "attempt": row.attempts})
            await self.settle(row)  # the next attempt comes at once
        except Moved:
            log.info("the catalogue moved under an import", extra={"import": str(row.id)})
            await self.settle(row, attempts=row.attempts - 1)

    async def settle(self, row: CatalogueImport, **values: Any) -> None:
        """Write these values and end the lease. Raises LetGo."""
        async with self.database.session() as session, session.begin():
            values["updated_at"] = self.clock()
            if not await repository.settle(session, row.id, row.fence, values):
                raise LetGo


@dataclass(slots=True)
class _Job:
    """One import in hand."""

    importer: Importer
    row: CatalogueImport
    done: int = 0
    total: int = 0
    beaten_at: float = field(default_factory=time.monotonic)
    prepared: list[memoryview] = field(default_factory=list)

    async def run(self) -> None:
        """Judge the workbook, and write it if that was ordered. Raises LetGo, ClerkLost, Moved."""
        order = {
            "order": "write" if self.row.state == "committing" else "import",
            "options": self.row.options,
            "good_rows": self.row.good_rows,
            "provider": str(self.row.organisation_id),
        }
        async with hired() as clerk:
            await clerk.say(order)
            await clerk.hand(self.row.file)
            await self._converse(clerk)

    async def _converse(self, clerk: Clerk) -> None:
        verdict: dict[str, Any] = {}
        writes = False
        while True:
            heard = await self._next(clerk)
            if isinstance(heard, bytes):
                await (self._commit(verdict, heard) if writes else self._judged(verdict, heard))
                return
            if bytes(heard[: len(_PREPARED)]) == _PREPARED:
                self.prepared.append(heard)  # read when it is written: as objects they would take ten times the memory
                continue
            message = orjson.loads(heard)
            if "told" in message:
                self.done, self.total = message["told"]
            elif "wanted" in message:
                await clerk.say(await self._known(Wanted.model_validate(message["wanted"])))
            elif "reserve" in message:
                await clerk.say(await self._reserve(message["reserve"]))
            elif "verdict" in message:
                verdict, writes = message["verdict"], message["writes"]
            elif "refused" in message:
                await self.importer.settle(self.row, state="refused", reason=message["refused"], actor={})
                return

    async def _next(self, clerk: Clerk) -> bytes | memoryview:
        """What the clerk says next; meanwhile the lease is kept. Raises ClerkLost, LetGo."""
        hearing = asyncio.create_task(clerk.hear_raw())
        try:
            while True:
                await asyncio.wait({hearing}, timeout=HEARTBEAT_S)
                if time.monotonic() - self.beaten_at >= HEARTBEAT_S:
                    await self._beat()
                if hearing.done():
                    return hearing.result()
        finally:
            hearing.cancel()

    async def _beat(self) -> None:
        self.beaten_at = time.monotonic()
        async with self.importer.database.session() as session, session.begin():
            row = self.row
            if not await repository.keep(session, row.id, row.fence, done=self.done, total=self.total, lease=LEASE):
                raise LetGo

    async def _known(self, wanted: Wanted) -> dict[str, Any]:
        async with self.importer.database.session() as session, session.begin():
            known = await look_up(session, wanted, self.row.organisation_id)
        return known.model_dump(mode="json")

    async def _reserve(self, needed: dict[str, int]) -> dict[str, Any]:
        async with self.importer.database.session() as session, session.begin():
            first = await reserve(session, needed)
        ids = new_ids(self.importer.clock(), sum(needed.values()))
        return {"first": first, "ids": [str(identifier) for identifier in ids]}

    async def _judged(self, verdict: dict[str, Any], workbook: bytes) -> None:
        """Keep the verdict; an import that was to be written and has become bad waits for its editor again."""
        await self.importer.settle(
            self.row, state="judged", done=self.total, total=self.total, workbook=workbook, **verdict
        )

    async def _commit(self, verdict: dict[str, Any], workbook: bytes) -> None:
        """Write all of it in one transaction. Raises LetGo, Moved."""
        importer, row, now = self.importer, self.row, self.importer.clock()
        async with importer.database.session() as session, session.begin():
            if not await repository.hold(session, row.id, row.fence):
                raise LetGo
            reason = await _objection(session, row)
            if reason is not None:
                values = {"state": "failed", "reason": reason, "actor": {}, "updated_at": now}
                await repository.settle(session, row.id, row.fence, values)
                return
            actor = Actor(**row.actor)
            await repository.hold_names(session, row.organisation_id)
            for piece in self.prepared:
                prepared = [Prepared.model_validate(one) for one in orjson.loads(piece)["prepared"]]
                new = [one.resource["name"] for one in prepared if one.step == REGISTERED]
                if new and await repository.codes_of_names(session, row.organisation_id, new):
                    raise Moved  # another import has just written one of that name
                steps = await store(session, prepared, now=now)
                for one, step in zip(prepared, steps, strict=True):
                    event = event_of(_EVENTS[one.step], step, actor, **{"import": str(row.id)})
                    importer.recorder.record(session, event, now=now)
                await session.flush()
                await reviewing.add_authors(session, [(one.resource_id, one.number) for one in prepared], actor)
                await indexing.index(session, [step.resource_id for step in steps])
                session.expunge_all()
            told = {"file": row.file_digest, **{name: verdict["counts"][name] for name in _COUNTS}}
            event = Event("import.committed", actor, "import", str(row.id), details=told)
            importer.recorder.record(session, event, now=now)
            values = {"state": "committed", "done": self.total, "total": self.total, "workbook": workbook, "actor": {}}
            await repository.settle(session, row.id, row.fence, values | verdict | {"updated_at": now})
            await barrier.bump(session)


async def _objection(session: AsyncSession, row: CatalogueImport) -> dict[str, str] | None:
    """Why nothing may be written any more: who ordered it edits no more, or their organisation has ended."""
    account = await identity.staff(session, row.staff_id)
    assert account is not None  # accounts are never deleted
    roles = (await identity.roles_of(session, [row.staff_id]))[row.staff_id]
    is_editor = account.state == "active" and account.organisation_id == row.organisation_id and Role.EDITOR in roles
    if not is_editor:
        return _NO_EDITOR
    try:
        await registry.find_active_organisation(session, row.organisation_id)  # it cannot end before this commits
    except OrganisationEnded as ended:
        return {"rule": "sheet-organisation", "zh": ended.zh, "en": ended.en}
    return None
