import base64
import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from certs.envelope import kid_of
from certs.suites import Verifier
from hub.registry import repository
from hub.registry.keyring import CertifiedPurpose, HubKeysMissing, HubKeysPresent, KeyRing, create_keys
from hub.registry.masterkey import MasterKey, MasterKeyError
from tests.support.registry import HUB, MASTER_KEY, NOW, make_keyring

CERTIFIED: list[CertifiedPurpose] = ["receipt", "projection", "push", "token"]


async def test_each_purpose_has_its_own_key_that_only_its_certificate_verifies(keyring: KeyRing) -> None:
    signatures = {purpose: keyring.signer(purpose).sign(b"data") for purpose in CERTIFIED}
    for purpose in CERTIFIED:
        certificate = keyring.certificate(purpose)
        verifier = Verifier(certificate.public_key())
        signer = keyring.signer(purpose)
        assert signer.kid == kid_of(certificate.public_bytes(Encoding.DER))
        assert signer.alg == verifier.alg
        assert [
            name for name, made in signatures.items() if verifier.verify(keyring.signer(name).alg, b"data", made)
        ] == [purpose]


async def test_receipts_and_tokens_are_es256_and_the_log_is_ed25519(keyring: KeyRing) -> None:
    assert keyring.signer("log").alg == "EdDSA"
    assert {purpose: keyring.signer(purpose).alg for purpose in CERTIFIED} == {
        "receipt": "ES256",
        "projection": "ES256",
        "push": "EdDSA",
        "token": "ES256",
    }


async def test_every_certificate_of_the_hub_chains_to_the_root(keyring: KeyRing) -> None:
    for purpose in CERTIFIED:
        leaf, *issuers = x509.load_pem_x509_certificates(keyring.chain_pem(keyring.certificate(purpose)))
        assert issuers == [keyring.authority.certificate, keyring.root]
        leaf.verify_directly_issued_by(keyring.authority.certificate)
    keyring.authority.certificate.verify_directly_issued_by(keyring.root)
    assert x509.load_pem_x509_certificates(keyring.ca_pem()) == [keyring.root, keyring.authority.certificate]
    assert x509.load_pem_x509_certificate(keyring.receipt_certificate_pem()) == keyring.certificate("receipt")


async def test_the_issuers_own_chains_hold_nothing_twice(keyring: KeyRing) -> None:
    assert x509.load_pem_x509_certificates(keyring.chain_pem(keyring.root)) == [keyring.root]
    assert x509.load_pem_x509_certificates(keyring.chain_pem(keyring.authority.certificate)) == [
        keyring.authority.certificate,
        keyring.root,
    ]


async def test_the_verifier_key_of_the_log_is_of_the_form_of_signed_notes(keyring: KeyRing) -> None:
    origin = "lintao.example/log"
    name, hashed, typed = keyring.log_verifier_key(origin).split("+", 2)
    raw = base64.b64decode(typed, validate=True)
    assert (name, raw[0], len(raw)) == (origin, 1, 33)
    assert hashed == hashlib.sha256(b"lintao.example/log\n" + raw).hexdigest()[:8]
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(keyring.signer("log").sign(b"tree head"), b"tree head")


async def test_loading_again_gives_the_same_keys(session: AsyncSession, keyring: KeyRing) -> None:
    again = await KeyRing.load(session, MASTER_KEY)
    assert again.root == keyring.root
    assert again.log_verifier_key("x") == keyring.log_verifier_key("x")


async def test_keys_are_not_made_twice(session: AsyncSession, keyring: KeyRing) -> None:
    with pytest.raises(HubKeysPresent):
        await create_keys(session, MASTER_KEY, hub_id=HUB, organisation_name="another", now=NOW)


async def test_the_name_of_a_long_organisation_still_fits_its_authority(session: AsyncSession) -> None:
    await create_keys(session, MASTER_KEY, hub_id=HUB, organisation_name="长" * 64, now=NOW)
    ring = await KeyRing.load(session, MASTER_KEY)
    assert "CN=" + "长" * 16 + " 根 root" in ring.root.subject.rfc4514_string()


async def test_a_missing_key_is_named(session: AsyncSession, keyring: KeyRing) -> None:
    await session.execute(text("UPDATE hub_key SET state = 'retired' WHERE purpose IN ('log', 'push')"))
    with pytest.raises(HubKeysMissing, match="log, push"):
        await KeyRing.load(session, MASTER_KEY)


async def test_another_master_key_opens_nothing(session: AsyncSession, keyring: KeyRing) -> None:
    with pytest.raises(MasterKeyError):
        await KeyRing.load(session, MasterKey(bytes(32)))


async def test_a_wrapped_key_moved_to_another_purpose_does_not_open(session: AsyncSession, keyring: KeyRing) -> None:
    await session.execute(
        text(
            "UPDATE hub_key SET wrapped_key = (SELECT wrapped_key FROM hub_key WHERE purpose = 'token')"
            " WHERE purpose = 'receipt'"
        )
    )
    session.expire_all()
    with pytest.raises(MasterKeyError, match="hub_key/receipt"):
        await KeyRing.load(session, MASTER_KEY)


async def test_no_private_key_is_in_the_database_or_in_the_repr(session: AsyncSession, keyring: KeyRing) -> None:
    for row in await repository.active_hub_keys(session):
        assert b"\x30\x13\x06\x07" not in row.wrapped_key
        assert row.wrapped_key[:1] == b"\x01"
    assert "PrivateKey" not in repr(keyring)


async def test_keys_made_later_are_valid_from_then(session: AsyncSession) -> None:
    later = NOW + timedelta(days=400)
    ring = await make_keyring(session, now=later)
    assert ring.root.not_valid_before_utc <= later < ring.certificate("receipt").not_valid_after_utc
