"""Works that go through their steps together."""

import pytest

from hub.exchange.steps import Steps, at_once, in_step


def work(name: str, steps: int, done: list[str], fault: Exception | None = None) -> Steps[str]:
    for step in range(steps):
        done.append(f"{name}{step}")
        yield
    if fault is not None:
        raise fault
    return name


def test_one_work_is_done_in_one_go() -> None:
    done: list[str] = []
    assert at_once(work("a", 3, done)) == "a"
    assert done == ["a0", "a1", "a2"]


def test_a_fault_of_one_work_is_raised() -> None:
    with pytest.raises(ValueError, match="so"):
        at_once(work("a", 1, [], ValueError("so")))


def test_each_step_is_done_for_all_before_the_next_and_results_lie_in_their_places() -> None:
    done: list[str] = []
    assert at_once(in_step([work("a", 2, done), work("b", 1, done), work("c", 3, done)])) == ["a", "b", "c"]
    assert done == ["a0", "b0", "c0", "a1", "c1", "c2"]


def test_a_fault_leaves_the_other_works_alone() -> None:
    done: list[str] = []
    works = [work("a", 2, done), work("b", 1, done, ValueError()), work("c", 2, done)]
    assert at_once(in_step(works)) == ["a", None, "c"]
    assert done == ["a0", "b0", "c0", "a1", "c1"]


def test_between_any_two_steps_there_is_time_for_others() -> None:
    done: list[str] = []
    together = in_step([work("a", 2, done), work("b", 2, done)])
    for count in (1, 2, 3, 4):
        next(together)
        assert len(done) == count


def test_nothing_to_do() -> None:
    assert at_once(in_step(list[Steps[str]]())) == []
