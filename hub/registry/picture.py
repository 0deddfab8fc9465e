"""The registry in memory: who may sign, what may be shared, which lanes it goes to. Loaded in one snapshot with its epoch.

Judging an envelope reads this picture and nothing else; the committer then proves, under the barrier, that the picture's
epoch is still the registry's (I3). So a stale picture costs a second look, never a wrong acceptance.

Of the catalogue it shows what is granted to somebody, and what somebody asked for: a catalogue of 200,000 entries, most of
which are never exchanged here, would cost every gateway a gigabyte and seconds at every change.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from cryptography import x509

from catalog.compiler import PayloadValidator, compile_schema
from certs.digests import parse_digest
from certs.suites import Verifier

STOPPING_REASONS = frozenset({"keyCompromise", "cACompromise", "privilegeWithdrawn"})
"""Revocations that stop queued deliveries too; supersession and end of operation stop acceptance only (I3)."""


@dataclass(frozen=True, slots=True)
class SystemState:
    """A partner system as it stands; `organisation_code` is "" for a body without a code of its own."""

    id: UUID
    code: str
    state: str
    organisation_id: UUID
    organisation_code: str
    region: str


@dataclass(frozen=True, slots=True)
class SignerState:
    """A certificate, whose it is, and how to check its signatures."""

    kid: str
    system: SystemState
    verifier: Verifier
    state: str
    reason: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A published version that takes payloads, until `ends_at` if it has been replaced; `maskable_names` are its texts that are no keys."""

    number: int
    schema_digest: str
    schema_digest_bytes: bytes
    validator: PayloadValidator
    field_names: frozenset[str]
    key_names: frozenset[str]
    maskable_names: frozenset[str]
    secrecy_fields: frozenset[str]
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane with the active grant that feeds it; `versions` are those whose schema the grant has pinned.

    `in_inbox`: its consumer fetches from it, because its mode says so or because the consumer's push target holds. `items` and
    `rows` (JSON, `hub.access.scope`) narrow the grant, None for what is left whole; `narrowed_by` is the grant if one of them does.
    """

    grant_id: UUID
    grant_text: str
    id: UUID
    consumer: SystemState
    resource_id: UUID
    resource_code: str
    purpose: str
    mode: str
    state: str
    versions: frozenset[int]
    valid_from: datetime
    valid_to: datetime
    in_inbox: bool
    items: tuple[str, ...] | None = None
    rows: str | None = None

    @property
    def narrowed_by(self) -> UUID | None:
        """The lane's grant, if it lets out less than the whole."""
        return None if self.items is None and self.rows is None else self.grant_id


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource with the versions that take payloads and the lanes that they go to."""

    id: UUID
    code: str
    status: str
    system_id: UUID
    versions: Mapping[int, LiveVersion]
    lanes: tuple[LaneState, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that judging needs, as of `epoch`; a resource that is not in `resources` may still be registered."""

    epoch: int
    systems: Mapping[str, SystemState]
    signers: Mapping[str, SignerState]
    resources: Mapping[str, ResourceState]
    inboxes: Mapping[UUID, tuple[LaneState, ...]]
    stopped_signers: tuple[str, ...]

    def system(self, code: str) -> SystemState | None:
        """The system with this code, whatever its state."""
        return self.systems.get(code)

    def certificate(self, kid: str) -> SignerState | None:
        """The certificate with this kid, whatever its state."""
        return self.signers.get(kid)


SYSTEMS = """
SELECT s.id, s.code, s.state, s.organisation_id, coalesce(o.code, '') AS organisation_code, o.region
FROM system s JOIN organisation o ON o.id = s.organisation_id
"""
CERTIFICATES = "SELECT kid, system_id, der, state, coalesce(revocation_reason, '') AS reason, not_before, not_after FROM certificate"
RESOURCES = """
SELECT id, code, status, system_id FROM resource WHERE code = ANY($1)
UNION
SELECT id, code, status, system_id FROM resource
WHERE id IN (SELECT resource_id FROM access_grant WHERE state IN ('active', 'suspended'))
"""
RESOURCE = "SELECT id, code, status, system_id FROM resource WHERE code = $1"
VERSIONS = """
SELECT resource_id, number, schema_digest, schema::text AS schema, ends_at,
       ARRAY(SELECT DISTINCT name #>> '{}' FROM jsonb_path_query(items, '$.**.field_name') AS name) AS field_names,
       ARRAY(SELECT name #>> '{}' FROM jsonb_path_query(items, '$[*] ? (@.key == true).field_name') AS name) AS key_names,
       ARRAY(SELECT name #>> '{}' FROM jsonb_path_query(
           items, '$[*] ? ((@.data_type == "C" || @.data_type == "M") && !(@.key == true)).field_name') AS name) AS maskable_names,
       ARRAY(SELECT DISTINCT name #>> '{}'
             FROM jsonb_path_query(items, '$.** ? (@.secrecy_marking == true).field_name') AS name) AS secrecy_fields
FROM resource_version WHERE state = 'published' AND resource_id = ANY($1)
"""
GRANTS = """
SELECT g.id, g.lane_id, g.consumer_id, g.resource_id, r.code AS resource_code, g.purpose, g.mode, g.state, g.valid_from, g.valid_to,
       g.items, g.rows::text AS rows,
       ARRAY(SELECT version FROM grant_version v WHERE v.grant_id = g.id) AS versions,
       g.mode = 'inbox' OR EXISTS (
           SELECT FROM push_target t WHERE t.system_id = g.consumer_id AND t.holds AND t.state = 'active') AS in_inbox
FROM access_grant g JOIN resource r ON r.id = g.resource_id
WHERE g.state IN ('active', 'suspended') ORDER BY g.lane_id
"""


@dataclass(slots=True)
class Loader:
    """Reads pictures; keeps compiled schemas and loaded keys from one picture to the next (they never change)."""

    _validators: dict[str, PayloadValidator] = field(default_factory=dict)
    _verifiers: dict[str, Verifier] = field(default_factory=dict)

    async def load(self, connection: asyncpg.Connection, asked: Collection[str] = ()) -> Picture:
        """The picture and its epoch, from one snapshot; with the resources of these codes, granted or not."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            epoch: int = await connection.fetchval("SELECT epoch FROM registry_epoch")
            systems = await connection.fetch(SYSTEMS)
            certificates = await connection.fetch(CERTIFICATES)
            resources = await connection.fetch(RESOURCES, list(asked))
            versions = await connection.fetch(VERSIONS, [row["id"] for row in resources])
            grants = await connection.fetch(GRANTS)
        by_id = {r["id"]: SystemState(*r.values()) for r in systems}
        signers = {r["kid"]: self._signer(r, by_id[r["system_id"]]) for r in certificates}
        lanes = [self._lane(r, by_id[r["consumer_id"]]) for r in grants]
        return Picture(
            epoch=epoch,
            systems={s.code: s for s in by_id.values()},
            signers=signers,
            resources=self._resources(resources, versions, lanes),
            inboxes=_grouped(lane for lane in lanes if lane.in_inbox),
            stopped_signers=tuple(s.kid for s in signers.values() if s.reason in STOPPING_REASONS),
        )

    async def find(self, connection: asyncpg.Connection, code: str) -> tuple[int, ResourceState | None]:
        """The epoch and, as of it, the resource of that code that nobody is granted, if there is one."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            epoch: int = await connection.fetchval("SELECT epoch FROM registry_epoch")
            resources = await connection.fetch(RESOURCE, code)
            versions = await connection.fetch(VERSIONS, [row["id"] for row in resources])
        return epoch, self._resources(resources, versions, []).get(code)

    def _signer(self, row: asyncpg.Record, system: SystemState) -> SignerState:
        kid = row["kid"]
        if (verifier := self._verifiers.get(kid)) is None:
            public_key = x509.load_der_x509_certificate(row["der"]).public_key()
            verifier = self._verifiers[kid] = Verifier(public_key)
        return SignerState(kid, system, verifier, row["state"], row["reason"], row["not_before"], row["not_after"])

    def _lane(self, row: asyncpg.Record, consumer: SystemState) -> LaneState:
        return LaneState(
            grant_id=row["id"],
            grant_text=str(row["id"]),
            id=row["lane_id"],
            consumer=consumer,
            resource_id=row["resource_id"],
            resource_code=row["resource_code"],
            purpose=row["purpose"],
            mode=row["mode"],
            state=row["state"],
            versions=frozenset(row["versions"]),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            in_inbox=row["in_inbox"],
            items=None if row["items"] is None else tuple(row["items"]),
            rows=row["rows"],
        )

    def _resources(
        self, resources: Iterable[asyncpg.Record], versions: Iterable[asyncpg.Record], lanes: Iterable[LaneState]
    ) -> dict[str, ResourceState]:
        live: dict[UUID, dict[int, LiveVersion]] = {}
        for row in versions:
            live.setdefault(row["resource_id"], {})[row["number"]] = LiveVersion(
                row["number"],
                row["schema_digest"],
                parse_digest(row["schema_digest"]),
                self._validator(row),
                frozenset(row["field_names"]),
                frozenset(row["key_names"]),
                frozenset(row["maskable_names"]),
                frozenset(row["secrecy_fields"]),
                row["ends_at"],
            )
        by_resource: dict[UUID, list[LaneState]] = {}
        for lane in lanes:
            by_resource.setdefault(lane.resource_id, []).append(lane)
        return {
            r["code"]: ResourceState(
                r["id"],
                r["code"],
                r["status"],
                r["system_id"],
                live.get(r["id"], {}),
                tuple(by_resource.get(r["id"], ())),
            )
            for r in resources
        }

    def _validator(self, row: asyncpg.Record) -> PayloadValidator:
        digest = row["schema_digest"]
        if (validator := self._validators.get(digest)) is None:
            validator = self._validators[digest] = compile_schema(orjson.loads(row["schema"]))
        return validator


def _grouped(lanes: Iterable[LaneState]) -> dict[UUID, tuple[LaneState, ...]]:
    by_consumer: dict[UUID, list[LaneState]] = {}
    for lane in lanes:
        by_consumer.setdefault(lane.consumer.id, []).append(lane)
    return {consumer: tuple(found) for consumer, found in by_consumer.items()}
