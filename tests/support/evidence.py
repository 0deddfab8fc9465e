"""A gateway with parties that are registered, published and granted through the services, so that the log has it all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from certs import envelope
from certs.evidence import Anchors, Verdict, verify_evidence
from hub.access import service as access
from hub.access.scope import WHOLE, Scope
from hub.access.service import NewGrant
from hub.audit.sealer import Sealer
from tests.support.gateway import HUB, TestGateway
from tests.support.publishing import published
from tests.support.registry import OFFICER, RECORDER, Partner
from tests.support.world import new_jti

PURPOSE = "办事指南展示"
JOSE = {"Content-Type": "application/jose"}


@dataclass
class EvidenceTown:
    """A provider with a published resource, two consumers with grants to it, and a stranger."""

    gateway: TestGateway
    provider: Partner
    consumer: Partner
    other: Partner
    stranger: Partner
    resource: str = ""
    grants: dict[str, Any] = field(default_factory=dict)

    @property
    def anchors(self) -> Anchors:
        """What an officer hands out."""
        keyring = self.gateway.context.keyring
        return Anchors.read(keyring.ca_pem(), keyring.log_verifier_key(HUB))

    def token(self, partner: Partner) -> dict[str, str]:
        """Headers of a system with an access token."""
        tokens = self.gateway.context.identity.tokens
        code = partner.system.code
        return {"Authorization": f"Bearer {tokens.issue(code, partner.certificate.kid, now=self.gateway.now)}"}

    def seal_envelope(
        self, partner: Partner, typ: str, payload: object, *, jti: str | None = None, **more: Any
    ) -> bytes:
        """A signed message of a partner, now."""
        return envelope.seal(
            partner.signer,
            typ=typ,
            iss=partner.system.code,
            aud=HUB,
            iat=int(datetime.now(UTC).timestamp()),
            jti=jti or new_jti(),
            payload=orjson.dumps(payload),
            **more,
        )

    async def publish(self, *records: Mapping[str, Any], **more: Any) -> str:
        """One exchange, of one record if none are given; returns its path."""
        payload = {"records": records or [{"item_code": new_jti(), "item_name": "示例事项"}]}
        sent = self.seal_envelope(self.provider, "exchange+jws", payload, res=self.resource, ver=1, **more)
        answer = await self.gateway.client.post("/v1/exchanges", content=sent, headers=JOSE)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def grant(self, partner: Partner, scope: Scope = WHOLE, purpose: str = PURPOSE) -> None:
        """The system has a grant of this scope from a moment ago; the one that `grants` names ends where it is for that purpose."""
        code, now = partner.system.code, self.gateway.now - timedelta(seconds=2)
        terms = NewGrant(code, self.resource, purpose, "示例依据", now, now + timedelta(days=30), scope=scope)
        async with self.gateway.context.transaction() as session:
            replaced = purpose == PURPOSE
            if replaced:
                held = self.grants[code]
                await access.revoke_grant(session, held, reason="示例", actor=OFFICER, recorder=RECORDER, now=now)
            made = await access.create_grant(session, terms, actor=OFFICER, recorder=RECORDER, now=now)
        if replaced:
            self.grants[code] = made.grant.id
        await self.gateway.refresh()

    async def pull(self, partner: Partner) -> Sequence[Mapping[str, Any]]:
        """What waits for a consumer."""
        answer = await self.gateway.client.get("/v1/inbox?wait=0", headers=self.token(partner))
        items: Sequence[Mapping[str, Any]] = answer.json()["items"]
        return items

    async def acknowledge(self, partner: Partner) -> None:
        """Pull and acknowledge everything, in one message."""
        named = [{"id": item["delivery"], "digest": item["digest"]} for item in await self.pull(partner)]
        ack = self.seal_envelope(partner, "ack+jws", {"deliveries": named})
        answer = await self.gateway.client.post("/v1/inbox/acks", content=ack, headers=JOSE)
        assert answer.json() == {"acknowledged": len(named)}

    async def seal(self) -> bytes:
        """One round of the sealer; returns the checkpoint."""
        keyring = self.gateway.context.keyring
        async with self.gateway.context.acquire() as connection:
            await Sealer.of(keyring.signer("log"), keyring.log_verifier_key(HUB)).round(connection)
        return (await self.gateway.client.get("/tlog/checkpoint")).content

    async def ask(self, path: str, headers: Mapping[str, str], query: str = "") -> httpx.Response:
        """Ask for the evidence of the exchange at `path`."""
        return await self.gateway.client.get(f"{path}/evidence{query}", headers=headers)

    def verdict(self, data: bytes, *, older: bytes | None = None) -> Verdict:
        """The verifier's word on a file."""
        return verify_evidence(data, self.anchors, older=older)


@asynccontextmanager
async def evidence_town(gateway: TestGateway) -> AsyncIterator[EvidenceTown]:
    """The parties, on this gateway."""
    codes = ("provider-a", "consumer-b", "consumer-c", "stranger-d")
    provider, consumer, other, stranger = [await gateway.partner(code) for code in codes]
    town = EvidenceTown(gateway, provider, consumer, other, stranger)
    async with gateway.context.transaction() as session:
        record = await published(
            session, town.provider.organisation, town.provider.system, now=gateway.now - timedelta(minutes=4)
        )
        town.resource = record.resource.code
    for consumer in (town.consumer, town.other):
        async with gateway.context.transaction() as session:
            now = gateway.now - timedelta(minutes=3)
            terms = NewGrant(consumer.system.code, town.resource, PURPOSE, "示例依据", now, now + timedelta(days=30))
            made = await access.create_grant(session, terms, actor=OFFICER, recorder=RECORDER, now=now)
            town.grants[consumer.system.code] = made.grant.id
    await gateway.refresh()
    yield town
