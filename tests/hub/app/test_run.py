"""What start-up refuses, in words, before it does anything."""

from pathlib import Path

import pytest

from hub.app import run
from hub.app.wiring import insist_on_hub_id, open_context
from hub.db.engine import Database
from hub.errors import SetupError
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import create_master_key, load_master_key
from hub.settings import Settings
from tests.support.gateway import running_gateway


@pytest.mark.parametrize("start", [run.up, run.gateway])
def test_a_folder_that_was_never_initialised_gets_no_database(tmp_path: Path, start: object) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert callable(start)
    with pytest.raises(SetupError):
        start(Settings(data=data, port=0))
    assert not (data / "postgres").exists()


async def test_a_hub_keeps_the_id_that_its_certificates_name(database_dsn: str, tmp_path: Path) -> None:
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        insist_on_hub_id(gateway.context.keyring, "lintao-hub")
        with pytest.raises(SetupError, match="other-hub"):
            insist_on_hub_id(gateway.context.keyring, "other-hub")
    with pytest.raises(SetupError, match="lintao-hub"):
        async with open_context(Settings(data=tmp_path / "data", hub_id="other-hub"), database_dsn):
            raise AssertionError("must not open")


async def test_a_database_without_keys_is_said_to_be_uninitialised(database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    create_master_key(settings.master_key_path)
    async with database.session() as session:
        with pytest.raises(SetupError, match="shuniu init"):
            await KeyRing.load(session, load_master_key(settings.master_key_path))


@pytest.mark.sockets
def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with run.listen(Settings(data=tmp_path, port=0), shared=False) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(SetupError, match=str(port)):
            run.listen(Settings(data=tmp_path, port=port), shared=False)
