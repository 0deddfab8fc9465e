"""Checking a whole log over whatever fetches it: the command does it with a session, the demo with its auditor's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from certs.checkpoint import Checkpoint, open_checkpoint
from certs.log_walk import LogWalk
from certs.tiles import TILE_WIDTH, Tile, entries_path, read_bundle, tile_path

Fetch = Callable[[str], bytes]
"""The bytes at a path of the hub."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that is whole: its checkpoint, and the signed note to keep."""

    checkpoint: Checkpoint
    note: bytes


def verify_log(
    fetch: Fetch, key: str, *, older: bytes | None = None, over: Callable[[range], Iterable[int]] = iter
) -> Verified:
    """Every entry against the tree, the tree against the checkpoint, and that against an `older` signed note.

    `key` is the log's key in C2SP form; `over` goes over the numbers of the bundles, to show progress. Raises
    LogBrokenError, CheckpointError, TileError.
    """
    note = fetch("/tlog/checkpoint")
    checkpoint = open_checkpoint(note, key)
    walk = LogWalk(checkpoint, None if older is None else open_checkpoint(older, key))
    for index in over(range(-(-checkpoint.size // TILE_WIDTH))):
        width = min(TILE_WIDTH, checkpoint.size - index * TILE_WIDTH)
        leaves = read_bundle(fetch("/tlog/" + entries_path(index, width).removeprefix("tile/")))
        walk.feed(leaves, fetch("/tlog/" + tile_path(Tile(0, index, width))))
    walk.finish()
    return Verified(checkpoint, note)
