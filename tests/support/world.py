"""A small county with real keys: organisations, systems, certificates, published resources and grants, in a database.

Rows are written directly, so that tests of the path of a payload do not hang on the administrative services. Signatures,
certificates and schemas are real.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography.hazmat.primitives.serialization import Encoding

from catalog.items import parse_items
from catalog.schema import derive_schema, digest_of
from certs import authority, envelope
from certs.envelope import kid_of
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.db.ids import new_id
from tests.support.publishing import METADATA

HUB = "test-hub"

ITEMS: Sequence[Mapping[str, Any]] = (
    {"field_name": "case_no", "name": "办件编号", "data_type": "C", "length": 50, "required": True, "key": True},
    {"field_name": "applicant", "name": "申请人", "data_type": "C", "length": 30, "required": True, "sensitive": True},
    {"field_name": "accepted_on", "name": "受理日期", "data_type": "D", "required": True},
    {"field_name": "days", "name": "承诺天数", "data_type": "I", "required": False},
    {"field_name": "note", "name": "备注", "data_type": "M", "length": 20000, "required": False},
)


@dataclass(slots=True)
class TestSystem:
    """A partner system and its key."""

    __test__ = False

    id: UUID
    code: str
    signer: KeySigner
    key: Any
    certificate_der: bytes

    @property
    def kid(self) -> str:
        return self.signer.kid

    def exchange(
        self,
        res: str,
        records: Sequence[Mapping[str, Any]] | None = None,
        *,
        ver: int = 1,
        jti: str | None = None,
        now: datetime | None = None,
        payload: bytes | None = None,
        aud: str = HUB,
        iss: str | None = None,
        to: Sequence[str] | None = None,
        ref: str | None = None,
    ) -> bytes:
        """A signed `exchange+jws`."""
        body = payload if payload is not None else orjson.dumps({"records": list(records or [record()])})
        return envelope.seal(
            self.signer,
            typ="exchange+jws",
            iss=iss or self.code,
            aud=aud,
            iat=int((now or datetime.now(UTC)).timestamp()),
            jti=jti or new_jti(),
            payload=body,
            res=res,
            ver=ver,
            to=to,
            ref=ref,
        )

    def ack(self, deliveries: Sequence[tuple[str, str]], *, jti: str | None = None, aud: str = HUB) -> bytes:
        """A signed `ack+jws` over (delivery id, digest) pairs."""
        body = {"deliveries": [{"id": identifier, "digest": digest} for identifier, digest in deliveries]}
        return envelope.seal(
            self.signer,
            typ="ack+jws",
            iss=self.code,
            aud=aud,
            iat=int(datetime.now(UTC).timestamp()),
            jti=jti or new_jti(),
            payload=orjson.dumps(body),
        )


def new_jti() -> str:
    """A fresh `jti`."""
    return os.urandom(12).hex()


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A record that satisfies `ITEMS`."""
    return {
        "case_no": f"621124-{number:06d}",
        "applicant": "示例申请人",
        "accepted_on": "2026-11-20",
        "days": 5,
    } | changes


@dataclass(slots=True)
class World:
    """What was made, by name."""

    connection: asyncpg.Connection
    issuing: authority.Issued
    now: datetime
    organisations: dict[str, UUID] = field(default_factory=dict)
    systems: dict[str, TestSystem] = field(default_factory=dict)
    resources: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    async def make(cls, connection: asyncpg.Connection) -> "World":
        """An empty county with an authority."""
        now = datetime.now(UTC)
        root = authority.create_root("测试根", now)
        world = cls(connection, authority.create_issuing(root, "测试签发", now), now)
        identifier = new_id(now)
        await connection.execute(
            "INSERT INTO organisation (id, code, name, region, created_at) VALUES ($1, $2, $3, $4, $5)",
            identifier,
            "11320982014392332G",
            "示例单位",
            "621124",
            now,
        )
        world.organisations["示例单位"] = identifier
        return world

    async def system(self, code: str, *, algorithm: str = "ES256") -> TestSystem:
        """A new active system with a certificate."""
        identifier = new_id(self.now)
        organisation = next(iter(self.organisations.values()))
        await self.connection.execute(
            "INSERT INTO system (id, code, organisation_id, name, state, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, 'active', $5, $5)",
            identifier,
            code,
            organisation,
            f"示例系统 {code}",
            self.now,
        )
        key = generate_key(algorithm)  # type: ignore[arg-type]
        csr = authority.make_csr(key, code)
        certificate = authority.issue_system(self.issuing, csr, code, "示例单位", self.now - timedelta(minutes=1), 30)
        der = certificate.public_bytes(Encoding.DER)
        system = TestSystem(identifier, code, KeySigner(key, kid_of(der)), key, der)
        await self.connection.execute(
            "INSERT INTO certificate (kid, system_id, der, serial, subject, algorithm, not_before, not_after, state,"
            " issued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9)",
            system.kid,
            identifier,
            der,
            f"{certificate.serial_number:x}",
            code,
            system.signer.alg,
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            self.now,
        )
        self.systems[code] = system
        await self.bump()
        return system

    async def resource(
        self,
        code: str,
        system: TestSystem,
        *,
        items: Sequence[Mapping[str, Any]] = ITEMS,
        status: str = "published",
        version: int = 1,
    ) -> UUID:
        """A resource of `system` with one published version."""
        identifier = new_id(self.now)
        await self.connection.execute(
            "INSERT INTO resource (id, code, name, summary, provider_id, system_id, share_type, update_cycle, status,"
            " live_version, created_at, updated_at) VALUES ($1, $2, $3, '摘要', $4, $5, 1, 1, $6, $7, $8, $8)",
            identifier,
            code,
            f"示例资源 {code}",
            next(iter(self.organisations.values())),
            system.id,
            status,
            version,
            self.now,
        )
        await self.version(identifier, code, version, items=items)
        self.resources[code] = identifier
        return identifier

    async def version(
        self, resource: UUID, code: str, number: int, *, items: Sequence[Mapping[str, Any]] = ITEMS
    ) -> None:
        """One more published version."""
        schema = derive_schema(parse_items(items), title="示例", code=code, version=number)
        await self.connection.execute(
            "INSERT INTO resource_version (resource_id, number, items, schema, schema_digest, state, created_at,"
            " published_at, metadata) VALUES ($1, $2, $3, $4, $5, 'published', $6, $6, $7)",
            resource,
            number,
            list(items),
            schema,
            digest_of(schema),
            self.now,
            dict(METADATA),
        )
        await self.bump()

    async def grant(
        self,
        consumer: TestSystem,
        resource: UUID,
        *,
        purpose: str = "业务协同",
        valid_for: timedelta = timedelta(days=30),
        version: int = 1,
    ) -> tuple[UUID, UUID]:
        """An active grant with its lane; returns (grant, lane)."""
        grant, lane = new_id(self.now), new_id(self.now)
        await self.connection.execute(
            "INSERT INTO lane (id, consumer_id, resource_id, purpose, mode, created_at) VALUES ($1, $2, $3, $4, 'inbox', $5)",
            lane,
            consumer.id,
            resource,
            purpose,
            self.now,
        )
        await self.connection.execute(
            "INSERT INTO access_grant (id, lane_id, consumer_id, resource_id, purpose, basis, mode, valid_from, valid_to,"
            " state, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, '示例依据', 'inbox', $6, $7, 'active', $6, $6)",
            grant,
            lane,
            consumer.id,
            resource,
            purpose,
            self.now - timedelta(minutes=1),
            self.now + valid_for,
        )
        await self.connection.execute(
            "INSERT INTO grant_version SELECT $1, number, schema_digest FROM resource_version"
            " WHERE resource_id = $2 AND number = $3",
            grant,
            resource,
            version,
        )
        await self.bump()
        return grant, lane

    async def change(self, statement: str, *arguments: object) -> None:
        """A change of rights, made as the product makes it: barrier first, epoch last."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT pg_advisory_xact_lock($1)", _barrier())
            await self.connection.execute(statement, *arguments)
            await self.bump()

    async def bump(self) -> None:
        """Count a change of the registry and tell who listens."""
        await self.connection.execute("UPDATE registry_epoch SET epoch = epoch + 1")
        await self.connection.execute("SELECT pg_notify('shuniu_registry', '')")


def _barrier() -> int:
    from hub.db.locks import REGISTRY_BARRIER

    return REGISTRY_BARRIER
