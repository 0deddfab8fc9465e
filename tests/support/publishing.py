"""Resources for tests, taken through the real steps of publishing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.lists import list_type as find_list_type
from catalog.metadata import Metadata
from catalog.rules import Owner
from hub.audit.entry import Actor
from hub.publishing import deciding, service
from hub.publishing.repository import ResourceRecord
from hub.registry.models import Organisation, System
from hub.reviewing import service as reviewing
from tests.support.registry import NOW, RECORDER

EDITOR = Actor("staff", "00000000-0000-7000-8000-000000000002", role="editor")
REVIEWER = Actor("staff", "00000000-0000-7000-8000-000000000003", role="reviewer")
SECRECY = Actor("staff", "00000000-0000-7000-8000-000000000004", role="secrecy")
CLASSIFICATION = "306001000001"

ITEMS: Sequence[Mapping[str, Any]] = (
    {"field_name": "item_code", "name": "事项编码", "data_type": "C", "length": 31, "required": True, "key": True},
    {"field_name": "item_name", "name": "事项名称", "data_type": "C", "length": 200, "required": True},
)
MORE_ITEMS = (*ITEMS, {"field_name": "phone", "name": "咨询电话", "data_type": "C", "length": 30})


METADATA: Mapping[str, Any] = {
    "name": "办事指南",
    "summary": "救助类事项的办事指南",
    "format_class": 7,
    "format_type": "JSON",
    "share_type": 1,
    "share_mode_class": "platform",
    "share_mode_type": "interface",
    "is_open": 1,
    "update_cycle": 4,
}
"""Core metadata that break no rule, as JSON."""


def describe(**changed: Any) -> Metadata:
    """The same as an example, `changed` aside."""
    return Metadata.model_validate({**METADATA, "is_example": True, **changed})


def owned(provider: Organisation, system: System) -> Owner:
    """The provider, which has a code of its own, and its publishing system."""
    assert provider.code is not None
    return Owner(provider.id, provider.code, system.id)


def items_of(list_type: str | None) -> Sequence[Mapping[str, Any]]:
    """What a resource of that list carries: the items that its type prescribes."""
    described = None if list_type is None else find_list_type(list_type)
    return ITEMS if described is None else [item.to_json() for item in described.items]


async def draft(
    session: AsyncSession, provider: Organisation, system: System, *, now: datetime = NOW, **changed: Any
) -> ResourceRecord:
    """A registered resource that nobody has submitted."""
    step = await service.register_resource(
        session,
        describe(**changed),
        items_of(changed.get("list_type")),
        owner=owned(provider, system),
        classification=CLASSIFICATION,
        actor=EDITOR,
        recorder=RECORDER,
        now=now,
    )
    return await service.find_resource(session, str(step.resource_id))


async def approve(
    session: AsyncSession, record: ResourceRecord, *, now: datetime = NOW, confirm_breaking: bool = False
) -> ResourceRecord:
    """Submit the draft, let the secrecy officer pass it, and publish it."""
    identifier = record.resource.id
    await service.submit(session, identifier, actor=EDITOR, recorder=RECORDER, now=now)
    await clear(session, record, now=now)
    await deciding.publish(
        session, identifier, confirm_breaking=confirm_breaking, actor=REVIEWER, recorder=RECORDER, now=now
    )
    return await service.find_resource(session, str(identifier))


async def clear(session: AsyncSession, record: ResourceRecord, *, actor: Actor = SECRECY, now: datetime = NOW) -> None:
    """Approve the step that waits: of what no list demands anything for, the secrecy review."""
    code = record.resource.code
    step = await reviewing.find_waiting(session, record.resource.id, code)
    await reviewing.approve(session, step, code, opinion=None, actor=actor, recorder=RECORDER, now=now)


async def published(
    session: AsyncSession, provider: Organisation, system: System, *, now: datetime = NOW, **changed: Any
) -> ResourceRecord:
    """A resource with its first version live."""
    return await approve(session, await draft(session, provider, system, now=now, **changed), now=now)
