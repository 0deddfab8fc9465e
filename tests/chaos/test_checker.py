"""The checker on made-up records: an honest run passes, and each way of breaking an invariant is found under its name."""

import ast
import base64
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos import checker, records
from tests.chaos.checker import figures, judge, main
from tests.chaos.records import Answer, Arrival, Attempt, Closed, Item, Lane, Records, Row, read

LEASE_S = 4.0
BLOCK, PARK = "lane-block", "lane-park"


def receipt(exchange: str, digest: str, *, jti: str, lanes: int = 2) -> str:
    told = {"exchange": exchange, "envelope_digest": digest, "sender": "a", "jti": jti, "lanes": lanes}
    part = base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    return f"x.{part}.x"


def answer(number: int, *, lanes: int = 2, status: int = 201) -> Answer:
    digest = f"sha-256:{number}"
    told = receipt(f"e{number}", digest, jti=f"j{number}", lanes=lanes)
    return Answer("a", f"j{number}", digest, 10.0 * number, 10.0 * number + 1, status, told)


def item(lane: str, number: int, *, sequence: int | None = None) -> Item:
    return Item(f"{lane}-d{number}", sequence or number, f"e{number}", f"sha-256:{number}", "a", f"j{number}", "kid-a")


def arrival(lane: str, fence: int, *items: Item, verdict: str = "accept", status: int = 200) -> Arrival:
    start = 100.0 * fence
    kept = frozenset(one.delivery for one in items) if verdict == "accept" else frozenset()
    return Arrival(
        start + 0.5, f"http://{lane}", lane, fence, items[0].sequence, start, start + LEASE_S, verdict, status, kept, items
    )  # fmt: skip


def attempt(lane: str, fence: int, first: int, count: int = 1, outcome: str = "transport-confirmed") -> Attempt:
    start = 100.0 * fence
    return Attempt(lane, fence, first, count, start, start + LEASE_S, start + 1, outcome, start + 0.1)


def row(lane: str, number: int, sequence: int | None = -1) -> Row:
    return Row(f"{lane}-d{number}", lane, f"e{number}", number if sequence == -1 else sequence, "kid-a")


def honest() -> Records:
    """Three exchanges to two lanes; in the lane that blocks the first batch was repeated, in the other one was parked."""
    first, second, third = (item(BLOCK, n) for n in (1, 2, 3))
    return Records(
        lease_s=LEASE_S,
        answers=[answer(1), answer(2), answer(1, status=200), answer(3)],
        arrivals=[
            [
                arrival(BLOCK, 1, first, second),
                arrival(BLOCK, 2, first, verdict="already-had"),
                arrival(BLOCK, 1 + 2, second, third),
            ],
            [
                arrival(PARK, 1, item(PARK, 1)),
                arrival(PARK, 2, item(PARK, 2), verdict="rejected", status=422),
                arrival(PARK, 3, item(PARK, 3)),
            ],
        ],
        closed=[Closed("lane", BLOCK, 50.0, 60.0), Closed("url", f"http://{PARK}", 500.0, None)],
        lanes={BLOCK: Lane(BLOCK, "b", "block"), PARK: Lane(PARK, "c", "park")},
        attempts=[
            replace(attempt(BLOCK, 1, 1, 2, "expired"), ended=200.0),
            attempt(BLOCK, 2, 1),
            attempt(BLOCK, 3, 2, 2),
            *(attempt(PARK, n, n) for n in (1, 2, 3)),
        ],
        delivered=[row(BLOCK, 1), row(BLOCK, 2), row(BLOCK, 3), row(PARK, 1), row(PARK, 3)],
        dead=[row(PARK, 2)],
    )


def repeated(found: Records) -> None:
    """The second item of the honest run comes twice; the sink must not act twice."""
    one = found.arrivals[0][2]
    found.arrivals[0][2] = replace(one, kept=frozenset({one.items[1].delivery}))


def made() -> Records:
    found = honest()
    repeated(found)
    return found


def change(place: int, number: int, **names: object) -> Callable[[Records], None]:
    """Another arrival in place of one."""

    def do(found: Records) -> None:
        found.arrivals[place][number] = replace(found.arrivals[place][number], **names)  # type: ignore[arg-type]

    return do


def change_item(place: int, number: int, position: int, **names: object) -> Callable[[Records], None]:
    """Another item in place of one."""

    def do(found: Records) -> None:
        one = found.arrivals[place][number]
        items = [replace(each, **names) if n == position else each for n, each in enumerate(one.items)]  # type: ignore[arg-type]
        found.arrivals[place][number] = replace(one, items=tuple(items))

    return do


def change_attempt(number: int, **names: object) -> Callable[[Records], None]:
    def do(found: Records) -> None:
        found.attempts[number] = replace(found.attempts[number], **names)  # type: ignore[arg-type]

    return do


def change_answer(number: int, **names: object) -> Callable[[Records], None]:
    def do(found: Records) -> None:
        found.answers[number] = replace(found.answers[number], **names)  # type: ignore[arg-type]

    return do


def lose_an_arrival(found: Records) -> None:
    found.arrivals[1].pop(0)


def park_where_it_blocks(found: Records) -> None:
    found.dead.append(found.delivered.pop(2))


def leave_in_the_queue(found: Records) -> None:
    found.waiting.append(found.delivered.pop(4))


def confirm_what_nobody_kept(found: Records) -> None:
    found.delivered.append(found.dead.pop())


def deliver_again_under_another_id(found: Records) -> None:
    again = replace(item(BLOCK, 1), delivery="other", sequence=4)
    found.arrivals[0].append(arrival(BLOCK, 4, again))
    found.attempts.append(attempt(BLOCK, 4, 4))


def close(scope: str, name: str, since: float, until: float | None) -> Callable[[Records], None]:
    return lambda found: found.closed.append(Closed(scope, name, since, until))


def swap_the_park_arrivals(found: Records) -> None:
    one, _, three = found.arrivals[1]
    found.arrivals[1] = [
        replace(one, items=three.items, kept=three.kept, sequence=3),
        found.arrivals[1][1],
        replace(three, items=one.items, kept=one.kept, sequence=1),
    ]
    found.attempts[3:6] = [attempt(PARK, 1, 3), attempt(PARK, 2, 2), attempt(PARK, 3, 1)]


def number_from_two(found: Records) -> None:
    change_item(0, 0, 0, sequence=7)(found)
    change_item(0, 1, 0, sequence=7)(found)
    found.delivered[0] = replace(found.delivered[0], sequence=7)


def number_from_two_on(found: Records) -> None:
    """Nothing of the lane that parks has the number 1."""
    found.arrivals[1] = [
        replace(one, sequence=one.sequence + 1, items=tuple(replace(i, sequence=i.sequence + 1) for i in one.items))
        for one in found.arrivals[1]
    ]
    found.attempts[3:] = [replace(one, first=one.first + 1) for one in found.attempts[3:]]
    found.delivered[3:] = [replace(one, sequence=(one.sequence or 0) + 1) for one in found.delivered[3:]]
    found.dead = [replace(one, sequence=(one.sequence or 0) + 1) for one in found.dead]


def be_busy_and_then_take_a_lower_fence(found: Records) -> None:
    """A receiver has seen a fence whatever it answered."""
    busy = replace(found.arrivals[0][1], verdict="busy", status=503, fence=9)
    found.arrivals[0][1] = busy
    found.attempts.append(replace(found.attempts[1], fence=9))


def overtake_what_is_further_ahead(found: Records) -> None:
    """The third was answered before the first was posted; the second, between them, was posted before both."""
    found.arrivals[1].clear()
    for number in (0, 2):
        change_answer(number, posted_at=40.0, answered_at=41.0)(found)
    change_answer(1, posted_at=20.0, answered_at=45.0)(found)
    change_answer(3, posted_at=30.0, answered_at=31.0)(found)


def one_of_another_key(found: Records) -> None:
    change_item(0, 2, 1, kid="kid-b")(found)
    found.closed.append(Closed("kid", "kid-b", 250.0, None))


def begin_while_one_is_open(ended: float | None, outcome: str | None) -> Callable[[Records], None]:
    """The next attempt begins before the lease of one is over whose end nobody saw, or saw too early."""

    def do(found: Records) -> None:
        change_attempt(0, ended=ended, outcome=outcome)(found)
        change_attempt(1, started=103.0)(found)

    return do


def leave_what_a_key_stopped_for_a_while(found: Records) -> None:
    leave_in_the_queue(found)
    found.closed.append(Closed("kid", "kid-a", 5.0, 6.0))


def arrive_twice(found: Records) -> None:
    found.arrivals[1].append(replace(found.arrivals[1][0], verdict="already-had", kept=frozenset()))


PLANTED: dict[str, tuple[str, Callable[[Records], None]]] = {
    "receipt-of-something-else": ("I1", change_answer(0, receipt=receipt("e1", "sha-256:9", jti="j1"))),
    "receipt-unreadable": ("I1", change_answer(3, receipt="?")),
    "receipt-changed": ("I1", change_answer(2, receipt=receipt("e1", "sha-256:1", jti="j1") + "y")),
    "never-arrived": ("I1", lose_an_arrival),
    "confirmed-but-never-kept": ("I1", confirm_what_nobody_kept),
    "parked-in-a-blocking-lane": ("I1", park_where_it_blocks),
    "left-in-the-queue": ("I1", leave_in_the_queue),
    "left-in-the-queue-after-a-while": ("I1", leave_what_a_key_stopped_for_a_while),
    "two-exchanges-of-one-message": ("I2", change_answer(1, jti="j1")),
    "sink-saw-two-exchanges-of-one-message": ("I2", change_item(0, 2, 1, jti="j1")),
    "delivery-with-two-digests": ("I2", change_item(0, 1, 0, digest="sha-256:8")),
    "delivery-changed": ("I2", change_item(0, 1, 0, sequence=2)),
    "exchange-delivered-again-under-another-id": ("I2", deliver_again_under_another_id),
    "acted-upon-twice": ("I2", change(0, 1, kept=frozenset({f"{BLOCK}-d1"}))),
    "attempt-without-log-entry": ("I3", change_attempt(1, committed=None)),
    "claimed-while-closed": ("I3", close("lane", BLOCK, 200.05, 200.15)),
    "started-while-lane-closed": ("I3", close("lane", BLOCK, 199.0, 200.05)),
    "started-while-url-closed": ("I3", close("url", f"http://{BLOCK}", 199.0, None)),
    "started-while-kid-closed": ("I3", close("kid", "kid-a", 250.0, None)),
    "started-while-a-later-items-kid-was-closed": ("I3", one_of_another_key),
    "attempt-not-in-the-database": ("I4", change(0, 1, fence=9)),
    "attempt-of-other-items": ("I4", change_attempt(1, count=2)),
    "fence-used-twice": ("I4", arrive_twice),
    "attempts-overlap": ("I4", change_attempt(1, ended=301.0)),
    "attempt-before-the-lease-was-over": ("I4", change_attempt(1, started=103.0)),
    "attempt-before-the-lease-of-an-open-one-was-over": ("I4", begin_while_one_is_open(None, None)),
    "attempt-before-the-lease-of-a-lost-one-was-over": ("I4", begin_while_one_is_open(102.0, "expired")),
    "fence-fell": ("I4", change(0, 2, fence=1)),
    "fence-fell-below-one-that-was-not-taken": ("I4", be_busy_and_then_take_a_lower_fence),
    "accepted-after-expiry": ("I4", change(0, 2, at=305.0)),
    "out-of-order": ("I4", swap_the_park_arrivals),
    "overtaken": ("I4", change_answer(1, posted_at=50.0, answered_at=51.0)),
    "overtaken-by-one-further-ahead": ("I4", overtake_what_is_further_ahead),
    "one-number-for-two": ("I4", change_item(0, 2, 1, sequence=2)),
    "gap": ("I4", number_from_two),
    "gap-at-the-beginning": ("I4", number_from_two_on),
}
ALSO_CALLED = {
    "receipt-unreadable": "receipt-of-something-else",
    "left-in-the-queue-after-a-while": "left-in-the-queue",
    "started-while-a-later-items-kid-was-closed": "started-while-kid-closed",
    "attempt-before-the-lease-of-an-open-one-was-over": "attempts-overlap",
    "attempt-before-the-lease-of-a-lost-one-was-over": "attempts-overlap",
    "fence-fell-below-one-that-was-not-taken": "fence-fell",
    "overtaken-by-one-further-ahead": "overtaken",
    "gap-at-the-beginning": "gap",
    "sink-saw-two-exchanges-of-one-message": "two-exchanges-of-one-message",
    "attempt-of-other-items": "attempt-not-in-the-database",
    "attempt-before-the-lease-was-over": "attempts-overlap",
}


def test_an_honest_run_has_no_violation() -> None:
    assert judge(made()) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_breaks_an_invariant_is_found_under_its_name(planted: str) -> None:
    found = made()
    invariant, plant = PLANTED[planted]
    plant(found)
    kind = ALSO_CALLED.get(planted, planted)
    assert (invariant, kind) in {(violation.invariant, violation.kind) for violation in judge(found)}


def test_every_kind_of_violation_is_planted() -> None:
    source = Path(checker.__file__).read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [node.args[1] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Violation"]
    kinds = {node.value for node in named if isinstance(node, ast.Constant)}
    composed = {f"started-while-{scope}-closed" for scope in ("lane", "url", "kid")}
    assert len(named) == len(kinds) + 1
    assert kinds | composed == {ALSO_CALLED.get(name, name) for name in PLANTED}


def test_a_span_closes_only_what_lies_in_it_as_a_whole() -> None:
    found = made()
    found.attempts = [replace(one, started=0.0) for one in found.attempts if one.fence > 3]
    found.closed.append(Closed("url", f"http://{BLOCK}", 100.5, None))
    kinds = [violation.detail for violation in judge(found) if violation.kind == "started-while-url-closed"]
    assert len(kinds) == 2  # fences 2 and 3: the first may have begun before the span did


def test_what_a_compromised_key_signed_may_stay_in_the_queue() -> None:
    found = made()
    leave_in_the_queue(found)
    lost = found.arrivals[1].pop(2)
    found.attempts.pop()
    found.closed.append(Closed("kid", lost.items[0].kid, 900.0, None))
    assert judge(found) == []


def test_what_waits_under_a_number_leaves_no_gap() -> None:
    found = made()
    found.delivered[3:] = [row(PARK, 3)]
    found.waiting.append(row(PARK, 1))
    found.arrivals[1].pop(0)
    found.attempts.pop(3)
    found.closed.append(Closed("kid", "kid-a", 900.0, None))
    assert judge(found) == []


def test_a_dead_letter_that_was_replayed_must_arrive() -> None:
    found = made()
    found.dead = [replace(found.dead[0], replayed_as="again")]
    assert [violation.kind for violation in judge(found)] == ["never-arrived"]
    again = Item("again", 4, "e2", "sha-256:2", "a", "j2", "kid-a")
    found.arrivals[1].append(arrival(PARK, 4, again))
    found.attempts.append(attempt(PARK, 4, 4))
    found.delivered.append(Row("again", PARK, "e2", 4))
    assert judge(found) == []


def test_figures_count_what_happened() -> None:
    found = made()
    found.unbelieved, found.late = 3, 2
    counted = figures(found)
    assert (counted["exchanges"], counted["attempts"], counted["arrivals"]) == (3, 6, 9)
    assert (counted["repeats"], counted["refused_stale"], counted["dead_letters"]) == (2, 2, 1)
    assert (counted["leases_run_out"], counted["spans_closed"]) == (1, 2)


def write(folder: Path) -> None:
    """A small run as its parts write it, with a line that was cut short."""
    one = arrival(BLOCK, 1, item(BLOCK, 1))
    line = {name: getattr(one, name) for name in Arrival.__slots__}
    line |= {"kept": sorted(one.kept), "items": [[getattr(i, name) for name in Item.__slots__] for i in one.items]}
    late = {"at": 1.0, "url": "u", "verdict": "expired", "status": 409}
    (folder / "sink-0.jsonl").write_text(f'\n{json.dumps(line)}\n{{"at": 1.0, "ur\n{json.dumps(late)}\n')
    told = {name: getattr(answer(1, lanes=1), name) for name in Answer.__slots__}
    (folder / "clients.jsonl").write_text(json.dumps(told) + "\n")
    closed = {"scope": "lane", "name": BLOCK, "since": 1.0, "until": None}
    (folder / "office.jsonl").write_text(json.dumps(closed | {"until": 2.0}) + "\n")
    made_attempt = {name: getattr(attempt(BLOCK, 1, 1), name) for name in Attempt.__slots__}
    delivered = {name: getattr(row(BLOCK, 1), name) for name in Row.__slots__}
    lines = [
        {"kind": "lease", "seconds": LEASE_S},
        {"kind": "lane", "id": BLOCK, "consumer": "b", "policy": "block"},
        {"kind": "attempt", **made_attempt},
        {"kind": "delivered", **delivered},
    ]
    (folder / "database.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


def test_a_folder_is_read_as_it_was_written_and_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    write(tmp_path)
    found = read(tmp_path)
    assert found.arrivals == [[arrival(BLOCK, 1, item(BLOCK, 1))]]
    assert found.attempts == [attempt(BLOCK, 1, 1)]
    assert (found.unbelieved, found.late, found.lease_s) == (1, 1, LEASE_S)
    assert judge(found) == []


def test_the_command_judges_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    assert main([str(tmp_path)]) == 0
    (tmp_path / "sink-0.jsonl").write_text("")
    assert main([str(tmp_path)]) == 1
    assert "I1 never-arrived e1" in capsys.readouterr().out


@pytest.mark.parametrize("module", [checker, records])
def test_the_checker_shares_no_code_with_the_hub(module: object) -> None:
    tree = ast.parse(Path(module.__file__).read_text())  # type: ignore[attr-defined]
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {"tests.chaos.records"}
    assert {name.split(".")[0] for name in imported - ours if name} <= sys.stdlib_module_names
