"""A department whose lists are published, and a sub-site that gets them: through the doors, with real envelopes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import orjson
from sqlalchemy import text

from catalog.lists import list_type
from certs import envelope
from hub.identity.roles import Role
from hub.reviewing.chains import DEMANDED, SUSPENSION_CHAIN
from tests.support.gateway import HUB, TestGateway, bearer
from tests.support.registry import Partner
from tests.support.staff import make_signed_in
from tests.support.world import new_jti

JOSE = {"Content-Type": "application/jose"}


@dataclass
class Department:
    """A provider with its system, its editor and decider, the authority's reviewer, the reform office's, and the sub-site."""

    gateway: TestGateway
    provider: Partner
    site: Partner
    editor: dict[str, str]
    decider: dict[str, str]
    reviewer: dict[str, str]
    secrecy: dict[str, str]
    reform: dict[str, str]
    codes: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, gateway: TestGateway) -> "Department":
        provider, site = await gateway.partner("provider"), await gateway.partner("sub-site")
        headers = {}
        for login, role in (("editor.li", Role.EDITOR), ("decider.wu", Role.DECIDER)):
            async with gateway.context.transaction() as session:
                opened = await make_signed_in(
                    session,
                    login,
                    role,
                    now=gateway.now,
                    passwords=gateway.context.identity.passwords,
                    organisation_id=provider.organisation.id,
                )
            headers[role] = bearer(opened)
        reviewer = bearer(await gateway.staff("reviewer.zhao", Role.REVIEWER))
        secrecy = bearer(await gateway.staff("secrecy.qian", Role.SECRECY))
        for key in sorted(DEMANDED):  # the shortest chain: the provider's own decider
            chain = {"steps": [{"basis": "示例依据"}]}
            answer = await gateway.client.put(f"/v1/approval-chains/{key}", json=chain, headers=reviewer)
            assert answer.is_success, answer.text
        reform = bearer(await gateway.staff("reform.zheng", Role.REVIEWER, organisation="县审改办"))
        await cls._names_office(gateway, reviewer, "reform.zheng")
        return cls(gateway, provider, site, headers[Role.EDITOR], headers[Role.DECIDER], reviewer, secrecy, reform)

    @staticmethod
    async def _names_office(gateway: TestGateway, reviewer: Mapping[str, str], login: str) -> None:
        """The organisation of that reviewer decides on suspended powers."""
        async with gateway.context.transaction() as session:
            office = await session.scalar(
                text("SELECT organisation_id FROM staff WHERE login = :login"), {"login": login}
            )
        chain = {"steps": [{"organisation": str(office), "basis": "示例依据"}]}
        path = f"/v1/approval-chains/{SUSPENSION_CHAIN}"
        answer = await gateway.client.put(path, json=chain, headers=dict(reviewer))
        assert answer.is_success, answer.text

    async def call(
        self, headers: Mapping[str, str], method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        return await self.gateway.client.request(method, path, json=body, headers=dict(headers))

    async def done(
        self, headers: Mapping[str, str], method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """An act that must succeed; its answer."""
        answer = await self.call(headers, method, path, body)
        assert answer.is_success, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def publishes(self, key: str) -> str:
        """A published list of that type, which the sub-site is granted; returns its code."""
        made = await self.done(self.editor, "POST", f"/v1/list-types/{key}/resources", {"system": "provider"})
        await self.done(self.editor, "POST", f"/v1/resources/{made['id']}/submit")
        await self.done(self.secrecy, "POST", f"/v1/resources/{made['id']}/approve")
        described = list_type(key)
        assert described is not None
        if described.approval.chain in DEMANDED:
            await self.done(self.decider, "POST", f"/v1/resources/{made['id']}/approve")
        await self.done(self.reviewer, "POST", f"/v1/resources/{made['id']}/publish")
        grant = {
            "consumer": "sub-site",
            "resource": made["code"],
            "purpose": "公开",
            "basis": "示例依据",
            "valid_to": (self.gateway.now + timedelta(days=30)).isoformat(),
        }
        await self.done(self.decider, "POST", "/v1/grants", grant)
        await self.gateway.refresh()
        self.codes[key] = made["code"]
        return str(made["code"])

    async def sends(self, code: str, records: Sequence[Mapping[str, Any]], *, pulled: bool = True) -> str:
        """The exchange that carries these records; the sub-site has pulled it, unless that is left to it."""
        compact = envelope.seal(
            self.provider.signer,
            typ="exchange+jws",
            iss="provider",
            aud=HUB,
            iat=int(self.gateway.now.timestamp()),
            jti=new_jti(),
            payload=orjson.dumps({"records": list(records)}),
            res=code,
            ver=1,
        )
        answer = await self.gateway.client.post("/v1/exchanges", content=compact, headers=JOSE)
        assert answer.status_code == 201, answer.text
        if pulled:
            await self.done(self.token(self.site), "GET", "/v1/inbox")
        return answer.headers["location"].rsplit("/", 1)[-1]

    def token(self, partner: Partner) -> dict[str, str]:
        """The headers of a partner's system."""
        tokens = self.gateway.context.identity.tokens
        issued = tokens.issue(partner.system.code, partner.certificate.kid, now=self.gateway.now)
        return {"Authorization": f"Bearer {issued}"}


def samples(key: str) -> list[dict[str, Any]]:
    """The sample rows of a type."""
    described = list_type(key)
    assert described is not None
    return [dict(sample) for sample in described.samples]
