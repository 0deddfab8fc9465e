"""The adapters of one worker process: made from a target when first needed, made anew when the target changes."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters import registry
from adapters.errors import SettingsInvalid
from adapters.protocol import Adapter, Capability, Notary, Polling, Pushing, RequestSigner
from hub.delivery.claiming import CALL_S, PushLane
from hub.delivery.vault import Vault

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Adapters:
    """One adapter for each system that is pushed to; calling it finds the lane's. `close` when the worker ends."""

    signer: RequestSigner
    clock: Callable[[], datetime]
    notary: Notary | None = None
    vault: Vault | None = None
    _made: dict[UUID, tuple[str, dict[str, Any], bytes | None, Adapter]] = field(default_factory=dict)
    _replaced: dict[asyncio.Task[None], Adapter] = field(default_factory=dict)

    def __call__(self, lane: PushLane) -> Pushing:
        """The adapter of the lane's target. Raises AdapterError where it cannot be made, or cannot push."""
        adapter = self._of(lane.consumer_id, lane.consumer, lane.adapter, lane.settings, lane.locked)
        if not isinstance(adapter, Pushing):
            raise SettingsInvalid(
                reason="cannot-push",
                zh=f"适配器 {lane.adapter} 不能推送；请为该系统另选适配器",
                en=f"the adapter {lane.adapter} cannot push; choose another for this system",
            )
        return adapter

    def polling(
        self, system: UUID, code: str, name: str, settings: dict[str, Any], locked: bytes | None = None
    ) -> Polling | None:
        """The adapter of a system's target, None where it does not poll. Raises AdapterError where it cannot be made."""
        adapter = self._of(system, code, name, settings, locked)
        return adapter if Capability.POLL in adapter.capabilities and isinstance(adapter, Polling) else None

    def _of(self, system: UUID, code: str, name: str, settings: dict[str, Any], locked: bytes | None) -> Adapter:
        made_as, made_with, made_from, adapter = self._made.get(system, ("", {}, None, None))
        if adapter is not None and (made_as, made_with, made_from) == (name, settings, locked):
            return adapter
        made = registry.build(
            name,
            settings=settings,
            secrets=self.vault.open(system, locked) if self.vault is not None else {},
            signer=self.signer,
            clock=self.clock,
            notary=self.notary,
            system=code,
        )
        if adapter is not None:
            closing = asyncio.create_task(_close_when_unused(adapter), name=f"close the adapter {made_as}")
            self._replaced[closing] = adapter
            closing.add_done_callback(self._closed)
        self._made[system] = (name, settings, locked, made)
        return made

    async def close(self) -> None:
        """Let go of all connections; an adapter that does not close keeps no other open."""
        for closing in self._replaced:
            closing.cancel()
        adapters = [*self._replaced.values(), *(made for _, _, _, made in self._made.values())]
        for fault in await asyncio.gather(*(adapter.close() for adapter in adapters), return_exceptions=True):
            _tell(fault)
        self._replaced.clear()
        self._made.clear()

    def _closed(self, closing: asyncio.Task[None]) -> None:
        self._replaced.pop(closing, None)
        _tell(None if closing.cancelled() else closing.exception())


def _tell(fault: BaseException | None) -> None:
    if fault is not None:
        log.error("an adapter does not close", extra={"fault": type(fault).__name__})


async def _close_when_unused(adapter: Adapter) -> None:
    """Close it once no call that began before can be open any more."""
    await asyncio.sleep(CALL_S)
    await adapter.close()
