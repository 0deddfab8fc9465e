"""The invariants on the oldest PostgreSQL that the hub takes, in short forms; a hub as an operator with a server runs it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.invariants import (
    test_lanes_keep_order,
    test_nothing_secret,
    test_once,
    test_receipts_mean_committed,
    test_revocation_is_a_barrier,
)
from tests.invariants.county import County, county_in
from tests.support.harness import Hub, running_hub

PROGRAMS = Path("/usr/lib/postgresql/15/bin")

pytestmark = [
    pytest.mark.process,
    pytest.mark.chaos,
    pytest.mark.timeout(380),
    pytest.mark.skipif(
        not (PROGRAMS / "postgres").exists(),
        reason="PostgreSQL 15 is not installed here (Debian/Ubuntu: apt install postgresql-15)",
    ),
]


@pytest.fixture(scope="module")
def hub_15() -> Iterator[Hub]:
    """A hub on PostgreSQL 15, told its address."""
    settings = {"track_commit_timestamp": "on"}
    with running_hub(gateways=2, workers=1, postgres_bin=PROGRAMS, postgres_settings=settings) as hub:
        yield hub


@pytest.fixture
async def county_15(hub_15: Hub) -> AsyncIterator[County]:
    """A fresh county in it."""
    async with county_in(hub_15) as found:
        assert await found.connection.fetchval("SELECT current_setting('server_version_num')::int / 10000") == 15
        yield found


async def test_one_envelope_posted_a_thousand_times_is_one_exchange(county_15: County) -> None:
    await test_once.test_a_thousand_concurrent_posts_of_one_envelope_at_two_gateways_make_one_exchange(county_15)


async def test_a_duplicate_after_its_month_gets_the_stored_receipt(county_15: County) -> None:
    await test_once.test_a_duplicate_after_its_month_has_ended_gets_the_stored_receipt(county_15)


async def test_what_is_marked_as_secret_leaves_no_trace(county_15: County) -> None:
    await test_nothing_secret.test_what_is_marked_as_secret_is_refused_and_leaves_no_trace(county_15)


async def test_nothing_is_accepted_after_a_revocation(county_15: County) -> None:
    await test_revocation_is_a_barrier.nothing_is_accepted_after_a_revocation(county_15, rounds=4)


async def test_every_receipt_survives_the_kill_of_the_database(county_15: County) -> None:
    i1 = test_receipts_mean_committed
    await i1.chaos(county_15, i1.kill_database, rounds=3, seed=i1.SEED, pause_s=0.5)


async def test_no_lane_shows_b_before_a(county_15: County) -> None:
    await test_lanes_keep_order.lanes_keep_their_order(county_15, rounds=2)
