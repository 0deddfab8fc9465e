"""Sets a file aside, with the reason beside it, in the `rejected` of its own folder.

Whoever writes into that folder may write links and names of any length: what is set aside stays in it, and replaces nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

REJECTED = "rejected"
REASON = ".reason.txt"

MOST_OF_A_NAME = 9_999
"""Files of one name that can be set aside."""

LONGEST_NAME = 255 - len(f".{MOST_OF_A_NAME}{REASON}")
"""Bytes of a name to which a number and `REASON` can be added; file systems take 255."""


def set_aside(path: Path, reason: str) -> None:
    """Move the file, if it is still there. Raises OSError."""
    folder = path.parent / REJECTED
    folder.mkdir(exist_ok=True)
    rejected = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        place, handle = _reserve(rejected, path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{reason}\n")
            os.rename(path, place, dst_dir_fd=rejected)
        except OSError as fault:
            os.unlink(f"{place}{REASON}", dir_fd=rejected)
            if not isinstance(fault, FileNotFoundError):
                raise
    finally:
        os.close(rejected)


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
