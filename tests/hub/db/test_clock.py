"""The gateway's clock follows the database's, never goes back, and says when the two disagree."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.db.clock import MAX_OFFSET_S, DatabaseClock

START = datetime(2026, 11, 21, tzinfo=UTC)


class Machine:
    """A machine's two clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall = START.timestamp()
        self.counter = 1000.0

    def pass_by(self, seconds: float) -> None:
        """Time goes on."""
        self.wall += seconds
        self.counter += seconds


@pytest.fixture
def machine() -> Machine:
    """A machine whose wall clock is right."""
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> DatabaseClock:
    """A clock on that machine that has not looked at the database yet."""
    return DatabaseClock(lambda: machine.wall, lambda: machine.counter)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_before_the_first_look_it_is_the_wall_clock(clock: DatabaseClock, machine: Machine) -> None:
    machine.pass_by(5)
    assert clock() == _at(5)
    assert clock.trustworthy


def test_it_shows_the_database_s_time_carried_on(clock: DatabaseClock, machine: Machine) -> None:
    clock.observe(_at(1), asked_at=machine.counter)
    machine.pass_by(10)
    assert clock() == _at(11)


def test_the_answer_was_given_in_the_middle_of_the_round_trip(clock: DatabaseClock, machine: Machine) -> None:
    asked_at = machine.counter
    machine.pass_by(2)
    clock.observe(_at(1), asked_at=asked_at)
    assert clock() == _at(2)
    assert clock.wall_offset_s == pytest.approx(0)


def test_a_wall_clock_that_jumps_does_not_move_it_but_is_noticed(clock: DatabaseClock, machine: Machine) -> None:
    machine.wall += 3600
    assert clock() == START
    clock.observe(START, asked_at=machine.counter)
    assert clock.wall_offset_s == pytest.approx(3600)
    assert not clock.trustworthy


@pytest.mark.parametrize("sign", [1, -1])
def test_it_is_trusted_up_to_two_seconds_either_way(clock: DatabaseClock, machine: Machine, sign: int) -> None:
    found = []
    for seconds in (MAX_OFFSET_S - 0.01, MAX_OFFSET_S + 0.01):
        clock.observe(_at(sign * seconds), asked_at=machine.counter)
        found.append(clock.trustworthy)
    assert found == [True, False]


def test_it_never_goes_back(clock: DatabaseClock, machine: Machine) -> None:
    clock.observe(_at(1), asked_at=machine.counter)
    assert clock() == _at(1)
    clock.observe(_at(0), asked_at=machine.counter)
    assert clock() == _at(1)
    machine.pass_by(3)
    assert clock() == _at(3)


def test_it_shows_nothing_before_the_last_entry_and_is_not_trusted_while_far_ahead(
    clock: DatabaseClock, machine: Machine
) -> None:
    clock.not_before(_at(10))
    assert (clock(), clock.trustworthy) == (_at(10), False)
    machine.pass_by(9)
    assert (clock(), clock.trustworthy) == (_at(10), True)
    clock.not_before(_at(5))
    assert clock() == _at(10)


@pytest.mark.parametrize("waited", [-0.15, 0.0, 0.15])
def test_a_slow_look_that_agrees_moves_nothing(clock: DatabaseClock, machine: Machine, waited: float) -> None:
    clock.observe(START, asked_at=machine.counter)
    asked_at = machine.counter
    machine.pass_by(0.3)
    clock.observe(_at(0.15 + waited), asked_at=asked_at)
    machine.pass_by(1)
    assert clock() == _at(1.3), "read at the beginning or at the end of a wait for a lock: both may be"


def test_a_look_that_contradicts_moves_it_as_far_as_it_must(clock: DatabaseClock, machine: Machine) -> None:
    clock.observe(START, asked_at=machine.counter)
    asked_at = machine.counter
    machine.pass_by(0.2)
    clock.observe(_at(0.5), asked_at=asked_at)
    assert clock() == _at(0.5), (
        "it read half a second when 0.2 had passed here: it cannot have been read before the answer"
    )
    asked_at = machine.counter
    machine.pass_by(3)
    clock.observe(_at(0.4), asked_at=asked_at)
    machine.pass_by(1)
    assert clock() == _at(4.4), "nor, as it read less than we did, after the question"
