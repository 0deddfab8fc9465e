"""A copy of the log as `/tlog/` serves it: checkpoint, tiles of level 0, and bundles of entries for who may have them.

Reading it all needs no trust in whoever keeps it: the hashes in the tiles make the tree that the checkpoint signs, or not.
Knows paths and bytes, and not where they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from certs.anchors import Anchors
from certs.checkpoint import Checkpoint, check_order, open_checkpoint, rewritten
from certs.errors import LogBrokenError, TileError
from certs.receipt_promise import LogRead, Watch
from certs.statements import Sheet
from certs.tile_files import TILE_BYTES, TILE_WIDTH, Tile, entries_path, read_bundle, tile_path
from certs.tree import HASH_BYTES, Frontier, leaf_hash

Fetch = Callable[[str], bytes | None]
"""The bytes at a path under `/tlog/`, such as `tile/0/000`; None where there is nothing."""


def read_tiles(fetch: Fetch, anchors: Anchors, watch: Watch, *, older: bytes | None = None) -> LogRead:
    """Read a whole copy, showing each entry to `watch`; statements `checkpoint` and `tree`, and what failed.

    Where a bundle of entries is there, each is compared with its hash. `older` is a signed checkpoint from another time, at whose
    size this log must have had its root.
    """
    sheet = Sheet()
    opened = sheet.take(
        "checkpoint",
        "检查点由所信任的日志密钥签名",
        "the trusted log key signed the checkpoint",
        lambda: (
            open_checkpoint(_must_have(fetch, "checkpoint"), anchors.log),
            None if older is None else open_checkpoint(older, anchors.log),
        ),
    )
    if opened is None:
        return LogRead(sheet.checked)
    checkpoint, kept = opened
    sheet.take(
        "tree",
        "条目的哈希算出检查点的根，也合于所存的检查点",
        "the entries' hashes make the checkpoint's root, and that of the kept checkpoint",
        lambda: _walk(fetch, checkpoint, kept, watch),
    )
    return LogRead(sheet.checked, checkpoint.origin)


def _walk(fetch: Fetch, checkpoint: Checkpoint, older: Checkpoint | None, watch: Watch) -> bool:
    if older is not None:
        check_order(older, checkpoint)
    tree = Frontier()
    while tree.size < checkpoint.size:
        _compare(tree, older)
        hashes = _next_hashes(fetch, tree.size, checkpoint.size)
        if older is not None and tree.size < older.size:
            hashes = hashes[: older.size - tree.size]
        leaves = _leaves(fetch, tree.size, checkpoint.size)
        for place, hashed in enumerate(hashes):
            index = tree.size + place
            leaf = None if leaves is None else leaves[index % TILE_WIDTH]
            if leaf is not None and leaf_hash(leaf) != hashed:
                _broken(
                    "entry-unlike-tile",
                    f"第 {index} 条与封存时的哈希不符：该条目被改动过",
                    f"entry {index} is not what was sealed: it has been changed",
                )
            watch(index, hashed, leaf)
        tree = tree.extend(hashes)
    _compare(tree, older)
    if tree.root() != checkpoint.root:
        _broken(
            "root-unlike-checkpoint",
            "哈希块算出的根与检查点不符：条目或哈希块被改动过",
            "the root that the tiles make is not that of the checkpoint: entries or tiles have been changed",
        )
    return True


def _compare(tree: Frontier, older: Checkpoint | None) -> None:
    """At the size of the kept checkpoint, its root must be ours."""
    if older is not None and tree.size == older.size and tree.root() != older.root:
        raise rewritten(tree.size)


def _next_hashes(fetch: Fetch, start: int, size: int) -> list[bytes]:
    """The hashes from `start` to the end of their tile, of which a fuller one than the tree's may be there."""
    number, skipped = divmod(start, TILE_WIDTH)
    width = min(TILE_WIDTH, size - number * TILE_WIDTH)
    data = fetch(tile_path(Tile(0, number, width)))
    if data is None:
        data = _must_have(fetch, tile_path(Tile(0, number)))
    if len(data) not in (width * HASH_BYTES, TILE_BYTES):
        _refuse_tile(number, "长度不对", "is not of its length")
    return [data[place * HASH_BYTES : (place + 1) * HASH_BYTES] for place in range(skipped, width)]


def _leaves(fetch: Fetch, start: int, size: int) -> list[bytes] | None:
    """The entries of the bundle that `start` lies in, where the copy has it."""
    number = start // TILE_WIDTH
    width = min(TILE_WIDTH, size - number * TILE_WIDTH)
    data = None
    for wanted in (width, TILE_WIDTH):
        data = data or fetch(entries_path(number, wanted).removeprefix("tile/"))
    if data is None:
        return None
    leaves = read_bundle(data)
    if len(leaves) < width:
        _refuse_tile(number, "的条目包不完整", "has a bundle that lacks entries")
    return leaves


def _must_have(fetch: Fetch, path: str) -> bytes:
    data = fetch(path)
    if data is None:
        raise TileError(
            reason="tile-missing",
            zh=f"副本中没有 {path}；请重新取得",
            en=f"the copy has no {path}; fetch it again",
        )
    return data


def _refuse_tile(number: int, zh: str, en: str) -> NoReturn:
    raise TileError(
        reason="tile-form", zh=f"第 {number} 个哈希块{zh}；请重新取得", en=f"tile {number} {en}; fetch it again"
    )


def _broken(reason: str, zh: str, en: str) -> NoReturn:
    raise LogBrokenError(reason=reason, zh=zh, en=en)
