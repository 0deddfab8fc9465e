"""A partner is killed at every call that reaches disk or network: nothing is sent twice, nothing that was kept is lost."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hub.client import Partner
from tests.docs.pages import ROOT
from tests.support.killed_partner import ENVELOPES
from tests.support.town import Town

SEED = int(os.environ.get("SHUNIU_TEST_SEED", "20261122"))


def kill_at_every_point(town: Town, how: str) -> tuple[list[dict[str, Any]], Counter[str], Path]:
    """What was at each point; how often each record arrived, by its code (and place in the file); the sender's folder."""
    sender, receiver = town.partner(f"killed-{how}"), town.partner(f"killed-{how}-receiver")
    res = town.resource(f"killed-{how}", f"发送中被杀 {how}")
    town.grant(f"killed-{how}-receiver", res)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_partner", str(sender), res, str(SEED), how],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
    )
    assert done.returncode == 0, f"seed {SEED}\n{done.stderr}"
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert len([point for point in points if point["killed"]]) >= 20
    assert any(point["again"] for point in points)

    delivered: Counter[str] = Counter()
    exchanges: set[str] = set()
    with Partner.load(receiver) as partner:
        while items := partner.inbox(limit=500):
            delivered.update(f"{record['item_code']} {record['item_name']}" for [record] in (i.records for i in items))
            exchanges |= {item.exchange for item in items}
            partner.acknowledge(items)
    assert delivered.total() == len(exchanges) == len(list((sender / "receipts").glob("*.jws")))
    return points, delivered, sender


@pytest.mark.process
def test_a_kill_between_signing_and_answer_makes_no_second_exchange(town: Town) -> None:
    points, delivered, _ = kill_at_every_point(town, "one")
    assert delivered.pop("0 示例") == 1
    for point in points:
        # what was in the outbox was sent, and once; what was not, was never sent; a receipt was written for what was sent
        arrived = delivered[f"{point['code']} 示例"]
        assert point["left"] == 0, point
        assert arrived <= 1, point
        assert point["kept"] <= arrived, point
        assert point["receipts"] <= arrived, point
    assert {point["kept"] for point in points} == {0, 1}


@pytest.mark.process
def test_a_file_of_several_envelopes_that_is_sent_once_more_after_kills_arrives_once(town: Town) -> None:
    points, delivered, sender = kill_at_every_point(town, "file")
    for point in points:
        assert point["left"] == 0, point
        assert point["receipts"] == ENVELOPES, point
        for place in range(ENVELOPES):
            assert delivered[f"{point['code']} 第 {place} 份"] == 1, point
    assert not (sender / "sending.json").exists()
