"""The far side of a one-way gateway: what it believes, hands out once, finds missing, and acknowledges."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import HubKeyRole
from certs.canonical import canonical
from certs.digests import digest
from hub.client import Delivery, FolderError, bundle_rejected, bundles
from hub.client.bundle_state import Series, State
from hub.client.bundles import MAX_ACKNOWLEDGED
from hub.client.folder import write_durably
from tests.support.bundles import PROVIDER, SERIES, Gateway, make_gateway
from tests.support.client_side import NOW, RECORDS, County, make_county

OTHER_LANE = "0199c1f2-0000-7000-8000-00000000000b"


@pytest.fixture
def gateway(county: County) -> Gateway:
    return make_gateway(county)


def test_a_bundle_is_believed_handed_out_in_order_and_acknowledged(gateway: Gateway) -> None:
    items = [gateway.item(n) for n in (1, 2, 3)]
    gateway.lay("A.txt", gateway.bundle(1, items))
    taken = gateway.take()
    assert (taken.bundles, taken.deliveries, taken.repeated, taken.missing) == (1, 3, 0, {})
    assert [found.id for found in gateway.stored] == [item["delivery"] for item in items]
    assert gateway.stored[0].records == RECORDS
    assert gateway.left == []
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 3
    assert gateway.acknowledged() == [[{"id": item["delivery"], "digest": item["digest"]} for item in items]]
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 0
    assert len(gateway.acknowledged()) == 1


def test_bundles_are_taken_in_the_order_of_their_numbers_whatever_their_names(gateway: Gateway) -> None:
    numbers = list(range(1, 13))
    names = [f"{n:03d}.txt" for n in numbers]
    random.Random(7).shuffle(names)
    for number, name in zip(numbers, names, strict=True):
        gateway.lay(name, gateway.bundle(number, [gateway.item(number)]), age_s=number)
    assert gateway.take().bundles == 12
    assert gateway.sequences == numbers


def test_a_delivery_is_handed_out_once_though_its_bundles_repeat(gateway: Gateway) -> None:
    one, two = gateway.item(1), gateway.item(2)
    gateway.lay("a.txt", gateway.bundle(1, [one]))
    gateway.lay("copy.txt", gateway.bundle(1, [one]))
    taken = gateway.take()
    assert (taken.bundles, taken.deliveries, taken.repeated) == (1, 1, 1)
    gateway.lay("again.txt", gateway.bundle(2, [one, two]))
    taken = gateway.take()
    assert (taken.bundles, taken.deliveries, taken.repeated) == (1, 1, 0)
    assert gateway.sequences == [1, 2]
    gateway.bundles.acknowledge(gateway.outgoing, now=NOW)
    gateway.lay("again.txt", gateway.bundle(3, [one, two]))
    assert gateway.take().deliveries == 0
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 2  # the first acknowledgement may have been lost


def test_missing_numbers_are_reported_until_they_come(gateway: Gateway) -> None:
    gateway.lay("2.txt", gateway.bundle(2, [gateway.item(2)]))
    gateway.lay("7.txt", gateway.bundle(7, [gateway.item(7)]))
    gateway.lay("1.txt", gateway.bundle(1, [gateway.item(1)], series="BCDEFGHA"))
    assert gateway.take().missing == {SERIES: [(1, 1), (3, 6)]}
    assert gateway.bundles.missing() == {SERIES: [(1, 1), (3, 6)]}
    gateway.lay("5.txt", gateway.bundle(5, [gateway.item(5)]))
    assert gateway.take().missing == {SERIES: [(1, 1), (3, 4), (6, 6)]}


def test_a_bundle_that_was_overtaken_is_not_handed_out(gateway: Gateway) -> None:
    one, two = gateway.item(1), gateway.item(2)
    gateway.lay("new.txt", gateway.bundle(2, [one], fence=6))
    gateway.take()
    gateway.lay("old.txt", gateway.bundle(1, [one, two], fence=5))
    taken = gateway.take()
    assert (taken.deliveries, taken.repeated, taken.missing) == (0, 1, {})
    gateway.lay("next.txt", gateway.bundle(3, [two], fence=7))
    gateway.take()
    assert gateway.sequences == [1, 2]


def test_a_batch_in_several_bundles_is_handed_out_in_order_whatever_comes_first(gateway: Gateway) -> None:
    parts = {n: gateway.bundle(n, [gateway.item(n)], fence=5, first=3) for n in (3, 4, 5)}
    gateway.lay("b.txt", parts[4])
    taken = gateway.take()
    assert (taken.waiting, taken.deliveries, taken.missing) == (["b.txt"], 0, {SERIES: [(1, 3)]})
    gateway.lay("c.txt", parts[5])
    gateway.lay("other-lane.txt", gateway.bundle(9, [gateway.item(9, lane=OTHER_LANE)], lane=OTHER_LANE))
    assert gateway.take().waiting == ["b.txt", "c.txt"]
    assert gateway.sequences == [9]
    gateway.lay("a.txt", parts[3])
    taken = gateway.take()
    assert (taken.waiting, taken.deliveries, gateway.left) == ([], 3, [])
    assert gateway.sequences == [9, 3, 4, 5]


def test_who_waits_for_what_was_lost_goes_when_the_batch_comes_again(gateway: Gateway) -> None:
    one, two = gateway.item(1), gateway.item(2)
    gateway.lay("b.txt", gateway.bundle(2, [two], fence=5, first=1))
    gateway.take()
    gateway.lay("again-1.txt", gateway.bundle(3, [one], fence=6, first=3))
    gateway.lay("again-2.txt", gateway.bundle(4, [two], fence=6, first=3))
    gateway.take()
    assert gateway.sequences == [1, 2]
    taken = gateway.take()
    assert (taken.waiting, gateway.left, gateway.sequences) == ([], [], [1, 2])


def test_what_a_crash_left_is_handed_out_again_with_the_same_ids(gateway: Gateway) -> None:
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    seen: list[str] = []

    def crash(items: Sequence[Delivery]) -> None:
        seen.extend(item.id for item in items)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        gateway.bundles.take(gateway.incoming, crash, now=NOW)
    assert gateway.left == ["a.txt"]
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 0
    assert gateway.take().bundles == 1
    assert [found.id for found in gateway.stored] == seen


def test_a_bundle_is_removed_only_when_it_is_remembered(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(State, "save", full)
        with pytest.raises(OSError, match="no space"):
            gateway.take()
    assert gateway.left == ["a.txt"]
    assert gateway.take().deliveries == 1
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 1


def test_a_file_that_is_still_written_waits_and_holds_up_nothing(gateway: Gateway) -> None:
    whole = gateway.bundle(1, [gateway.item(1)])
    gateway.lay("b.txt", gateway.bundle(2, [gateway.item(2)]))
    for length in (0, 20, len(whole) // 2, len(whole) - 1):
        gateway.lay("a.txt", whole[:length])
        gateway.lay(".c.tmp", whole)
        taken = gateway.take()
        assert set(taken.waiting) == {"a.txt", ".c.tmp"}
    assert gateway.sequences == [2]
    (gateway.incoming / ".c.tmp").unlink()
    gateway.lay("a.txt", whole)
    assert gateway.take().missing == {}


def test_what_never_gets_whole_is_set_aside(gateway: Gateway) -> None:
    whole = gateway.bundle(1, [gateway.item(1)])
    for name, data in {"short.txt": whole[:-5], "long.txt": whole + b"x", "flip.txt": whole[:-3] + b"  \n"}.items():
        gateway.lay(name, data, age_s=10_000)
    assert set(gateway.take().refused) == {"short.txt", "long.txt", "flip.txt"}
    assert gateway.stored == []
    assert gateway.left == []


def test_what_stands_beside_an_envelope_is_believed_as_the_hub_signed_it_only(gateway: Gateway) -> None:
    whole = gateway.bundle(1, [gateway.item(1)])
    assert b'"sequence": 1' in whole
    gateway.lay("a.txt", whole.replace(b'"sequence": 1', b'"sequence": 9'))
    assert gateway.take().waiting == ["a.txt"]
    assert gateway.stored == []


Forge = Callable[[Gateway], bytes]
FORGED: dict[str, Forge] = {
    "signed-by-a-system": lambda g: g.bundle(1, [g.item(1)], key=g.county.systems[PROVIDER]),
    "signed-by-the-receipt-key": lambda g: g.bundle(1, [g.item(1)], key=g.county.hub_keys[HubKeyRole.RECEIPTS]),
    "for-another-system": lambda g: g.bundle(1, [g.item(1)], system=PROVIDER),
    "of-another-hub": lambda g: g.bundle(1, [g.item(1)], hub="dingxi-hub"),
    "of-another-lane": lambda g: g.bundle(1, [g.item(1, lane=str(uuid4()))]),
    "out-of-order": lambda g: g.bundle(1, [g.item(2), g.item(1)]),
    "twice-the-same-sequence": lambda g: g.bundle(1, [g.item(1), g.item(1)]),
    "wrong-digest": lambda g: g.bundle(1, [g.item(1, digest="sha-256:" + "0" * 64)]),
    "forged-envelope": lambda g: g.bundle(1, [g.item(1, envelope="a.b.c", digest=digest(b"a.b.c"))]),
    "no-item": lambda g: g.bundle(1, [{"delivery": 1}]),
    "no-text": lambda _: b"a.b.c\n" + b"d\n",
    "not-ascii": lambda _: "请查收\n".encode(),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_cannot_be_believed_is_set_aside_with_the_reason_and_holds_up_nothing(
    gateway: Gateway, forged: str
) -> None:
    gateway.lay("forged.txt", FORGED[forged](gateway))
    gateway.lay("good.txt", gateway.bundle(2, [gateway.item(2)]))
    taken = gateway.take()
    assert list(taken.refused) == ["forged.txt"]
    assert gateway.rejected == ["forged.txt", "forged.txt.reason.txt"]
    assert taken.refused["forged.txt"] in (gateway.incoming / "rejected/forged.txt.reason.txt").read_text("utf-8")
    assert gateway.sequences == [2]


def test_a_signature_by_somebody_elses_authority_is_not_believed(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = make_county(tmp_path / "elsewhere")
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)], key=elsewhere.hub_keys[HubKeyRole.PUSHES]))
    assert list(gateway.take().refused) == ["a.txt"]


def test_links_pipes_and_folders_are_not_followed(gateway: Gateway) -> None:
    secret = gateway.county.base / "elsewhere.txt"
    secret.write_bytes(gateway.bundle(1, [gateway.item(1)]))
    (gateway.incoming / "link.txt").symlink_to(secret)
    os.mkfifo(gateway.incoming / "fifo.txt")
    (gateway.incoming / "folder.txt").mkdir()
    assert set(gateway.take().refused) == {"link.txt", "fifo.txt"}
    assert gateway.stored == []
    assert secret.exists()
    (gateway.incoming / "link.txt").symlink_to(secret)
    gateway.take()
    assert "link.txt.1" in gateway.rejected


def test_what_is_set_aside_stays_in_the_folder_whatever_links_lie_there(gateway: Gateway, tmp_path: Path) -> None:
    elsewhere, precious = tmp_path / "elsewhere", tmp_path / "precious"
    elsewhere.mkdir()
    precious.write_text("kept")
    gateway.lay("authorized_keys", b"mine\n")
    folder = gateway.incoming / "rejected"
    folder.symlink_to(elsewhere)
    with pytest.raises(FolderError):
        gateway.take()
    assert list(elsewhere.iterdir()) == []
    folder.unlink()
    folder.mkdir()
    (folder / "authorized_keys.reason.txt").symlink_to(precious)
    (folder / "authorized_keys.1").symlink_to(precious)
    assert list(gateway.take().refused) == ["authorized_keys"]
    assert precious.read_text() == "kept"
    assert (folder / "authorized_keys.2").read_bytes() == b"mine\n"


@pytest.mark.parametrize("name", ["县" * 85, "a" * 255], ids=["chinese", "longest"])
def test_a_name_of_any_length_can_be_set_aside(gateway: Gateway, name: str) -> None:
    for _ in range(2):
        gateway.lay(name, b"hello\n")
        gateway.lay("good.txt", gateway.bundle(1, [gateway.item(1)]))
        assert list(gateway.take().refused) == [name]
    assert gateway.left == []
    assert len(gateway.rejected) == 4


def test_what_cannot_be_set_aside_is_left_without_a_reason(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    gateway.lay("a.txt", b"hello\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", full)
        with pytest.raises(FolderError, match="no space"):
            gateway.take()
    assert (gateway.left, gateway.rejected) == (["a.txt"], [])
    monkeypatch.setattr(bundle_rejected, "MOST_OF_A_NAME", 0)
    assert list(gateway.take().refused) == ["a.txt"]
    gateway.lay("a.txt", b"hello\n")
    with pytest.raises(FolderError):
        gateway.take()
    assert gateway.left == ["a.txt"]


def test_a_gateway_of_another_account_may_read_what_leaves(gateway: Gateway) -> None:
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    gateway.take()
    before = os.umask(0o022)
    try:
        gateway.bundles.acknowledge(gateway.outgoing, now=NOW)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in gateway.outgoing.iterdir()] == [0o644]


def test_a_certificate_comes_with_the_bundle_and_must_lead_to_our_anchor(gateway: Gateway) -> None:
    item = gateway.item(1)
    stranger = gateway.county.system("stranger")
    assert stranger.exists()
    chain = gateway.county.systems[PROVIDER]
    gateway.county.systems[PROVIDER] = gateway.county.systems["stranger"]
    gateway.lay("a.txt", gateway.bundle(1, [item]))
    gateway.county.systems[PROVIDER] = chain
    assert "certificate" in gateway.take().refused["a.txt"]


def test_one_folder_may_serve_for_both_ways(gateway: Gateway) -> None:
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    gateway.take()
    assert gateway.bundles.acknowledge(gateway.incoming, now=NOW) == 1
    (ours,) = gateway.left
    assert gateway.take().refused == {}
    assert gateway.left == [ours]


def test_many_deliveries_are_acknowledged_in_parts_that_the_hub_reads(gateway: Gateway) -> None:
    item = gateway.item(1)
    items = [item | {"delivery": str(uuid4()), "sequence": n} for n in range(1, MAX_ACKNOWLEDGED + 2)]
    gateway.lay("a.txt", gateway.bundle(1, items))
    gateway.take()
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == MAX_ACKNOWLEDGED + 1
    assert [len(part) for part in gateway.acknowledged()] == [MAX_ACKNOWLEDGED, 1]
    assert not list(gateway.outgoing.glob(".*"))


def test_a_death_gives_no_number_twice(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that knows files by their names would not carry the second one over."""
    gateway.lay("a.txt", gateway.bundle(1, [gateway.item(1)]))
    gateway.take()

    def die(*given: Any, **named: Any) -> None:
        write_durably(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bundles, "write_durably", die)
        with pytest.raises(KeyboardInterrupt):
            gateway.bundles.acknowledge(gateway.outgoing, now=NOW)
    (carried,) = gateway.outgoing.iterdir()
    carried.unlink()
    assert gateway.bundles.acknowledge(gateway.outgoing, now=NOW) == 1
    assert [path.name for path in gateway.outgoing.iterdir()] != [carried.name]


def test_folders_that_are_gone_and_a_damaged_memory_are_errors(gateway: Gateway) -> None:
    with pytest.raises(FolderError):
        gateway.bundles.take(gateway.incoming / "gone", gateway.stored.extend, now=NOW)
    with pytest.raises(FolderError):
        gateway.bundles.acknowledge(gateway.outgoing / "gone", now=NOW)
    gateway.take()
    (gateway.bundles.folder.path / "bundles").mkdir(exist_ok=True)
    for damaged in (b"{", b"{}", b"[]", canonical({"seen": 1})):
        (gateway.bundles.folder.path / "bundles/state.json").write_bytes(damaged)
        with pytest.raises(FolderError):
            gateway.bundles.missing()


@given(st.lists(st.integers(1, 30), max_size=40))
def test_a_series_knows_what_is_missing_and_what_repeats(numbers: list[int]) -> None:
    series, seen = Series(), set[int]()
    for number in numbers:
        assert series.note(number) is (number not in seen)
        seen.add(number)
    missing = [n for first, last in series.missing for n in range(first, last + 1)]
    assert missing == sorted(set(range(1, max(seen, default=0))) - seen)


def test_a_number_far_ahead_costs_no_memory() -> None:
    series = Series()
    assert series.note(2**50)
    assert series.missing == [(1, 2**50 - 1)]


def test_a_memory_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    state = State(number=3)
    state.seen["S"] = Series(9, [(2, 4)])
    state.fences["lane"] = 4
    state.keep([("a", "d1"), ("b", "d2")])
    state.save(tmp_path)
    assert State.load(tmp_path) == state


def test_a_memory_forgets_the_oldest_deliveries_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.client.bundle_state.REMEMBERED", 2)
    state = State()
    state.keep([("a", "1"), ("b", "2"), ("a", "1"), ("c", "3")])
    assert list(state.had) == ["a", "c"]
    assert list(state.unacknowledged) == ["a", "b", "c"]
