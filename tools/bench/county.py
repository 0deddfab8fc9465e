"""A small county in the hub under test, registered through the services that the API calls: partners, resources, grants."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import FormatClass, Openness, ShareModeClass, ShareModeType, ShareType, UpdateCycle
from catalog.identifiers import uscc_check_character
from catalog.metadata import Metadata
from catalog.rules import Owner
from certs.authority import make_csr
from certs.keys import generate_key
from hub.access import service as access
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.delivery import targets
from hub.publishing import classes, deciding
from hub.publishing import service as publishing
from hub.registry import certificates
from hub.registry import service as registry
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from hub.reviewing import service as reviewing
from hub.settings import Settings
from tools.bench.plan import ACCEPT_CONSUMERS, PULL_CONSUMERS
from tools.bench.records import ITEMS

REGION = "621124"
CLASSIFICATION = "310001000001"
METADATA = Metadata(
    name="办件记录",
    summary="性能测试用的办件记录，全部为示例",
    format_class=FormatClass.SERVICE,
    format_type="JSON",
    share_type=ShareType.UNCONDITIONAL,
    share_mode_class=ShareModeClass.PLATFORM,
    share_mode_type=ShareModeType.INTERFACE,
    is_open=Openness.CLOSED,
    update_cycle=UpdateCycle.MONTHLY,
    is_example=True,
)
PROVIDER = "bench-provider"

OFFICER = Actor("staff", "00000000-0000-7000-8000-000000000001", role="security")
EDITOR = Actor("staff", "00000000-0000-7000-8000-000000000002", role="editor")
REVIEWER = Actor("staff", "00000000-0000-7000-8000-000000000003", role="reviewer")
DECIDER = Actor("staff", "00000000-0000-7000-8000-000000000004", role="decider")
SECRECY = Actor("staff", "00000000-0000-7000-8000-000000000005", role="secrecy")


@dataclass(frozen=True, slots=True)
class Partner:
    """A registered system with the key of its certificate (PEM, unencrypted: it is worth nothing outside this bench)."""

    code: str
    kid: str
    key_pem: bytes


@dataclass(frozen=True, slots=True)
class County:
    """Who sends, what, and who takes it: `accepted` is measured by posting, `pulled` and `pushed` by the `pullers`, who take
    the one and are sent the other, `relayed` by posting while it is pushed to `relay`.
    """

    provider: Partner
    accepted: str
    pulled: str
    pullers: Sequence[Partner]
    pushed: str
    relayed: str
    relay: Partner


@dataclass(slots=True)
class Registrar:
    """Registers through the services, each act in a transaction of its own."""

    database: Database
    keyring: KeyRing
    recorder: Recorder

    async def partner(self, code: str, number: int) -> Partner:
        """A body with a system, and a certificate for a key of its own."""
        now = datetime.now(UTC)
        body = f"11{REGION}{number:09d}"
        organisation = registry.NewOrganisation(
            name=f"示例单位 {number}", region=REGION, code=body + uscc_check_character(body), is_example=True
        )
        key = generate_key("ES256")
        async with self.database.session() as session, session.begin():
            owner = await registry.register_organisation(
                session, organisation, actor=OFFICER, recorder=self.recorder, now=now
            )
            await registry.register_system(
                session,
                code=code,
                organisation_id=owner.id,
                name=f"示例系统 {code}",
                actor=OFFICER,
                recorder=self.recorder,
                now=now,
            )
            issued = await certificates.issue_certificate(
                session,
                self.keyring,
                system_code=code,
                csr_pem=make_csr(key, code),
                actor=OFFICER,
                recorder=self.recorder,
                now=now,
            )
            kid = issued.certificate.kid
        return Partner(code, kid, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    async def resource(self, name: str, system: str) -> str:
        """A published resource of the system; returns its code."""
        now = datetime.now(UTC)
        async with self.database.session() as session:
            owner = await self._owner(session, system)
        async with self.database.session() as session, session.begin():
            step = await publishing.register_resource(
                session,
                METADATA.model_copy(update={"name": name}),
                ITEMS,
                owner=owner,
                classification=CLASSIFICATION,
                actor=EDITOR,
                recorder=self.recorder,
                now=now,
            )
        async with self.database.session() as session, session.begin():
            await publishing.submit(session, step.resource_id, actor=EDITOR, recorder=self.recorder, now=now)
        async with self.database.session() as session, session.begin():
            waiting = await reviewing.find_waiting(session, step.resource_id, step.code)
            await reviewing.approve(
                session, waiting, step.code, opinion=None, actor=SECRECY, recorder=self.recorder, now=now
            )
        async with self.database.session() as session, session.begin():
            await deciding.publish(session, step.resource_id, actor=REVIEWER, recorder=self.recorder, now=now)
        return step.code

    async def classify(self) -> None:
        """The classes above the county's resources, and their own."""
        now = datetime.now(UTC)
        async with self.database.session() as session, session.begin():
            for size, name in ((3, "示例部门"), (6, "办件"), (12, "办件记录")):
                await classes.add_class(
                    session, CLASSIFICATION[:size], name, actor=REVIEWER, recorder=self.recorder, now=now
                )

    async def _owner(self, session: AsyncSession, system: str) -> Owner:
        _, owner = await registry.find_system(session, system)
        return (await publishing.find_parties(session, owner.id, system)).owner

    async def grant(self, consumer: str, resource: str, *, mode: str = "inbox") -> None:
        """A grant with its lane."""
        now = datetime.now(UTC)
        new = access.NewGrant(
            consumer=consumer,
            resource=resource,
            purpose="业务协同",
            mode=mode,
            basis="《示例办法》第一条",
            valid_from=now - timedelta(minutes=1),
            valid_to=now + timedelta(days=30),
        )
        async with self.database.session() as session, session.begin():
            await access.create_grant(session, new, actor=DECIDER, recorder=self.recorder, now=now)


async def settle(settings: Settings, dsn: str) -> County:
    """Register everything that the cases need in an initialised hub."""
    database = Database(dsn, application="bench")
    try:
        async with database.session() as session:
            keyring = await KeyRing.load(session, load_master_key(settings.master_key_path))
        registrar = Registrar(database, keyring, Recorder(settings.hub_id, REGION))
        await registrar.classify()
        provider = await registrar.partner(PROVIDER, 1)
        accepted = await registrar.resource("办件记录（示例）", PROVIDER)
        pulled = await registrar.resource("办件结果（示例）", PROVIDER)
        pushed = await registrar.resource("办件通知（示例）", PROVIDER)
        relayed = await registrar.resource("办件进度（示例）", PROVIDER)
        for number in range(ACCEPT_CONSUMERS):
            consumer = await registrar.partner(f"bench-consumer-{number + 1}", 100 + number)
            await registrar.grant(consumer.code, accepted)
        pullers = [await registrar.partner(f"bench-puller-{n + 1}", 200 + n) for n in range(PULL_CONSUMERS)]
        for puller in pullers:
            await registrar.grant(puller.code, pulled)
            await registrar.grant(puller.code, pushed, mode="push")
        relay = await registrar.partner("bench-relay", 300)
        await registrar.grant(relay.code, relayed, mode="push")
    finally:
        await database.dispose()
    return County(provider, accepted, pulled, pullers, pushed, relayed, relay)


Act = Callable[[AsyncSession, str, Recorder], Awaitable[object]]


async def aim(settings: Settings, dsn: str, systems: Sequence[str], url: str) -> None:
    """Have what is granted to the systems for pushing go to `url`."""

    async def act(session: AsyncSession, system: str, recorder: Recorder) -> object:
        new = targets.NewTarget(system, "http", {"url": url, "networks": ["127.0.0.0/8"]}, max_attempts=100)
        return await targets.set_target(session, new, actor=OFFICER, recorder=recorder, now=datetime.now(UTC))

    await _each(settings, dsn, systems, act)


async def pause(settings: Settings, dsn: str, systems: Sequence[str]) -> None:
    """Let no more attempts towards the systems begin."""

    async def act(session: AsyncSession, system: str, recorder: Recorder) -> object:
        return await targets.pause_target(
            session, system, reason="bench", actor=OFFICER, recorder=recorder, now=datetime.now(UTC)
        )

    await _each(settings, dsn, systems, act)


async def resume(settings: Settings, dsn: str, systems: Sequence[str]) -> None:
    """Let them begin again."""

    async def act(session: AsyncSession, system: str, recorder: Recorder) -> object:
        return await targets.resume_target(session, system, actor=OFFICER, recorder=recorder, now=datetime.now(UTC))

    await _each(settings, dsn, systems, act)


async def _each(settings: Settings, dsn: str, systems: Sequence[str], act: Act) -> None:
    """One act on each system, all in one transaction, so that all begin and end together."""
    database = Database(dsn, application="bench")
    try:
        async with database.session() as session, session.begin():
            for system in systems:
                await act(session, system, Recorder(settings.hub_id, REGION))
    finally:
        await database.dispose()
