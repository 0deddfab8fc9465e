"""A partner is killed at every call that reaches disk or network: nothing is sent twice, nothing that was kept is lost."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from hub.client import Partner
from tests.docs.pages import ROOT
from tests.support.town import Town

SEED = int(os.environ.get("SHUNIU_TEST_SEED", "20261122"))


@pytest.mark.process
def test_a_kill_between_signing_and_answer_makes_no_second_exchange(town: Town) -> None:
    sender, receiver = town.partner("killed-sender"), town.partner("killed-receiver")
    res = town.resource("killed-sender", "发送中被杀")
    town.grant("killed-receiver", res)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_partner", str(sender), res, str(SEED)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
    )
    assert done.returncode == 0, f"seed {SEED}\n{done.stderr}"
    points = [json.loads(line) for line in done.stdout.splitlines()]

    delivered: Counter[str] = Counter()
    exchanges: set[str] = set()
    with Partner.load(receiver) as partner:
        while items := partner.inbox(limit=500):
            delivered.update(item.records[0]["item_code"] for item in items)
            exchanges |= {item.exchange for item in items}
            partner.acknowledge(items)

    assert delivered.pop("0") == 1
    for point in points:
        # what was in the outbox was sent, and once; what was not, was never sent; a receipt was written for what was sent
        assert point["left"] == 0, point
        assert delivered[point["code"]] <= 1, point
        assert point["kept"] <= delivered[point["code"]], point
        assert point["receipts"] <= delivered[point["code"]], point
    assert sum(delivered.values()) == len(exchanges) - 1 == len(list((sender / "receipts").glob("*.jws"))) - 1
    assert {point["kept"] for point in points} == {0, 1}
    killed = [point for point in points if point["killed"]]
    assert len(killed) >= 20
    assert any(point["again"] for point in killed)
