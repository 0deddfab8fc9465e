"""Examples of what pushes need and show: target, lanes, dead letters."""

from typing import Any

from hub.api.wire import example

TARGET_BODY_EXAMPLE: dict[str, Any] = {
    "adapter": "http",
    "settings": {"url": "https://receiver.example/push", "networks": ["10.1.0.0/16"]},
    "policy": "park",
    "max_attempts": 12,
}

TARGET_EXAMPLE: dict[str, Any] = {
    "system": "lintao-subsite",
    **TARGET_BODY_EXAMPLE,
    "state": "active",
    "set_at": "2026-03-02T01:30:00.000000+00:00",
}

PAUSED_EXAMPLE = TARGET_EXAMPLE | {
    "state": "paused",
    "state_reason": "接收系统升级 / the receiver is being upgraded",
    "draining": {"attempts": 1, "until": "2026-03-02T02:00:30.000000+00:00"},
}

LANE_EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
    "consumer": "lintao-subsite",
    "resource": "306001000002/000001",
    "purpose": "政务服务网办件展示",
    "state": "resting",
    "waiting": 3,
    "fence": 17,
    "failures": 2,
    "reason": "timed-out",
    "next_attempt_at": "2026-03-02T01:30:08.000000+00:00",
}

LETTER_EXAMPLE: dict[str, Any] = {
    "id": "019aa8c0-0000-7000-8000-000000000002",
    "lane": LANE_EXAMPLE["id"],
    "exchange": "019aa8c0-0000-7000-8000-000000000001",
    "sequence": 7,
    "attempts": 12,
    "reason": "timed-out",
    "parked_at": "2026-11-22T03:30:00.000000+00:00",
}

REPLAY_EXAMPLE: dict[str, Any] = {"consumer": "lintao-subsite", "reason": "timed-out", "expected": 3}

TARGET = example(TARGET_EXAMPLE)
PAUSED = example(PAUSED_EXAMPLE)
LANES = example({"items": [LANE_EXAMPLE], "next": None})
LETTERS = example({"items": [LETTER_EXAMPLE], "next": None})
COUNT = example({"count": 3})
REPLAYED = example(
    {"replayed": 3, "left": 0}, described="重投了几条，还剩几条 / how many were replayed, how many are left"
)
REPLAYED_ONE = example(
    {"delivery": "019aa8c0-0000-7000-8000-000000000003"},
    described="重投成为的投递 / the delivery that it is replayed as",
)
