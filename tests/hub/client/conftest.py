"""Fixtures for the client's tests; what they are made of is in `tests.support.client_side`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.client_side import NOW, Clock, County, Desk, HubDouble, make_county, open_partner


@pytest.fixture
def county(tmp_path: Path) -> County:
    """A county without partners."""
    return make_county(tmp_path)


@pytest.fixture
def desk(county: County) -> Desk:
    """The sub-site, ready to speak."""
    clock = Clock()
    hub = HubDouble(county, clock)
    folder = county.system("lintao-subsite")
    county.system("civil-affairs")
    pauses: list[float] = []
    return Desk(folder, hub, clock, pauses, open_partner(folder, hub, clock, pauses))


@pytest.fixture
def later() -> Callable[..., datetime]:
    """The test's moment plus a duration."""
    return lambda **duration: NOW + timedelta(**duration)
