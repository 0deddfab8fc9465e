"""Workbooks that are handed out: the template, and the catalogue as it is, made by a clerk so that no gateway waits for them."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, repository
from catalog.sheets.limits import MAX_FILE_BYTES, MAX_ROWS
from hub.errors import InvalidInput, Unavailable
from hub.publishing.imports import repository as rows
from hub.publishing.imports.clerk import ClerkLost, hired
from hub.registry import repository as registry_rows
from hub.registry.errors import UnknownOrganisation
from hub.registry.models import Organisation

MOST_ROWS: Final = MAX_ROWS - 1
"""Resources, and items, in one workbook, below the heading: what is exported can be imported again."""

MOST_AT_ONCE: Final = 2
"""Workbooks that one gateway has made at a time; others wait."""

_PAGE: Final = 200
_making = asyncio.Semaphore(MOST_AT_ONCE)


async def template() -> bytes:
    """The template. Raises Unavailable."""
    return await _made({"order": "template"}, ())


async def export(pieces: Sequence[bytes]) -> bytes:
    """The workbook of what was collected. Raises Unavailable, InvalidInput."""
    made = await _made({"order": "export"}, pieces)
    if len(made) > MAX_FILE_BYTES:
        raise _too_much()
    return made


async def collect(session: AsyncSession, provider: str | None) -> list[bytes]:
    """What an export shows, as the clerk takes it: the resources of one provider, or all. Raises UnknownOrganisation, InvalidInput."""
    provider_id = None if provider is None else (await _find(session, provider)).id
    systems = await rows.system_codes(session)
    pieces: list[bytes] = []
    cursor: str | None = None
    resources = items = 0
    while True:
        page = await queries.list_resources(session, cursor=cursor, limit=_PAGE, provider_id=provider_id)
        shown = [resource for resource in page.items if resource.status != "withdrawn"]
        newest = {row[0]: row for row in await repository.versions_without_schema(session, [one.id for one in shown])}
        providers = await rows.organisations_by_id(session, {one.provider_id for one in shown})
        resources += len(shown)
        items += sum(len(row[3]) for row in newest.values())
        if max(resources, items) > MOST_ROWS:
            raise _too_much()
        described = [
            {
                "code": one.code,
                "provider_name": providers[one.provider_id].name,
                "provider_code": providers[one.provider_id].code,
                "system": systems[one.system_id],
                "said": newest[one.id][2],
                "items": newest[one.id][3],
            }
            for one in shown
        ]
        pieces.append(orjson.dumps({"resources": described}))
        if page.next is None:
            return pieces
        cursor = page.next


async def _find(session: AsyncSession, provider: str) -> Organisation:
    try:
        found = await registry_rows.organisation(session, UUID(provider))
    except ValueError:
        found = await registry_rows.organisation_by_code(session, provider)
    if found is None:
        raise UnknownOrganisation(provider)
    return found


async def _made(order: dict[str, str], pieces: Sequence[bytes]) -> bytes:
    try:
        async with _making, hired() as clerk:
            await clerk.say(order)
            for piece in pieces:
                await clerk.say_raw(piece)
            await clerk.say({"end": True})
            made: bytes = await clerk.hear()
            return made
    except ClerkLost:
        raise Unavailable(
            "生成工作簿的辅助进程中断；请稍后重试，或按机构分别导出",
            "the helper that makes workbooks ended; try again later, or export one organisation at a time",
            retry_after=5,
        ) from None


def _too_much() -> InvalidInput:
    return InvalidInput(
        f"资源或信息项超过 {MOST_ROWS} 个，或文件超过 {MAX_FILE_BYTES >> 20} MiB，这样的工作簿不能再导入；请用 provider 按机构分别导出",
        f"a workbook of more than {MOST_ROWS} resources or items, or {MAX_FILE_BYTES >> 20} MiB, could not be imported again; export one"
        " organisation at a time with provider",
    )
