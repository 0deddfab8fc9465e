"""A provider with published resources, a consumer, and the people who ask and decide, for tests of requests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from hub.access.requests import service
from hub.access.requests.asked import Asked
from hub.access.requests.repository import RequestRecord
from hub.audit.entry import Actor
from hub.audit.models import LogEntry
from hub.db.ids import new_id
from hub.duties.models import Duty
from hub.identity.models import Staff
from hub.identity.roles import Role
from hub.notices.models import Notice
from hub.publishing.repository import ResourceRecord
from hub.registry.models import Organisation, System
from tests.support.evidence import EvidenceTown
from tests.support.gateway import bearer
from tests.support.publishing import published
from tests.support.registry import NOW, RECORDER, make_organisation, make_system
from tests.support.staff import make_signed_in

YEAR = timedelta(days=365)

ASKED: dict[str, Any] = {
    "basis": "甘肃省政务数据共享管理办法",
    "scene": "政务服务网办事指南页面",
    "purpose": "办事指南展示",
    "valid_from": NOW,
    "valid_to": NOW + YEAR,
}


async def make_person(session: AsyncSession, login: str, role: Role, *, now: datetime = NOW) -> Actor:
    """An account, and its holder as the log knows them."""
    row = Staff(id=new_id(now), login=login, display_name=login, state="active", created_at=now, updated_at=now)
    session.add(row)
    await session.flush()
    return Actor("staff", str(row.id), role=role)


@dataclass
class Counter:
    """Who asks, who reviews, who decides; nothing is committed."""

    session: AsyncSession
    provider: Organisation
    consumer: Organisation
    publisher: System
    subsite: System
    editor: Actor
    reviewer: Actor
    decider: Actor
    resources: dict[int, ResourceRecord] = field(default_factory=dict)

    @classmethod
    async def open(cls, session: AsyncSession) -> "Counter":
        """Everybody at their desks; resources are published when they are first asked for."""
        provider, consumer = [await make_organisation(session, name) for name in ("提供示例局", "使用示例局")]
        return cls(
            session,
            provider,
            consumer,
            await make_system(session, "provider", provider),
            await make_system(session, "subsite", consumer),
            await make_person(session, "editor", Role.EDITOR),
            await make_person(session, "reviewer", Role.REVIEWER),
            await make_person(session, "decider", Role.DECIDER),
        )

    async def resource(self, share_type: int) -> ResourceRecord:
        """A published resource of that share type."""
        if share_type not in self.resources:
            clause: dict[int, dict[str, Any]] = {
                2: {"share_condition": "仅用于办事"},
                3: {"no_share_basis": "《统计法》第九条"},
            }
            self.resources[share_type] = await published(
                self.session,
                self.provider,
                self.publisher,
                name=f"示例资源{share_type}",
                share_type=share_type,
                **clause.get(share_type, {}),
            )
        return self.resources[share_type]

    async def ask(
        self, share_type: int, *, actor: Actor | None = None, now: datetime = NOW, **changed: Any
    ) -> RequestRecord:
        """Hand a request in."""
        resource = await self.resource(share_type)
        return await service.submit(
            self.session,
            "subsite",
            resource.resource.code,
            Asked(**(ASKED | changed)),
            actor=actor or self.editor,
            recorder=RECORDER,
            now=now,
        )

    async def duties(self, identifier: UUID) -> dict[str, Duty]:
        """What is or was owed about a request, the last of each kind."""
        query = select(Duty).where(col(Duty.subject_id) == str(identifier)).order_by(col(Duty.anchored_at))
        rows = await self.session.scalars(query, execution_options={"populate_existing": True})
        return {row.duty: row for row in rows}

    async def told(self, organisation: Organisation) -> list[tuple[str, str]]:
        """The notices to an organisation: kind and subject."""
        query = select(Notice).where(col(Notice.organisation_id) == organisation.id).order_by(col(Notice.created_at))
        return [(notice.kind, notice.subject) for notice in await self.session.scalars(query)]

    async def logged(self, about: str) -> list[str]:
        """The events of an object, in the order of the log."""
        query = select(LogEntry.event).where(col(LogEntry.object_id) == about)
        return list(await self.session.scalars(query.order_by(text("ctid"))))


@dataclass
class Offices:
    """The same over HTTP: a gateway with a provider, two consumers and a stranger, and their people, each with headers."""

    town: EvidenceTown
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    async def open(cls, town: EvidenceTown) -> "Offices":
        """Everybody at their desks."""
        offices = cls(town)
        of = {
            "asker": (Role.EDITOR, town.stranger.organisation),
            "user": (Role.EDITOR, town.consumer.organisation),
            "colleague": (Role.DECIDER, town.consumer.organisation),
            "neighbour": (Role.EDITOR, town.other.organisation),
            "clerk": (Role.EDITOR, town.provider.organisation),
            "decider": (Role.DECIDER, town.provider.organisation),
            "reviewer": (Role.REVIEWER, None),
            "auditor": (Role.AUDITOR, None),
        }
        for login, (role, organisation) in of.items():
            await offices.add(login, role, organisation)
        return offices

    async def add(self, login: str, role: Role, organisation: Organisation | None) -> None:
        """One more member of staff."""
        gateway = self.town.gateway
        async with gateway.context.transaction() as session:
            opened = await make_signed_in(
                session,
                login,
                role,
                now=gateway.now,
                passwords=gateway.context.identity.passwords,
                organisation_id=None if organisation is None else organisation.id,
            )
        self.headers[login] = bearer(opened)

    async def publish(self, **changed: Any) -> str:
        """One more resource of the provider; returns its code."""
        gateway = self.town.gateway
        async with gateway.context.transaction() as session:
            record = await published(
                session, self.town.provider.organisation, self.town.provider.system, now=gateway.now, **changed
            )
        await gateway.refresh()
        return record.resource.code

    async def asks(
        self, who: str | dict[str, str], method: str, path: str, body: Any = None, *, status: int = 200
    ) -> Any:
        """The answer's JSON; it must have that status."""
        headers = self.headers[who] if isinstance(who, str) else who
        answer = await self.town.gateway.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


def asked(resource: str, **changed: Any) -> dict[str, Any]:
    """A request of the stranger for a resource, as JSON."""
    plain = {
        "consumer": "stranger-d",
        "resource": resource,
        "basis": "甘肃省政务数据共享管理办法",
        "scene": "政务服务网办事指南页面",
        "purpose": "办事指南展示",
        "valid_to": (datetime.now(UTC) + YEAR).isoformat(),
    }
    return plain | changed
