"""What a gateway lays into a folder: whole acknowledgements, oldest first; what is not one is set aside with the reason.

A gateway may write slowly and under the final name, so a file that is not whole is left alone until nothing has been written to
it for a while. Only regular files are opened, no link is followed, and no more is read than a bundle may hold. Nothing is ever
deleted but what was counted. Whoever writes into the folder may write links and names of any length: what is set aside stays in it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from adapters.bundle_container import MAX_MANIFEST_BYTES, NotABundle, read_acknowledgement

log = logging.getLogger(__name__)

REJECTED = "rejected"
REASON = ".reason.txt"

MOST_LOOKED_AT = 10_000
"""Files looked at in one go: who fills the folder costs us memory for so many names, not for all."""

MOST_OF_A_NAME = 9_999
"""Files of one name that can be set aside."""

LONGEST_NAME = 255 - len(f".{MOST_OF_A_NAME}{REASON}")
"""Bytes of a name to which a number and `REASON` can be added; file systems take 255."""


@dataclass(slots=True)
class Incoming:
    """A folder in which acknowledgements arrive. Not for several threads at once."""

    folder: Path
    acknowledgement_bytes: int
    patience_s: float
    _found: dict[bytes, set[str]] = field(default_factory=dict)

    def collect(self, limit: int, now: datetime) -> Sequence[bytes]:
        """Up to `limit` `ack+jws`, oldest first, the same again until `put_away`.

        Raises OSError when the folder is not there, or when something cannot be set aside and nothing else was found.
        """
        self._found = {}
        trouble: OSError | None = None
        for name, since in self._oldest_first():
            if len(self._found) == limit:
                break
            try:
                acknowledgement = read_acknowledgement(self._read(name))
            except FileNotFoundError:
                continue  # another worker was faster
            except NotABundle as fault:
                if now.timestamp() - since > self.patience_s:
                    try:
                        self._set_aside(name, fault.reason, str(fault))
                    except OSError as failed:
                        trouble = failed
                continue
            self._found.setdefault(acknowledgement, set()).add(name)
        if trouble is not None and not self._found:
            raise trouble
        return list(self._found)

    def put_away(self, acknowledgement: bytes, refused: str) -> None:
        """Remove the files with it, or set them aside when it was `refused`, for this reason. Raises OSError."""
        for name in sorted(self._found.pop(acknowledgement, ())):
            if refused:
                self._set_aside(
                    name, refused, f"枢纽不接受这份确认 / the hub does not count this acknowledgement: {refused}"
                )
            else:
                (self.folder / name).unlink(missing_ok=True)

    def _oldest_first(self) -> list[tuple[str, float]]:
        """Names, and when each was last written to (seconds since 1970), by that and by name."""
        found: dict[str, float] = {}
        with os.scandir(self.folder) as entries:
            files = (entry for entry in entries if not entry.is_dir(follow_symlinks=False))
            for entry in islice(files, MOST_LOOKED_AT):
                with contextlib.suppress(FileNotFoundError):  # another worker was faster
                    found[entry.name] = entry.stat(follow_symlinks=False).st_mtime
        return sorted(found.items(), key=lambda pair: (pair[1], pair[0]))

    def _read(self, name: str) -> bytes:
        if name.startswith("."):
            raise NotABundle("hidden", "隐藏文件：网闸还在写", "a hidden file: the gateway is still writing it")
        most = MAX_MANIFEST_BYTES + self.acknowledgement_bytes
        try:
            handle = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as fault:
            raise NotABundle(
                "unreadable", f"无法打开：{fault.strerror}", f"cannot be opened: {fault.strerror}"
            ) from None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotABundle("not-a-file", "不是普通文件", "it is no regular file")
            data = file.read(most + 1)
        if len(data) > most:
            raise NotABundle("too-large", f"超过 {most} 字节", f"it has more than {most} bytes")
        return data

    def _set_aside(self, name: str, reason: str, told: str) -> None:
        (self.folder / REJECTED).mkdir(exist_ok=True)
        rejected = os.open(self.folder / REJECTED, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            place, handle = _reserve(rejected, name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(f"{reason}\n{told}\n")
                os.rename(self.folder / name, place, dst_dir_fd=rejected)
            except OSError as fault:
                os.unlink(f"{place}{REASON}", dir_fd=rejected)
                if not isinstance(fault, FileNotFoundError):  # another worker was faster
                    raise
        finally:
            os.close(rejected)
        log.warning("a file that is no acknowledgement was set aside", extra={"file": ascii(name), "reason": reason})


def _reserve(rejected: int, name: str) -> tuple[str, int]:
    """A name that is free in the folder `rejected` for a file of this name, and the file for the reason beside it, opened."""
    while len(os.fsencode(name)) > LONGEST_NAME:
        name = name[:-1]
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for place in (name, *(f"{name}.{again}" for again in range(1, MOST_OF_A_NAME + 1))):
        if not _is_there(rejected, place):
            with contextlib.suppress(FileExistsError):
                return place, os.open(f"{place}{REASON}", flags, 0o666, dir_fd=rejected)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
