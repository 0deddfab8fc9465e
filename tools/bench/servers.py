"""The processes under test: started, waited for, weighed, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.app.run import environment
from hub.settings import Settings
from tools.bench.errors import VoidRun

CHECKOUT = Path(__file__).resolve().parents[2]

START_S = 60.0
STOP_S = 40.0
POLL_S = 0.05
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Program:
    """What to run with this Python, and what it writes once it serves."""

    name: str
    arguments: tuple[str, ...]
    says: str


GATEWAY = Program("gateway", ("-m", "hub", "gateway", "--shared-port"), "gateway ready")
WORKER = Program("worker", ("-m", "hub", "worker"), "worker ready")
BASELINE = Program("baseline", ("-m", "tools.bench.baseline"), "baseline ready")


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Servers:
    """Processes with one set of settings; their logs lie in `logs`."""

    settings: Settings
    logs: Path
    programs: list[Program] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *programs: Program) -> None:
        """Start one process for each program and wait until all say that they are ready. Raises VoidRun."""
        logs = [self._start(program, number) for number, program in enumerate(programs)]
        deadline = time.monotonic() + START_S
        for program, log, process in zip(programs, logs, self.processes, strict=True):
            while program.says not in log.read_text("utf-8"):
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = log.read_text("utf-8")[-1000:]
                    raise VoidRun(f"{program.name} 没有启动：{tail}", f"{program.name} did not start: {tail}")
                time.sleep(POLL_S)
        time.sleep(SETTLE_S)  # a process says that it is ready a moment before it listens

    def _start(self, program: Program, number: int) -> Path:
        log = self.logs / f"{program.name}-{number}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHUNIU_")}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *program.arguments],
                cwd=CHECKOUT,
                env=inherited | environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.programs.append(program)
        self.processes.append(process)
        return log

    @property
    def pids(self) -> Sequence[int]:
        """Their process ids."""
        return [process.pid for process in self.processes]

    def check_alive(self) -> None:
        """Raise VoidRun if one of them has ended."""
        for program, process in zip(self.programs, self.processes, strict=True):
            if process.poll() is not None:
                raise VoidRun(
                    f"{program.name} 已退出（{process.returncode}），日志在 {self.logs}",
                    f"{program.name} has ended ({process.returncode}); its log is in {self.logs}",
                )

    def largest_resident_mib(self, program: Program) -> float:
        """The most memory that one process of the program has had resident so far, in MiB."""
        running = zip(self.programs, self.processes, strict=True)
        return max(peak_resident_kib(process.pid) for which, process in running if which == program) / 1024

    def stop(self) -> Sequence[int]:
        """Ask them to end and wait; returns their exit codes."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return [process.returncode for process in self.processes]


@contextlib.contextmanager
def running(settings: Settings, logs: Path, *programs: Program) -> Iterator[Servers]:
    """Processes for the length of the block. Raises VoidRun if one does not start, dies, or does not end with 0."""
    servers = Servers(settings, logs)
    try:
        servers.start(*programs)
        yield servers
        servers.check_alive()
    finally:
        codes = servers.stop()
    if any(codes):
        raise VoidRun(f"进程没有正常结束：{codes}", f"processes did not end in order: {codes}")


def peak_resident_kib(pid: int) -> int:
    """`VmHWM` of a process: the most that was resident at any time."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise VoidRun(f"进程 {pid} 没有内存数据", f"the process {pid} has no figures of its memory")
