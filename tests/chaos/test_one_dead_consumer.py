"""One dead consumer of three hundred costs the others less than 5 % of their rate."""

import pytest

from hub.db.engine import Database
from hub.worker.deliveries import MAX_OPEN
from tests.chaos.fairness import measure

pytestmark = pytest.mark.chaos

PAIRS = 3
PHASE_S = 0.8
MOST = 0.05


async def test_one_dead_consumer_of_three_hundred_costs_the_others_little_however_much_it_is_granted(
    database: Database,
) -> None:
    cost = await measure(database, pairs=PAIRS, phase_s=PHASE_S, lanes_of_the_dead=20)
    print(cost, f"places lost {cost.places_lost:.3f}, rate lost {cost.rate_lost:.3f} ± {cost.noise:.3f}")
    assert cost.hung >= PAIRS, "the dead consumer is not tried: nothing was measured"
    assert min(phase.places for phase in cost.phases) > 0.8 * MAX_OPEN, "there are places to spare"
    assert cost.places_lost < MOST
    assert cost.rate_lost < MOST + 3 * cost.noise
