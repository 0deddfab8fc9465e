"""Manifests in the hub's name, and the certificates that a receiver without a connection needs."""

from __future__ import annotations

import asyncio

import pytest

from certs.bundles import BundleError, open_manifest
from certs.paths import certificate_kid, read_certificates
from certs.suites import Verifier
from hub.db.engine import Database
from hub.delivery import notary as module
from hub.delivery.notary import HubNotary
from hub.registry.errors import UnknownCertificate
from hub.registry.keyring import KeyRing, create_keys
from hub.registry.masterkey import MasterKey
from tests.adapters.bundle_folders import SYSTEM
from tests.hub.delivery.conftest import RES, Post
from tests.support.world import HUB, record

MEMBERS = {
    "format": "shuniu-bundle/1",
    "kind": "deliveries",
    "hub": HUB,
    "system": SYSTEM,
    "series": "ABCDEFGH",
    "number": 1,
    "made_at": "2026-11-22T08:00:00.000000+00:00",
    "lane": "0199c1f2-0000-7000-8000-000000000001",
    "fence": 1,
    "first": 1,
    "parts": [{"kind": "item", "size": 1, "digest": "sha-256:" + "0" * 64}],
}


@pytest.fixture
async def notary(post: Post, database: Database) -> HubNotary:
    master_key = MasterKey(bytes(32))
    async with database.session() as session, session.begin():
        await create_keys(session, master_key, hub_id=HUB, organisation_name="示例", now=post.clock())
    async with database.session() as session:
        keyring = await KeyRing.load(session, master_key)
    return HubNotary(HUB, keyring.signer("push"), keyring, database.session)


async def test_manifests_are_signed_with_the_push_key(notary: HubNotary) -> None:
    certificate = notary.keyring.certificate("push")
    kid = certificate_kid(certificate)
    compact = notary.sign_manifest(MEMBERS)
    found = open_manifest(compact, verifier_for=lambda k: Verifier(certificate.public_key()) if k == kid else None)
    assert (found.hub, found.system) == (HUB, SYSTEM)
    with pytest.raises(BundleError):
        notary.sign_manifest(MEMBERS | {"number": 0})


async def test_the_certificates_of_all_signers_come_each_once(post: Post, notary: HubNotary) -> None:
    envelopes = [
        system.exchange(RES, [record(n)]).decode() for n in range(3) for system in (post.provider, post.consumer)
    ]
    found = read_certificates(await notary.certificates_of(envelopes))
    kids = [certificate_kid(certificate) for certificate in found]
    assert kids.count(post.provider.kid) == kids.count(post.consumer.kid) == 1
    assert await notary.certificates_of(envelopes) == await notary.certificates_of(envelopes[:2])


async def test_a_chain_is_read_once_and_memory_is_bounded(
    post: Post, notary: HubNotary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHAINS", 1)
    one, two = (system.exchange(RES).decode() for system in (post.provider, post.consumer))
    first = await notary.certificates_of([one])
    await post.connection.execute("UPDATE certificate SET der = 'x' WHERE kid = $1", post.provider.kid)
    assert await notary.certificates_of([one]) == first
    await post.connection.execute(
        "UPDATE certificate SET der = $2 WHERE kid = $1", post.provider.kid, post.provider.certificate_der
    )
    assert await notary.certificates_of([one, two]) != first
    assert await notary.certificates_of([two, one]) != first


async def test_calls_at_the_same_time_do_not_take_each_others_chains(
    post: Post, notary: HubNotary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHAINS", 2)
    systems = [post.provider, post.consumer, *[await post.world.system(code) for code in ("system-c", "system-d")]]
    a, b, c, d = (system.exchange(RES).decode() for system in systems)
    await notary.certificates_of([a])
    found = await asyncio.gather(notary.certificates_of([a, b]), notary.certificates_of([c, d]))
    kids = [{certificate_kid(certificate) for certificate in read_certificates(pem)} for pem in found]
    assert [{system.kid for system in systems} & of_call for of_call in kids] == [
        {systems[0].kid, systems[1].kid},
        {systems[2].kid, systems[3].kid},
    ]


async def test_a_signer_that_nobody_knows_is_an_error(post: Post, notary: HubNotary) -> None:
    await post.connection.execute("DELETE FROM certificate WHERE kid = $1", post.provider.kid)
    with pytest.raises(UnknownCertificate):
        await notary.certificates_of([post.provider.exchange(RES).decode()])
