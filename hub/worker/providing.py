"""The loop that ends duties to provide data, once the data are there."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime

from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.db.faults import FAULTS
from hub.delivery.providing import AT_ONCE, end_duties

log = logging.getLogger(__name__)

EVERY_S = 10.0
"""Of a deadline that is counted in working days."""


async def run(
    database: Database,
    recorder: Recorder,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    every_s: float = EVERY_S,
) -> None:
    """Look every `every_s` until `stop` is set; a database that is away is waited for."""
    while not stop.is_set():
        ended = 0
        try:
            async with database.session() as session, session.begin():
                ended = await end_duties(session, recorder=recorder, now=clock())
        except FAULTS as fault:
            log.warning("duties to provide put off", extra={"fault": type(fault).__name__})
        if ended < AT_ONCE:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stop.wait()
