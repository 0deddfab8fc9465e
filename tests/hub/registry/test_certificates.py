import asyncio
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import make_csr
from certs.envelope import kid_of
from certs.keys import generate_key
from certs.suites import PrivateKey
from hub.db.engine import Database
from hub.db.locks import REGISTRY_BARRIER
from hub.registry import barrier, certificates, repository, service
from hub.registry.certificates import IssuedCertificate
from hub.registry.errors import (
    AuthorityEnded,
    CsrRefused,
    InvalidField,
    KeyCompromised,
    UnknownCertificate,
    UnknownSystem,
    WrongState,
)
from hub.registry.keyring import KeyRing
from hub.registry.models import Certificate
from hub.registry.revocation_list import LIFE, REASONS, RENEW_BEFORE, RevocationList
from hub.registry.service import NewOrganisation
from tests.support.registry import (
    LINTAO,
    NOW,
    OFFICER,
    RECORDER,
    example_code,
    keeps_acceptances_out,
    make_partner,
    make_system,
)

CRL_URL = "http://127.0.0.1:8640/pki/crl.der"


async def issue(
    session: AsyncSession, keyring: KeyRing, code: str, key: PrivateKey | None = None, **asked: object
) -> IssuedCertificate:
    csr = make_csr(key or generate_key("ES256"), "whatever the partner likes")
    arguments = {"csr_pem": csr, "now": NOW} | asked
    return await certificates.issue_certificate(
        session,
        keyring,
        system_code=code,
        actor=OFFICER,
        recorder=RECORDER,
        crl_url=CRL_URL,
        **arguments,  # type: ignore[arg-type]
    )


async def revoke(session: AsyncSession, kid: str, reason: str, now: datetime = NOW) -> Certificate:
    row, _, _ = await certificates.revoke_certificate(
        session, kid, reason=reason, actor=OFFICER, recorder=RECORDER, now=now
    )
    return row


async def test_a_certificate_is_issued_for_the_key_of_the_csr_with_our_subject_and_validity(
    session: AsyncSession, keyring: KeyRing
) -> None:
    await make_system(session, "lintao-subsite")
    key = generate_key("EdDSA")
    issued = await issue(session, keyring, "lintao-subsite", key, days=30)
    leaf, *issuers = x509.load_pem_x509_certificates(issued.chain_pem)
    assert issuers == [keyring.authority.certificate, keyring.root]
    leaf.verify_directly_issued_by(issuers[0])
    assert leaf.public_key() == key.public_key()
    row = issued.certificate
    assert row.kid == kid_of(row.der)
    assert row.algorithm == "EdDSA"
    assert "lintao-subsite" in row.subject
    assert "whatever" not in row.subject
    assert int(row.serial, 16) == leaf.serial_number
    assert row.not_before <= NOW < row.not_after <= NOW + timedelta(days=30)
    points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert CRL_URL in str(list(points))


async def test_a_system_rotates_with_two_active_certificates(session: AsyncSession, keyring: KeyRing) -> None:
    partner = await make_partner(session, keyring, "one")
    second = await issue(session, keyring, "one", now=NOW + timedelta(days=1))
    await revoke(session, partner.certificate.kid, "superseded")
    found = await repository.certificates(session, after=None, limit=9, system_id=partner.system.id)
    assert [(row.kid, row.state) for row, _ in found] == [
        (second.certificate.kid, "active"),
        (partner.certificate.kid, "revoked"),
    ]


async def test_a_compromised_key_is_revoked_in_all_its_certificates(session: AsyncSession, keyring: KeyRing) -> None:
    for code in ("one", "two"):
        await make_system(session, code)
    key = generate_key("ES256")
    first = (await issue(session, keyring, "one", key)).certificate
    renewed = (await issue(session, keyring, "one", key, now=NOW + timedelta(days=1))).certificate
    elsewhere = (await issue(session, keyring, "two", key)).certificate
    replaced = (await issue(session, keyring, "one", key, now=NOW + timedelta(days=2))).certificate
    other = (await issue(session, keyring, "one")).certificate
    await revoke(session, replaced.kid, "superseded", NOW + timedelta(days=3))
    later = NOW + timedelta(days=4)
    revoked = await certificates.revoke_certificate(
        session, first.kid, reason="keyCompromise", actor=OFFICER, recorder=RECORDER, now=later
    )
    assert set(revoked.also) == {renewed.kid, elsewhere.kid, replaced.kid}
    found = {row.kid: row for row, _ in await repository.certificates(session, after=None, limit=9)}
    assert {kid for kid, row in found.items() if row.revocation_reason == "keyCompromise"} == {first.kid, *revoked.also}
    assert found[other.kid].state == "active"
    assert found[replaced.kid].revoked_at < found[first.kid].revoked_at  # type: ignore[operator]
    events = await session.execute(text("SELECT object_id FROM log_entry WHERE event = 'certificate.revoked'"))
    assert set(events.scalars()) == {first.kid, *revoked.also}


async def test_an_organisation_with_a_long_name_gets_its_certificate(session: AsyncSession, keyring: KeyRing) -> None:
    owner = await service.register_organisation(
        session, NewOrganisation("长" * 100, LINTAO, example_code()), actor=OFFICER, recorder=RECORDER, now=NOW
    )
    await make_system(session, "one", owner)
    assert f"O={'长' * 21}," in (await issue(session, keyring, "one")).certificate.subject


async def test_a_forged_or_broken_csr_is_refused_naming_the_field(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    good = make_csr(generate_key("ES256"), "one").decode()
    for csr in (b"", b"not a csr", good.replace("A", "B", 1).encode()):
        with pytest.raises(CsrRefused) as caught:
            await issue(session, keyring, "one", csr_pem=csr)
        assert caught.value.errors[0].pointer == "/csr"


async def test_days_lie_within_limits(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    for days in (0, -1, certificates.MAX_DAYS + 1):
        with pytest.raises(InvalidField) as caught:
            await issue(session, keyring, "one", days=days)
        assert caught.value.errors[0].pointer == "/days"


async def test_issuing_and_revoking_keep_acceptances_out_until_they_commit(
    database: Database, session: AsyncSession, keyring: KeyRing
) -> None:
    await make_system(session, "one")
    await session.commit()
    kid = (await issue(session, keyring, "one")).certificate.kid
    assert await keeps_acceptances_out(database)
    await session.commit()
    await revoke(session, kid, "superseded")
    assert await keeps_acceptances_out(database)
    await session.commit()
    assert not await keeps_acceptances_out(database)


async def test_nothing_is_issued_after_the_authority_ran_out(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    ends = keyring.authority.certificate.not_valid_after_utc
    for moment in (ends - timedelta(hours=5), ends + timedelta(days=1)):
        with pytest.raises(AuthorityEnded, match="a new hub is needed"):
            await issue(session, keyring, "one", now=moment)


async def test_a_certificate_that_would_outlast_its_issuer_is_refused_and_not_cut_short(
    session: AsyncSession, keyring: KeyRing
) -> None:
    await make_system(session, "one")
    now = keyring.authority.certificate.not_valid_after_utc - timedelta(days=40, hours=1)
    with pytest.raises(InvalidField, match="at most 40") as caught:
        await issue(session, keyring, "one", days=41, now=now)
    assert caught.value.errors[0].pointer == "/days"
    made = (await issue(session, keyring, "one", days=40, now=now)).certificate
    assert made.not_after - now.replace(microsecond=0) == timedelta(days=40)


async def test_a_retired_or_unknown_system_gets_no_certificate(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    await service.retire_system(session, "one", reason="停用", actor=OFFICER, recorder=RECORDER, now=NOW)
    with pytest.raises(WrongState, match="retired"):
        await issue(session, keyring, "one")
    with pytest.raises(UnknownSystem):
        await issue(session, keyring, "nobody")


async def test_a_key_given_up_as_compromised_never_comes_back_for_any_system(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    await make_system(session, "two")
    await revoke(session, partner.certificate.kid, "keyCompromise")
    for code in ("one", "two"):
        with pytest.raises(KeyCompromised, match=partner.certificate.kid):
            await issue(session, keyring, code, partner.key)


async def test_a_key_of_a_superseded_certificate_may_be_certified_again(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    await revoke(session, partner.certificate.kid, "superseded")
    again = await issue(session, keyring, "one", partner.key)
    assert again.certificate.kid != partner.certificate.kid


async def test_a_revocation_bumps_the_epoch_and_keeps_its_time_and_reason(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    before = await barrier.epoch(session)
    row = await revoke(session, partner.certificate.kid, "privilegeWithdrawn")
    assert (row.state, row.revocation_reason, row.revoked_at) == ("revoked", "privilegeWithdrawn", NOW)
    assert await barrier.epoch(session) == before + 1


@pytest.mark.parametrize("reason", ["", "lost", "certificateHold", "removeFromCRL", "cACompromise", "KEYCOMPROMISE"])
async def test_only_reasons_for_partner_certificates_are_taken(
    session: AsyncSession, keyring: KeyRing, reason: str
) -> None:
    partner = await make_partner(session, keyring, "one")
    with pytest.raises(InvalidField, match="keyCompromise"):
        await revoke(session, partner.certificate.kid, reason)


async def test_a_revoked_certificate_stays_revoked_and_only_compromise_worsens_it(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    kid = partner.certificate.kid
    await revoke(session, kid, "superseded")
    with pytest.raises(WrongState):
        await revoke(session, kid, "privilegeWithdrawn", NOW + timedelta(hours=1))
    row = await revoke(session, kid, "keyCompromise", NOW + timedelta(hours=1))
    assert (row.revocation_reason, row.revoked_at) == ("keyCompromise", NOW)
    with pytest.raises(WrongState):
        await revoke(session, kid, "keyCompromise")


@pytest.mark.parametrize("kid", ["A" * 43, "short", "\x00"])
async def test_an_unknown_certificate_is_refused(session: AsyncSession, keyring: KeyRing, kid: str) -> None:
    with pytest.raises(UnknownCertificate):
        await revoke(session, kid, "superseded")
    with pytest.raises(UnknownCertificate):
        await certificates.certificate_chain(session, keyring, kid)


async def test_the_chain_of_a_partner_and_of_the_hub_is_found_by_kid(session: AsyncSession, keyring: KeyRing) -> None:
    partner = await make_partner(session, keyring, "one")
    chain = x509.load_pem_x509_certificates(
        await certificates.certificate_chain(session, keyring, partner.certificate.kid)
    )
    assert chain[1:] == [keyring.authority.certificate, keyring.root]
    own = await certificates.certificate_chain(session, keyring, keyring.signer("receipt").kid)
    assert own == keyring.chain_pem(keyring.certificate("receipt"))
    with pytest.raises(UnknownCertificate):
        await certificates.certificate_chain(session, keyring, keyring.signer("log").kid)


async def test_certificates_of_one_moment_page_without_loss(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    made = {(await issue(session, keyring, "one")).certificate.kid for _ in range(5)}
    first = await repository.certificates(session, after=None, limit=2)
    last = first[-1][0]
    rest = await repository.certificates(session, after=(last.issued_at, last.kid), limit=9)
    assert len(first) + len(rest) == 5
    assert {row.kid for row, _ in (*first, *rest)} == made


# ---- the revocation list


def parsed(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def number_of(der: bytes) -> int:
    return parsed(der).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


async def test_the_list_is_signed_by_the_authority_and_names_what_was_revoked_and_why(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    await revoke(session, partner.certificate.kid, "keyCompromise")
    crl = parsed(await keyring.revocations.der(session, NOW))
    assert crl.is_signature_valid(keyring.authority.certificate.public_key())  # type: ignore[arg-type]
    entry = crl.get_revoked_certificate_by_serial_number(int(partner.certificate.serial, 16))
    assert entry is not None
    assert entry.revocation_date_utc == NOW
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    assert crl.next_update_utc == NOW + LIFE


async def test_the_list_stays_the_same_bytes_until_something_is_revoked(
    session: AsyncSession, keyring: KeyRing
) -> None:
    partner = await make_partner(session, keyring, "one")
    first = await keyring.revocations.der(session, NOW)
    assert await keyring.revocations.der(session, NOW + timedelta(hours=1)) is first
    await make_system(session, "two")
    assert await keyring.revocations.der(session, NOW + timedelta(hours=1)) is first
    await revoke(session, partner.certificate.kid, "superseded", NOW + timedelta(hours=1))
    second = await keyring.revocations.der(session, NOW + timedelta(hours=1))
    assert number_of(second) > number_of(first)
    assert len(parsed(second)) == 1


async def test_the_list_is_renewed_before_it_runs_out(session: AsyncSession, keyring: KeyRing) -> None:
    first = await keyring.revocations.der(session, NOW)
    due = NOW + LIFE - RENEW_BEFORE
    assert await keyring.revocations.der(session, due - timedelta(seconds=1)) is first
    second = await keyring.revocations.der(session, due)
    assert number_of(second) > number_of(first)
    assert parsed(second).next_update_utc == due + LIFE


async def test_every_gateway_gives_the_same_list_and_none_an_older_one(session: AsyncSession, keyring: KeyRing) -> None:
    partner = await make_partner(session, keyring, "one")
    one, other = RevocationList(keyring.authority), RevocationList(keyring.authority)
    first = await one.der(session, NOW)
    assert await other.der(session, NOW - timedelta(seconds=1)) == first
    await revoke(session, partner.certificate.kid, "superseded", NOW + timedelta(seconds=5))
    behind = NOW - timedelta(seconds=1)  # its clock, when it makes the next one
    second = await other.der(session, behind)
    assert await one.der(session, NOW) == second
    assert number_of(second) > number_of(first)
    # not before the one before, nor what it tells of
    assert parsed(second).last_update_utc == NOW + timedelta(seconds=5)
    due = NOW + LIFE
    third = await one.der(session, due)
    assert await other.der(session, due) == third
    assert number_of(third) > number_of(second)


async def test_of_many_who_ask_at_once_for_a_new_list_one_makes_it(keyring: KeyRing, database: Database) -> None:
    lists = [RevocationList(keyring.authority) for _ in range(4)]

    async def ask(one: RevocationList) -> bytes:
        async with database.session() as session, session.begin():
            return await one.der(session, NOW)

    answers = await asyncio.gather(*(ask(one) for one in [*lists, *lists]))
    assert len(set(answers)) == 1


async def test_rights_stand_still_between_reading_what_was_revoked_and_numbering_the_list(
    session: AsyncSession, keyring: KeyRing, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = repository.next_crl_number
    free: list[bool] = []

    async def drawn(session: AsyncSession) -> int:
        async with database.connection() as officer, officer.transaction():
            free.append(await officer.fetchval("SELECT pg_try_advisory_xact_lock($1)", REGISTRY_BARRIER))
        return await number(session)

    monkeypatch.setattr(repository, "next_crl_number", drawn)
    await keyring.revocations.der(session, NOW)
    assert free == [False]


async def test_a_certificate_leaves_the_list_one_list_after_its_end(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    row = (await issue(session, keyring, "one", days=1)).certificate
    await revoke(session, row.kid, "superseded")
    kept = parsed(await keyring.revocations.der(session, row.not_after + LIFE - timedelta(seconds=1)))
    gone = parsed(await keyring.revocations.der(session, row.not_after + LIFE + timedelta(days=1)))
    assert (len(kept), len(gone)) == (1, 0)


async def test_a_certificate_is_on_one_list_after_its_end_however_long_nobody_asked(
    session: AsyncSession, keyring: KeyRing
) -> None:
    await make_system(session, "one")
    row = (await issue(session, keyring, "one", days=1)).certificate
    await keyring.revocations.der(session, NOW)
    await revoke(session, row.kid, "superseded")
    late = row.not_after + LIFE * 30
    assert len(parsed(await keyring.revocations.der(session, late))) == 1
    assert len(parsed(await keyring.revocations.der(session, late + LIFE))) == 0


async def test_a_gateway_that_outlives_a_restore_gives_the_list_of_the_database_that_is_there(
    session: AsyncSession, keyring: KeyRing
) -> None:
    kid = (await make_partner(session, keyring, "one")).certificate.kid
    await session.commit()
    for _ in range(3):
        await session.execute(text("SELECT nextval('crl_number')"))
    before = await keyring.revocations.der(session, NOW)
    await session.rollback()
    await session.execute(text("SELECT setval('crl_number', 1, false)"))  # as the backup has it
    await revoke(session, kid, "superseded")
    after = await keyring.revocations.der(session, NOW)
    assert number_of(after) < number_of(before)
    assert len(parsed(after)) == 1


async def test_every_reason_that_we_take_can_be_listed(session: AsyncSession, keyring: KeyRing) -> None:
    await make_system(session, "one")
    for reason in REASONS:
        await revoke(session, (await issue(session, keyring, "one")).certificate.kid, reason)
    assert len(parsed(await keyring.revocations.der(session, NOW))) == len(REASONS)
