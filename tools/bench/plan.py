"""What is measured, how often, for how long, and what has to come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

ACCEPT_1K = "accept_1k"
ACCEPT_10K = "accept_10k"
PULL_ACK = "pull_ack"
CASES = (ACCEPT_1K, ACCEPT_10K, PULL_ACK)

PAYLOAD_BYTES: Mapping[str, int] = {ACCEPT_1K: 1024, ACCEPT_10K: 10240, PULL_ACK: 1024}

GATEWAYS = 2
"""Gateway processes on one port, as `shuniu up --gateways 2` runs them."""

CONNECTIONS = 64
"""Connections of the load generator, each with one request at a time."""

ACCEPT_CONSUMERS = 2
"""Consumers that are granted what is accepted: two lanes, so two deliveries for each envelope."""

PULL_CONSUMERS = 8
"""Consumers that pull and acknowledge at the same time; each has a lane of its own, for one lane hands out in order."""

PULL_LIMIT = 100
"""Items of one pull, and of the acknowledgement that follows it."""

MIN_PER_SECOND = 6_000
MIN_FLOOR_RATIO = 0.30
MIN_BASELINE_RATIO = 5.0
MAX_P99_MS = 30.0
"""The thresholds of `accept_1k`, for two cores with hub, database and load generator on them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of runs and lengths in seconds.

    `margin`: requests signed for a run, against those that the fastest run so far would take; a short warm-up tells little.
    """

    cases: tuple[str, ...]
    runs: int
    run_s: Mapping[str, int]
    warm_up_s: int
    floor_s: int
    baseline_s: int
    margin: float
    is_smoke: bool = False

    def with_run_of(self, seconds: int) -> "Plan":
        """The same with runs of another length."""
        return replace(self, run_s=dict.fromkeys(CASES, seconds))

    def with_cases(self, cases: tuple[str, ...]) -> "Plan":
        """The same with some of the cases."""
        return replace(self, cases=cases)


FULL = Plan(cases=CASES, runs=3, run_s=dict.fromkeys(CASES, 20), warm_up_s=5, floor_s=5, baseline_s=10, margin=2.0)
SMOKE = Plan(
    cases=CASES,
    runs=1,
    run_s={ACCEPT_1K: 4, ACCEPT_10K: 3, PULL_ACK: 3},
    warm_up_s=1,
    floor_s=1,
    baseline_s=2,
    margin=4.0,
    is_smoke=True,
)
"""Ten seconds of measuring in all: shows that the bench works, not how fast the hub is."""
