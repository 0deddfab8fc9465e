"""The loop that takes up imports, one after the other in each worker; any number of workers may run."""

import asyncio
import logging
import traceback

from hub.db.faults import FAULTS
from hub.errors import Unavailable
from hub.publishing.imports.running import Importer

log = logging.getLogger(__name__)

EVERY_S = 0.5
"""How often a worker looks for an import that waits: one glance at a small index."""

REST_S = 5.0
"""After something that was not foreseen; the import in hand is taken up again when its lease has run out."""


async def run(importer: Importer, stop: asyncio.Event) -> None:
    """Take up imports until `stop` is set; what is in hand then is let go, and another worker begins it anew."""
    stopped = asyncio.create_task(stop.wait(), name="imports stop")
    try:
        while not stop.is_set():
            working = asyncio.create_task(importer.take_up(), name="import")
            try:
                await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                working.cancel()
            await asyncio.wait({working})
            if (rest := _rest_after(working)) > 0.0:
                await asyncio.wait({stopped}, timeout=rest)
    finally:
        stopped.cancel()


def _rest_after(working: asyncio.Task[bool]) -> float:
    """Seconds to rest: none after an import that was done, for another may wait."""
    if working.cancelled():
        return 0.0
    fault = working.exception()
    if fault is None:
        return 0.0 if working.result() else EVERY_S
    if isinstance(fault, (*FAULTS, Unavailable)):
        log.warning("imports put off", extra={"fault": type(fault).__name__})
    else:  # its words may quote the workbook
        where = traceback.format_tb(fault.__traceback__, limit=-3)
        log.error("an import broke off", extra={"fault": type(fault).__name__, "where": where})
    return REST_S
