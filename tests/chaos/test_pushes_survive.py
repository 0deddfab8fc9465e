"""I1 to I4 for pushes: one short round of chaos, judged by a checker that shares no code with the hub."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos.run import Plan, chaos

pytestmark = [pytest.mark.process, pytest.mark.chaos, pytest.mark.timeout(380)]

SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
SECONDS = 32.0

ROUNDS = 2
"""What chance left out of one round, on a machine that had other work, another has."""


def test_pushes_keep_their_promises_while_everything_is_killed_stopped_and_revoked(tmp_path: Path) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it; records in {tmp_path}")
    lacking: list[list[str]] = []
    while len(lacking) < ROUNDS and (not lacking or lacking[-1]):
        folder = tmp_path / f"round-{len(lacking)}"
        folder.mkdir()
        outcome = chaos(Plan(SEED + len(lacking), SECONDS), folder)
        print(outcome.counts, dict(outcome.faults), dict(outcome.rights), dict(outcome.network), sep="\n")
        print(*outcome.last_words, sep="\n")
        assert outcome.violations == []
        assert outcome.notes == []
        lacking.append(outcome.lacking)
    assert lacking[-1] == [], lacking
