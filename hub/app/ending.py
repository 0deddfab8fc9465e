"""Which signals ask a process to finish what it has and end."""

import signal


def ending_signals() -> tuple[signal.Signals, ...]:
    """SIGTERM, SIGINT, and the SIGHUP of a closed terminal, but where it is ignored, as under `nohup`."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return signal.SIGTERM, signal.SIGINT, *hung_up
