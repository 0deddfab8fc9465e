"""Partners for tests: registered through the services, with real keys and certificates."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Literal

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.identifiers import uscc_check_character
from certs.authority import make_csr
from certs.keys import generate_key
from certs.suites import KeySigner, PrivateKey
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.db.locks import share_barrier
from hub.registry import certificates, service
from hub.registry.keyring import KeyRing, create_keys
from hub.registry.masterkey import MasterKey
from hub.registry.models import Certificate, Organisation, System

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
HUB = "lintao-hub"
LINTAO = "621124"
OFFICER = Actor("staff", "00000000-0000-7000-8000-000000000001", role="security")
RECORDER = Recorder(HUB, LINTAO)
MASTER_KEY = MasterKey(bytes(range(32)))

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Partner:
    """A registered system that can sign."""

    organisation: Organisation
    system: System
    certificate: Certificate
    key: PrivateKey

    @property
    def signer(self) -> KeySigner:
        """Signs as this system."""
        return KeySigner(self.key, self.certificate.kid)


def example_code(number: int | None = None) -> str:
    """A well-formed 统一社会信用代码 of the county, another one for each number; synthetic."""
    body = f"11{LINTAO}{next(_numbers) if number is None else number:09d}"
    return body + uscc_check_character(body)


async def make_keyring(session: AsyncSession, *, now: datetime = NOW) -> KeyRing:
    """A fresh hub's keys, opened."""
    await create_keys(session, MASTER_KEY, hub_id=HUB, organisation_name="临洮县示例数据局", now=now)
    return await KeyRing.load(session, MASTER_KEY)


async def make_organisation(session: AsyncSession, name: str = "临洮县示例局", *, now: datetime = NOW) -> Organisation:
    """A registered body with a code of its own."""
    new = service.NewOrganisation(name=name, region=LINTAO, code=example_code(), is_example=True)
    return await service.register_organisation(session, new, actor=OFFICER, recorder=RECORDER, now=now)


async def make_system(
    session: AsyncSession, code: str, organisation: Organisation | None = None, *, now: datetime = NOW
) -> System:
    """A registered system, of a body of its own unless one is given."""
    owner = organisation or await make_organisation(session, f"{code} 示例局", now=now)
    return await service.register_system(
        session,
        code=code,
        organisation_id=owner.id,
        name=f"{code} 示例系统",
        actor=OFFICER,
        recorder=RECORDER,
        now=now,
    )


async def make_partner(
    session: AsyncSession,
    keyring: KeyRing,
    code: str,
    organisation: Organisation | None = None,
    *,
    algorithm: Literal["ES256", "EdDSA"] = "ES256",
    now: datetime = NOW,
) -> Partner:
    """A system with a certificate for a key of its own."""
    owner = organisation or await make_organisation(session, f"{code} 示例局", now=now)
    system = await make_system(session, code, owner, now=now)
    key = generate_key(algorithm)
    issued = await certificates.issue_certificate(
        session,
        keyring,
        system_code=code,
        csr_pem=make_csr(key, code),
        actor=OFFICER,
        recorder=RECORDER,
        now=now,
    )
    return Partner(owner, system, issued.certificate, key)


async def keeps_acceptances_out(database: Database) -> bool:
    """Whether somebody holds the barrier of rights, so that nothing is accepted, claimed or answered."""
    async with database.connection() as accepting:
        await accepting.execute("SET lock_timeout = '100ms'")
        try:
            async with accepting.transaction():
                await share_barrier(accepting)
        except asyncpg.LockNotAvailableError:
            return True
    return False
