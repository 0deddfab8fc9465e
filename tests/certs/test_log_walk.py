"""Walking a log: a whole one passes, and ten thousand changes to entries, tiles and checkpoints are all found."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from certs.checkpoint import Checkpoint, open_checkpoint, parse_verifier_key, sign, verifier_key
from certs.errors import CertsError, LogBrokenError
from certs.keys import generate_key
from certs.log_walk import LogWalk
from certs.suites import KeySigner
from certs.tile_files import TILE_WIDTH, read_bundle, write_bundle
from certs.tree import EMPTY_ROOT, Frontier, leaf_hash

ORIGIN = "lintao-hub"
KEY = generate_key("EdDSA")
SIGNER = KeySigner(KEY, "log")
VERIFIER_KEY = parse_verifier_key(verifier_key(ORIGIN, KEY.public_key()))  # type: ignore[arg-type]
SEED = 20261122
MUTATIONS = 10_000


def leaves(count: int) -> list[bytes]:
    return [b'{"id":"%06d"}' % number for number in range(count)]


def checkpoint_of(entries: list[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(entries), Frontier().extend(map(leaf_hash, entries)).root())


@dataclass
class Served:
    """What a log's server gives: signed checkpoint, bundles, level-0 tiles, all as bytes."""

    note: bytes
    bundles: list[bytes]
    tiles: list[bytes]
    older: bytes | None = None
    walked: int = field(default=0, init=False)

    def check(self) -> None:
        older = open_checkpoint(self.older, VERIFIER_KEY) if self.older else None
        walk = LogWalk(open_checkpoint(self.note, VERIFIER_KEY), older)
        for bundle, tile in zip(self.bundles, self.tiles, strict=True):
            walk.feed(read_bundle(bundle), tile)
        self.walked = walk.size
        walk.finish()


def serve(entries: list[bytes], *, older: int | None = None) -> Served:
    chunks = [entries[at : at + TILE_WIDTH] for at in range(0, len(entries), TILE_WIDTH)]
    return Served(
        sign(checkpoint_of(entries), SIGNER, VERIFIER_KEY),
        [write_bundle(chunk) for chunk in chunks],
        [b"".join(map(leaf_hash, chunk)) for chunk in chunks],
        None if older is None else sign(checkpoint_of(entries[:older]), SIGNER, VERIFIER_KEY),
    )


SIZES = (0, 1, 255, 256, 257, 700)


@pytest.mark.parametrize(("size", "older"), [(s, o) for s in SIZES for o in (None, 0, 1, 256) if o is None or o <= s])
def test_a_whole_log_passes(size: int, older: int | None) -> None:
    served = serve(leaves(size), older=older)
    served.check()
    assert served.walked == size


Change = Callable[[random.Random, bytes], bytes]


def flip(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def drop(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + 1 :]


def insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(1) + data[at:]


def swap(chance: random.Random, data: bytes) -> bytes:
    first, second = sorted(chance.sample(range(len(data)), 2))
    return (
        data[:first]
        + data[second : second + 1]
        + data[first + 1 : second]
        + data[first : first + 1]
        + data[second + 1 :]
    )


def truncate(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


CHANGES: tuple[Change, ...] = (flip, drop, insert, swap, truncate)


def rows_changed(chance: random.Random, entries: list[bytes]) -> list[bytes]:
    """The entries with one row changed, dropped, inserted, swapped, or all from one on cut off."""
    found = list(entries)
    at = chance.randrange(len(found))
    match chance.randrange(5):
        case 0:
            found[at] = flip(chance, found[at])
        case 1:
            del found[at]
        case 2:
            found.insert(at, chance.randbytes(16))
        case 3:
            other = (at + chance.randrange(1, len(found))) % len(found)
            found[at], found[other] = found[other], found[at]
        case _:
            del found[at:]
    return found


@pytest.mark.usefixtures("unmeasured")
def test_ten_thousand_changes_are_all_found() -> None:
    chance = random.Random(SEED)
    entries = leaves(300)
    good = serve(entries, older=280)
    good.check()
    missed = []
    tried = 0
    while tried < MUTATIONS:
        served = replace(good, bundles=list(good.bundles), tiles=list(good.tiles))
        match chance.randrange(4):
            case (
                0
            ):  # rows are changed and everything is made anew but the old checkpoint, as a forger with the key would
                forged = rows_changed(chance, entries)
                if forged[:280] == entries[:280]:
                    continue  # what came after the old checkpoint is not bound by it
                served = replace(serve(forged), older=good.older)
            case 1:
                place = chance.randrange(len(served.bundles))
                served.bundles[place] = chance.choice(CHANGES)(chance, served.bundles[place])
            case 2:
                place = chance.randrange(len(served.tiles))
                served.tiles[place] = chance.choice(CHANGES)(chance, served.tiles[place])
            case _:
                served.note = chance.choice(CHANGES)(chance, served.note)
        if (served.bundles, served.tiles, served.note) == (good.bundles, good.tiles, good.note):
            continue  # two equal bytes were swapped
        tried += 1
        try:
            served.check()
        except CertsError:
            continue
        missed.append(served)
    assert missed == []


def test_a_changed_entry_is_named() -> None:
    served = serve(leaves(300))
    entries = leaves(300)
    entries[270] = b"forged"
    served.bundles[1] = write_bundle(entries[256:])
    with pytest.raises(LogBrokenError) as fault:
        served.check()
    assert fault.value.reason == "entry-unlike-tile"
    assert "270" in fault.value.zh
    assert "270" in fault.value.en


@pytest.mark.parametrize(
    ("older", "reason"),
    [
        (Checkpoint(ORIGIN, 301, bytes(32)), "log-shrank"),
        (Checkpoint("another-hub", 5, bytes(32)), "another-log"),
        (Checkpoint(ORIGIN, 5, bytes(32)), "log-rewritten"),
        (Checkpoint(ORIGIN, 300, bytes(32)), "log-rewritten"),
    ],
)
def test_an_older_checkpoint_that_does_not_fit_is_told(older: Checkpoint, reason: str) -> None:
    served = serve(leaves(300))

    def check() -> None:
        walk = LogWalk(checkpoint_of(leaves(300)), older)
        for bundle, tile in zip(served.bundles, served.tiles, strict=True):
            walk.feed(read_bundle(bundle), tile)

    with pytest.raises(LogBrokenError) as fault:
        check()
    assert fault.value.reason == reason


def test_a_walk_that_ends_early_is_not_whole() -> None:
    entries = leaves(300)
    walk = LogWalk(checkpoint_of(entries))
    walk.feed(entries[:TILE_WIDTH], b"".join(map(leaf_hash, entries[:TILE_WIDTH])))
    with pytest.raises(LogBrokenError, match="256"):
        walk.finish()
    LogWalk(Checkpoint(ORIGIN, 0, EMPTY_ROOT)).finish()
