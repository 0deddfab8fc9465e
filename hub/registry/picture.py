"""The registry in memory: who may sign, what may be shared, which lanes it goes to. Loaded in one snapshot with its epoch.

Judging an envelope reads this picture and nothing else; the committer then proves, under the barrier, that the picture's
epoch is still the registry's (I3). So a stale picture costs a second look, never a wrong acceptance. A refusal is not
proved by a commit: before one that rests on the registry is given, `PictureStore.at_least_now` makes sure that the
picture is no older than the question; questions that wait together share one look, so that nobody can make us hammer the
database.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
from cryptography import x509

from catalog.compiler import PayloadValidator, compile_schema
from certs.digests import parse_digest
from certs.suites import Verifier
from hub.db.faults import FAULTS
from hub.db.locks import REGISTRY_CHANNEL

log = logging.getLogger(__name__)

POLL_S = 5.0
"""How often the epoch is read although no notification came: notifications die with their connection."""

STOPPING_REASONS = frozenset({"keyCompromise", "cACompromise", "privilegeWithdrawn"})
"""Revocations that stop queued deliveries too; supersession and end of operation stop acceptance only (I3)."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_MILLISECOND = timedelta(milliseconds=1)


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
    """A published version that still takes payloads."""

    number: int
    schema_digest: str
    schema_digest_bytes: bytes
    validator: PayloadValidator
    field_names: frozenset[str]
    secrecy_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane with the active grant that feeds it; `versions` are those whose schema the grant has pinned.

    `in_inbox`: its consumer fetches from it, because its mode says so or because the consumer's push target holds.
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
    """Everything that judging needs, as of `epoch`."""

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
NEWEST_ENTRY = "SELECT occurred_at FROM log_entry ORDER BY id DESC LIMIT 1"
"""To the millisecond of its id; every act on rights has an entry, committed with it."""

RESOURCES = "SELECT id, code, status, system_id FROM resource"
VERSIONS = """
SELECT resource_id, number, schema_digest, schema::text AS schema,
       ARRAY(SELECT DISTINCT name #>> '{}' FROM jsonb_path_query(items, '$.**.field_name') AS name) AS field_names,
       ARRAY(SELECT DISTINCT name #>> '{}'
             FROM jsonb_path_query(items, '$.** ? (@.secrecy_marking == true).field_name') AS name) AS secrecy_fields
FROM resource_version WHERE state = 'published'
"""
GRANTS = """
SELECT g.id, g.lane_id, g.consumer_id, g.resource_id, r.code AS resource_code, g.purpose, g.mode, g.state, g.valid_from, g.valid_to,
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

    async def load(self, connection: asyncpg.Connection) -> Picture:
        """The picture and its epoch, from one snapshot."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            epoch: int = await connection.fetchval("SELECT epoch FROM registry_epoch")
            systems = await connection.fetch(SYSTEMS)
            certificates = await connection.fetch(CERTIFICATES)
            resources = await connection.fetch(RESOURCES)
            versions = await connection.fetch(VERSIONS)
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
                frozenset(row["secrecy_fields"]),
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


@dataclass(slots=True)
class PictureStore:
    """Keeps the present picture, and keeps it present."""

    connect: Connect
    loader: Loader = field(default_factory=Loader)
    reloaded: Callable[[datetime], None] = lambda moment: None
    """Told, with each new picture, a moment later than every act that it shows: nothing judged by it is dated earlier."""
    _picture: Picture | None = None
    _connection: asyncpg.Connection | None = None
    _task: asyncio.Task[None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _checked_at: float = 0.0

    @property
    def picture(self) -> Picture:
        """The present picture; `start` has loaded the first."""
        assert self._picture is not None
        return self._picture

    async def start(self) -> None:
        """Load the first picture and listen for changes."""
        await self._reload()
        self._task = asyncio.create_task(self._follow(), name="registry picture")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await self._connection.close()

    async def at_least(self, epoch: int) -> Picture:
        """A picture that is not older than `epoch`."""
        async with self._lock:
            if self.picture.epoch < epoch:
                await self._reload()
        return self.picture

    async def at_least_now(self) -> Picture:
        """A picture not older than this question."""
        asked = time.monotonic()
        async with self._lock:
            if self._checked_at < asked:
                connection = await self._ready()
                began = time.monotonic()
                epoch = await connection.fetchval("SELECT epoch FROM registry_epoch")
                if self.picture.epoch != epoch:
                    await self._reload()
                self._checked_at = began
        return self.picture

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), POLL_S)
            self._changed.clear()
            try:
                await self.at_least_now()
            except FAULTS as fault:
                log.warning("the registry picture could not be refreshed: %s", type(fault).__name__)
                await asyncio.sleep(1)

    async def _reload(self) -> None:
        connection = await self._ready()
        began = time.monotonic()
        picture = await self.loader.load(connection)
        if (logged := await connection.fetchval(NEWEST_ENTRY)) is not None:
            self.reloaded(logged + _MILLISECOND)
        self._picture, self._checked_at = picture, began

    async def _ready(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self.connect()
            await self._connection.add_listener(REGISTRY_CHANNEL, self._notified)
        return self._connection

    def _notified(self, *_: object) -> None:
        self._changed.set()
