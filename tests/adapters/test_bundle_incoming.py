"""Acknowledgements that a gateway lays into a folder: whole ones once, the rest never in the way and never lost."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import bundle_incoming
from adapters.bundle import BundleAdapter
from adapters.bundle_container import NotABundle, read_acknowledgement
from adapters.errors import Unreachable, WrongCredentials
from adapters.protocol import Limits, Polling
from adapters.testing import Behaviour
from tests.adapters.bundle_folders import (
    ACKNOWLEDGEMENT,
    FolderReceiver,
    acknowledgement_file,
    make_adapter,
    make_folders,
)

OLD_S = 10_000
WHOLE = acknowledgement_file()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_folders(tmp_path)


@pytest.fixture
def adapter(base: Path) -> BundleAdapter:
    found = make_adapter(base)
    assert isinstance(found, Polling)
    return found


def lay(base: Path, name: str, data: bytes, *, age_s: float = 0) -> Path:
    path = base / "in" / name
    path.write_bytes(data)
    moment = time.time() - age_s
    os.utime(path, (moment, moment))
    return path


def left(base: Path) -> list[str]:
    return sorted(path.name for path in (base / "in").iterdir() if path.is_file() or path.is_symlink())


def rejected(base: Path) -> dict[str, str]:
    """Names of what was set aside, with the first word of the reason that lies beside it."""
    folder = base / "in/rejected"
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    return {
        name: (folder / f"{name}.reason.txt").read_text("utf-8").split()[0]
        for name in names
        if not name.endswith(".reason.txt")
    }


async def test_acknowledgements_come_oldest_first_and_again_until_they_are_put_away(
    base: Path, adapter: BundleAdapter
) -> None:
    expected = []
    for age, name in ((5, "A.txt"), (50, "C.txt"), (20, "B.txt")):
        lay(base, name, acknowledgement_file(f"ack.{age}.jws".encode()), age_s=age)
    expected = [b"ack.50.jws", b"ack.20.jws", b"ack.5.jws"]
    assert await adapter.poll(limit=10) == expected
    assert await adapter.poll(limit=2) == expected[:2]
    for found in await adapter.poll(limit=10):
        await adapter.put_away(found)
    assert left(base) == []
    assert await adapter.poll(limit=10) == []
    await adapter.close()


async def test_what_is_put_away_twice_or_was_never_there_is_no_error(base: Path, adapter: BundleAdapter) -> None:
    path = lay(base, "a.txt", WHOLE)
    await adapter.poll(limit=1)
    path.unlink()
    await adapter.put_away(ACKNOWLEDGEMENT)
    await adapter.put_away(ACKNOWLEDGEMENT)
    await adapter.close()


async def test_the_same_acknowledgement_in_two_files_comes_once_and_leaves_none(
    base: Path, adapter: BundleAdapter
) -> None:
    lay(base, "a.txt", WHOLE)
    lay(base, "b.txt", acknowledgement_file(number=2))
    assert await adapter.poll(limit=10) == [ACKNOWLEDGEMENT]
    await adapter.put_away(ACKNOWLEDGEMENT)
    assert left(base) == []
    await adapter.close()


async def test_a_refused_acknowledgement_is_set_aside_with_the_reason(base: Path, adapter: BundleAdapter) -> None:
    lay(base, "a.txt", WHOLE)
    for again in ("a.txt", "a.txt.1"):
        lay(base, "a.txt", WHOLE)
        await adapter.poll(limit=10)
        await adapter.put_away(ACKNOWLEDGEMENT, refused="not-found")
        assert rejected(base)[again] == "not-found"
        assert (base / "in/rejected" / again).read_bytes() == WHOLE
    assert left(base) == []
    assert await adapter.poll(limit=10) == []
    await adapter.close()


async def test_a_file_that_is_still_written_waits_and_does_not_hold_up_the_others(
    base: Path, adapter: BundleAdapter
) -> None:
    path = lay(base, "a.txt", b"", age_s=60)
    lay(base, "b.txt", acknowledgement_file(b"ack.b.jws"))
    for length in (0, 10, len(WHOLE) - 1):
        lay(base, "a.txt", WHOLE[:length], age_s=60)
        assert await adapter.poll(limit=10) == [b"ack.b.jws"]
    lay(base, "a.txt", WHOLE, age_s=60)
    assert await adapter.poll(limit=10) == [ACKNOWLEDGEMENT, b"ack.b.jws"]
    assert path.exists()
    await adapter.close()


async def test_a_hidden_name_is_a_gateways_own_until_it_is_renamed(base: Path, adapter: BundleAdapter) -> None:
    lay(base, ".a.txt.tmp", WHOLE)
    assert await adapter.poll(limit=10) == []
    assert left(base) == [".a.txt.tmp"]
    await adapter.close()


BROKEN = {
    "empty.txt": (b"", "incomplete"),
    "half.txt": (WHOLE[: len(WHOLE) // 2], "incomplete"),
    "note.doc": ("请查收\n".encode(), "not-a-bundle"),
    "two.txt": (b"a.b\n", "not-a-bundle"),
    "number.txt": (b"e30.MQ.e30\n", "not-an-acknowledgement"),
    "json.txt": (b"e30.e30.e30\n", "not-an-acknowledgement"),
    "longer.txt": (WHOLE + b"x", "digest-mismatch"),
    "flipped.txt": (WHOLE[:-10] + b"!" + WHOLE[-9:], "digest-mismatch"),
    "deliveries.txt": (acknowledgement_file(kind="deliveries", lane="0199c1f2-0000-7000-8000-000000000001", fence=1, first=1,
        parts=[{"kind": "item", "size": 1, "digest": "sha-256:" + "0" * 64}]), "not-an-acknowledgement"),
    "huge.txt": (b"a" * (400 << 10), "too-large"),
    "line.txt": (b"a" * (300 << 10), "incomplete"),
    ".hidden.txt": (WHOLE, "hidden"),
}  # fmt: skip


async def test_what_is_no_acknowledgement_is_set_aside_with_the_reason_once_nothing_is_written_to_it(
    base: Path, adapter: BundleAdapter
) -> None:
    for name, (data, _) in BROKEN.items():
        lay(base, name, data, age_s=60)
    (base / "in/link.txt").symlink_to("/etc/passwd")
    os.mkfifo(base / "in/fifo.txt")
    (base / "in/folder").mkdir()
    lay(base, "good.txt", WHOLE)
    assert await adapter.poll(limit=100) == [ACKNOWLEDGEMENT]
    assert rejected(base) == {}
    for path in (base / "in").iterdir():
        if path.name != "good.txt":
            os.utime(path, (1, time.time() - OLD_S), follow_symlinks=False)
    assert await adapter.poll(limit=100) == [ACKNOWLEDGEMENT]
    assert rejected(base) == {name: reason for name, (_, reason) in BROKEN.items()} | {
        "link.txt": "unreadable",
        "fifo.txt": "not-a-file",
    }
    assert (base / "in/rejected/link.txt").is_symlink()
    assert left(base) == ["good.txt"]
    await adapter.close()


async def test_what_is_set_aside_stays_in_the_folder_whatever_links_lie_there(
    base: Path, adapter: BundleAdapter, tmp_path: Path
) -> None:
    elsewhere, precious = tmp_path / "elsewhere", tmp_path / "precious"
    elsewhere.mkdir()
    precious.write_text("kept")
    lay(base, "authorized_keys", b"mine", age_s=OLD_S)
    (base / "in/rejected").symlink_to(elsewhere)
    with pytest.raises(Unreachable):
        await adapter.poll(limit=10)
    assert list(elsewhere.iterdir()) == []
    assert left(base) == ["authorized_keys", "rejected"]
    (base / "in/rejected").unlink()
    (base / "in/rejected").mkdir()
    (base / "in/rejected/authorized_keys.reason.txt").symlink_to(precious)
    (base / "in/rejected/authorized_keys.1").symlink_to(precious)
    assert await adapter.poll(limit=10) == []
    assert precious.read_text() == "kept"
    assert (base / "in/rejected/authorized_keys.2").read_bytes() == b"mine"
    await adapter.close()


async def test_what_cannot_be_set_aside_holds_up_no_acknowledgement(base: Path, adapter: BundleAdapter) -> None:
    lay(base, "rejected", b"a file where the folder should be", age_s=OLD_S)
    lay(base, "good.txt", WHOLE)
    assert await adapter.poll(limit=10) == [ACKNOWLEDGEMENT]
    await adapter.put_away(ACKNOWLEDGEMENT)
    with pytest.raises(Unreachable):
        await adapter.poll(limit=10)
    await adapter.close()


@pytest.mark.parametrize("name", ["县" * 85, "a" * 255, "a" * 240], ids=["chinese", "longest", "long"])
async def test_a_name_of_any_length_can_be_set_aside(base: Path, adapter: BundleAdapter, name: str) -> None:
    for again in ("", ".1"):
        lay(base, name, b"x\n", age_s=OLD_S)
        assert await adapter.poll(limit=10) == []
        assert left(base) == []
        kept = [path.name for path in (base / "in/rejected").iterdir() if not path.name.endswith(".reason.txt")]
        assert name[:60] in max(kept, key=len)
        assert max(kept, key=len).endswith(again)
    assert list(rejected(base).values()) == ["not-a-bundle"] * 2
    await adapter.close()


async def test_a_disk_that_is_full_leaves_what_is_to_be_set_aside_where_it_is(
    base: Path, adapter: BundleAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(base, "a.txt", b"x\n", age_s=OLD_S)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", full)
        with pytest.raises(Unreachable) as caught:
            await adapter.poll(limit=10)
    assert caught.value.reason == "folder-full"
    assert left(base) == ["a.txt"]
    assert list((base / "in/rejected").iterdir()) == []
    await adapter.close()


async def test_a_file_that_is_gone_before_it_is_set_aside_leaves_no_reason(
    base: Path, adapter: BundleAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lay(base, "a.txt", b"x\n", age_s=OLD_S)
    rename = os.rename

    def after_another_worker(source: Any, *rest: Any, **options: Any) -> None:
        path.unlink()
        rename(source, *rest, **options)

    monkeypatch.setattr(os, "rename", after_another_worker)
    assert await adapter.poll(limit=10) == []
    assert list((base / "in/rejected").iterdir()) == []
    await adapter.close()


async def test_a_name_that_was_set_aside_all_too_often_stays(
    base: Path, adapter: BundleAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_incoming, "MOST_OF_A_NAME", 1)
    for _ in range(2):
        lay(base, "a.txt", b"x\n", age_s=OLD_S)
        await adapter.poll(limit=10)
    lay(base, "a.txt", b"y\n", age_s=OLD_S)
    with pytest.raises(Unreachable):
        await adapter.poll(limit=10)
    assert left(base) == ["a.txt"]
    assert list(rejected(base)) == ["a.txt", "a.txt.1"]
    await adapter.close()


async def test_folders_take_no_files_place_among_those_looked_at(
    base: Path, adapter: BundleAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_incoming, "MOST_LOOKED_AT", 1)
    for number in range(9):
        (base / f"in/{number}").mkdir()
    lay(base, "good.txt", WHOLE)
    assert await adapter.poll(limit=10) == [ACKNOWLEDGEMENT]
    await adapter.close()


async def test_an_acknowledgement_beyond_its_bound_is_none(base: Path) -> None:
    adapter = make_adapter(base, limits=Limits(acknowledgement_bytes=1024))
    lay(base, "large.txt", acknowledgement_file(b"a" * (300 << 10)), age_s=OLD_S)
    os.truncate(lay(base, "giant.txt", b""), 1 << 40)  # more than there is memory for
    os.utime(base / "in/giant.txt", (1, 1))
    assert await adapter.poll(limit=10) == []
    assert rejected(base) == {"giant.txt": "too-large", "large.txt": "too-large"}
    await adapter.close()


async def test_a_folder_that_is_gone_is_unreachable(base: Path, adapter: BundleAdapter) -> None:
    (base / "in").rmdir()
    with pytest.raises(Unreachable):
        await adapter.poll(limit=1)
    assert not (base / "in").exists()
    await adapter.close()


async def test_a_folder_that_may_not_be_read_is_a_matter_of_credentials(tmp_path: Path) -> None:
    receiver = FolderReceiver(tmp_path / "denied")
    adapter = make_adapter(receiver.base)
    receiver.behaviour = Behaviour.DISBELIEVE
    try:
        with pytest.raises(WrongCredentials):
            await adapter.poll(limit=1)
    finally:
        receiver.behaviour = Behaviour.CONFIRM
    await adapter.close()


@given(st.binary(max_size=300))
def test_any_bytes_are_an_acknowledgement_or_none(data: bytes) -> None:
    for tried in (data, data + b"\n", WHOLE + data, data + WHOLE):
        with contextlib.suppress(NotABundle):
            assert read_acknowledgement(tried) == ACKNOWLEDGEMENT


@given(st.integers(0, len(WHOLE) - 1))
def test_no_beginning_of_a_file_is_taken_for_the_whole(length: int) -> None:
    with pytest.raises(NotABundle) as caught:
        read_acknowledgement(WHOLE[:length])
    assert caught.value.reason == "incomplete"
