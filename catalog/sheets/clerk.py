"""The process that reads and writes workbooks for a hub, one order at a time; run as `python -m catalog.sheets.clerk`.

Files that strangers made are taken apart here, under limits on address space and processor time: dying is one of the answers.
It has no database and next to no environment; what it needs to know it asks for. It never says anything but frames: a letter,
the length in four bytes, and the content, JSON (`J`) or bytes as they are (`B`).

    order   {"order": "import", "options": {…}} and the file → {"told": [done, total]} … , {"wanted": {…}} ← known,
            {"refused": {…}}, or {"verdict": {…}} and the marked workbook
    order   {"order": "write", …} the same up to the verdict; then, unless something is bad that must not be,
            {"reserve": {…}} ← reserved, {"prepared": […]} … , {"done": {}} and the workbook with the codes given
    order   {"order": "export"} ← {"resources": […]} … , {"end": true} → the workbook
    order   {"order": "template"} → the template
"""

import resource
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import UUID

import orjson

from catalog.sheets.entries import Entry
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.examining import Examined, Fate, examine
from catalog.sheets.identity import Options
from catalog.sheets.known import Known, Wanted

if (
    TYPE_CHECKING
):  # each order imports what it needs: a process that lives for a second should not spend it on libraries
    from catalog.sheets.export import Exported
    from catalog.sheets.preparing import Prepared

MEMORY_BYTES: Final = 1 << 30
"""Address space: 20,000 rows take 300 MiB, and libraries map as much again."""

FILE_BYTES: Final = 4 << 20
"""Of a file that it writes: openpyxl makes the template by way of temporary files; nothing else writes any."""

CPU_S: Final = 300
"""Seconds of the processor: 20,000 rows take 15."""

AT_ONCE: Final = 50
"""Prepared resources in one frame: short enough to be read between two heartbeats of whoever writes them."""

JSON: Final = b"J"
BYTES: Final = b"B"
HEAD: Final = struct.Struct(">cI")


@dataclass(frozen=True, slots=True)
class Channel:
    """Frames in and out."""

    incoming: BinaryIO
    outgoing: BinaryIO

    def say(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        self._send(JSON, orjson.dumps(message))

    def hand(self, data: bytes) -> None:
        """Send bytes."""
        self._send(BYTES, data)

    def hear(self) -> Any:
        """Return the next message, or the next bytes. Raises EOFError when there is nobody any more."""
        kind, length = HEAD.unpack(self._exactly(HEAD.size))
        data = self._exactly(length)
        return orjson.loads(data) if kind == JSON else data

    def _send(self, kind: bytes, data: bytes) -> None:
        self.outgoing.write(HEAD.pack(kind, len(data)) + data)
        self.outgoing.flush()

    def _exactly(self, length: int) -> bytes:
        data = self.incoming.read(length)
        if len(data) != length:
            raise EOFError
        return data


def serve(channel: Channel) -> None:
    """Do one order."""
    order = channel.hear()
    if order["order"] == "template":
        from catalog.sheets.template import template

        channel.hand(template())
    elif order["order"] == "export":
        from catalog.sheets.export import export

        channel.hand(export(_resources(channel)))
    else:
        _import(channel, Options(**order["options"]), order)


def _resources(channel: Channel) -> Iterator["Exported"]:
    from catalog.sheets.export import Exported

    while "end" not in (message := channel.hear()):
        for one in message["resources"]:
            yield Exported(**one)


def _import(channel: Channel, options: Options, order: Mapping[str, Any]) -> None:
    def ask(wanted: Wanted) -> Known:
        channel.say({"wanted": wanted.model_dump(mode="json")})
        return Known.model_validate(channel.hear())

    try:
        examined = examine(channel.hear(), options, ask, lambda done, total: channel.say({"told": [done, total]}))
    except WorkbookRefused as refused:
        channel.say({"refused": {"rule": refused.rule, "zh": refused.zh, "en": refused.en}})
        return
    may_write = order["order"] == "write" and (examined.is_clean or order["good_rows"])
    channel.say({"verdict": _verdict(examined), "writes": may_write})
    if may_write:
        channel.hand(examined.marked(_write(channel, examined, UUID(order["provider"]))))
    else:
        channel.hand(examined.marked())


def _verdict(examined: Examined) -> dict[str, Any]:
    return {"counts": examined.counts(), "faults": examined.faults(), "notes": examined.notes()}


def _write(channel: Channel, examined: Examined, provider: UUID) -> Sequence[tuple[Entry, str]]:
    """Tell all that is to be written; returns the codes that new resources were given."""
    from catalog.sheets.preparing import Reserved, needed, prepare

    channel.say({"reserve": needed(examined.judged)})
    reserved = Reserved.model_validate(channel.hear())
    codes: list[tuple[Entry, str]] = []
    piece: list[Prepared] = []
    for one, prepared in prepare(examined.judged, reserved, provider):
        if one.fate is Fate.NEW:
            codes.append((one.entry, prepared.code))
        piece.append(prepared)
        if len(piece) == AT_ONCE:
            channel.say({"prepared": [made.model_dump(mode="json") for made in piece]})
            piece.clear()
    channel.say({"prepared": [made.model_dump(mode="json") for made in piece]})
    channel.say({"done": {}})
    return codes


def limit() -> None:
    """Put this process under its limits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, resource.RLIM_INFINITY))


def main() -> None:
    """Do the order that comes in."""
    limit()
    serve(Channel(sys.stdin.buffer, sys.stdout.buffer))


if __name__ == "__main__":
    main()
