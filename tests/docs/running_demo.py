"""`shuniu demo` as a process of its own, and what a reader finds in its folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.db.embedded import EmbeddedPostgres
from tests.support.harness import free_port
from tests.support.nursery import unmeasured

SERVES_WITHIN_S = 200.0
STOPS_WITHIN_S = 60.0

SERVING = "枢纽继续运行"
"""What the demo prints when its main job is over and it goes on serving."""


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """A demo that serves; `home` is the reader's checkout as far as they need one, `output` what the demo printed."""

    home: Path
    url: str
    output: str

    @property
    def data(self) -> Path:
        """The demo's folder, where `make demo` puts it."""
        return self.home / "shuniu-demo"

    def passwords(self) -> dict[str, str]:
        """The passwords of the example's accounts by login."""
        accounts = json.loads((self.data / "staff.json").read_text(encoding="utf-8"))
        return {account["user"]: account["password"] for account in accounts}


@contextmanager
def running_demo(home: Path) -> Iterator[RunningDemo]:
    """Start the demo in `home`, wait for the end of its main job, stop it with the block."""
    port = free_port()
    printed = home / "demo.out"
    command = [sys.executable, "-m", "hub", "demo", "--data", str(home / "shuniu-demo"), "--port", str(port)]
    with printed.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=plain_environment())
    try:
        yield RunningDemo(home, f"http://127.0.0.1:{port}", _output_of(process, printed))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOPS_WITHIN_S) == 0, printed.read_text(encoding="utf-8")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # the demo ends its own processes, whatever it is doing
            process.wait(STOPS_WITHIN_S)
        remove_cluster(home / "shuniu-demo")


def remove_cluster(data: Path) -> None:
    """Remove the database of a hub that is down, which root's hubs keep outside their folder."""
    if (data / "postgres").exists():
        EmbeddedPostgres(data).wait_until_stopped()
        shutil.rmtree((data / "postgres").resolve())


def _output_of(process: subprocess.Popen[bytes], printed: Path) -> str:
    deadline = time.monotonic() + SERVES_WITHIN_S
    while time.monotonic() < deadline:
        text = printed.read_text(encoding="utf-8")
        if SERVING in text:
            return text
        assert process.poll() is None, text
        time.sleep(0.1)
    raise AssertionError(
        f"the demo does not serve after {SERVES_WITHIN_S:.0f} s:\n{printed.read_text(encoding='utf-8')}"
    )


def plain_environment() -> dict[str, str]:
    """The environment without settings of a hub, with the Python of this run first in the path; coverage is not measured."""
    kept = {name: value for name, value in unmeasured({}).items() if not name.startswith("SHUNIU_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", "PYTHONUTF8": "1"}
