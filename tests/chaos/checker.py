"""Judges a chaos run from what clients hold, what sinks wrote down and what lies in the tables: did I1 to I4 hold?

It shares no code with the hub: the standard library, and `records`, which has no more. `python -m tests.chaos.checker FOLDER`
judges a folder that a run left.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.chaos.records import Answer, Arrival, Attempt, Closed, Records, Row, read


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, by the stable word for how, with what shows it."""

    invariant: str
    kind: str
    detail: str


Found = Iterator[Violation]


def judge(records: Records) -> list[Violation]:
    """Every violation; empty when all four invariants held."""
    checks = (
        receipts_are_true, everything_arrives, one_exchange_each, deliveries_keep_what_they_are,
        nothing_starts_while_closed, attempts_come_one_after_the_other, receivers_see_no_regress, order_is_kept,
        numbers_have_no_gaps,
    )  # fmt: skip
    return [violation for check in checks for violation in check(records)]


def receipts_are_true(records: Records) -> Found:
    """I1: a receipt speaks of what was sent, and whoever repeats the bytes gets the same bytes."""
    first: dict[tuple[str, str, str], str] = {}
    for answer in records.receipted:
        told = answer.payload
        named = told.get("sender"), told.get("jti"), told.get("envelope_digest")
        if named != (answer.sender, answer.jti, answer.digest):
            yield Violation("I1", "receipt-of-something-else", f"{answer.sender} {answer.jti}: {named}")
        if first.setdefault((answer.sender, answer.jti, answer.digest), answer.receipt) != answer.receipt:
            yield Violation("I1", "receipt-changed", f"{answer.sender} {answer.jti}")


def everything_arrives(records: Records) -> Found:
    """I1: what has a receipt was kept by the sink of each of its lanes, or a dead letter or a revocation says why not."""
    kept = {delivery for arrival in _arrivals(records) for delivery in arrival.kept}
    settled: dict[str, set[str]] = defaultdict(set)
    for arrival in _arrivals(records):
        for item in arrival.items:
            if item.delivery in kept:
                settled[item.exchange].add(arrival.lane)
    stopped = {closed.name for closed in records.closed if closed.scope == "kid" and closed.until is None}
    for row in records.delivered:
        if row.delivery not in kept:
            yield Violation("I1", "confirmed-but-never-kept", f"{row.delivery} in {row.lane}")
    for row in records.dead:
        if records.lanes[row.lane].policy != "park":
            yield Violation("I1", "parked-in-a-blocking-lane", f"{row.delivery} in {row.lane}")
        elif row.replayed_as is None:
            settled[row.exchange].add(row.lane)
    for row in records.waiting:
        if row.kid in stopped:
            settled[row.exchange].add(row.lane)
        else:
            yield Violation("I1", "left-in-the-queue", f"{row.delivery} in {row.lane}")
    for exchange, lanes in {str(a.payload.get("exchange")): a.payload.get("lanes") for a in records.receipted}.items():
        if len(settled[exchange]) != lanes:
            yield Violation("I1", "never-arrived", f"{exchange}: {len(settled[exchange])} of {lanes} lanes")


def one_exchange_each(records: Records) -> Found:
    """I2: (sender, jti) is one exchange with one digest, for clients and for sinks."""
    exchanges: dict[tuple[str, str], set[object]] = defaultdict(set)
    for answer in records.receipted:
        exchanges[answer.sender, answer.jti].add((answer.payload.get("exchange"), answer.digest))
    for arrival in _arrivals(records):
        for item in arrival.items:
            exchanges[item.sender, item.jti].add((item.exchange, item.digest))
    for key, found in exchanges.items():
        if len(found) > 1:
            yield Violation("I2", "two-exchanges-of-one-message", f"{key}: {found}")


def deliveries_keep_what_they_are(records: Records) -> Found:
    """I2: a delivery id is one exchange, lane, number and digest, and an exchange has one in a lane, replays aside."""
    known: dict[str, tuple[object, ...]] = {}
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    acted: Counter[str] = Counter()
    for arrival in _arrivals(records):
        acted.update(arrival.kept)
        for item in arrival.items:
            ids[arrival.lane, item.exchange].add(item.delivery)
            what = (item.digest, item.exchange, arrival.lane, item.sequence)
            before = known.setdefault(item.delivery, what)
            if before[0] != what[0]:
                yield Violation("I2", "delivery-with-two-digests", f"{item.delivery}: {before[0]}, {what[0]}")
            elif before != what:
                yield Violation("I2", "delivery-changed", f"{item.delivery}: {before}, {what}")
    replays = records.replays
    for (lane, exchange), found in ids.items():
        if len(found - replays) > 1:
            yield Violation("I2", "exchange-delivered-again-under-another-id", f"{exchange} in {lane}: {found}")
    for delivery, times in acted.items():
        if times > 1:
            yield Violation("I2", "acted-upon-twice", delivery)


def nothing_starts_while_closed(records: Records) -> Found:
    """I3: by the commit of its claim, and by the lease that its signature names, no attempt starts in a closed span."""
    closed: dict[tuple[str, str], list[Closed]] = defaultdict(list)
    for span in records.closed:
        closed[span.scope, span.name].append(span)
    for attempt in records.attempts:
        if attempt.committed is None:
            yield Violation("I3", "attempt-without-log-entry", f"{attempt.lane} fence {attempt.fence}")
        elif any(span.holds(attempt.committed, attempt.committed) for span in closed["lane", attempt.lane]):
            yield Violation("I3", "claimed-while-closed", f"{attempt.lane} fence {attempt.fence}")
    starts = {(attempt.lane, attempt.fence): attempt.started for attempt in records.attempts}
    for arrival in _arrivals(records):
        # A signature's times are whole seconds: the lease began within the second after this one.
        earliest = arrival.expires - records.lease_s
        started = starts.get((arrival.lane, arrival.fence))
        begin, end = (earliest, earliest + 1) if started is None else (started, started)
        scopes = [("lane", arrival.lane), ("url", arrival.url), *{("kid", item.kid) for item in arrival.items}]
        for scope in scopes:
            if any(span.holds(begin, end) for span in closed[scope]):
                yield Violation(
                    "I3", f"started-while-{scope[0]}-closed", f"{arrival.lane} fence {arrival.fence}: {scope}"
                )


def attempts_come_one_after_the_other(records: Records) -> Found:
    """I4: what arrives was committed before; a lane's attempt begins when the one before has ended or its lease is over."""
    made = {(attempt.lane, attempt.fence): attempt for attempt in records.attempts}
    seen: set[tuple[str, int]] = set()
    for arrival in _arrivals(records):
        key = arrival.lane, arrival.fence
        attempt = made.get(key)
        if attempt is None or (attempt.first, attempt.count) != (arrival.sequence, len(arrival.items)):
            yield Violation(
                "I4", "attempt-not-in-the-database", f"{key}: {arrival.sequence}, {len(arrival.items)} items"
            )
        if key in seen:
            yield Violation("I4", "fence-used-twice", f"{key}")
        seen.add(key)
    for lane in {attempt.lane for attempt in records.attempts}:
        mine = sorted((a for a in records.attempts if a.lane == lane), key=lambda a: a.fence)
        for one, following in pairwise(mine):
            if following.started < _end(one):
                yield Violation("I4", "attempts-overlap", f"{lane} fences {one.fence} and {following.fence}")


def receivers_see_no_regress(records: Records) -> Found:
    """I4: what a receiver accepted, by the contract's rules, has fences that never fall and had not expired."""
    highest: dict[str, int] = defaultdict(int)
    for arrival in _arrivals(records):
        if arrival.was_accepted:
            if arrival.fence < highest[arrival.lane]:
                yield Violation("I4", "fence-fell", f"{arrival.lane}: {arrival.fence} after {highest[arrival.lane]}")
            if arrival.at >= arrival.expires:
                yield Violation("I4", "accepted-after-expiry", f"{arrival.lane} fence {arrival.fence}")
        highest[arrival.lane] = max(highest[arrival.lane], arrival.fence)


def order_is_kept(records: Records) -> Found:
    """I4: first arrivals come in the order of numbers, and none before one whose receipt was there when it was posted."""
    aside = records.replays | {row.delivery for row in records.dead}
    first: dict[str, list[tuple[int, str]]] = defaultdict(list)
    seen: set[str] = set()
    for arrival in _arrivals(records):
        for item in arrival.items:
            if item.delivery not in seen | aside:
                first[arrival.lane].append((item.sequence, item.exchange))
            seen.add(item.delivery)
    posted, answered = _times(records.receipted)
    for lane, order in first.items():
        for (one, _), (following, _) in pairwise(order):
            if following <= one:
                yield Violation("I4", "out-of-order", f"{lane}: {following} after {one}")
        latest = 0.0
        for _, exchange in order:
            if answered.get(exchange, latest) < latest:
                yield Violation("I4", "overtaken", f"{lane}: {exchange}")
            latest = max(latest, posted.get(exchange, 0.0))


def numbers_have_no_gaps(records: Records) -> Found:
    """I4: a lane's numbers are 1, 2, 3 …, each of one delivery, over all that arrived, was parked or still waits."""
    numbers: dict[str, dict[int, str]] = defaultdict(dict)
    pairs: list[tuple[str, int, str]] = [
        (arrival.lane, item.sequence, item.delivery) for arrival in _arrivals(records) for item in arrival.items
    ]
    rows: Iterable[Row] = [*records.delivered, *records.dead, *records.waiting]
    pairs += [(row.lane, row.sequence, row.delivery) for row in rows if row.sequence is not None]
    for lane, sequence, delivery in pairs:
        other = numbers[lane].setdefault(sequence, delivery)
        if other != delivery:
            yield Violation("I4", "one-number-for-two", f"{lane} {sequence}: {other}, {delivery}")
    for lane, found in numbers.items():
        if missing := sorted(set(range(1, max(found) + 1)) - set(found)):
            yield Violation("I4", "gap", f"{lane}: {missing[:10]}")


def figures(records: Records) -> dict[str, int]:
    """What a run came to, counted."""
    items = Counter(item.delivery for arrival in _arrivals(records) for item in arrival.items)
    verdicts = Counter(arrival.verdict for arrival in _arrivals(records))
    return {
        "exchanges": len({(answer.sender, answer.jti) for answer in records.receipted}),
        "deliveries": len(records.delivered),
        "attempts": len(records.attempts),
        "arrivals": sum(map(len, records.arrivals)) + records.unbelieved,
        "repeats": sum(items.values()) - len(items),
        "refused_stale": verdicts["stale"] + records.late,
        "leases_run_out": sum(attempt.outcome == "expired" for attempt in records.attempts),
        "dead_letters": len(records.dead),
        "replayed": len(records.replays),
        "held_back": len(records.waiting),
        "spans_closed": len(records.closed),
    }


def _arrivals(records: Records) -> Iterator[Arrival]:
    for one in records.arrivals:
        yield from one


def _end(attempt: Attempt) -> float:
    """When the attempt was over, for whoever comes next."""
    return attempt.expires if attempt.ended is None or attempt.outcome == "expired" else attempt.ended


def _times(receipted: Iterable[Answer]) -> tuple[dict[str, float], dict[str, float]]:
    """For each exchange when it was first posted, and when its first receipt came."""
    posted: dict[str, float] = {}
    answered: dict[str, float] = {}
    for answer in receipted:
        exchange = str(answer.payload.get("exchange"))
        posted[exchange] = min(answer.posted_at, posted.get(exchange, answer.posted_at))
        answered[exchange] = min(answer.answered_at, answered.get(exchange, answer.answered_at))
    return posted, answered


def main(arguments: list[str]) -> int:
    """Judge a folder; 1 when anything is wrong."""
    records = read(Path(arguments[0]))
    violations = judge(records)
    for violation in violations:
        print(violation.invariant, violation.kind, violation.detail)
    print(figures(records), len(violations), "violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
