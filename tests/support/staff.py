"""Staff for tests: callers made by hand, and accounts made through the services."""

from datetime import datetime
from uuid import UUID

import argon2
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.identity import password_change, proof, sessions, staff
from hub.identity.callers import StaffCaller
from hub.identity.passwords import Passwords
from hub.identity.roles import Role
from hub.identity.sessions import Opened, Origin
from hub.registry.masterkey import MasterKey

RECORDER = Recorder("lintao-hub", "621124")
MASTER_KEY = MasterKey(bytes(range(32)))
HOST = Actor("host", "host:tester")
ORIGIN = Origin("192.0.2.7", "test/1")

PASSWORD = "Correct-Horse-7"


def quick_passwords() -> Passwords:
    """Real argon2id at its smallest cost, for tests that are not about the cost."""
    return Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def caller(*roles: Role, organisation_id: UUID | None = None, number: int = 7) -> StaffCaller:
    """A caller with these roles who is in no database."""
    identifier = UUID(int=number)
    return StaffCaller(
        id=identifier,
        login="zhang.example",
        display_name="张示例",
        roles=frozenset(roles),
        organisation_id=organisation_id,
        session_id=UUID(int=number + 1000),
        must_change_password=False,
        actor=Actor("staff", str(identifier), role=",".join(roles)),
    )


async def make_account(
    session: AsyncSession,
    login: str,
    *roles: Role,
    now: datetime,
    passwords: Passwords,
    organisation_id: UUID | None = None,
) -> str:
    """An active account; returns its one-time password."""
    new = staff.NewAccount(login, f"{login} 示例", frozenset(roles), organisation_id)
    told = await staff.create_first_accounts(
        session, [new], passwords=passwords, actor=HOST, recorder=RECORDER, now=now
    )
    return told[login]


async def make_signed_in(
    session: AsyncSession,
    login: str,
    *roles: Role,
    now: datetime,
    passwords: Passwords,
    organisation_id: UUID | None = None,
) -> Opened:
    """An active account with `PASSWORD` as its own, signed in."""
    first = await make_account(session, login, *roles, now=now, passwords=passwords, organisation_id=organisation_id)
    opened = await sign_in(session, login, first, now=now, passwords=passwords)
    assert isinstance(opened, Opened)
    against = await proof.own_credentials(session, opened.caller)
    changed = await password_change.change_password(
        session,
        opened.caller,
        against,
        password_matches=await passwords.verify(against.password_hash, first),
        new_hash=await passwords.hash(PASSWORD),
        origin=ORIGIN,
        recorder=RECORDER,
        now=now,
    )
    assert isinstance(changed, Opened)
    return changed


async def sign_in(
    session: AsyncSession,
    login: str,
    password: str,
    *,
    now: datetime,
    passwords: Passwords,
    code: str | None = None,
) -> Opened | proof.Refusal:
    """What signing in comes to, all its steps in the session's one transaction."""
    against = await proof.credentials(session, login)
    return await sessions.sign_in(
        session,
        against,
        password_matches=await passwords.verify(against.password_hash, password),
        code=code,
        master_key=MASTER_KEY,
        origin=ORIGIN,
        recorder=RECORDER,
        now=now,
    )
