"""One hub of two gateways for all tests that kill nothing of it; each test begins with a fresh county in it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.invariants.county import County, county_in
from tests.support.harness import Hub, running_hub


@pytest.fixture(scope="session")
def calm_hub() -> Iterator[Hub]:
    """A hub that nobody kills; its server notes when each transaction committed."""
    with running_hub(gateways=2, postgres_settings={"track_commit_timestamp": "on"}) as hub:
        yield hub


@pytest.fixture
async def calm(calm_hub: Hub) -> AsyncIterator[County]:
    """A fresh county in the hub that nobody kills."""
    async with county_in(calm_hub) as found:
        yield found
