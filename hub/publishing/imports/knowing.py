"""What the catalogue and the registry know of the things that a workbook names, looked up for the clerk who asks."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.sheets.known import Body, Known, Wanted
from catalog.sheets.storing import find_existing
from hub.publishing import service
from hub.publishing.imports import repository
from hub.registry import service as registry


async def look_up(session: AsyncSession, wanted: Wanted, organisation_id: UUID) -> Known:
    """What there is of what is wanted, for an editor of that organisation. Raises UnknownOrganisation."""
    organisation = await registry.find_organisation(session, organisation_id)
    own = Body(
        id=str(organisation.id),
        code=organisation.code,
        name=organisation.name,
        coded=await service.nearest_code(session, organisation),
        systems=tuple(await repository.active_systems(session, organisation.id)),
    )
    named = await repository.organisations(session, wanted.provider_codes, wanted.provider_names)
    bodies = tuple(Body(id=str(one.id), code=one.code, name=one.name, coded=one.code or "") for one in named)
    existing = await find_existing(session, wanted.codes, await repository.system_codes(session))
    codes = {*wanted.systems, *own.systems, *(one.system for one in existing)}
    return Known(
        own=own,
        bodies=bodies,
        systems={
            code: str(found) for code, found in (await repository.systems_by_code(session, sorted(codes))).items()
        },
        resources={one.code: one for one in existing},
        names=await repository.codes_of_names(session, organisation.id, wanted.names),
        no_classes=tuple(sorted(set(wanted.classes) - await repository.active_classes(session, wanted.classes))),
    )
