"""`python -m tools.bench`: exit 0 measured and all thresholds hold, 1 one does not or a run is void, 3 something is missing."""

import argparse
import asyncio
import json
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hub.app.upkeep import initialise
from hub.db.embedded import EmbeddedPostgres
from hub.errors import SetupError
from hub.settings import Settings
from tools.bench import figures
from tools.bench.cases import measure
from tools.bench.county import settle
from tools.bench.errors import VoidRun
from tools.bench.ground import Ground, describe_machine, find_load_generator
from tools.bench.plan import CASES, CONNECTIONS, FULL, GATEWAYS, SMOKE, Plan
from tools.bench.servers import CHECKOUT, free_port
from tools.bench.stand import Bench, say

HUB_ID = "bench-hub"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "--smoke", action="store_true", help="每项一次，共 10 秒，不判门槛 / ten seconds in all, nothing judged"
    )
    parser.add_argument("--seconds", type=int, help="每次测量的秒数 / length of a run")
    parser.add_argument("--only", action="append", choices=CASES, help="只测这些项 / only these cases")
    parser.add_argument(
        "--dir", type=Path, default=CHECKOUT / "build" / "bench", help="磁盘上的工作目录 / folder on a disk"
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "build" / "bench.json", help="结果文件 / file of results"
    )
    parser.add_argument(
        "--table",
        action="store_true",
        help="不测量，只把结果写入 docs/performance.md / fill the document, measure nothing",
    )
    return parser.parse_args(arguments)


def plan_of(options: argparse.Namespace) -> Plan:
    """What the command line asks for."""
    plan = SMOKE if options.smoke else FULL
    if options.seconds:
        plan = plan.with_run_of(options.seconds)
    return plan.with_cases(tuple(options.only)) if options.only else plan


def run(plan: Plan, directory: Path) -> dict[str, Any]:
    """Everything measured. Raises SetupError, VoidRun."""
    find_load_generator()
    ground = Ground(directory)
    with ground.prepared():
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = Settings(
            data=ground.data, database_url=None, hub_id=HUB_ID, port=port, public_url=url, gateways=GATEWAYS
        )
        say("建库 / making the hub")
        initialise(settings)
        processes = ProcessPoolExecutor(GATEWAYS, mp_context=multiprocessing.get_context("spawn"))
        with EmbeddedPostgres(settings.data) as server, processes as pool:
            dsn = server.dsn
            machine = asyncio.run(describe_machine(dsn, ground.data))
            machine["settings"] |= {"gateways": GATEWAYS, "connections": CONNECTIONS}
            county = asyncio.run(settle(settings, dsn))
            bench = Bench(plan, directory, settings, dsn, server.admin_dsn(), county, pool)
            if not plan.is_smoke:
                bench.use_log_files()
            results = {case: measure(bench, case).rounded() for case in plan.cases}
    return results | {"machine": machine, "plan": asdict(plan)}


def judge(results: dict[str, Any]) -> bool:
    """Print which thresholds hold; returns whether all do."""
    found = figures.thresholds(results)
    for threshold in found:
        print(f"{'✓' if threshold.holds else '✗'} {threshold.text}: {threshold.found:,}")
    return all(threshold.holds for threshold in found)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write, judge; returns the exit code."""
    options = parse(arguments)
    if options.table:
        results = json.loads(options.out.read_text("utf-8"))
        figures.fill(CHECKOUT / "docs" / "performance.md", results)
        print(figures.markdown(results))
        return 0
    plan = plan_of(options)
    try:
        results = run(plan, options.dir)
    except SetupError as missing:
        print(missing, file=sys.stderr)
        return 3
    except VoidRun as void:
        print(void, file=sys.stderr)
        return 1
    figures.write(options.out, results)
    print(figures.table(results))
    return 0 if plan.is_smoke or judge(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
