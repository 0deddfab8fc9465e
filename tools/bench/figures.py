"""What came out: the figures of each case, as they are written, shown and judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.plan import REQUIRED

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Figures:
    """One case: medians of its runs; ratios to floor and baseline of the same run; the largest gateway in MiB.

    `cpu_us` is the processor time of each exchange or delivery, by who used it (the gateways, the database, the load);
    `parts_us` is what the library calls of one acceptance take by themselves.
    `per_second` counts exchanges (`accept_…`), acknowledged or pushed deliveries (`pull_ack`, `deliver`) or log entries
    (`seal`), searches one after the other (`search_…`); latencies are those of one request, for `pull_ack` of a pull with
    its acknowledgement, for `search_…` of the service, else as `notes` say.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    floor_ratio: float | None
    baseline_ratio: float | None
    rss_mib: float
    runs: Sequence[float]
    floor_per_second: float | None
    baseline_per_second: float | None
    cpu_us: Mapping[str, float]
    parts_us: Mapping[str, float]
    max_ms: float | None = None
    p95_ms: float | None = None
    http_p95_ms: float | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def rounded(self) -> dict[str, Any]:
        """The figures to the digits that mean something."""
        whole = {"per_second", "floor_per_second", "baseline_per_second", "runs"}
        digits = dict.fromkeys(("p50_ms", "p99_ms", "max_ms", "rss_mib"), 1)
        digits |= dict.fromkeys(("p95_ms", "http_p95_ms", "baseline_ratio"), 2) | {"floor_ratio": 3}
        shown: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if name in whole:
                shown[name] = [round(v) for v in value] if name == "runs" else value and round(value)
            elif name in {"cpu_us", "parts_us"}:
                shown[name] = {who: round(spent, 1) for who, spent in value.items()}
            else:
                shown[name] = value if value is None or name not in digits else round(value, digits[name])
        return shown | {"notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One requirement on a case, with what was found."""

    text: str
    found: float
    holds: bool


def thresholds(results: Mapping[str, Any]) -> Sequence[Threshold]:
    """The requirements on the cases that were measured, judged by the figures as written."""
    return [
        Threshold(
            f"{case} {bound.text}",
            (found := results[case][bound.figure]),
            found >= bound.bound if bound.at_least else found <= bound.bound,
        )
        for case, bounds in REQUIRED.items()
        if case in results
        for bound in bounds
    ]


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


HEADS = (
    "case",
    "per second",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "× floor",
    "× baseline",
    "RSS MiB",
    "floor/s",
    "baseline/s",
)
_FIELDS = (
    "per_second",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "floor_ratio",
    "baseline_ratio",
    "rss_mib",
    "floor_per_second",
    "baseline_per_second",
)


def rows(results: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """The results as cells, one row for each case."""
    return [
        [case, *("—" if results[case][name] is None else f"{results[case][name]:,}" for name in _FIELDS)]
        for case in results
        if case not in {"machine", "plan"}
    ]


def table(results: Mapping[str, Any]) -> str:
    """The results for a terminal."""
    lines = [HEADS, *rows(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in cells)
        for cells in ([*enumerate(zip(line, widths, strict=True))] for line in lines)
    )


_SHOWN = {
    "verify": "验证签名 / verify the envelope's signature (ES256)",
    "sign": "签发回执 / write and sign the receipt (ES256)",
    "read": "信封的形式与摘要 / form and digest of the envelope",
    "parse": "解析载荷 / parse the payload, strictly",
    "schema": "按模式校验 / judge it by its schema",
    "hash": "日志叶 / hash the log's leaf",
}


def costs(results: Mapping[str, Any]) -> Sequence[str]:
    """Where the processor's time goes, for each case with library calls of its own, as a Markdown table."""
    cases = [case for case, found in results.items() if case not in {"machine", "plan"} and found["parts_us"]]
    lines = ["| 每次接收的处理器微秒数 / CPU µs of one acceptance | " + " | ".join(cases) + " |"]
    lines += ["|---" + "|---:" * len(cases) + "|"]
    for part, text in _SHOWN.items():
        lines.append(f"| {text} | " + " | ".join(f"{results[case]['parts_us'][part]:.1f}" for case in cases) + " |")
    rest = [results[case]["cpu_us"]["servers"] - sum(results[case]["parts_us"].values()) for case in cases]
    lines.append("| 网关其余 / all else in the gateway | " + " | ".join(f"{spent:.1f}" for spent in rest) + " |")
    for who, text in (("database", "PostgreSQL"), ("load", "wrk")):
        lines.append(f"| {text} | " + " | ".join(f"{results[case]['cpu_us'][who]:.1f}" for case in cases) + " |")
    total = [sum(results[case]["cpu_us"].values()) for case in cases]
    return [*lines, "| 合计 / all together | " + " | ".join(f"{spent:.1f}" for spent in total) + " |"]


def markdown(results: Mapping[str, Any]) -> str:
    """The results and the machine for `docs/performance.md`."""
    machine = results["machine"]
    settings = ", ".join(f"{name} = {value}" for name, value in machine["settings"].items())
    lines = ["| " + " | ".join(HEADS) + " |", "|---" + "|---:" * (len(HEADS) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(results)]
    lines += [
        "",
        *costs(results),
        "",
        f"{machine['cpus']} CPU, {machine['system']}, Python {machine['python']}, PostgreSQL {machine['postgresql']}, {machine['wrk']}.",
        f"fsync {machine['fsync_us']} µs; {settings}.",
    ]
    return "\n".join(lines)


def fill(document: Path, results: Mapping[str, Any]) -> None:
    """Put the results between the document's two marks. Raises ValueError for results of a smoke run or lost marks."""
    if results["plan"]["is_smoke"]:
        raise ValueError("冒烟测试的数字不写入文档 / figures of a smoke run do not go into the document")
    text = document.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document}: {BEGIN} … {END} 不见了 / is missing")
    document.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}", "utf-8")


def write(path: Path, results: Mapping[str, Any]) -> None:
    """The results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", "utf-8")
