"""A process of the baseline, with the hub's settings."""

import logging
import signal
import sys

import uvicorn
import uvloop

from hub.app.run import listen
from hub.settings import Settings
from tools.bench.baseline.app import create_app
from tools.bench.baseline.parts import open_plain

log = logging.getLogger("baseline")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, on a port that other processes of the baseline share."""
    plain = await open_plain(settings)
    config = uvicorn.Config(create_app(plain), http="httptools", ws="none", lifespan="off", access_log=False)
    listener = listen(settings, shared=True)
    log.warning("baseline ready")
    try:
        await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await plain.database.dispose()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn raises it again once it has shut down
    uvloop.run(serve(Settings()))
