"""What is measured, how often, for how long, and what has to come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

ACCEPT_1K = "accept_1k"
ACCEPT_10K = "accept_10k"
PULL_ACK = "pull_ack"
ACCEPT_AND_DELIVER = "accept_and_deliver"
DELIVER = "deliver"
SEAL = "seal"
SEARCH = "search_200k"
SEARCH_FACETS = "search_200k_facets"
CASES = (ACCEPT_1K, ACCEPT_10K, PULL_ACK, ACCEPT_AND_DELIVER, DELIVER, SEAL, SEARCH, SEARCH_FACETS)
"""Search comes last: 200,000 entries stay where they are put."""

PAYLOAD_BYTES: Mapping[str, int] = {
    ACCEPT_1K: 1024,
    ACCEPT_10K: 10240,
    PULL_ACK: 1024,
    ACCEPT_AND_DELIVER: 1024,
    DELIVER: 1024,
}

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

PUSH_CONSUMERS = PULL_CONSUMERS
"""The same systems, pushed to: each has a lane of its own."""

PUSH_BATCH = 200
"""Items of one push when there is no lack of them."""

PACED_PER_SECOND = 1_000
"""Exchanges a second while the time from sending to arrival is measured."""

SEAL_PER_SECOND = 5_000
"""Log entries a second while the time from commit to checkpoint is measured."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A requirement on one figure of a case: at least `bound`, or at most. `text` has the case in front of it."""

    figure: str
    bound: float
    at_least: bool
    text: str


REQUIRED: Mapping[str, tuple[Bound, ...]] = {
    ACCEPT_1K: (
        Bound("per_second", 6_000, True, "≥ 6000/s"),
        Bound("floor_ratio", 0.30, True, "≥ 0.30 × floor"),
        Bound("baseline_ratio", 5.0, True, "≥ 5 × baseline"),
        Bound("p99_ms", 30.0, False, "p99 ≤ 30 ms"),
    ),
    ACCEPT_AND_DELIVER: (
        Bound("per_second", 3_000, True, "≥ 3000/s"),
        Bound("p50_ms", 100.0, False, f"p50 ≤ 100 ms at {PACED_PER_SECOND}/s"),
    ),
    DELIVER: (Bound("per_second", 5_000, True, "≥ 5000/s"),),
    SEAL: (
        Bound("per_second", 50_000, True, "≥ 50000/s"),
        Bound("max_ms", 2_000.0, False, f"max ≤ 2000 ms at {SEAL_PER_SECOND}/s"),
    ),
    SEARCH: (Bound("p95_ms", 5.0, False, "p95 ≤ 5 ms"),),
    SEARCH_FACETS: (Bound("p95_ms", 25.0, False, "p95 ≤ 25 ms"),),
}
"""The thresholds, for two cores with hub, database and load generator on them."""


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
    cases=tuple(case for case in CASES if case != ACCEPT_10K),  # it differs from accept_1k in the size alone
    runs=1,
    run_s={
        ACCEPT_1K: 3,
        ACCEPT_10K: 1,
        PULL_ACK: 1,
        ACCEPT_AND_DELIVER: 2,
        DELIVER: 1,
        SEAL: 1,
        SEARCH: 1,
        SEARCH_FACETS: 1,
    },
    warm_up_s=1,
    floor_s=1,
    baseline_s=2,
    margin=4.0,
    is_smoke=True,
)
"""Ten seconds of measuring in all: shows that the bench works, not how fast the hub is."""
