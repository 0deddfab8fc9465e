"""A whole gateway with parties, for each test of evidence."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.evidence import EvidenceTown, evidence_town
from tests.support.gateway import running_gateway


@pytest.fixture
async def town(database_dsn: str, tmp_path: Path) -> AsyncIterator[EvidenceTown]:
    """Parties on a fresh gateway."""
    async with running_gateway(database_dsn, tmp_path / "data") as gateway, evidence_town(gateway) as found:
        yield found
