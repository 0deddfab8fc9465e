"""Tiles and bundles of entries as files (C2SP tlog-tiles): their names, and the bytes of a bundle.

A tile of level L holds up to 256 hashes, each over 256^L leaves; a full one never changes, so it can be kept and cached for
ever. A bundle holds the entries under one tile of level 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from certs.errors import TileError
from certs.tree import HASH_BYTES, MAX_SIZE

TILE_HEIGHT = 8

TILE_WIDTH = 1 << TILE_HEIGHT
"""Hashes in a full tile, and entries in a full bundle."""

TILE_BYTES = TILE_WIDTH * HASH_BYTES
"""Length of a full tile."""

LONGEST_ENTRY = 0xFFFF
"""Bytes in an entry: a bundle says its length in 16 bits."""

_HIGHEST_LEVEL = 63  # tlog-tiles, "Merkle Tree"

_MOST_TILES = (MAX_SIZE >> TILE_HEIGHT) + 1  # of level 0; a tree of the largest size has no more

_NUMBER = r"(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"

_TILE_PATH = re.compile(rf"tile/(?P<level>0|[1-9][0-9]?)/{_NUMBER}")

_ENTRIES_PATH = re.compile(rf"tile/entries/{_NUMBER}")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile: its level, its index among those of the level, and how many hashes it has; partial below 256.

    Raises TileError when level, index or width cannot be.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not (0 <= self.level <= _HIGHEST_LEVEL and 0 <= self.index < _MOST_TILES and 1 <= self.width <= TILE_WIDTH):
            raise TileError(
                reason="no-such-tile",
                zh=f"不存在层 {self.level}、序号 {self.index}、宽 {self.width} 的瓦片",
                en=f"there is no tile of level {self.level}, index {self.index} and width {self.width}",
            )


def tile_path(tile: Tile) -> str:
    """Where a tile lies under the log's prefix: `tile/<L>/<N>`, a partial one with `.p/<W>` behind it."""
    return f"tile/{tile.level}/{_number(tile.index, tile.width)}"


def parse_tile_path(path: str) -> Tile:
    """The tile that lies at `path`. Raises TileError for any spelling but that of `tile_path`."""
    match = _TILE_PATH.fullmatch(path)
    if match is None:
        raise _no_path(path)
    tile = Tile(int(match["level"]), *_index_and_width(match))
    if tile_path(tile) != path:
        raise _no_path(path)
    return tile


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Where the bundle with the entries under tile `index` of level 0 lies: `tile/entries/<N>[.p/<W>]`. Raises TileError."""
    tile = Tile(0, index, width)
    return f"tile/entries/{_number(tile.index, tile.width)}"


def parse_entries_path(path: str) -> Tile:
    """The tile of level 0 whose entries lie at `path`. Raises TileError for any spelling but that of `entries_path`."""
    match = _ENTRIES_PATH.fullmatch(path)
    if match is None:
        raise _no_path(path)
    tile = Tile(0, *_index_and_width(match))
    if entries_path(tile.index, tile.width) != path:
        raise _no_path(path)
    return tile


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of 1 to 256 entries: for each its length in two bytes, big-endian, and its bytes. Raises TileError."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise _bundle_count(len(entries))
    for entry in entries:
        if len(entry) > LONGEST_ENTRY:
            raise TileError(
                reason="entry-too-long",
                zh=f"条目有 {len(entry)} 字节，最长 {LONGEST_ENTRY} 字节",
                en=f"an entry has {len(entry)} bytes; the longest has {LONGEST_ENTRY}",
            )
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry))


def read_bundle(data: bytes) -> list[bytes]:
    """The 1 to 256 entries of a bundle. Raises TileError when it is cut short, empty, or has more."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data):
            raise TileError(
                reason="bundle-truncated",
                zh="条目包不完整：最后一个条目被截断；请重新取得",
                en="the bundle is cut short within its last entry; fetch it again",
            )
        entries.append(data[start:end])
        at = end
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise _bundle_count(len(entries))
    return entries


def _number(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _index_and_width(match: re.Match[str]) -> tuple[int, int]:
    return int(match["index"].replace("x", "").replace("/", "")), int(match["width"] or TILE_WIDTH)


def _bundle_count(count: int) -> TileError:
    return TileError(
        reason="bundle-count",
        zh=f"条目包应有 1 到 {TILE_WIDTH} 个条目，这里是 {count} 个",
        en=f"a bundle has 1 to {TILE_WIDTH} entries, not {count}",
    )


def _no_path(path: str) -> TileError:
    return TileError(
        reason="not-a-tile-path",
        zh=f"不是瓦片或条目包的路径：{path[:100]!r}",
        en=f"not the path of a tile or a bundle: {path[:100]!r}",
    )
