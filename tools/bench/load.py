"""Load by `wrk`: one thread, many connections, each with the next request as soon as the last is answered."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.bench.errors import VoidRun
from tools.bench.ground import find_load_generator
from tools.bench.plan import CONNECTIONS
from tools.bench.requests import RequestFile

TIMEOUT_S = 30
"""No answer may take that long; wrk's own 2 s would end a run because the machine paused."""

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What the load generator saw. Latencies are wrk's: corrected for requests that a slow answer kept from being sent."""

    created: int
    seconds: float
    p50_ms: float
    p99_ms: float
    exhausted: bool

    @property
    def per_second(self) -> float:
        """201 answers in a second."""
        return self.created / self.seconds

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"


def post(port: int, file: RequestFile, seconds: int, *, may_run_out: bool = False) -> Load:
    """Post the file's requests for `seconds`. Raises VoidRun for any answer that is no 201, and if they run out."""
    command = [
        find_load_generator(),
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        f"--timeout={TIMEOUT_S}s",
        "-s",
        str(SCRIPT),
    ]
    command += [f"http://127.0.0.1:{port}", "--", str(file.path), str(file.size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise VoidRun(f"wrk 失败：{done.stderr.strip()}", f"wrk failed: {done.stderr.strip()}")
    load = read_answer(done.stdout)
    if load.exhausted and not may_run_out:
        raise VoidRun(
            f"预先签名的 {file.count} 个请求在 {load.seconds:.1f} 秒内用完，本次作废",
            f"the {file.count} requests signed beforehand ran out after {load.seconds:.1f} s; this run is void",
        )
    return load


def read_answer(text: str) -> Load:
    """What the script printed. Raises VoidRun for answers other than 201 and for broken connections."""
    said = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    if "created" not in said:
        raise VoidRun(f"wrk 没有给出结果：{text[-400:]}", f"wrk gave no result: {text[-400:]}")
    _check_answers(said)
    return Load(
        created=int(said["created"]),
        seconds=float(said["duration_us"]) / 1e6,
        p50_ms=float(said["p50_us"]) / 1000,
        p99_ms=float(said["p99_us"]) / 1000,
        exhausted=said["exhausted"] == "1",
    )


def _check_answers(said: Mapping[str, str]) -> None:
    if said["others"] != "0":
        raise VoidRun(
            f"有 {said['others']} 个回答不是 201，本次作废；第一个：{said['sample']}",
            f"{said['others']} answers were no 201, so this run is void; the first: {said['sample']}",
        )
    if said["broken"] != "0":
        raise VoidRun(
            f"有 {said['broken']} 次连接中断或超时，本次作废", f"{said['broken']} connections broke or timed out; void"
        )
