"""Registration with catalogues above: a history of receipts that touches nothing of ours."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, repository, upstream
from catalog.codes import UpstreamState
from catalog.errors import InvalidResource, InvalidTransition, UnknownResource
from catalog.upstream import NEXT, Receipt, Upstream, latest, record_upstream
from tests.catalog.conftest import NOW, Stored
from tests.catalog.test_service import published

WHO = "00000000-0000-7000-8000-000000000003"
RECEIPT = Receipt("甘数目〔2026〕118号", "sha-256:" + "a" * 64, NOW)
CODE = "306001000001/004711"


def said(state: UpstreamState, catalogue: str = "gansu-catalogue") -> Upstream:
    """What would be said of that state, whole."""
    code = CODE if state is UpstreamState.ACCEPTED else None
    return Upstream(catalogue, state, code, None if state is UpstreamState.PENDING else RECEIPT)


async def test_the_states_of_each_catalogue_follow_each_other_and_nothing_of_ours_changes(
    session: AsyncSession, owner: Stored
) -> None:
    identifier = await published(session, owner)
    before = (await queries.get(session, identifier)).model_dump()
    for state in (UpstreamState.PENDING, UpstreamState.REFUSED, UpstreamState.PENDING, UpstreamState.ACCEPTED):
        await record_upstream(session, identifier, said(state), by=WHO, now=NOW)
    other = await record_upstream(session, identifier, said(UpstreamState.PENDING, "dingxi"), by=WHO, now=NOW)
    assert other.before != other.after
    rows = await repository.upstream(session, [identifier])
    assert [(row.catalogue, row.number, row.state) for row in rows] == [
        ("dingxi", 1, "pending"),
        *(("gansu-catalogue", n, s) for n, s in enumerate(("pending", "refused", "pending", "accepted"), start=1)),
    ]
    held = latest(rows)[identifier, "gansu-catalogue"]
    assert (held.upstream_code, held.receipt_reference, held.receipt_digest, held.receipt_at) == (
        CODE,
        RECEIPT.reference,
        RECEIPT.digest,
        RECEIPT.at,
    )
    assert (await queries.get(session, identifier)).model_dump() == before


async def test_a_code_given_above_stays_known_after_the_registration_was_cancelled(
    session: AsyncSession, owner: Stored
) -> None:
    identifier = await published(session, owner)
    for state in (UpstreamState.ACCEPTED, UpstreamState.CANCELLED):
        recorded = await record_upstream(session, identifier, said(state), by=WHO, now=NOW)
    assert recorded.row.upstream_code == CODE


async def test_every_state_follows_only_what_it_may(session: AsyncSession, owner: Stored) -> None:
    ways: dict[UpstreamState, list[UpstreamState]] = {
        UpstreamState.NOT_REPORTED: [],
        UpstreamState.PENDING: [UpstreamState.PENDING],
        UpstreamState.REFUSED: [UpstreamState.PENDING, UpstreamState.REFUSED],
        UpstreamState.ACCEPTED: [UpstreamState.ACCEPTED],
        UpstreamState.CANCELLED: [UpstreamState.ACCEPTED, UpstreamState.CANCELLED],
    }
    identifier = await published(session, owner)
    for present, wanted in product(UpstreamState, [state for state in UpstreamState if state != "not-reported"]):
        catalogue = f"{present.value}-{wanted.value}"
        for state in ways[present]:
            await record_upstream(session, identifier, said(state, catalogue), by=WHO, now=NOW)
        if wanted in NEXT[present]:
            await record_upstream(session, identifier, said(wanted, catalogue), by=WHO, now=NOW)
        else:
            with pytest.raises(InvalidTransition):
                await record_upstream(session, identifier, said(wanted, catalogue), by=WHO, now=NOW)


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (Upstream("", UpstreamState.PENDING), {"/catalogue"}),
        (Upstream("a\nb", UpstreamState.PENDING), {"/catalogue"}),
        (Upstream("x", UpstreamState.NOT_REPORTED), {"/state"}),
        (Upstream("x", UpstreamState.ACCEPTED), {"/upstream_code", "/receipt"}),
        (Upstream("x", UpstreamState.REFUSED), {"/receipt"}),
        (
            Upstream("x", UpstreamState.REFUSED, None, Receipt(" ", "sha-256:x", NOW.replace(tzinfo=None))),
            {"/receipt/reference", "/receipt/digest", "/receipt/at"},
        ),
    ],
)
def test_what_a_receipt_lacks_is_told_all_at_once(new: Upstream, fields: set[str]) -> None:
    assert {violation.field for violation in upstream._violations(new)} == fields


async def test_only_a_resource_has_registrations_above(session: AsyncSession, owner: Stored) -> None:
    with pytest.raises(UnknownResource):
        await record_upstream(session, UUID(int=9), said(UpstreamState.PENDING), by=WHO, now=NOW + timedelta(days=1))
    with pytest.raises(InvalidResource):
        await record_upstream(session, UUID(int=9), said(UpstreamState.NOT_REPORTED), by=WHO, now=NOW)
