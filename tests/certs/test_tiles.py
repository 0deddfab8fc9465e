"""Tiles and bundles of C2SP tlog-tiles: their paths, their growth, proofs from them, and that damage is found."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import ProofError, TileError
from certs.tile_files import (
    TILE_BYTES,
    Tile,
    entries_path,
    parse_entries_path,
    parse_tile_path,
    read_bundle,
    tile_path,
    write_bundle,
)
from certs.tiles import TileWriter, authenticated, new_tiles, node_reader, right_edge, tiles_needed
from certs.tree import EMPTY_ROOT, MAX_SIZE, Frontier, leaf_hash, verify_consistency, verify_inclusion
from certs.tree_proofs import consistency_proof, inclusion_proof, perfect_root, tree_root
from tests.certs.mutations import damaged_bytes

SIZE = 70_000
HASHES = [leaf_hash(b"entry %d" % number) for number in range(SIZE)]
WRITTEN, WRITER = TileWriter().extend(HASHES)
TILES = dict(WRITTEN)
ROOT = WRITER.root()


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(TileError) as caught:
        call()
    assert caught.value.zh
    assert caught.value.en
    return caught.value.reason


# Paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 7, 1), "tile/0/007.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(2, 1000), "tile/2/x001/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(63, 1_234_067, 12), "tile/63/x001/x234/067.p/12"),
        (Tile(0, MAX_SIZE >> 8), "tile/0/x036/x028/x797/x018/x963/967"),
    ],
)
def test_a_tile_lies_at_the_path_that_the_specification_gives(tile: Tile, path: str) -> None:
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/-01",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/8/0/000",
        "tile//0/000",
        "tile/0/../0/000",
        "tile/0/٠٠٠",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x001/x000/x000/x000/x000/x000/000",
        "tile/0/" + "x001/" * 5000 + "000",
        "tile/entries/000",
    ],
)
def test_a_path_of_any_other_spelling_is_refused(path: str) -> None:
    assert reason_of(lambda: parse_tile_path(path)) in {"not-a-tile-path", "no-such-tile"}
    if not path.startswith("tile/entries/"):
        entries = re.sub("^tile/[0-9]+/", "tile/entries/", path)
        if entries != "tile/entries/000":  # what made this one wrong was its level
            assert reason_of(lambda: parse_entries_path(entries)) in {"not-a-tile-path", "no-such-tile"}


def test_entries_lie_beside_the_tiles() -> None:
    assert entries_path(0) == "tile/entries/000"
    assert entries_path(1_234_067, 3) == "tile/entries/x001/x234/067.p/3"
    assert parse_entries_path("tile/entries/x001/x234/067.p/3") == Tile(0, 1_234_067, 3)


@given(st.integers(0, 63), st.integers(0, MAX_SIZE >> 8), st.integers(1, 256))
def test_every_tile_has_one_path(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile_path(tile)) == tile
    assert parse_entries_path(entries_path(index, width)) == Tile(0, index, width)


@given(st.from_regex(r"tile/([0-9]{1,2}|entries)/(x?[0-9]{2,4}/){0,3}x?[0-9]{2,4}(\.p/[0-9]{1,3})?", fullmatch=True))
def test_what_is_read_as_a_path_is_written_as_the_same(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except TileError:
        return
    assert tile_path(tile) == path


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, (MAX_SIZE >> 8) + 1, 1), (0, 0, 0), (0, 0, 257)],
)
def test_a_tile_that_cannot_be_is_refused(level: int, index: int, width: int) -> None:
    assert reason_of(lambda: Tile(level, index, width)) == "no-such-tile"
    if level == 0:
        assert reason_of(lambda: entries_path(index, width)) == "no-such-tile"


# Growth


def test_a_log_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(new_tiles(0, SIZE))
    assert [tile for tile in tiles if tile.level == 0 and tile.width == 256] == [Tile(0, n) for n in range(273)]
    assert [tile for tile in tiles if tile.level or tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(right_edge(SIZE)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


@pytest.mark.parametrize(
    ("old", "new", "tiles"),
    [
        (0, 0, []),
        (7, 7, []),
        (0, 1, [Tile(0, 0, 1)]),
        (0, 256, [Tile(0, 0), Tile(1, 0, 1)]),
        (255, 256, [Tile(0, 0), Tile(1, 0, 1)]),
        (256, 257, [Tile(0, 1, 1)]),
        (300, 310, [Tile(0, 1, 54)]),
        (65_535, 65_536, [Tile(0, 255), Tile(1, 0), Tile(2, 0, 1)]),
    ],
)
def test_growing_makes_the_full_tiles_and_the_partial_ones_that_changed(old: int, new: int, tiles: list[Tile]) -> None:
    assert list(new_tiles(old, new)) == tiles


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (0, MAX_SIZE + 1)])
def test_a_log_does_not_shrink(old: int, new: int) -> None:
    assert reason_of(lambda: new_tiles(old, new)) == "sizes-out-of-order"


@pytest.mark.parametrize("tile", [Tile(0, 0), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)])
def test_each_hash_of_a_tile_is_the_root_of_the_entries_under_it(tile: Tile) -> None:
    span = 256**tile.level
    for place in (0, tile.width // 2, tile.width - 1):
        start = (tile.index * 256 + place) * span
        hashed = TILES[tile][place * 32 : place * 32 + 32]
        assert hashed == tree_root(HASHES[start : start + span])


@given(st.lists(st.integers(0, 700), min_size=1, max_size=5))
def test_tiles_come_out_the_same_in_any_steps(steps: list[int]) -> None:
    writer, kept = TileWriter(), dict[Tile, bytes]()
    for step in steps:
        written, grown = writer.extend(HASHES[writer.size : writer.size + step])
        assert [tile for tile, _ in written] == list(new_tiles(writer.size, grown.size))
        kept.update(written)
        writer = grown
    at_once, whole = TileWriter().extend(HASHES[: sum(steps)])
    assert whole == writer
    assert dict(at_once).items() <= kept.items()
    assert whole.frontier() == Frontier().extend(HASHES[: sum(steps)])
    assert TileWriter.resume(writer.size, writer.root(), kept.__getitem__) == writer


def test_growing_leaves_the_writer_before_it_as_it_was() -> None:
    written, _ = WRITER.extend(HASHES[:300])
    assert WRITER.root() == ROOT
    assert WRITER.extend(HASHES[:300])[0] == written


def test_sealing_reads_and_hashes_no_more_in_a_large_log_than_in_a_small_one() -> None:
    # the writer of a log of 2^40 − 1 entries holds five partial tiles, and growing by one writes as many
    size = 2**40 - 1
    edge = tuple(bytes(255 * 32) for _ in range(5))
    written, grown = TileWriter(size, edge).extend([HASHES[0]])
    assert [tile for tile, _ in written] == list(new_tiles(size, size + 1))
    assert len(written) == 6
    assert [len(tile) for tile in grown.edge] == [0, 0, 0, 0, 0, 32]


def test_fifty_thousand_leaves_are_written_in_a_second() -> None:
    started = time.process_time()
    writer = TileWriter()
    for at in range(0, 50_000, 5_000):
        _, writer = writer.extend(HASHES[at : at + 5_000])
        writer.root()
    assert time.process_time() - started < 1


def test_only_hashes_of_32_bytes_are_written() -> None:
    assert reason_of(lambda: TileWriter().extend([HASHES[0], b"entry"])) == "hash-length"


@pytest.mark.parametrize(
    ("size", "edge"),
    [
        (-1, ()),
        (0, (b"",)),
        (1, ()),
        (1, (bytes(31),)),
        (2, (bytes(32),)),
        (256, (bytes(32), bytes(32))),
        (256, (b"",)),
        (256, (b"", bytes(32), b"")),
        (MAX_SIZE + 1, (b"",) * 7 + (bytes(128 * 32),)),
    ],
)
def test_an_edge_that_does_not_fit_its_size_is_refused(size: int, edge: tuple[bytes, ...]) -> None:
    assert reason_of(lambda: TileWriter(size, edge)) == "edge-length"


def test_a_writer_resumes_from_the_partial_tiles_and_reads_no_others() -> None:
    read: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        read.append(tile)
        return TILES[tile]

    assert TileWriter.resume(SIZE, ROOT, fetch) == WRITER
    assert read == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert TileWriter.resume(0, EMPTY_ROOT, fetch) == TileWriter()


def test_a_writer_does_not_resume_from_tiles_of_another_root() -> None:
    assert reason_of(lambda: TileWriter.resume(SIZE, HASHES[0], TILES.__getitem__)) == "edge-root-mismatch"
    assert reason_of(lambda: TileWriter.resume(0, ROOT, TILES.__getitem__)) == "edge-root-mismatch"
    assert reason_of(lambda: TileWriter.resume(SIZE, ROOT, lambda tile: TILES[tile][:-32])) == "tile-length"


# Proofs from tiles


@pytest.mark.parametrize("index", [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
def test_an_entry_is_proved_from_tiles(index: int) -> None:
    proof = inclusion_proof(index, SIZE, node_reader(SIZE, TILES.__getitem__))
    verify_inclusion(HASHES[index], index, SIZE, proof, ROOT)


@pytest.mark.parametrize("old", [1, 255, 256, 257, 512, 65_535, 65_536, 65_792, 69_999, 70_000])
def test_an_older_checkpoint_is_proved_from_tiles(old: int) -> None:
    proof = consistency_proof(old, SIZE, node_reader(SIZE, TILES.__getitem__))
    verify_consistency(old, tree_root(HASHES[:old]), SIZE, ROOT, proof)


@given(st.integers(1, 2000), st.data())
def test_tiles_of_any_small_log_prove_what_the_tree_proves(size: int, data: st.DataObject) -> None:
    written, writer = TileWriter().extend(HASHES[:size])
    node = node_reader(size, dict(written).__getitem__)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    verify_inclusion(HASHES[index], index, size, inclusion_proof(index, size, node), writer.root())
    older = tree_root(HASHES[:old])
    verify_consistency(old, older, size, writer.root(), consistency_proof(old, size, node))


def test_a_proof_reads_each_tile_once_and_says_beforehand_which() -> None:
    def prove(node: Callable[[int, int], bytes]) -> list[bytes]:
        return inclusion_proof(300, SIZE, node)

    read: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        read.append(tile)
        return TILES[tile]

    prove(node_reader(SIZE, fetch))
    assert sorted(read) == sorted(tiles_needed(SIZE, prove))
    assert len(read) == len(set(read))
    assert Tile(0, 1) in read


@pytest.mark.parametrize(
    ("level", "index"), [(0, SIZE), (0, -1), (-1, 0), (4, 4375), (8, 273), (16, 1), (17, 0), (600, 0)]
)
def test_a_node_outside_the_tree_is_refused(level: int, index: int) -> None:
    node = node_reader(SIZE, TILES.__getitem__)
    assert reason_of(lambda: node(level, index)) == "no-such-tile"


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_a_tile_of_another_length_is_refused(change: int) -> None:
    node = node_reader(SIZE, lambda tile: (TILES[tile] + bytes(32))[: len(TILES[tile]) + change])
    assert reason_of(lambda: node(0, SIZE - 1)) == "tile-length"
    assert reason_of(lambda: node(0, 0)) == "tile-length"


def test_a_proof_from_a_changed_tile_does_not_verify() -> None:
    rng = random.Random(8)
    for _ in range(300):
        index = rng.randrange(SIZE)
        needed = tiles_needed(SIZE, partial(inclusion_proof, index, SIZE))
        victim = rng.choice(needed)
        found = bytearray(TILES[victim])
        for at in range(0, len(found), 32):  # whichever hash the proof uses
            found[at + rng.randrange(32)] ^= 1 << rng.randrange(8)
        node = node_reader(SIZE, partial(_served, victim, bytes(found)))
        with pytest.raises(ProofError):
            verify_inclusion(HASHES[index], index, SIZE, inclusion_proof(index, SIZE, node), ROOT)


# Tiles that are proved themselves


def test_every_true_tile_is_authenticated() -> None:
    proved = authenticated(SIZE, ROOT, TILES.__getitem__)
    for tile, data in TILES.items():
        assert proved(tile) == data


@pytest.mark.parametrize(
    "tile",
    [
        Tile(0, 273),
        Tile(0, 273, 111),
        Tile(0, 274, 1),
        Tile(0, 0, 12),
        Tile(1, 1, 16),
        Tile(1, 0, 255),
        Tile(2, 0, 2),
        Tile(3, 0, 1),
        Tile(63, 0),
    ],
)
def test_a_tile_that_a_log_of_this_size_has_not_is_refused(tile: Tile) -> None:
    proved = authenticated(SIZE, ROOT, partial(_served, tile, bytes(tile.width * 32)))
    assert reason_of(lambda: proved(tile)) == "no-such-tile"


def test_four_thousand_damaged_tiles_are_all_found() -> None:
    rng = random.Random(256)
    tiles = sorted(TILES)
    edge = list(right_edge(SIZE))
    for _ in range(4000):
        victim = rng.choice(tiles if rng.random() < 0.5 else [*edge, Tile(1, 0)])
        if rng.random() < 0.2:
            found = TILES[rng.choice([tile for tile in (*edge, Tile(1, 0), Tile(0, 0), Tile(0, 5)) if tile != victim])]
        elif rng.random() < 0.4 and victim.width > 1:
            one, other = rng.sample(range(victim.width), 2)
            parts = [TILES[victim][at : at + 32] for at in range(0, victim.width * 32, 32)]
            parts[one], parts[other] = parts[other], parts[one]
            found = b"".join(parts)
        else:
            found = damaged_bytes(TILES[victim], rng)
        with pytest.raises(TileError):
            authenticated(SIZE, ROOT, partial(_served, victim, found))(victim)


def _served(victim: Tile, found: bytes, tile: Tile) -> bytes:
    return found if tile == victim else TILES[tile]


def test_a_changed_tile_is_found_from_its_parent() -> None:
    changed = TILES | {Tile(0, 5): TILES[Tile(0, 6)]}
    proved = authenticated(SIZE, ROOT, changed.__getitem__)
    assert proved(Tile(0, 6)) == TILES[Tile(0, 6)]
    assert reason_of(lambda: proved(Tile(0, 5))) == "tile-mismatch"
    assert reason_of(lambda: authenticated(SIZE, HASHES[0], TILES.__getitem__)) == "edge-root-mismatch"


# Bundles


def test_a_bundle_says_each_length_in_two_bytes() -> None:
    assert write_bundle([b"ab", b"", b"c" * 258]) == b"\x00\x02ab\x00\x00\x01\x02" + b"c" * 258


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert read_bundle(write_bundle(entries)) == entries


def test_the_longest_entry_fits_and_a_longer_one_does_not() -> None:
    assert read_bundle(write_bundle([bytes(65_535)])) == [bytes(65_535)]
    assert reason_of(lambda: write_bundle([b"", bytes(65_536)])) == "entry-too-long"


@pytest.mark.parametrize("entries", [[], [b""] * 257])
def test_a_bundle_has_one_to_256_entries(entries: list[bytes]) -> None:
    assert reason_of(lambda: write_bundle(entries)) == "bundle-count"
    assert reason_of(lambda: read_bundle(b"\x00\x00" * len(entries))) == "bundle-count"


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x00\x01", b"\xff\xff"])
def test_a_bundle_cut_short_is_refused(data: bytes) -> None:
    assert reason_of(lambda: read_bundle(data)) == "bundle-truncated"


def test_two_thousand_damaged_bundles_never_pass_for_the_entries_of_their_tile() -> None:
    rng = random.Random(16)
    entries = [b"entry %d" % number for number in range(256)]
    bundle = write_bundle(entries)
    assert b"".join(map(leaf_hash, read_bundle(bundle))) == TILES[Tile(0, 0)]
    for _ in range(2000):
        try:
            read = read_bundle(damaged_bytes(bundle, rng))
        except TileError:
            continue
        assert b"".join(map(leaf_hash, read)) != TILES[Tile(0, 0)]


def test_a_full_tile_has_8192_bytes() -> None:
    assert len(TILES[Tile(0, 0)]) == TILE_BYTES == 8192
    assert perfect_root(TILES[Tile(0, 0)]) == TILES[Tile(1, 0)][:32]
