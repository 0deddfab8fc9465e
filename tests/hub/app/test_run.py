"""What start-up refuses, in words, before it does anything."""

import asyncio
import contextlib
import logging
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
import pytest
from cryptography import x509
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.app import gateway, run, upkeep, worker
from hub.app.ending import ending_signals
from hub.app.wiring import open_context
from hub.db.engine import Database
from hub.db.revision import SCRIPTS
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


def test_a_disk_that_is_not_mounted_gets_no_database(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(SetupError, match="perhaps its disk is not mounted"):
        upkeep.doctor(Settings(data=tmp_path))
    assert list((tmp_path / "postgres").iterdir()) == []


def test_a_full_disk_is_told_with_the_place(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)

    class FullRing:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: b"x" * 20_000

    with _files_of_at_most(10_000), pytest.raises(SetupError, match=r"cannot write to .*trust"):
        upkeep.write_trust(settings, cast(KeyRing, FullRing()))
    with _files_of_at_most(0), pytest.raises(SetupError, match=r"cannot write the master key file .*master\.key"):
        create_master_key(settings.master_key_path)
    assert not settings.master_key_path.exists()


@contextlib.contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


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
    with pytest.raises(SetupError, match="cannot write to"):
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


NO_ADDRESSES = (
    "nonsense",
    "ftp://hub.example",
    "https://hub.example?x=1",
    "https://hub.example/#a",
    "http://hub:99999",
    "http://hub:0",
    "https://hub example",
    "https://a:b@hub.example",
    "https://[hub",
)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *[("HOST", blank) for blank in ("", " ")],
        *[("DATA", blank) for blank in ("", " ")],
        ("MASTER_KEY_FILE", ""),
        *[("PUBLIC_URL", given) for given in NO_ADDRESSES],
    ],
)
def test_a_setting_that_is_empty_or_no_address_is_refused_by_name(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SHUNIU_{name}", given)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("HTTPS://hub.example", "https://hub.example"),
        (" https://hub.example/ ", "https://hub.example/"),
        ("http://[::1]:8640/hub", "http://[::1]:8640/hub"),
    ],
)
def test_the_public_address_is_read_without_blanks_and_its_scheme_in_any_case(given: str, read: str) -> None:
    assert Settings(public_url=given).public_url == read


def test_a_hub_whose_passwords_nobody_sees_or_that_does_not_commit_is_not_made(
    postgres: TestServer, tmp_path: Path
) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path / "data", database_url=SecretStr(address))

    def unseen(made: upkeep.Initialised) -> None:
        assert made.passwords
        raise OSError(28, "No space left on device", "/dev/full")

    with pytest.raises(OSError, match="No space left"):
        upkeep.initialise(settings, tell=unseen)
    assert not settings.master_key_path.exists()

    async def refuse_commits() -> None:
        async with Database(address).connection() as connection:
            await connection.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;"
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON hub_key DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION refuse()"
            )

    asyncio.run(refuse_commits())
    with pytest.raises(SetupError):
        upkeep.initialise(settings)
    assert not settings.master_key_path.exists()

    async def allow_commits() -> None:
        async with Database(address).connection() as connection:
            await connection.execute("DROP TRIGGER late ON hub_key")

    asyncio.run(allow_commits())
    assert upkeep.initialise(settings).passwords
    assert settings.master_key_path.exists()
    postgres.drop(address)


def test_a_commit_whose_answer_is_lost_leaves_the_key_of_what_it_made(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = AsyncSession.commit

    async def commit_unheard(session: AsyncSession) -> None:
        await commits(session)
        raise ConnectionResetError

    monkeypatch.setattr(AsyncSession, "commit", commit_unheard)
    for heard_of in (True, False):
        address = postgres.create("template0")
        settings = Settings(data=tmp_path / f"data-{heard_of}", database_url=SecretStr(address))
        if heard_of:
            assert upkeep.initialise(settings).passwords
        else:
            monkeypatch.setattr(upkeep, "OUTCOME_S", 0.0)
            with pytest.raises(SetupError, match="whether it is made is not known"):
                upkeep.initialise(settings)
        asyncio.run(upkeep.insist_on_own_keys(settings, address))
        postgres.drop(address)


def test_a_second_command_does_not_make_the_same_hub(postgres: TestServer, tmp_path: Path) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path / "first", database_url=SecretStr(address))

    def meanwhile(made: upkeep.Initialised) -> None:
        other = Settings(data=tmp_path / "second", database_url=SecretStr(address))
        with ThreadPoolExecutor() as pool, pytest.raises(SetupError, match="another `shuniu init`"):
            pool.submit(upkeep.initialise, other).result()

    upkeep.initialise(settings, tell=meanwhile)
    assert settings.master_key_path.exists()
    assert not (tmp_path / "second" / "master.key").exists()
    postgres.drop(address)


def test_the_doctor_tells_when_the_issuing_certificate_ends(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path, database_url=SecretStr(address))
    upkeep.initialise(settings, accounts=())

    def told() -> tuple[bool, bool]:
        (found,) = [check for check in upkeep.doctor(settings) if check.name == "issuing_certificate_ends"]
        return found.holds, found.advises

    assert told() == (True, False)
    monkeypatch.setattr(upkeep, "ISSUER_ENDS_SOON", timedelta(days=36_500))
    assert told() == (True, True)
    postgres.drop(address)


def test_the_doctor_tells_when_no_gateway_could_start_with_these_keys(postgres: TestServer, tmp_path: Path) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path, database_url=SecretStr(address))
    upkeep.initialise(settings, accounts=())

    def told(settings: Settings) -> tuple[bool, str]:
        (found,) = [check for check in upkeep.doctor(settings) if check.name == "hub_keys"]
        return found.holds, found.en

    assert told(settings)[0]
    holds, cure = told(settings.model_copy(update={"hub_id": "other-hub"}))
    assert (holds, "SHUNIU_HUB_ID" in cure) == (False, True)
    settings.master_key_path.unlink()
    holds, cure = told(settings)
    assert (holds, str(settings.master_key_path) in cure) == (False, True)
    postgres.drop(address)


async def test_what_ends_at_once_is_started_again_ever_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "RESTART_DELAY_S", 0.01)
    stop = asyncio.Event()

    waited: list[float] = []

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            waited.append(vars(record)["after_s"])
            if len(waited) == 4:
                stop.set()

    monkeypatch.setattr(run.log, "handlers", [Told()])
    await run._keep_running(Settings(data=tmp_path), ["no-such-command"], stop)
    assert waited == [0.01, 0.02, 0.04, 0.08]


def test_no_hub_is_made_among_the_tables_of_another_product(postgres: TestServer, tmp_path: Path) -> None:
    address = postgres.create("template0")

    async def make_other() -> None:
        async with Database(address).connection() as connection:
            await connection.execute("CREATE TABLE staff (name text)")

    asyncio.run(make_other())
    with pytest.raises(SetupError, match="tables of another product"):
        upkeep.initialise(Settings(data=tmp_path, database_url=SecretStr(address)))
    postgres.drop(address)


def test_a_role_that_may_make_no_tables_is_told_the_cure(postgres: TestServer, tmp_path: Path) -> None:
    address = postgres.create("template0")
    postgres.execute(f"ALTER DATABASE {urlsplit(address).path.lstrip('/')} OWNER TO postgres")
    settings = Settings(data=tmp_path, database_url=SecretStr(address))
    with pytest.raises(SetupError, match="make it the owner of its database"):
        upkeep.initialise(settings)
    (found,) = [check for check in upkeep.doctor(settings) if check.name == "role_may_create_tables"]
    assert not found.holds
    postgres.drop(address)


def test_a_migration_that_must_wait_for_another_session_is_told_so_and_its_revisions_are_in_the_log(
    postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.create("template0")
    settings = Settings(data=tmp_path, database_url=SecretStr(address))

    async def held(connection: object, now: object) -> None:
        raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")

    with monkeypatch.context() as patch:
        patch.setattr(upkeep, "ensure_partitions", held)
        with pytest.raises(SetupError, match="run this again when it has ended"):
            upkeep.initialise(settings)
    upkeep.initialise(settings, accounts=())

    async def logged() -> int:
        async with Database(address).connection() as connection:
            statement = "SELECT count(*) FROM log_entry WHERE position('hub.migrated'::bytea IN leaf) > 0"
            found: int = await connection.fetchval(statement)
            return found

    assert asyncio.run(logged()) == len(list((SCRIPTS / "versions").glob("[0-9]*.py")))
    postgres.drop(address)


def test_a_closed_terminal_ends_a_process_but_under_nohup() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert set(ending_signals()) == {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert set(ending_signals()) == {signal.SIGTERM, signal.SIGINT}
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_hub_keeps_the_id_that_its_certificates_name(database_dsn: str, tmp_path: Path) -> None:
    async with running_gateway(database_dsn, tmp_path / "data") as running:
        running.context.keyring.insist_on_hub_id("lintao-hub")
        with pytest.raises(SetupError, match="other-hub"):
            running.context.keyring.insist_on_hub_id("other-hub")
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
