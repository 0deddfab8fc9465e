"""What start-up refuses, in words, before it does anything."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest
from cryptography import x509
from pydantic import SecretStr, ValidationError

from hub.app import gateway, run, upkeep, worker
from hub.app.wiring import insist_on_hub_id, open_context
from hub.db.engine import Database
from hub.errors import SetupError
from hub.registry.keyring import HubKeysPresent, KeyRing
from hub.registry.masterkey import create_master_key, load_master_key
from hub.settings import Settings
from tests.support.gateway import running_gateway
from tests.support.postgres import TestServer


@pytest.mark.parametrize("start", [run.up, gateway.gateway])
def test_a_folder_that_was_never_initialised_gets_no_database(tmp_path: Path, start: object) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert callable(start)
    with pytest.raises(SetupError):
        start(Settings(data=data, port=0))
    assert not (data / "postgres").exists()


def test_a_mistyped_folder_gets_no_database_from_who_only_looks(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="shuniu init"):
        upkeep.doctor(Settings(data=tmp_path / "data"))
    assert not (tmp_path / "data").exists()


class HourAhead(datetime):
    """A machine's clock that runs ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "HourAhead":
        """An hour too late."""
        return cls.fromtimestamp(time.time() + 3600, tz)


def test_what_the_host_does_is_dated_by_the_database(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.create("template0")
    monkeypatch.setattr(upkeep, "datetime", HourAhead, raising=False)
    settings = Settings(data=tmp_path / "data", database_url=SecretStr(address))
    upkeep.initialise(settings, accounts=())

    async def newest() -> datetime:
        async with Database(address).connection() as connection:
            found: datetime = await connection.fetchval("SELECT max(occurred_at) FROM log_entry")
            return found

    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert asyncio.run(newest()) < soon
    (root,) = x509.load_pem_x509_certificates((settings.data / "trust" / "ca.pem").read_bytes())[:1]
    assert root.not_valid_before_utc < soon
    postgres.drop(address)


def test_a_hub_is_made_whole_or_not_at_all_and_once(postgres: TestServer, tmp_path: Path) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path / "data", database_url=SecretStr(address))
    settings.data.mkdir(mode=0o700)
    (settings.data / "trust").write_text("in the way")
    with pytest.raises(FileExistsError):
        upkeep.initialise(settings)
    assert not settings.master_key_path.exists()
    (settings.data / "trust").unlink()
    made = upkeep.initialise(settings)
    assert sorted(made.passwords) == ["auditadmin", "secadmin", "sysadmin"]
    key = settings.master_key_path.read_bytes()
    for data in (settings.data, tmp_path / "other"):
        with pytest.raises(HubKeysPresent):
            upkeep.initialise(Settings(data=data, database_url=SecretStr(address)))
    assert not (tmp_path / "other" / "master.key").exists()
    assert settings.master_key_path.read_bytes() == key
    settings.master_key_path.unlink()
    with pytest.raises(HubKeysPresent):
        upkeep.initialise(settings)
    assert not settings.master_key_path.exists(), "a new key in its place opens nothing"
    postgres.drop(address)


@pytest.mark.parametrize(
    ("name", "given"), [("HOST", ""), ("DATA", ""), ("PUBLIC_URL", "nonsense"), ("PUBLIC_URL", "ftp://hub.example")]
)
def test_a_setting_that_is_empty_or_no_address_is_refused_by_name(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SHUNIU_{name}", given)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_the_scheme_of_the_public_address_is_read_in_any_case() -> None:
    assert Settings(public_url="HTTPS://hub.example").public_url == "https://hub.example"


async def test_a_hub_keeps_the_id_that_its_certificates_name(database_dsn: str, tmp_path: Path) -> None:
    async with running_gateway(database_dsn, tmp_path / "data") as running:
        insist_on_hub_id(running.context.keyring, "lintao-hub")
        with pytest.raises(SetupError, match="other-hub"):
            insist_on_hub_id(running.context.keyring, "other-hub")
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


def test_a_started_process_has_all_the_settings_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        data=tmp_path,
        database_url=SecretStr("postgresql://shuniu@db/shuniu"),
        metrics_open=True,
        trusted_proxies=(ip_network("127.0.0.1"), ip_network("fd00::/64")),
    )
    for given in (settings, settings.model_copy(update={"trusted_proxies": (), "database_url": None})):
        with monkeypatch.context() as patch:
            for name, value in run.environment(given).items():
                patch.setenv(name, value)
            assert Settings() == given


@pytest.mark.sockets
@pytest.mark.parametrize(
    "fault",
    [asyncpg.InternalClientError("state 11"), asyncpg.CannotConnectNowError("starting up"), ConnectionResetError()],
)
@pytest.mark.parametrize(("process", "start"), [(gateway, gateway.gateway), (worker, worker.worker)])
def test_a_database_that_goes_away_at_the_start_is_said_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    process: ModuleType,
    start: Callable[[Settings], None],
    fault: Exception | None,
) -> None:
    @contextlib.asynccontextmanager
    async def gone(*_: object, **__: object) -> AsyncIterator[None]:
        if fault is not None:
            raise fault
        yield

    create_master_key(tmp_path / "master.key")
    monkeypatch.setattr(process, "open_context", gone)
    settings = Settings(data=tmp_path, database_url=SecretStr("postgresql:///nowhere"), port=0)
    with pytest.raises(SetupError, match=f"the database went away.*{type(fault).__name__}"):
        start(settings)


def test_a_fault_of_a_file_is_not_called_one_of_the_database() -> None:
    with pytest.raises(FileNotFoundError), upkeep.in_words():
        Path("/nowhere/at/all").read_bytes()


def wait_for_file(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until, f"nobody wrote {path}"
        time.sleep(0.02)


async def test_a_process_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "hub").mkdir()
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(60)"
    )
    (tmp_path / "hub" / "__init__.py").touch()
    (tmp_path / "hub" / "__main__.py").write_text(deaf)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "STOP_S", 0.2)
    stop = asyncio.Event()
    running = asyncio.create_task(run._keep_running(Settings(data=tmp_path), ["worker"], stop))
    await asyncio.to_thread(wait_for_file, tmp_path / "deaf")
    stop.set()
    await asyncio.wait_for(running, 20)
    assert "a process did not end and is killed" in caplog.messages


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "needless"),
    [
        ("hub.app.gateway", {"alembic", "mako"}),
        ("hub.app.worker", {"alembic", "mako", "fastapi", "hub.app.application"}),
        ("hub.cli.server", {"alembic", "mako", "fastapi", "hub.app.wiring"}),
    ],
)
def test_a_process_imports_nothing_that_it_does_not_need(module: str, needless: set[str]) -> None:
    code = (
        f"import sys, {module}\nfound = {needless} & set(sys.modules)\nsys.exit(f'imported {{found}}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
