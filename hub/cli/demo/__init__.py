"""`shuniu demo`: a fresh hub with the Lintao example that runs the main job and tells every step.

Everything is done as its users do it: staff act through the API with sessions, partners through the Python client. Only
setting the hub up touches the database, as `shuniu init` does.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import httpx

from hub.app import upkeep
from hub.app.ending import ending_signals
from hub.app.run import environment as environment_of
from hub.app.run import listen
from hub.cli.demo.applying import ask, correct_what_is_reported
from hub.cli.demo.bundles import cross
from hub.cli.demo.catalogue import import_catalogue
from hub.cli.demo.correction import correct, wrong_envelope
from hub.cli.demo.county import County
from hub.cli.demo.lists import put_online, suspend_and_restore
from hub.cli.demo.narrator import Narrator
from hub.cli.demo.proof import prove
from hub.cli.demo.pushing import push
from hub.cli.demo.story import tell
from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.layout import make_data_directory
from hub.errors import SetupError
from hub.settings import Settings

MARKER = "demo.json"
UNFINISHED = ".demo"
READY_WITHIN_S = 120.0
SERVER_GONE_WITHIN_S = 10.0
"""A server stays two seconds for the next command, and takes a moment to shut down."""


def run(settings: Settings, *, exit_after: bool) -> None:
    """Make the folder anew, run the main job, then serve until SIGTERM or SIGINT unless `exit_after`.

    Raises `SetupError` when the folder holds something that no demo made, or the port is taken.
    """
    if "data" not in settings.model_fields_set:
        settings = settings.model_copy(update={"data": Path("shuniu-demo")})
    settings = settings.model_copy(
        update={"data": settings.data.resolve(), "public_url": f"http://{_in_address(settings.host)}:{settings.port}"}
    )
    if settings.port == 0:
        raise SetupError(
            "演示要向各系统写明端口；请用 --port 指定 1 以上的端口",
            "the demo tells its systems the port: name one from 1 on with --port",
        )
    listen(settings, shared=False).close()
    for number in {*ending_signals()} - {signal.SIGINT}:
        signal.signal(number, _end_orderly)
    with _alone_in(settings.data):
        _make_folder(settings.data)
        _run(settings, exit_after=exit_after)


def _run(settings: Settings, *, exit_after: bool) -> None:
    narrator = Narrator()
    began = time.monotonic()
    narrator.step("建立枢纽：数据库、密钥、三员账户", "set the hub up: database, keys, the three officers")
    with upkeep.database_address(settings, may_be_new=True) as dsn:
        passwords = upkeep.initialise(settings).passwords
        narrator.same(f"shuniu init --data {settings.data}")
        with _processes(settings) as processes, httpx.Client(base_url=settings.public_url, timeout=30) as http:
            _wait_until_ready(http, processes, settings.data)
            narrator.done(f"{settings.public_url} 就绪 / is ready")
            narrator.same(f"shuniu up --data {settings.data} --port {settings.port}")
            county = County(http, settings.data, settings.hub_id, narrator, passwords)
            tell(county)
            import_catalogue(county)
            suspend_and_restore(county)
            put_online(county)
            ask(county)
            wrong = wrong_envelope(county)
            correct_what_is_reported(county, wrong.exchange, lambda: correct(county, wrong).exchange)
            push(county)
            cross(county)
            prove(county, dsn)
            _finish(settings, county, narrator, time.monotonic() - began)
            if not exit_after:
                _serve_on(settings, narrator, processes)


def _end_orderly(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _in_address(host: str) -> str:
    """The host as an address has it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


@contextmanager
def _alone_in(data: Path) -> Iterator[None]:
    """No other demo has the folder meanwhile, whatever database it uses and however it ends. Raises `SetupError`."""
    make_data_directory(data)
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(
                f"另一个演示正在使用目录 {data}；请先结束它，或用 --data 指定别的目录",
                f"another demo uses the folder {data}: end it first, or name another folder with --data",
            ) from None
        yield
    finally:
        os.close(folder)


def _make_folder(data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        if not (data / MARKER).exists() and not (data / UNFINISHED).exists():
            raise SetupError(
                f"目录 {data} 非空，且不是演示目录，不会覆盖；请用 --data 指定新目录",
                f"the folder {data} is not empty and no demo made it: nothing is overwritten; name a new one with --data",
            )
        if not EmbeddedPostgres(data).wait_until_stopped(SERVER_GONE_WITHIN_S):
            raise SetupError(
                f"目录 {data} 里的数据库还在运行，可能是另一个演示；请先停止它，或用 --data 指定别的目录",
                f"a database runs in the folder {data}, of another demo perhaps: end it first, or name another folder with --data",
            )
        (data / UNFINISHED).touch()  # whatever interrupts us: a demo made what is left
        for path in data.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != UNFINISHED:
                path.unlink()
    make_data_directory(data)
    (data / UNFINISHED).touch()


@contextmanager
def _processes(settings: Settings) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A gateway and a worker, ended with the block."""
    environment = os.environ | environment_of(settings)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in ("gateway", "worker"):
            with (settings.data / f"{command}.log").open("ab") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "hub", command, "--ends-with-starter"],
                        stdin=subprocess.PIPE,  # ends with us, however we end
                        env=environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.communicate()


def _wait_until_ready(http: httpx.Client, processes: list[subprocess.Popen[bytes]], data: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and processes[0].poll() is None:
        with suppress(httpx.TransportError):
            if http.get("/readyz").status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise SetupError(
        f"网关未能启动；原因见 {data / 'gateway.log'}", f"the gateway did not start; see why in {data / 'gateway.log'}"
    )


def _finish(settings: Settings, county: County, narrator: Narrator, seconds: float) -> None:
    county.write_staff()
    summary = {
        "hub": settings.hub_id,
        "url": settings.public_url,
        "systems": sorted(county.partners),
        "resources": {key: resource["code"] for key, resource in county.resources.items()},
    }
    path = settings.data / MARKER
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    (settings.data / UNFINISHED).unlink()
    narrator.end(settings, seconds)


def _serve_on(settings: Settings, narrator: Narrator, processes: list[subprocess.Popen[bytes]]) -> None:
    stopped = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in ending_signals():
        signal.signal(number, stop)
    narrator.serving(settings)
    while not stopped and all(process.poll() is None for process in processes):
        time.sleep(0.2)
    if not stopped:
        raise SetupError(
            f"后台进程意外结束；见 {settings.data}/*.log", f"a process ended unexpectedly; see {settings.data}/*.log"
        )
