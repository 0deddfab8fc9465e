"""Resources put straight into the tables, as steps would have left them, with their index."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from catalog.models import Resource, ResourceVersion
from tests.catalog.conftest import NOW, Stored


async def driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """The driver's connection under the session, in the session's transaction."""
    await session.flush()
    await session.execute(text("SELECT 1"))  # the transaction begins with the first statement
    pooled = await (await session.connection()).get_raw_connection()
    found = pooled.driver_connection
    assert isinstance(found, asyncpg.Connection)
    return found


DIGEST = "sha-256:" + "0" * 64


def version_of(resource_id: UUID, number: int, *, items: Sequence[str] = (), **metadata: Any) -> ResourceVersion:
    """A version that says so."""
    said = {"summary": "示例", "share_type": 1, "update_cycle": 4, "format_class": 3} | metadata
    return ResourceVersion(
        resource_id=resource_id,
        number=number,
        description={name: value for name, value in said.items() if value is not None},
        items=[{"field_name": f"f{place}", "name": item, "data_type": "D"} for place, item in enumerate(items)],
        payload_schema={},
        schema_digest=DIGEST,
        state="draft",
        created_at=NOW,
    )


def rows(
    owner: Stored,
    code: str,
    name: str,
    *,
    status: str = "published",
    items: Sequence[str] = (),
    provider_id: UUID | None = None,
    **metadata: Any,
) -> tuple[Resource, ResourceVersion]:
    """A resource and its first version, live unless the status says that nothing is."""
    resource_id = uuid4()
    version = version_of(resource_id, 1, items=items, name=name, **metadata)
    resource = Resource(
        id=resource_id,
        code=code,
        name=name,
        summary=version.description["summary"],
        provider_id=provider_id or owner.organisation,
        system_id=owner.system,
        share_type=version.description["share_type"],
        update_cycle=version.description["update_cycle"],
        status=status,
        live_version=None if status in {"draft", "submitted"} else 1,
        is_example=True,
        created_at=NOW,
        updated_at=NOW,
    )
    return resource, version


async def put(session: AsyncSession, owner: Stored, code: str, name: str, **given: Any) -> UUID:
    """Such a resource, indexed; returns its id."""
    resource, version = rows(owner, code, name, **given)
    session.add(resource)
    await session.flush()
    session.add(version)
    await session.flush()
    await indexing.index(session, [resource.id])
    return resource.id


async def put_all(session: AsyncSession, made: Sequence[tuple[Resource, ResourceVersion]]) -> None:
    """Many resources, indexed."""
    session.add_all([resource for resource, _ in made])
    await session.flush()
    session.add_all([version for _, version in made])
    await session.flush()
    for first in range(0, len(made), 500):
        await indexing.index(session, [resource.id for resource, _ in made[first : first + 500]])
