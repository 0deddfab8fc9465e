"""The process that clerks come from; run as `python -m hub.publishing.imports.office DESCRIPTOR`, a socket of whole messages.

To load what they need takes a clerk and its judge of schemas more than a second. This process has loaded it, sees no workbook,
and forks a clerk for each socket that it is handed, and the clerk its judge: with them ends what a workbook has done. It has one
thread, next to no environment, and ends with whoever holds the other end of its own socket, or when nobody has asked for a while.

    HIRE number and a socket → the number again; a process does the order that comes over the socket
    DISMISS number           → the number again; that process has ended
"""

import os
import signal
import socket
import struct
import sys
import time
from typing import Final

from catalog import child, judge
from catalog.sheets import clerk
from catalog.sheets import export as export
from catalog.sheets import preparing as preparing

HIRE: Final = b"H"
DISMISS: Final = b"D"
NUMBER: Final = struct.Struct(">I")

IDLE_S: Final = 120.0
"""After so long without a request it ends: a gateway that made one export need not keep 60 MiB for the next."""

_LOOK_EVERY_S: Final = 1.0
"""Between two looks at who has ended by themselves."""


def serve(desk: socket.socket) -> socket.socket | None:
    """Fork a clerk for each request; returns its socket in each of them, and None where there is nothing more to do."""
    working: dict[int, int] = {}
    asked_at = time.monotonic()
    desk.settimeout(_LOOK_EVERY_S)
    while working or time.monotonic() - asked_at < IDLE_S:
        try:
            message, descriptors, _, _ = socket.recv_fds(desk, len(HIRE) + NUMBER.size, 1)
        except TimeoutError:
            working = {number: pid for number, pid in working.items() if os.waitpid(pid, os.WNOHANG) == (0, 0)}
            continue
        if not message:
            break
        asked_at = time.monotonic()
        (number,) = NUMBER.unpack(message[len(HIRE) :])
        if message.startswith(HIRE):
            theirs = socket.socket(fileno=descriptors[0])
            pid = os.fork()
            if pid == 0:
                desk.close()
                return theirs
            theirs.close()
            working[number] = pid
        elif number in working:
            pid = working.pop(number)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        desk.sendall(NUMBER.pack(number))
    return None


def main() -> None:
    """Serve; in each process that comes of it, do one order."""
    hired = serve(socket.socket(fileno=int(sys.argv[1])))
    if hired is None:
        return
    for standard in (sys.stdin, sys.stdout):
        os.dup2(hired.fileno(), standard.fileno())
    hired.close()
    child.JUDGE.adopt(child.Forked(judge.main))
    clerk.main()


if __name__ == "__main__":
    main()
