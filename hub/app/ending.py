"""What asks a process to finish what it has and end: signals, and the end of the command that started it."""

import asyncio
import os
import signal
from collections.abc import Callable

_STDIN = 0
_READ_BYTES = 1024


def ending_signals() -> tuple[signal.Signals, ...]:
    """SIGTERM, SIGINT, and the SIGHUP of a closed terminal, but where it is ignored, as under `nohup`."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return signal.SIGTERM, signal.SIGINT, *hung_up


def when_starter_ends(ended: Callable[[], None]) -> None:
    """Call `ended` from the running loop when standard input ends, which whoever started this process holds open while it lives.

    However that was ended, by kill -9 too: what it left would serve on, with the port and the database, and nobody to end it.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(_STDIN, _READ_BYTES):
            loop.remove_reader(_STDIN)
            ended()

    loop.add_reader(_STDIN, read)
