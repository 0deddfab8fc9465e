"""A data folder for a server of one's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.embedded import embedded
from tests.support.postgres import server_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """A new data folder; what runs in it is stopped at the end."""
    with server_directory() as made:
        yield made
        if made.exists():
            assert embedded(made).wait_until_stopped()
        shutil.rmtree(made, ignore_errors=True)
