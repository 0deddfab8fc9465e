"""What a receiver of pushes had before, and what comes too late."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

from certs.digests import digest
from hub.client import Push, PushGuard, PushItem, Verdict
from tests.support.client_side import NOW, RES

LANE = "0199c1f2-0000-7000-8000-000000000001"
EXPIRES = NOW + timedelta(seconds=30)


def make_push(*deliveries: str, fence: int = 1, lane: str = LANE) -> Push:
    items = tuple(
        PushItem(found, found, RES, 3, lane, place, digest(b""), b"", NOW) for place, found in enumerate(deliveries, 1)
    )
    return Push(lane, 1, fence, EXPIRES, items)


class TestPushGuard:
    def test_new_items_are_to_be_acted_upon_until_they_are_kept(self) -> None:
        guard = PushGuard()
        push = make_push("a", "b")
        for _ in range(2):  # a receiver that failed in between is handed them again
            judgement = guard.judge(push, now=NOW)
            assert (judgement.verdict, judgement.status, judgement.items) == (Verdict.ACCEPT, 200, push.items)
        guard.keep(push.items)
        judgement = guard.judge(push, now=NOW)
        assert (judgement.verdict, judgement.status, judgement.items) == (Verdict.ALREADY_HAD, 200, ())

    def test_of_a_batch_had_in_part_only_the_rest_is_new(self) -> None:
        guard = PushGuard()
        push = make_push("a", "b", "c")
        guard.keep(push.items[:2])
        assert guard.judge(push, now=NOW).items == push.items[2:]

    def test_a_fence_below_one_seen_in_that_lane_is_stale(self) -> None:
        guard = PushGuard()
        guard.judge(make_push("a", fence=5), now=NOW)
        assert guard.judge(make_push("b", fence=4), now=NOW).verdict is Verdict.STALE
        assert guard.judge(make_push("b", fence=4), now=NOW).status == 409
        assert guard.judge(make_push("b", fence=5), now=NOW).verdict is Verdict.ACCEPT
        assert guard.judge(make_push("b", fence=4, lane=str(uuid4())), now=NOW).verdict is Verdict.ACCEPT

    def test_a_stale_fence_is_stale_though_its_items_were_had(self) -> None:
        guard = PushGuard()
        push = make_push("a", fence=5)
        guard.keep(push.items)
        guard.judge(make_push("b", fence=6), now=NOW)
        assert guard.judge(push, now=NOW).verdict is Verdict.STALE

    def test_what_expires_while_it_waits_is_stale_and_moves_no_fence(self) -> None:
        guard = PushGuard()
        assert guard.judge(make_push("a", fence=5), now=EXPIRES).verdict is Verdict.STALE
        assert guard.judge(make_push("a", fence=4), now=NOW).verdict is Verdict.ACCEPT

    def test_it_remembers_the_last_ids_up_to_its_bound(self) -> None:
        guard = PushGuard(remembered=2)
        push = make_push("a", "b", "c")
        guard.keep(push.items)
        guard.keep(push.items[1:2])
        guard.keep(make_push("d").items)
        assert guard.state()["had"] == ["b", "d"]

    def test_it_goes_on_after_a_restart(self) -> None:
        guard = PushGuard()
        push = make_push("a", fence=5)
        guard.judge(push, now=NOW)
        guard.keep(push.items)
        restored = PushGuard.restored(json.loads(json.dumps(guard.state())))
        assert restored.judge(push, now=NOW).verdict is Verdict.ALREADY_HAD
        assert restored.judge(make_push("b", fence=4), now=NOW).verdict is Verdict.STALE
        assert restored.state() == guard.state()
