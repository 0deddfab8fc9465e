"""Checking a whole log over whatever fetches it: the command does it with a session, the demo with its auditor's.

Compared, and none of it believed: every leaf with the tree, every tile and the checkpoints with what the leaves make, and every
row of the log with its leaf: people search by the columns beside a leaf, and one that was changed hides an act though the leaf is whole.
Whatever the hub answers, what is wrong with it is a LogBrokenError. One that is about a single row is no reason to look no further:
a row that was sealed and is no leaf stays in the tree for good.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ParamSpec

from certs.checkpoint import Checkpoint, open_checkpoint
from certs.errors import JsonError, LogBrokenError
from certs.jsontext import parse_object
from certs.log_walk import LogWalk
from certs.tile_files import TILE_WIDTH, Tile, entries_path, read_bundle, tile_path
from certs.tiles import TileWriter, right_edge
from certs.tree import leaf_hash

_On = ParamSpec("_On")

Fetch = Callable[[str], bytes]
"""The bytes at a path of the hub."""

Tell = Callable[[LogBrokenError], None]
"""Takes a fault of a single row; raises what ends the walk, or returns, and the walk goes on."""

SEALED_WITHIN_S = 60.0
"""What receipts promise (docs/log-leaf.md)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that is whole: its checkpoint, and the signed note to keep."""

    checkpoint: Checkpoint
    note: bytes


def stop_at(fault: LogBrokenError) -> None:
    """Look no further than the first fault."""
    raise fault


def verify_log(
    fetch: Fetch,
    key: str,
    *,
    older: bytes | None = None,
    over: Callable[[range], Iterable[int]] = iter,
    tell: Tell = stop_at,
) -> Verified:
    """Every entry against the tree and its row, the tree against the checkpoint, and that against an `older` signed note.

    `key` is the log's key in C2SP form; `over` goes over the numbers of the bundles, to show progress. In constant memory.
    Raises LogBrokenError, CheckpointError, TileError, and what `tell` raises; if that lets faults pass, the log is not whole
    although this returns.
    """
    note = fetch("/tlog/checkpoint")
    checkpoint = open_checkpoint(note, key)
    walk = LogWalk(checkpoint, None if older is None else open_checkpoint(older, key))
    tree = TileWriter()
    for index in over(range(-(-checkpoint.size // TILE_WIDTH))):
        first = index * TILE_WIDTH
        width = min(TILE_WIDTH, checkpoint.size - first)
        rows = _rows(fetch, first, width)
        leaves = _leaves(fetch, index, width)
        walk.feed(leaves, fetch("/tlog/" + tile_path(Tile(0, index, width))))
        for place, (leaf, row) in enumerate(zip(leaves, rows, strict=True)):
            _telling(tell, compare_row, first + place, leaf, row)
        written, tree = tree.extend(map(leaf_hash, leaves))
        _check_tiles(fetch, [(tile, hashes) for tile, hashes in written if tile.level and tile.width == TILE_WIDTH])
    walk.finish()
    _check_tiles(fetch, [(tile, tree.edge[tile.level]) for tile in right_edge(tree.size) if tile.level])
    _check_unsealed(fetch, tell)
    return Verified(checkpoint, note)


def _telling(tell: Tell, check: Callable[_On, None], *on: _On.args, **also: _On.kwargs) -> None:
    try:
        check(*on, **also)
    except LogBrokenError as fault:
        tell(fault)


def _check_tiles(fetch: Fetch, computed: Iterable[tuple[Tile, bytes]]) -> None:
    """Nothing, when the tiles above the entries' own are served as computed: proofs are made from them.

    Raises LogBrokenError `tile-unlike-tree`.
    """
    for tile, hashes in computed:
        path = tile_path(tile)
        if fetch(f"/tlog/{path}") != hashes:
            raise LogBrokenError(
                reason="tile-unlike-tree",
                zh=f"{path} 与由条目算出的哈希不符：该哈希块被改动过，由它作出的证明都不成立",
                en=f"{path} is not what the entries make: the tile has been changed, and proofs made from it do not hold",
            )


def compare_row(index: int, leaf: bytes, row: Mapping[str, Any]) -> None:
    """Nothing, when the columns of the row say what its leaf says.

    Raises LogBrokenError `column-unlike-leaf` with the row's id and the first column that differs, `leaf-form`.
    """
    try:
        columns = _columns(leaf)
    except (JsonError, KeyError, TypeError, ValueError, OverflowError):
        raise LogBrokenError(
            reason="leaf-form",
            zh=f"第 {index} 条（行 {row.get('id')}）不是日志叶：它是绕过枢纽写入的",
            en=f"entry {index} (row {row.get('id')}) is no leaf of the log: it was written past the hub",
        ) from None
    for column, said in columns.items():
        if row.get(column) != said:
            raise LogBrokenError(
                reason="column-unlike-leaf",
                zh=f"第 {index} 条（行 {row.get('id')}）的 {column} 列与叶不符，叶中为 {said}：该列被改动过，检索会被误导",
                en=f"column {column} of entry {index} (row {row.get('id')}) is not what the leaf says, {said}: it has been "
                "changed and misleads who searches",
            )


def _columns(leaf: bytes) -> dict[str, Any]:
    """What the columns of a leaf's row hold, as the API shows them. Raises what reading something else raises."""
    says = parse_object(leaf)
    return {
        "id": says["id"],
        "event": says["event"],
        "outcome": says["result"],
        "actor": says["actor"]["id"],
        "object_type": says["object"]["type"],
        "object_id": says["object"]["id"],
        "occurred_at": _instant(says["time"]),
        "leaf_hash": base64.b64encode(leaf_hash(leaf)).decode(),
    }


def _instant(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(UTC).isoformat(timespec="microseconds")


def _rows(fetch: Fetch, first: int, width: int) -> Sequence[Mapping[str, Any]]:
    """The rows of these entries. Raises LogBrokenError `row-missing`, `answer-form`."""
    rows = _page(fetch, f"/v1/audit/events/sealed?first={first}&limit={width}")[0][:width]
    for index, row in zip(range(first, first + width), [*rows, {}], strict=False):
        if row.get("leaf_index") != index:
            raise LogBrokenError(
                reason="row-missing",
                zh=f"第 {index} 条已封存，数据库中却没有它的行：该条目被删除",
                en=f"entry {index} was sealed and the database has no row of it: it has been removed",
            )
    return rows


def _leaves(fetch: Fetch, index: int, width: int) -> Sequence[bytes]:
    """The entries of a bundle. Raises LogBrokenError `entries-missing`, TileError."""
    leaves = read_bundle(fetch("/tlog/" + entries_path(index, width).removeprefix("tile/")))
    if len(leaves) != width:
        first = index * TILE_WIDTH
        raise LogBrokenError(
            reason="entries-missing",
            zh=f"第 {first} 条起应有 {width} 条，枢纽给出 {len(leaves)} 条：有条目缺失或多出",
            en=f"from entry {first} on there should be {width}, the hub gives {len(leaves)}: some are missing or too many",
        )
    return leaves


def _page(fetch: Fetch, path: str) -> tuple[list[dict[str, Any]], str | None]:
    """The items of a page of a list, and the cursor of the next. Raises LogBrokenError `answer-form`."""
    try:
        page = json.loads(fetch(path))
    except ValueError:
        page = None
    members: dict[str, Any] = page if isinstance(page, dict) else {}
    items = members.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise LogBrokenError(
            reason="answer-form",
            zh=f"{path} 的回答不是枢纽的格式，无从核对；请核对地址",
            en=f"the answer of {path} is not one of a hub, so nothing can be compared; check the address",
        )
    return items, members.get("next")


def _check_unsealed(fetch: Fetch, tell: Tell) -> None:
    """Every row is in the tree or has been waiting for it no longer than promised. Raises LogBrokenError `answer-form`."""
    cursor: str | None = None
    while True:
        rows, cursor = _page(fetch, "/v1/audit/events/unsealed" + (f"?cursor={cursor}" if cursor else ""))
        for row in rows:
            _telling(tell, _check_waiting, row)
        if cursor is None:
            return


def _check_waiting(row: Mapping[str, Any]) -> None:
    """Nothing, when the row waits as it should. Raises LogBrokenError `row-outside-log`, `row-overdue`."""
    name, event, age_s = row.get("id"), row.get("event"), row.get("age_s")
    if not row.get("pending"):
        raise LogBrokenError(
            reason="row-outside-log",
            zh=f"行 {name}（{event}）既未封存也不在待封队列中：它是绕过日志写入的，或已被移出队列",
            en=f"row {name} ({event}) is neither in the tree nor queued for it: it was written past the log, or "
            "taken out of the queue",
        )
    if not isinstance(age_s, int | float) or age_s > SEALED_WITHIN_S:
        raise LogBrokenError(
            reason="row-overdue",
            zh=f"行 {name}（{event}）超过 {SEALED_WITHIN_S:.0f} 秒仍未封存；请确认 shuniu worker 在运行，再核验",
            en=f"row {name} ({event}) has not been sealed within {SEALED_WITHIN_S:.0f} s; see that shuniu worker "
            "runs, then verify again",
        )
