"""What a receiver of pushes remembers: whether a push is to be acted upon, was had before, or comes too late.

Knows nothing of signatures or of what the items hold; what it judges was verified.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from hub.client.push import Push, PushItem

REMEMBERED = 100_000
"""Delivery ids that a guard keeps unless told otherwise: hours of a busy lane, about 20 MB."""


class Verdict(StrEnum):
    """What to do with a push."""

    ACCEPT = "accept"
    ALREADY_HAD = "already-had"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the status to answer with (once the work is done, for `accept`), and the items not had before, in order."""

    verdict: Verdict
    status: int
    items: tuple[PushItem, ...] = ()


def judge(push: Push, *, fence: int | None, had: Callable[[str], bool], now: datetime) -> Judgement:
    """Whether to act on `push`, when `fence` is the highest seen in its lane and `had` knows the delivery ids that were kept."""
    if now >= push.expires or (fence is not None and push.fence < fence):
        return Judgement(Verdict.STALE, 409)
    fresh = tuple(item for item in push.items if not had(item.delivery))
    return Judgement(Verdict.ACCEPT, 200, fresh) if fresh else Judgement(Verdict.ALREADY_HAD, 200)


@dataclass(slots=True)
class PushGuard:
    """A receiver's memory: the highest fence of each lane, and the last `remembered` delivery ids that it kept.

    In memory only, unless the caller stores `state()` with what it stores of the items, in one transaction, and begins with
    `PushGuard.restored`: a guard that forgets at a restart lets its receiver act twice. `DurablePushGuard` does that in a file.
    One guard for each receiver; not for several threads at once, and nothing may be awaited between `judge` and `keep`: until
    then the same push is to be acted upon again.
    """

    remembered: int = REMEMBERED
    _fences: dict[str, int] = field(default_factory=dict)
    _had: OrderedDict[str, None] = field(default_factory=OrderedDict)

    @classmethod
    def restored(cls, state: Mapping[str, Any], *, remembered: int = REMEMBERED) -> Self:
        """A guard that remembers what `state()` told."""
        return cls(remembered, dict(state["fences"]), OrderedDict.fromkeys(state["had"]))

    def judge(self, push: Push, *, now: datetime) -> Judgement:
        """Whether to act on `push`; from here on nothing with a lower fence is taken in its lane.

        `stale` (409): expired, or a higher fence was seen. `already-had` (200): every item was kept before. `accept` (200): act on
        `items`, then call `keep`.
        """
        judgement = judge(push, fence=self._fences.get(push.lane), had=self._had.__contains__, now=now)
        if judgement.verdict is not Verdict.STALE:
            self._fences[push.lane] = push.fence
        return judgement

    def keep(self, items: Iterable[PushItem]) -> None:
        """Remember these as had: they are stored. The oldest ids are forgotten beyond `remembered`."""
        for item in items:
            self._had[item.delivery] = None
            self._had.move_to_end(item.delivery)
        while len(self._had) > self.remembered:
            self._had.popitem(last=False)

    def state(self) -> dict[str, Any]:
        """What is remembered, as JSON takes it: `fences` by lane, `had` oldest first."""
        return {"fences": dict(self._fences), "had": list(self._had)}
