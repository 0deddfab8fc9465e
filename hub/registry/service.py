"""Acts on the registry: who is registered, suspended, retired; which certificates are issued and revoked.

Every act holds the barrier from its first statement, is recorded with the digests of the row before and after, and bumps
the epoch last (I3); none commits. Holding the barrier also means that nobody else registers between a check and its
insert. Texts that people write (names, reasons) stay in the row; the log has their digest only.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import CatalogError
from catalog.identifiers import check_region, check_uscc
from certs.header import is_system_code
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.registry import barrier, repository
from hub.registry.errors import (
    InvalidField,
    OrganisationEnded,
    OrganisationTaken,
    SystemTaken,
    UnknownOrganisation,
    UnknownSystem,
    WrongState,
    from_catalog,
)
from hub.registry.fields import LONGEST_REASON, optional_text, required_text
from hub.registry.models import Organisation, OrganisationName, System
from hub.registry.recording import fingerprint, record_change


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What registering a body takes; `parent` (id) is required where there is no `code`, and welcome where there is one."""

    name: str
    region: str
    code: str | None = None
    name_en: str = ""
    parent: UUID | None = None
    is_example: bool = False


async def register_organisation(
    session: AsyncSession, new: NewOrganisation, *, actor: Actor, recorder: Recorder, now: datetime
) -> Organisation:
    """Register a body 机构 under its 统一社会信用代码 (GB 32100), or, having none, under its parent.

    Raises InvalidField, UnknownOrganisation and OrganisationEnded (the parent), OrganisationTaken.
    """
    try:
        check_region(new.region, field="/region")
        if new.code is not None:
            check_uscc(new.code, field="/code")
    except CatalogError as error:
        raise from_catalog(error) from error
    if new.code is None and new.parent is None:
        raise InvalidField(
            "/parent",
            "没有统一社会信用代码的机构须指明上级机构；请填写 code 或 parent",
            "a body without a unified social credit code belongs under its parent; give code or parent",
        )
    name = required_text("/name", new.name)
    name_en = optional_text("/name_en", new.name_en)
    now = await barrier.hold(session, now)
    if new.parent is not None:
        await find_active_organisation(session, new.parent)
    if new.code is not None and (holder := await repository.organisation_by_code(session, new.code)):
        raise OrganisationTaken("code", holder.name)
    if holder := await repository.organisation_by_name(session, new.region, name):
        raise OrganisationTaken("name", holder.name)
    row = Organisation(
        id=new_id(now),
        code=new.code,
        name=name,
        name_en=name_en,
        region=new.region,
        parent_id=new.parent,
        is_example=new.is_example,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    session.add(OrganisationName(organisation_id=row.id, valid_from=now, name=name, name_en=name_en, code=new.code))
    record_change(session, "organisation.registered", str(row.id), row, actor=actor, recorder=recorder, now=now)
    await barrier.bump(session)
    return row


async def rename_organisation(
    session: AsyncSession,
    row: Organisation,
    *,
    name: str,
    name_en: str,
    code: str | None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> None:
    """Give a body another name or code; the caller holds the barrier, has checked both, and bumps the epoch.

    The one place where a name changes: what keeps names of bodies elsewhere, such as an index to search, follows from here.
    """
    before = fingerprint(row)
    row.name, row.name_en, row.code = name, name_en, code
    session.add(OrganisationName(organisation_id=row.id, valid_from=now, name=name, name_en=name_en, code=code))
    record_change(
        session, "organisation.renamed", str(row.id), row, before=before, actor=actor, recorder=recorder, now=now
    )


async def find_organisation(session: AsyncSession, identifier: UUID) -> Organisation:
    """The organisation of that id. Raises UnknownOrganisation."""
    row = await repository.organisation(session, identifier)
    if row is None:
        raise UnknownOrganisation(str(identifier))
    return row


async def find_active_organisation(session: AsyncSession, identifier: UUID) -> Organisation:
    """The organisation of that id, which cannot end before this transaction does.

    Raises UnknownOrganisation, OrganisationEnded.
    """
    row = await repository.organisation_kept(session, identifier)
    if row is None:
        raise UnknownOrganisation(str(identifier))
    if row.state != "active":
        raise OrganisationEnded(row.name)
    return row


async def find_named(session: AsyncSession, reference: str, *, region: str) -> Organisation:
    """The organisation of that id, that 统一社会信用代码, or that name in the region. Raises UnknownOrganisation."""
    with contextlib.suppress(ValueError):
        return await find_organisation(session, UUID(reference))
    name = required_text("/organisation", reference)
    row = await repository.organisation_by_code(session, name)
    row = row or await repository.organisation_by_name(session, region, name)
    if row is None:
        raise UnknownOrganisation(reference)
    return row


async def register_system(
    session: AsyncSession,
    *,
    code: str,
    organisation_id: UUID,
    name: str,
    name_en: str = "",
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> System:
    """Register a body's software 系统 under a code that is never used again.

    Raises InvalidField, UnknownOrganisation, OrganisationEnded, SystemTaken (also for this hub's own id: it signs under
    that name).
    """
    if not is_system_code(code):
        raise InvalidField(
            "/code",
            "系统代码为 2 至 63 位小写字母、数字或连字符，以字母或数字开头；请更正",
            "a system code has 2 to 63 lower-case letters, digits or hyphens and begins with a letter or digit",
        )
    name = required_text("/name", name)
    name_en = optional_text("/name_en", name_en)
    now = await barrier.hold(session, now)
    await find_active_organisation(session, organisation_id)
    if code == recorder.hub or await repository.system_by_code(session, code) is not None:
        raise SystemTaken(code)
    row = System(
        id=new_id(now),
        code=code,
        organisation_id=organisation_id,
        name=name,
        name_en=name_en,
        state="active",
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    record_change(session, "system.registered", code, row, actor=actor, recorder=recorder, now=now)
    await barrier.bump(session)
    return row


async def find_system(session: AsyncSession, code: str) -> tuple[System, Organisation]:
    """The system of that code with its organisation. Raises UnknownSystem."""
    found = await repository.system_by_code(session, code) if is_system_code(code) else None
    if found is None:
        raise UnknownSystem(code)
    return found


async def suspend_system(
    session: AsyncSession, code: str, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> System:
    """Stop a system for now: nothing it signs is accepted, no token of it works, nothing that others publish is queued for it.

    Raises UnknownSystem, WrongState.
    """
    return await _move(session, code, "suspended", ("active",), reason, actor, recorder, now)


async def resume_system(session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime) -> System:
    """Let a suspended system take part again. Raises UnknownSystem, WrongState."""
    return await _move(session, code, "active", ("suspended",), None, actor, recorder, now)


async def retire_system(
    session: AsyncSession, code: str, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> System:
    """End a system for good; its code stays taken. Raises UnknownSystem, WrongState."""
    return await _move(session, code, "retired", ("active", "suspended"), reason, actor, recorder, now)


_SYSTEM_EVENTS = {"suspended": "system.suspended", "active": "system.resumed", "retired": "system.retired"}


async def _move(
    session: AsyncSession,
    code: str,
    target: str,
    origins: tuple[str, ...],
    reason: str | None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> System:
    if reason is not None:
        reason = required_text("/reason", reason, longest=LONGEST_REASON)
    now = await barrier.hold(session, now)
    row, _ = await find_system(session, code)
    if row.state not in origins:
        raise WrongState(f"system {code}", row.state, "/".join(origins))
    before = fingerprint(row)
    row.state, row.state_reason, row.updated_at = target, reason, now
    record_change(session, _SYSTEM_EVENTS[target], code, row, before=before, actor=actor, recorder=recorder, now=now)
    await barrier.bump(session)
    return row
