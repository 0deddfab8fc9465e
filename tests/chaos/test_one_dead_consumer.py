"""One dead consumer of three hundred costs the others less than 5 % of their rate."""

from collections.abc import Iterator

import pytest

from hub.db.engine import Database
from hub.worker.deliveries import MAX_OPEN
from tests.chaos.fairness import Cost, measure
from tests.support.postgres import TestServer

pytestmark = pytest.mark.chaos

PAIRS = 3
PHASE_S = 0.8
MOST = 0.05

MEASURES = 4
"""What else the machine does spoils a measure now and then; what a dead consumer costs spoils each."""


def faults(cost: Cost) -> Iterator[str]:
    """What is wrong with a measure, or with what it says."""
    if cost.hung < PAIRS:
        yield "the dead consumer is not tried: nothing was measured"
    if min(phase.places for phase in cost.phases) <= 0.8 * MAX_OPEN:
        yield "there are places to spare"
    if cost.places_lost >= MOST:
        yield f"places lost: {cost.places_lost:.3f}"
    if cost.rate_lost >= MOST + 3 * cost.noise:
        yield f"rate lost: {cost.rate_lost:.3f} ± {cost.noise:.3f}"


async def test_one_dead_consumer_of_three_hundred_costs_the_others_little_however_much_it_is_granted(
    postgres: TestServer,
) -> None:
    for _ in range(MEASURES):
        database = Database(postgres.create(), application="test")
        try:
            cost = await measure(database, pairs=PAIRS, phase_s=PHASE_S, lanes_of_the_dead=20)
        finally:
            await database.dispose()
            postgres.drop(database.dsn)
        found = list(faults(cost))
        print(cost, f"places lost {cost.places_lost:.3f}, rate lost {cost.rate_lost:.3f} ± {cost.noise:.3f}", *found)
        if not found:
            break
    assert found == []
