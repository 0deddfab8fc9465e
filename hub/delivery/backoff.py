"""How long a lane rests after a failure: from 5 seconds to 6 hours, growing, with full jitter. Knows no clock."""

from datetime import timedelta

SHORTEST_S = 5.0
"""A receiver that restarts is back in seconds; sooner would hammer one that is overloaded."""

LONGEST_S = 6 * 3600.0
"""A consumer that was away for days is found again within a working day."""


def rest(failures: int, share: float) -> timedelta:
    """The rest after the `failures`-th failure in a row (1 or more); `share` in [0, 1) is drawn at random.

    Evenly between the shortest rest and a bound that doubles with each failure: lanes that failed together, because one
    receiver died, do not come back together.
    """
    doubled = SHORTEST_S * 2.0 ** min(failures, 20)
    return timedelta(seconds=SHORTEST_S + (min(LONGEST_S, doubled) - SHORTEST_S) * share)
