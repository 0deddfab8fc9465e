"""Bundles out into a real folder and acknowledgements in from one, with the trouble that file systems make."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from adapters.bundle import BundleAdapter
from adapters.bundle_container import Part, size, split
from adapters.errors import (
    AdapterError,
    Rejected,
    SettingsInvalid,
    Stale,
    TimedOut,
    Unavailable,
    Unreachable,
    WrongCredentials,
)
from adapters.protocol import Batch, Limits, NoSecrets, Outcome, Surroundings
from adapters.registry import build, find
from adapters.testing import Behaviour, PushContract, Receiver, again, make_batch
from tests.adapters.bundle_folders import (
    SYSTEM,
    WAITING_LIMIT,
    FolderReceiver,
    NotaryOfTests,
    items,
    make_adapter,
    make_folders,
    now,
    numbers,
    receiving,
    settings,
    written,
)
from tests.adapters.http_receiver import HUB, hub_signer


class TestBundle(PushContract):
    beyond = frozenset(
        {
            Behaviour.ACKNOWLEDGE,  # comes later, by another way
            Behaviour.STALE,  # knows the lane: see the test below
            Behaviour.HUGE_ANSWER,
            Behaviour.HUGE_ACKNOWLEDGEMENT,
        }
    )
    confirmed = Outcome.HANDED_OVER

    @pytest.fixture(autouse=True)
    def _base(self, tmp_path: Path) -> None:
        self.base = tmp_path / "gateway"

    def receiver(self) -> AbstractAsyncContextManager[Receiver]:
        return receiving(self.base)

    def adapter(self, receiver: Receiver, limits: Limits) -> BundleAdapter:
        assert isinstance(receiver, FolderReceiver)
        rejects = receiver.behaviour is Behaviour.REJECT
        return make_adapter(
            receiver.base,
            limits=limits,
            waiting_limit=WAITING_LIMIT,
            max_bytes=(64 << 10) if rejects else (1 << 20),
            notary=NotaryOfTests(b"-" * (64 << 10)) if rejects else None,
        )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_folders(tmp_path)


async def push(base: Path, batch: Batch, **changes: Any) -> str:
    adapter = make_adapter(base, **changes)
    pushed = await adapter.push(batch)
    await adapter.close()
    assert pushed.outcome is Outcome.HANDED_OVER
    return pushed.answer.decode()


async def refusal(base: Path, batch: Batch, kind: type[AdapterError], **changes: Any) -> str:
    with pytest.raises(kind) as caught:
        await push(base, batch, **changes)
    assert str(base) not in str(caught.value).replace(str(base / "state/numbers.json"), "")
    return caught.value.reason


async def test_a_bundle_names_its_hub_system_lane_fence_and_number_and_lists_its_parts(base: Path) -> None:
    batch = make_batch(2, fence=7)
    name = await push(base, batch)
    manifest = written(base)[0].manifest
    assert (manifest.kind, manifest.hub, manifest.system) == ("deliveries", HUB, SYSTEM)
    assert (manifest.lane, manifest.fence, manifest.number) == (str(batch.lane), 7, 1)
    assert [part.kind for part in manifest.parts] == ["certificates", "item", "item"]
    assert items(written(base)[0]) == [item.members() for item in batch.items]
    assert name == f"SHUNIU_{manifest.series}_0000000001.txt"
    assert os.listdir(base / "out") == [name]  # noqa: PTH208


async def test_names_are_what_the_gateway_lets_pass(base: Path) -> None:
    name = await push(base, make_batch(), prefix="LINTAO", extension="DAT")
    assert name.startswith("LINTAO")
    assert name.endswith(".DAT")
    assert all(letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_" for letter in name.removesuffix(".DAT"))


async def test_a_file_is_text_whose_lines_are_ascii(base: Path) -> None:
    name = await push(base, make_batch())
    lines = (base / "out" / name).read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == 5
    assert all(line.isascii() and line.decode().isprintable() for line in lines)


async def test_numbers_grow_without_gaps_over_lanes_and_over_restarts(base: Path) -> None:
    for _ in range(3):
        await push(base, make_batch(1))
    assert numbers(base) == [1, 2, 3]
    assert len({bundle.manifest.series for bundle in written(base)}) == 1


async def test_a_new_state_folder_begins_a_series_of_its_own(base: Path) -> None:
    await push(base, make_batch(1))
    (base / "state/numbers.json").unlink()
    await push(base, make_batch(1))
    assert numbers(base) == [1, 1]
    assert len({bundle.manifest.series for bundle in written(base)}) == 2


async def test_a_state_folder_put_back_from_a_backup_overwrites_no_file(base: Path) -> None:
    await push(base, make_batch(1))
    before = (base / "state/numbers.json").read_bytes()
    await push(base, make_batch(1))
    (base / "state/numbers.json").write_bytes(before)
    await push(base, make_batch(1))
    assert numbers(base) == [1, 2, 3]


async def test_a_batch_too_large_for_one_file_goes_in_several(base: Path) -> None:
    batch = make_batch(300)
    names = (await push(base, batch, max_bytes=64 << 10)).split()
    found = written(base)
    assert len(found) > 2
    assert [item for bundle in found for item in items(bundle)] == [item.members() for item in batch.items]
    assert all(path.stat().st_size <= 64 << 10 for path in (base / "out").iterdir())
    await push(base, make_batch(1))
    assert [bundle.manifest.first for bundle in written(base)] == [1] * len(found) + [len(found) + 1]
    assert names[0] == min(path.name for path in (base / "out").iterdir())


def test_parts_never_need_more_room_than_was_planned() -> None:
    always = Part("certificates", b"c" * 1000)
    planned = list(split([Part("item", b"i" * length) for length in (10, 5000, 90_000, 3, 3)], always, 10_000))
    assert [[len(part.line) for part in parts] for parts in planned] == [[1000, 10, 5000], [1000, 90_000], [1000, 3, 3]]
    assert [size(parts) <= 10_000 for parts in planned] == [True, False, True]


async def test_an_item_that_fits_into_no_file_is_refused_and_nothing_is_written(base: Path) -> None:
    batch = make_batch(2)
    large = replace(batch, items=(batch.items[0], replace(batch.items[1], envelope="a" * (70 << 10))))
    assert await refusal(base, large, Rejected, max_bytes=64 << 10) == "item-too-large"
    assert not written(base)


async def test_a_lower_fence_is_not_written_after_a_higher_one(base: Path) -> None:
    batch = make_batch(2, fence=5)
    await push(base, batch)
    assert await refusal(base, replace(batch, fence=4), Stale) == "stale"
    await push(base, again(batch))
    await push(base, make_batch(2, fence=1))
    assert [bundle.manifest.fence for bundle in written(base)] == [5, 6, 1]


async def test_nothing_appears_once_the_lease_is_over_even_if_it_was_begun_before(base: Path) -> None:
    batch = make_batch(1)
    # The lease is looked at before, under the lock, and for the manifest's time; it is over when the file would appear.
    early = iter([batch.expires - timedelta(seconds=10)] * 3)
    adapter = make_adapter(base, clock=lambda: next(early, batch.expires))
    with pytest.raises(TimedOut):
        await adapter.push(batch)
    await adapter.close()
    assert not written(base)
    await push(base, again(make_batch(1)))
    assert numbers(base) == [1]


async def test_no_more_files_wait_for_the_gateway_than_allowed(base: Path) -> None:
    for _ in range(2):
        await push(base, make_batch(1), waiting_limit=2)
    assert await refusal(base, make_batch(1), Unavailable, waiting_limit=2) == "gateway-behind"
    next((base / "out").iterdir()).unlink()
    await push(base, make_batch(1), waiting_limit=2)


@pytest.mark.parametrize("name", ["out", "state"])
async def test_a_mount_that_is_gone_is_unreachable_and_nothing_is_made_in_its_place(base: Path, name: str) -> None:
    (base / name).rmdir()
    assert await refusal(base, make_batch(1), Unreachable) == "folder-missing"
    assert not (base / name).exists()
    (base / name).mkdir()
    await push(base, make_batch(1))
    assert numbers(base) == [1]


async def test_a_disk_that_is_full_leaves_no_trace(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = FolderReceiver(base / "full")
    receiver.behaviour = Behaviour.BREAK
    try:
        assert await refusal(receiver.base, make_batch(4), Unreachable) == "folder-full"
        assert not list((receiver.base / "state").glob("*SHUNIU*"))
    finally:
        receiver.behaviour = Behaviour.CONFIRM
    await push(receiver.base, make_batch(4))
    assert numbers(receiver.base) == [1]


def test_a_state_folder_on_another_file_system_says_so(base: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == base.stat().st_dev:
        pytest.skip("there is one file system only")
    state = shared / f"shuniu-{os.getpid()}"
    state.mkdir()
    try:
        assert asyncio.run(refusal(base, make_batch(1), Unreachable, state=str(state))) == "other-file-system"
    finally:
        for path in state.iterdir():
            path.unlink()
        state.rmdir()


async def test_what_a_death_left_half_written_is_removed(base: Path) -> None:
    left = base / "state/OLDPREFIX_ABCDEFGH_0000000001.txt.part"
    left.write_bytes(b"half")
    await push(base, make_batch(1))
    assert not left.exists()
    assert numbers(base) == [1]


async def test_damaged_numbers_are_no_new_beginning(base: Path) -> None:
    (base / "state/numbers.json").write_text("{")
    assert await refusal(base, make_batch(1), Unreachable) == "numbers-damaged"


async def test_a_folder_that_may_not_be_entered_is_a_matter_of_credentials(base: Path) -> None:
    receiver = FolderReceiver(base / "denied")
    receiver.behaviour = Behaviour.DISBELIEVE
    try:
        assert await refusal(receiver.base, make_batch(1), WrongCredentials) == "folder-denied"
    finally:
        receiver.behaviour = Behaviour.CONFIRM


async def test_a_push_says_when_it_goes_again(base: Path) -> None:
    adapter = make_adapter(base, acknowledged_within_s=90)
    assert (await adapter.push(make_batch(1))).again_after_s == 90
    await adapter.close()


def bad_settings(**changes: Any) -> Callable[[], object]:
    return lambda: settings(Path("/srv/bundles"), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"outgoing": "out"},
        {"outgoing": "/srv/../etc"},
        {"outgoing": "/srv//out"},
        {"outgoing": "/srv/bundles/in"},
        {"incoming": "/srv/bundles/out/in"},
        {"state": "/srv/bundles/out/state"},
        {"state": "/srv/bundles/in/state"},
        {"outgoing": "/srv/bundles/state"},
        {"prefix": "a/b"},
        {"prefix": ""},
        {"prefix": "数据"},
        {"extension": "tar.gz"},
        {"max_bytes": 100},
        {"waiting_limit": 0},
        {"unknown": 1},
    ],
    ids=lambda changes: "-".join(map(str, changes.items())),
)
def test_settings_that_would_not_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(Path("/srv/bundles"), **changes)


def test_an_adapter_of_bundles_needs_who_signs_and_whom_for(base: Path) -> None:
    given = settings(base).model_dump()
    for named in ({"notary": NotaryOfTests()}, {"system": SYSTEM}):
        with pytest.raises(SettingsInvalid) as caught:
            build("bundle", settings=given, secrets={}, signer=hub_signer(), clock=now, **named)
        assert caught.value.reason == "no-notary"
    surroundings = Surroundings(settings(base), NoSecrets(), hub_signer(), now, notary=NotaryOfTests(), system=SYSTEM)
    assert isinstance(find("bundle")(surroundings), BundleAdapter)


async def test_a_folder_that_hangs_holds_up_its_own_calls_only(base: Path) -> None:
    receiver = FolderReceiver(base / "hangs")
    receiver.behaviour = Behaviour.HANG
    stuck = make_adapter(receiver.base, limits=Limits(call_s=3))
    begun = time.monotonic()
    outcomes = await asyncio.gather(
        *(stuck.push(make_batch(1)) for _ in range(5)), push(base, make_batch(1)), return_exceptions=True
    )
    assert time.monotonic() - begun < 30
    assert [isinstance(found, TimedOut) for found in outcomes] == [True] * 5 + [False]
    receiver.behaviour = Behaviour.CONFIRM
    await stuck.push(make_batch(1))
    assert numbers(receiver.base) == [1]
    await stuck.close()


def test_a_manifest_lists_sizes_and_digests(base: Path) -> None:
    asyncio.run(push(base, make_batch(1)))
    bundle = written(base)[0]
    assert [part.size for part in bundle.manifest.parts] == [len(part) for part in bundle.parts]
    assert set(orjson.loads(bundle.parts[0])) == {"pem"}
