"""Processor time by who used it: on a machine that others use too, this says more of the hub than the clock does."""

import os
import resource
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.db.embedded.processes import processes_of

PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of processor time so far: the processes under test, the database's, and the load's (ours, ended children)."""

    servers: float
    database: float
    load: float

    def since(self, before: "CpuTime") -> "CpuTime":
        """What was used since `before`."""
        return CpuTime(self.servers - before.servers, self.database - before.database, self.load - before.load)

    def microseconds_each(self, count: int) -> dict[str, float]:
        """The same per counted thing, in microseconds."""
        shares = {"servers": self.servers, "database": self.database, "load": self.load}
        return {name: round(seconds / max(1, count) * 1e6, 1) for name, seconds in shares.items()}


def total(times: Sequence[CpuTime]) -> CpuTime:
    """All of them together."""
    return CpuTime(sum(t.servers for t in times), sum(t.database for t in times), sum(t.load for t in times))


def used(servers: Iterable[int], cluster: Path) -> CpuTime:
    """What the processes `servers` (pids), the server of that cluster, and we with our ended children have used."""
    ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return CpuTime(
        servers=sum(map(process_seconds, servers)),
        database=sum(process_seconds(process.pid) for process in processes_of(cluster)),
        load=sum(usage.ru_utime + usage.ru_stime for usage in ours),
    )


def process_seconds(pid: int) -> float:
    """User and system time of a process with all its threads; 0 once it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()  # the name in brackets may hold blanks; utime and stime are 14 and 15
    return (int(fields[11]) + int(fields[12])) * _TICK_S
