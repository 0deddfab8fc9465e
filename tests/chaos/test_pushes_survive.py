"""I1 to I4 for pushes: one short round of chaos, judged by a checker that shares no code with the hub."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos.run import Plan, chaos

pytestmark = [pytest.mark.process, pytest.mark.chaos]

SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
SECONDS = 32.0


def test_pushes_keep_their_promises_while_everything_is_killed_stopped_and_revoked(tmp_path: Path) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it; records in {tmp_path}")
    outcome = chaos(Plan(SEED, SECONDS), tmp_path)
    print(outcome.counts, dict(outcome.faults), dict(outcome.rights), dict(outcome.network), sep="\n")
    print(*outcome.last_words, sep="\n")
    assert outcome.violations == []
    assert outcome.notes == []
    assert outcome.lacking == []
