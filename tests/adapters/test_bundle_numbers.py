"""The steps by which a numbered file appears: each on disk before the next, so that it is complete or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapters.bundle_numbers import Outgoing
from tests.adapters.bundle_folders import make_folders


def test_a_file_is_on_disk_before_its_number_is_and_both_before_it_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_folders(tmp_path)
    outgoing = Outgoing(base / "out", base / "state", "A_", "txt", 50)
    outgoing.put("lane", 1, [lambda series, number: b"first"], go_on=lambda: True)
    steps: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(handle: int) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115  of what is open there
        steps.append(f"sync {place.relative_to(base)}")
        sync(handle)

    def noted_rename(before: Path, after: Path) -> Path:
        steps.append(f"rename {before.relative_to(base)} {after.relative_to(base)}")
        return rename(before, after)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    (name,) = outgoing.put("lane", 2, [lambda series, number: b"second"], go_on=lambda: True)
    assert steps == [
        f"sync state/{name}.part",
        "sync state",
        "sync state/numbers.json.part",
        "rename state/numbers.json.part state/numbers.json",
        "sync state",
        f"rename state/{name}.part out/{name}",
        "sync out",
    ]
    assert (base / "out" / name).read_bytes() == b"second"
