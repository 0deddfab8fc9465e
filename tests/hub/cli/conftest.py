"""One county for all tests of the commands; each test uses resources and systems of its own where it changes them."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import User
from tests.support.harness import free_port
from tests.support.postgres import TestServer
from tests.support.town import Town, cheap_hub, staff_the_town


@pytest.fixture(scope="session")
def town(postgres: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Initialised by `shuniu init`, served by `shuniu gateway`, staffed through the commands."""
    base, port, address = tmp_path_factory.mktemp("town"), free_port(), postgres.create()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "SHUNIU_DATABASE_URL": address,
        "SHUNIU_DATA": str(base / "data"),
        "SHUNIU_PORT": str(port),
        "SHUNIU_PUBLIC_URL": url,
    }
    made = subprocess.run(cheap_hub("init", "--json"), env=environment, capture_output=True, timeout=60)
    assert made.returncode == 0, made.stderr.decode()
    passwords = json.loads(made.stdout)["passwords"]
    town = Town(base, url, environment, passwords)
    with town.gateway():
        staff_the_town(town)
        yield town
    postgres.drop(address)


@pytest.fixture(scope="session")
def main_job(town: Town) -> tuple[Path, Path, str]:
    """The folders of a provider and a consumer, and the resource granted between them."""
    res = town.resource("lintao-approval", "办事指南")
    town.grant("lintao-subsite", res)
    return town.base / "partners" / "lintao-approval", town.base / "partners" / "lintao-subsite", res


@pytest.fixture
def anyone(tmp_path: Path) -> User:
    """A partner's developer, who has no staff session."""
    return User(tmp_path / "config")
