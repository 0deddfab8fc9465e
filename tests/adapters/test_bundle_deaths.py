"""Whoever writes bundles may be killed at any moment: each file is whole or not there, and numbers have neither gaps nor repeats."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.bundle_numbers import Outgoing
from tests.adapters.bundle_deaths import carry, content

pytestmark = pytest.mark.process

PART_OF_A_PUT = 8
"""A put has more acts on the file system than this, or the deaths between them were not tried."""


@pytest.fixture
def outgoing(tmp_path: Path) -> Outgoing:
    for name in ("out", "state", "taken"):
        (tmp_path / name).mkdir()
    return Outgoing(tmp_path / "out", tmp_path / "state", "S_", "txt", 1_000_000)


@pytest.fixture
def run(outgoing: Outgoing) -> Callable[[str], int]:
    def run(how: str) -> int:
        folders = [str(outgoing.folder), str(outgoing.state), str(outgoing.folder.parent / "taken")]
        words = [sys.executable, "-m", "tests.adapters.bundle_deaths", *folders, how]
        return int(subprocess.run(words, check=True, capture_output=True, timeout=180).stdout)

    return run


def check(outgoing: Outgoing) -> int:
    """Every file is whole, and the numbers are 1, 2, 3 …; returns the last."""
    outgoing.put("lane", 1_000, [content], go_on=lambda: True)
    taken = outgoing.folder.parent / "taken"
    carry(outgoing, taken)
    names = sorted(path.name for path in taken.iterdir())
    series = names[0].split("_")[1]
    assert names == [f"S_{series}_{number:010d}.txt" for number in range(1, len(names) + 1)]
    for number, name in enumerate(names, start=1):
        assert (taken / name).read_bytes() == content(series, number)
    assert sorted(path.name for path in outgoing.state.iterdir()) == ["lock", "numbers.json"]
    return len(names)


def test_a_death_between_any_two_steps_costs_nothing(outgoing: Outgoing, run: Callable[[str], int]) -> None:
    steps = run("steps")
    assert steps > PART_OF_A_PUT
    assert check(outgoing) > steps


def test_kill_9_at_random_moments_costs_nothing(outgoing: Outgoing, run: Callable[[str], int]) -> None:
    assert run("kills")
    assert check(outgoing)
