"""The adapters of one worker process: made from a lane's target when first needed, made anew when the target changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters import registry
from adapters.errors import SettingsInvalid
from adapters.protocol import Adapter, Pushing, RequestSigner
from hub.delivery.claiming import PushLane


@dataclass(slots=True)
class Adapters:
    """One adapter for each system that is pushed to; calling it finds the lane's. `close` when the worker ends."""

    signer: RequestSigner
    clock: Callable[[], datetime]
    _made: dict[UUID, tuple[str, dict[str, Any], Adapter]] = field(default_factory=dict)
    _replaced: list[Adapter] = field(default_factory=list)

    def __call__(self, lane: PushLane) -> Pushing:
        """The adapter of the lane's target. Raises AdapterError where it cannot be made, or cannot push."""
        name, settings, adapter = self._made.get(lane.consumer_id, ("", {}, None))
        if adapter is None or (name, settings) != (lane.adapter, lane.settings):
            made = registry.build(
                lane.adapter, settings=lane.settings, secrets={}, signer=self.signer, clock=self.clock
            )
            if adapter is not None:
                self._replaced.append(adapter)  # another lane's call may still be open on it
            adapter = made
            self._made[lane.consumer_id] = (lane.adapter, lane.settings, made)
        if not isinstance(adapter, Pushing):
            raise SettingsInvalid(
                reason="cannot-push",
                zh=f"适配器 {lane.adapter} 不能推送；请为该系统另选适配器",
                en=f"the adapter {lane.adapter} cannot push; choose another for this system",
            )
        return adapter

    async def close(self) -> None:
        """Let go of all connections."""
        for adapter in [*self._replaced, *(made for _, _, made in self._made.values())]:
            await adapter.close()
        self._replaced.clear()
        self._made.clear()
