"""An editor with a system, a reviewer, and a worker that takes up imports: what tests of workbooks need around them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from hub.identity.roles import Role
from hub.publishing.imports.running import Importer
from hub.registry.models import Organisation
from tests.support.gateway import TestGateway, bearer
from tests.support.registry import make_system
from tests.support.workbooks import ITEM, filled

XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
IMPORTS = "/v1/resources/imports"
BUREAU = "临洮县财政局"


def workbook(*lines: dict[str, Any]) -> bytes:
    """These resources with an item each."""
    return filled(lines, [ITEM | {"信息资源名称": line["信息资源名称"]} for line in lines])


@dataclass(frozen=True)
class Office:
    """Who acts, by their headers."""

    gateway: TestGateway
    client: httpx.AsyncClient
    editor: dict[str, str]
    reviewer: dict[str, str]
    secrecy: dict[str, str]
    importer: Importer

    @classmethod
    async def open(cls, gateway: TestGateway) -> "Office":
        """An office of the bureau, with its system `lintao-finance`."""
        editor = await gateway.staff("editor.li", Role.EDITOR, organisation=BUREAU)
        reviewer = await gateway.staff("reviewer.zhao", Role.REVIEWER)
        secrecy = await gateway.staff("secrecy.qian", Role.SECRECY)
        context = gateway.context
        async with context.transaction() as session:
            owner = await session.scalar(select(Organisation).where(col(Organisation.name) == BUREAU))
            await make_system(session, "lintao-finance", owner, now=gateway.now)
        importer = Importer(context.database, context.clock, context.recorder)
        return cls(gateway, gateway.client, bearer(editor), bearer(reviewer), bearer(secrecy), importer)

    async def upload(self, data: bytes, **query: Any) -> dict[str, Any]:
        """A workbook sent in."""
        answer = await self.client.post(IMPORTS, content=data, params=query, headers=self.editor | XLSX)
        assert answer.status_code == 202, answer.text
        shown: dict[str, Any] = answer.json()
        assert answer.headers["Location"] == f"{IMPORTS}/{shown['id']}"
        return shown

    async def tried(self, data: bytes, **query: Any) -> dict[str, Any]:
        """A workbook sent in and taken up by the worker."""
        found = await self.upload(data, **query)
        assert await self.importer.take_up()
        return await self.look(found["id"])

    async def look(self, identifier: str) -> dict[str, Any]:
        """The import as it is now."""
        shown: dict[str, Any] = (await self.client.get(f"{IMPORTS}/{identifier}", headers=self.editor)).json()
        return shown

    async def orders(self, identifier: str, step: str = "commit", **body: Any) -> httpx.Response:
        """A step ordered."""
        return await self.client.post(f"{IMPORTS}/{identifier}/{step}", json=body, headers=self.editor)

    async def written(self, data: bytes, *, good_rows: bool = False, **query: Any) -> dict[str, Any]:
        """A workbook sent in, tried and written."""
        found = await self.tried(data, **query)
        assert (await self.orders(found["id"], good_rows=good_rows)).status_code == 200
        assert await self.importer.take_up()
        return await self.look(found["id"])

    async def answer(self, identifier: str) -> bytes:
        """The marked workbook."""
        answer = await self.client.get(f"{IMPORTS}/{identifier}/workbook", headers=self.editor)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def resources(self) -> list[dict[str, Any]]:
        """The catalogue."""
        answer = await self.client.get("/v1/resources", headers=self.editor)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def events(self) -> Counter[str]:
        """How often the log has each event of resources and imports."""
        async with self.gateway.context.acquire() as connection:
            rows = await connection.fetch("SELECT event FROM log_entry")
        return Counter(row["event"] for row in rows if row["event"].startswith(("resource.", "import.")))

    async def execute(self, statement: str) -> None:
        """Do something to the database behind the hub's back."""
        async with self.gateway.context.acquire() as connection:
            await connection.execute(statement)

    async def publish(self, code: str) -> None:
        """Take a draft through its review."""
        for headers, step in ((self.editor, "submit"), (self.secrecy, "approve"), (self.reviewer, "publish")):
            answer = await self.client.post(f"/v1/resources/{code}/{step}", json={}, headers=headers)
            assert answer.status_code == 200, answer.text
