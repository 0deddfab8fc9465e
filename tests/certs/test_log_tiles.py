"""A copy of the log in tiles: read whole, compared with its checkpoint, and refused when anything in it was changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from certs.log_tiles import read_tiles
from certs.receipt_promise import LogRead
from certs.tile_files import write_bundle
from tests.support.log_copies import Served, anchors, filler
from tests.vectors.evidence.keys import HUB, Keys


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys.make()


@pytest.fixture
def served(keys: Keys) -> Served:
    """A log of 300 entries: a full tile, and a part of one."""
    return Served(keys, [filler(number) for number in range(300)])


def read(
    served: Served, paths: Mapping[str, bytes] | None = None, *, older: bytes | None = None
) -> tuple[LogRead, list[tuple[int, bytes | None]]]:
    """What came of reading, and what was shown."""
    shown: list[tuple[int, bytes | None]] = []
    found = served.paths if paths is None else paths
    done = read_tiles(found.get, anchors(served.keys), lambda index, _, leaf: shown.append((index, leaf)), older=older)
    return done, shown


def reason(done: LogRead) -> tuple[str, str]:
    failed = done.checked[-1]
    assert failed.outcome == "failed"
    assert failed.fault is not None
    return failed.name, failed.fault.reason


def test_a_whole_copy_is_shown_entry_by_entry(served: Served) -> None:
    done, shown = read(served)
    assert [(one.name, one.outcome) for one in done.checked] == [("checkpoint", "holds"), ("tree", "holds")]
    assert (done.origin, done.first) == (HUB, 0)
    assert shown == list(enumerate(served.leaves))


def test_a_copy_without_entries_shows_their_hashes(served: Served) -> None:
    done, shown = read(served, served.without_entries())
    assert done.checked[-1].outcome == "holds"
    assert shown == [(index, None) for index in range(300)]


def test_a_fuller_tile_than_the_checkpoint_needs_will_do(keys: Keys, served: Served) -> None:
    full = Served(keys, [filler(number) for number in range(512)])
    paths = full.paths | {"checkpoint": served.paths["checkpoint"]}
    done, shown = read(served, paths)
    assert done.checked[-1].outcome == "holds"
    assert shown == list(enumerate(served.leaves))


def test_an_empty_log_is_a_whole_copy(keys: Keys) -> None:
    done, shown = read(Served(keys, []))
    assert done.checked[-1].outcome == "holds"
    assert shown == []


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 300])
def test_an_older_checkpoint_of_this_log_agrees(served: Served, size: int) -> None:
    done, shown = read(served, older=served.note(size))
    assert done.checked[-1].outcome == "holds"
    assert shown == list(enumerate(served.leaves))


@pytest.mark.parametrize("size", [1, 256, 299])
def test_an_older_checkpoint_of_a_history_that_was_rewritten_does_not(keys: Keys, served: Served, size: int) -> None:
    before = Served(keys, [filler(-1), *served.leaves[1:]])
    assert reason(read(served, older=before.note(size))[0]) == ("tree", "log-rewritten")


def test_a_copy_that_is_shorter_than_the_kept_checkpoint_is_refused(keys: Keys, served: Served) -> None:
    longer = Served(keys, [*served.leaves, filler(300)])
    assert reason(read(served, older=longer.paths["checkpoint"])[0]) == ("tree", "log-shrank")


def test_a_checkpoint_of_another_key_is_refused(served: Served) -> None:
    other = Served(Keys.make(), served.leaves)
    assert reason(read(served, other.paths)[0])[0] == "checkpoint"
    assert reason(read(served, older=other.paths["checkpoint"])[0])[0] == "checkpoint"


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/0/001.p/44"])
def test_a_part_that_is_missing_is_named(served: Served, path: str) -> None:
    del served.paths[path]
    done, _ = read(served)
    assert done.checked[-1].fault is not None
    assert done.checked[-1].fault.reason == "tile-missing"
    assert path.split(".")[0] in done.checked[-1].fault.en


def test_changed_hashes_and_changed_entries_are_found(served: Served) -> None:
    tile = served.paths["tile/0/000"]
    paths = served.without_entries()
    assert reason(read(served, dict(paths) | {"tile/0/000": bytes(32) + tile[32:]})[0]) == (
        "tree",
        "root-unlike-checkpoint",
    )
    assert reason(read(served, dict(paths) | {"tile/0/000": tile[:-1]})[0]) == ("tree", "tile-form")
    forged = write_bundle([filler(-1), *served.leaves[1:256]])
    assert reason(read(served, served.paths | {"entries/000": forged})[0]) == ("tree", "entry-unlike-tile")
    short = write_bundle(list(served.leaves[:255]))
    assert reason(read(served, served.paths | {"entries/000": short})[0]) == ("tree", "tile-form")
    assert reason(read(served, served.paths | {"entries/000": b"\x00"})[0])[0] == "tree"
