"""The tree in tiles (C2SP tlog-tiles): how they grow with the log, and what is read from them.

What a tile and a bundle are as files is in `certs.tile_files`. Knows no folder, store or network: whoever reads tiles passes
a `Fetch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from certs.errors import TileError
from certs.tile_files import TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile, tile_path
from certs.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE, Frontier
from certs.tree_proofs import Node, perfect_root

_CACHED_TILES = 64  # half a megabyte; a proof reads at most one tile and one neighbour for each of eight levels

Fetch = Callable[[Tile], bytes]
"""Gives the bytes of a tile: as many hashes as it is wide, one after another."""


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles that a log has at `new_size` and had not at `old_size`: the full ones, and the partial ones of the new size.

    Level by level from 0, by index within a level, as `TileWriter` writes them. Raises TileError when the sizes are out of
    order or range.
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise TileError(
            reason="sizes-out-of-order",
            zh=f"日志不能从 {old_size} 增长到 {new_size}",
            en=f"a log does not grow from {old_size} to {new_size}",
        )
    return (tile for level in range(_levels(new_size)) for tile in _new_tiles_of(level, old_size, new_size))


def right_edge(size: int) -> Iterator[Tile]:
    """The partial tiles of a log of `size` entries, lowest level first: what a `TileWriter` starts from."""
    for level in range(_levels(size)):
        index, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if width:
            yield Tile(level, index, width)


@dataclass(frozen=True, slots=True)
class TileWriter:
    """Writes the tiles of a growing log: holds its size and the bytes of its partial tiles, by level, and nothing else.

    `edge[level]` has 32 bytes for each hash of that level's partial tile, none where the level ends with a full tile; there
    are as many levels as the log has tiles of. Writing n leaves costs O(n), whatever the size. It never changes: `extend`
    gives another one, so that a growth that could not be recorded has not happened. Raises TileError.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        levels = _levels(self.size)
        expected = [(self.size >> TILE_HEIGHT * level) % TILE_WIDTH * HASH_BYTES for level in range(levels)]
        if not 0 <= self.size <= MAX_SIZE or [len(tile) for tile in self.edge] != expected:
            raise TileError(
                reason="edge-length",
                zh=f"右缘瓦片的长度与日志大小 {self.size} 不符",
                en=f"the tiles of the right edge are not as long as a log of size {self.size} has them",
            )

    @classmethod
    def resume(cls, size: int, root: bytes, fetch: Fetch) -> TileWriter:
        """A writer for the log with this size and root, from the partial tiles that `fetch` gives.

        Raises TileError when a tile is not of its length or they do not make the root, and whatever `fetch` raises.
        """
        edge = [b""] * _levels(size)
        for tile in right_edge(size):
            edge[tile.level] = _of_its_length(tile, fetch(tile))
        writer = cls(size, tuple(edge))
        if writer.root() != root:
            raise TileError(
                reason="edge-root-mismatch",
                zh="右缘瓦片与日志的根不符：瓦片或根被改动",
                en="the tiles of the right edge do not make the log's root: tiles or root were changed",
            )
        return writer

    def extend(self, leaf_hashes: Iterable[bytes]) -> tuple[list[tuple[Tile, bytes]], TileWriter]:
        """What is to be stored when leaves with these hashes follow (the tiles of `new_tiles`), and the writer after it.

        Raises TileError when a hash has not 32 bytes.
        """
        added = b"".join(map(_checked_hash, leaf_hashes))
        new_size = self.size + len(added) // HASH_BYTES
        written: list[tuple[Tile, bytes]] = []
        edge: list[bytes] = []
        for level in range(_levels(new_size)):
            row = (self.edge[level] if level < len(self.edge) else b"") + added
            start = (self.size >> TILE_HEIGHT * level) // TILE_WIDTH
            full = [row[at : at + TILE_BYTES] for at in range(0, len(row) - TILE_BYTES + 1, TILE_BYTES)]
            rest = row[len(full) * TILE_BYTES :]
            written.extend((Tile(level, start + place), tile) for place, tile in enumerate(full))
            if rest and added:
                written.append((Tile(level, start + len(full), len(rest) // HASH_BYTES), rest))
            edge.append(rest)
            added = b"".join(map(perfect_root, full))
        return written, TileWriter(new_size, tuple(edge))

    def frontier(self) -> Frontier:
        """The right edge of the tree. At most 255 hashes are computed for each level of tiles."""
        hashes: list[bytes] = []
        for tile in reversed(self.edge):
            start = 0
            while start < len(tile):
                count = 1 << ((len(tile) - start) // HASH_BYTES).bit_length() - 1
                end = start + count * HASH_BYTES
                hashes.append(perfect_root(tile[start:end]))
                start = end
        return Frontier(self.size, tuple(hashes))

    def root(self) -> bytes:
        """The root of the tree."""
        return self.frontier().root()


def node_reader(size: int, fetch: Fetch) -> Node:
    """What proofs are made from: a `Node` over the tiles of a log of `size` entries.

    The tiles are believed; a proof from a changed one fails when it is verified. The node raises TileError when it lies
    outside the tree or a tile is not of its length, and whatever `fetch` raises. Tiles read lately are kept.
    """
    kept = lru_cache(maxsize=_CACHED_TILES)(fetch)

    def node(level: int, index: int) -> bytes:
        tile, start, end = _place(level, index, size)
        return perfect_root(_of_its_length(tile, kept(tile))[start * HASH_BYTES : end * HASH_BYTES])

    return node


def tiles_needed(size: int, prove: Callable[[Node], object]) -> tuple[Tile, ...]:
    """The tiles that `prove` reads when it is given a `Node`: fetch these first where fetching takes time.

    `prove` is a proof of this module's tree with everything but its node, and gets hashes that mean nothing. Raises what
    `prove` raises, and TileError for a node outside the tree.
    """
    needed: dict[Tile, None] = {}

    def node(level: int, index: int) -> bytes:
        needed[_place(level, index, size)[0]] = None
        return EMPTY_ROOT

    prove(node)
    return tuple(needed)


def authenticated(size: int, root: bytes, fetch: Fetch) -> Fetch:
    """A `Fetch` that gives only tiles of the log with this size and root, each proved by the tiles above it.

    Reads the partial tiles at once, and raises TileError when they do not make the root. What it returns raises TileError
    (`tile-mismatch`) for a tile that was changed and (`no-such-tile`) for one that a log of this size has not.
    """
    edge = TileWriter.resume(size, root, fetch).edge
    partial = {tile: edge[tile.level] for tile in right_edge(size)}

    @lru_cache(maxsize=_CACHED_TILES)
    def proved(tile: Tile) -> bytes:
        if tile in partial:
            return partial[tile]
        parent, start, end = _place(TILE_HEIGHT * (tile.level + 1), tile.index, size)
        if tile.width != TILE_WIDTH:
            raise _outside(size)
        data = _of_its_length(tile, fetch(tile))
        if perfect_root(data) != proved(parent)[start * HASH_BYTES : end * HASH_BYTES]:
            raise TileError(
                reason="tile-mismatch",
                zh=f"瓦片 {tile_path(tile)} 与日志的根不符：它被改动过",
                en=f"the tile {tile_path(tile)} does not belong under the log's root: it was changed",
            )
        return data

    return proved


def _levels(size: int) -> int:
    """How many levels of tiles a log of `size` entries has."""
    return -(-size.bit_length() // TILE_HEIGHT)


def _new_tiles_of(level: int, old_size: int, new_size: int) -> Iterator[Tile]:
    old, new = old_size >> TILE_HEIGHT * level, new_size >> TILE_HEIGHT * level
    for index in range(old // TILE_WIDTH, new // TILE_WIDTH):
        yield Tile(level, index)
    if old != new and new % TILE_WIDTH:
        yield Tile(level, new // TILE_WIDTH, new % TILE_WIDTH)


def _place(level: int, index: int, size: int) -> tuple[Tile, int, int]:
    """The tile that a node of a tree of `size` leaves is computed from, and which of its hashes: from, up to."""
    if level < 0 or index < 0 or index + 1 > size >> level:
        raise _outside(size)
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile_index, start = divmod(index << height, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - tile_index * TILE_WIDTH)
    return Tile(tile_level, tile_index, width), start, start + (1 << height)


def _of_its_length(tile: Tile, data: bytes) -> bytes:
    if len(data) != tile.width * HASH_BYTES:
        raise TileError(
            reason="tile-length",
            zh=f"瓦片 {tile_path(tile)} 应为 {tile.width * HASH_BYTES} 字节，这里是 {len(data)} 字节；请重新取得",
            en=f"the tile {tile_path(tile)} has {tile.width * HASH_BYTES} bytes, not {len(data)}; fetch it again",
        )
    return data


def _checked_hash(hashed: bytes) -> bytes:
    if len(hashed) != HASH_BYTES:
        raise TileError(
            reason="hash-length",
            zh=f"叶哈希应为 {HASH_BYTES} 字节，这里是 {len(hashed)} 字节",
            en=f"a leaf hash has {HASH_BYTES} bytes, not {len(hashed)}",
        )
    return hashed


def _outside(size: int) -> TileError:
    return TileError(
        reason="no-such-tile",
        zh=f"大小为 {size} 的日志没有这个节点或瓦片",
        en=f"a log of size {size} has no such node or tile",
    )
