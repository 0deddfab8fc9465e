"""A data folder for a server of one's own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.db.embedded.layout import Layout, open_private, socket_directory
from tests.support.embedded import embedded, server_account
from tests.support.postgres import place_of_many_databases, server_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """A new data folder, in memory if there is room: what is killed here is processes, never the machine.

    What runs in it is stopped at the end, and what a killed server left behind is removed.
    """
    with server_directory(place_of_many_databases()) as made:
        yield made
        if made.exists():
            assert embedded(made).wait_until_stopped()
            lock = open_private(Layout(made).supervisor, os.O_RDWR)
            shutil.rmtree(socket_directory(Layout(made), lock, server_account()))
            os.close(lock)
