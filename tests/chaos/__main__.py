"""The long form: rounds of chaos until the time is over, figures as they come; then what one dead consumer of 300 costs the
others; a table at the end, `build/chaos.json`.

`python -m tests.chaos --minutes 10 [--seed N]`. Exit status 1 on any violation; a round's records stay where it is told if it
had one.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.chaos.fairness import measure_at_length
from tests.chaos.run import Outcome, Plan, chaos
from tests.support.nursery import CHECKOUT

ROUND_S = 75.0
MOST_LOST = 0.05
RESULT = CHECKOUT / "build" / "chaos.json"


def main() -> int:
    """Run; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=10.0, help="时长（分钟）/ how long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="随机种子 / seed")
    given = parser.parse_args()
    print(f"种子 / seed {given.seed}", flush=True)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    while (left := given.minutes * 60 - (time.monotonic() - began)) > 0:
        outcomes.append(_round(given.seed + len(outcomes), min(ROUND_S, max(10.0, left - 20))))
        _tell(len(outcomes), outcomes[-1], time.monotonic() - began)
    table = _table(outcomes, time.monotonic() - began)
    cost = measure_at_length()
    table |= {
        "one dead of 300: places, %": round(100 * cost.places_lost, 1),
        "one dead of 300: rate, %": round(100 * cost.rate_lost, 1),
        "one dead of 300: rate, standard error": round(100 * cost.noise, 1),
    }
    print("", *(f"{name:32} {value}" for name, value in table.items()), sep="\n")
    RESULT.parent.mkdir(exist_ok=True)
    told = {"seed": given.seed, "total": table, "rounds": [_told(outcome) for outcome in outcomes]}
    RESULT.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    costs_too_much = cost.places_lost >= MOST_LOST or cost.rate_lost >= MOST_LOST + 3 * cost.noise
    if lacking := set.intersection(*(set(outcome.lacking) for outcome in outcomes)):
        print("没有发生 / did not happen:", *sorted(lacking))
    return 1 if table["violations"] or table["other faults"] or lacking or costs_too_much else 0


def _round(seed: int, seconds: float) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="shuniu-chaos-"))
    outcome = chaos(Plan(seed, seconds, doomed=4), folder)
    if outcome.violations or outcome.notes:
        print(f"记录保留在 / records kept in {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    return outcome


def _tell(number: int, outcome: Outcome, elapsed: float) -> None:
    counts = " ".join(f"{name}={value}" for name, value in outcome.counts.items())
    print(f"[{elapsed:5.0f} s] {number}: seed={outcome.seed} violations={len(outcome.violations)} {counts}", flush=True)
    for violation in outcome.violations:
        print("   ", violation.invariant, violation.kind, violation.detail, flush=True)
    for line in (*outcome.notes, *outcome.last_words):
        print("   ", line, flush=True)


def _told(outcome: Outcome) -> dict[str, Any]:
    """A round as JSON takes it."""
    shown = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    return shown | {"violations": [asdict(violation) for violation in outcome.violations]}


def _table(outcomes: Sequence[Outcome], seconds: float) -> dict[str, float]:
    """All rounds together."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update(outcome.counts)
    more: Counter[str] = Counter()
    for outcome in outcomes:
        more.update(outcome.faults)
        more.update({f"rights: {name}": value for name, value in outcome.rights.items()})
        more.update({f"network: {name}": value for name, value in outcome.network.items()})
    return {
        "rounds": len(outcomes),
        "seconds": round(seconds),
        **counts,
        **dict(sorted(more.items())),
        "other faults": sum(len(outcome.notes) for outcome in outcomes),
        "violations": sum(len(outcome.violations) for outcome in outcomes),
    }


if __name__ == "__main__":
    sys.exit(main())
