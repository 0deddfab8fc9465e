"""Secrets of a target: kept apart and encrypted, opened in the worker alone, shown nowhere; tried with a third party's adapter."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.errors import SettingsInvalid
from hub.db.engine import Database
from hub.delivery import targets
from hub.delivery.making import Adapters
from hub.delivery.models import PushTarget
from hub.delivery.settling import Settled
from hub.delivery.targets import NewTarget
from hub.delivery.vault import Vault
from hub.errors import InvalidInput
from hub.registry.masterkey import MasterKey, MasterKeyError
from tests.adapters.test_sample_adapter import PASSWORD, LineReceiver
from tests.hub.delivery.conftest import Post
from tests.hub.delivery.test_acts import HTTP, how
from tests.hub.delivery.test_making import SIGNER
from tests.support.third_party import sample_installed

VAULT = Vault(MasterKey(os.urandom(32)))
SECRETS = {"password": PASSWORD}


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with sample_installed(tmp_path, monkeypatch):
        yield


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened
    await database.dispose()


@pytest.fixture
async def receiver() -> AsyncIterator[LineReceiver]:
    made = LineReceiver()
    await made.start()
    yield made
    await made.stop()


async def set_line(
    post: Post, session: AsyncSession, port: int, secrets: dict[str, Any] | None = None, host: str = "127.0.0.1"
) -> PushTarget:
    new = NewTarget("consumer-b", "line", {"host": host, "port": port}, secrets=secrets)
    row = await targets.set_target(session, new, vault=VAULT, **how(post))
    await session.commit()
    return row


async def test_a_worker_opens_them_and_nobody_else_sees_them(
    post: Post, session: AsyncSession, receiver: LineReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    row = await set_line(post, session, receiver.port, SECRETS)
    assert PASSWORD not in repr(row)
    assert PASSWORD not in repr(NewTarget("s", "line", {}, secrets=SECRETS))
    assert await post.values("SELECT secrets IS NULL FROM push_target") == [False]
    for table in ("push_target", "log_entry"):
        text = str(await post.values(f"SELECT t::text FROM {table} t"))
        assert PASSWORD not in text
        assert PASSWORD.encode().hex() not in text
    sent = await post.publish(2)
    adapters = Adapters(SIGNER, post.clock, vault=VAULT)
    pusher = post.pusher()
    pusher.adapter_for = adapters
    assert await pusher.push(post.lane) is Settled.DELIVERED
    assert [item.envelope.encode() for item in receiver.arrived] == sent
    assert PASSWORD not in caplog.text
    await adapters.close()


async def test_they_stay_when_only_settings_change_and_go_with_their_adapter(
    post: Post, session: AsyncSession, receiver: LineReceiver
) -> None:
    first = (await set_line(post, session, receiver.port, SECRETS)).secrets
    assert (await set_line(post, session, receiver.port, host="localhost")).secrets == first
    changed = (await set_line(post, session, receiver.port, {"password": "another"})).secrets
    assert VAULT.open(post.consumer.id, changed) == {"password": "another"}
    row = await targets.set_target(session, NewTarget("consumer-b", "http", HTTP), **how(post))
    assert row.secrets is None
    with pytest.raises(InvalidInput) as caught:
        await set_line(post, session, receiver.port)
    assert [error.pointer for error in caught.value.errors] == ["/secrets/password"]


async def test_wrong_ones_are_refused_by_name_and_not_by_value(post: Post, session: AsyncSession) -> None:
    with pytest.raises(InvalidInput) as caught:
        await set_line(post, session, 1, {"password": [PASSWORD], "token": PASSWORD})
    assert [error.pointer for error in caught.value.errors] == ["/secrets/password", "/secrets/token"]
    assert PASSWORD not in f"{caught.value.errors} {caught.value.zh} {caught.value.en}"


async def test_an_adapter_is_made_anew_when_its_secrets_change(
    post: Post, session: AsyncSession, receiver: LineReceiver
) -> None:
    adapters = Adapters(SIGNER, post.clock, vault=VAULT)
    made = []
    for secrets in (SECRETS, None, {"password": "another"}):
        row = await set_line(post, session, receiver.port, secrets)
        made.append(adapters._of(row.system_id, "consumer-b", row.adapter, row.settings, row.secrets))
    assert made[0] is made[1]
    assert made[1] is not made[2]
    await adapters.close()
    with pytest.raises(SettingsInvalid):
        Adapters(SIGNER, post.clock)._of(row.system_id, "consumer-b", row.adapter, row.settings, row.secrets)


def test_what_was_locked_for_one_system_does_not_open_for_another() -> None:
    mine = uuid4()
    locked = VAULT.lock(mine, SECRETS)
    assert VAULT.open(mine, locked) == SECRETS
    with pytest.raises(MasterKeyError):
        VAULT.open(uuid4(), locked)
