"""A whole gateway for each test of a door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.applying import Offices
from tests.support.evidence import evidence_town
from tests.support.gateway import TestGateway, running_gateway


@pytest.fixture
async def gateway(database_dsn: str, tmp_path: Path) -> AsyncIterator[TestGateway]:
    """A freshly initialised gateway, asked without sockets."""
    async with running_gateway(database_dsn, tmp_path / "data") as found:
        yield found


@pytest.fixture
async def offices(gateway: TestGateway) -> AsyncIterator[Offices]:
    """A provider, consumers and a stranger with their people, on this gateway."""
    async with evidence_town(gateway) as town:
        yield await Offices.open(town)
