"""Two hubs for all tests: one that nobody kills, and one whose processes die and come back. Each test begins with a fresh
county in it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.invariants.county import County, county_in
from tests.support.harness import Hub, running_hub


@pytest.fixture(scope="session")
def calm_hub() -> Iterator[Hub]:
    """A hub that nobody kills; its server notes when each transaction committed."""
    with running_hub(gateways=2, postgres_settings={"track_commit_timestamp": "on"}) as hub:
        yield hub


@pytest.fixture(scope="session")
def mortal_hub() -> Iterator[Hub]:
    """A hub that is there to be killed, and put together again by whoever has killed a part of it."""
    with running_hub(gateways=3, workers=1) as hub:
        yield hub


@pytest.fixture
async def mortal(mortal_hub: Hub) -> AsyncIterator[County]:
    """A fresh county in the hub whose processes die."""
    async with county_in(mortal_hub) as found:
        yield found


@pytest.fixture
async def calm(calm_hub: Hub) -> AsyncIterator[County]:
    """A fresh county in the hub that nobody kills."""
    async with county_in(calm_hub) as found:
        yield found
