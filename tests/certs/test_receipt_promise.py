"""Whether a log keeps what a receipt promises: every outcome, each with what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import HubKeyRole, Issued
from certs.receipt_promise import LogRead, Watch, verify_promise
from certs.statements import Checked, Verdict
from certs.tree import leaf_hash
from tests.support.log_copies import SEAL_BY, acceptance, anchors, certificates, filler, receipt
from tests.vectors.evidence.keys import HUB, NOW, Keys

SECOND = timedelta(seconds=1)
LATER = SEAL_BY + SECOND


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys.make()


def copy_of(
    leaves: Sequence[bytes], *, first: int = 0, shown: bool = True, origin: str = HUB
) -> Callable[[Watch], LogRead]:
    """Reads a copy with these leaves, whole and signed."""

    def read(watch: Watch) -> LogRead:
        for index, leaf in enumerate(leaves, first):
            watch(index, leaf_hash(leaf), leaf if shown else None)
        return LogRead([Checked("tree", "", "", "holds")], origin, first)

    return read


def judge(keys: Keys, read: Callable[[Watch], LogRead], compact: bytes | None = None) -> Verdict:
    return verify_promise(compact or receipt(keys), certificates(keys), anchors(keys), read)


def reason(verdict: Verdict) -> tuple[str, str]:
    assert verdict.failed is not None
    assert verdict.failed.fault is not None
    assert verdict.failed.fault.zh
    assert verdict.failed.fault.en
    return verdict.failed.name, verdict.failed.fault.reason


def test_an_entry_that_is_there_keeps_the_promise(keys: Keys) -> None:
    verdict = judge(keys, copy_of([filler(0), acceptance(), filler(1, LATER)]))
    assert verdict.failed is None
    names = ["receipt-form", "receipt-signer", "receipt-signature", "tree", "log", "promise"]
    assert [checked.name for checked in verdict.checked] == names


def test_an_entry_without_its_contents_keeps_the_promise_too(keys: Keys) -> None:
    assert judge(keys, copy_of([filler(0), acceptance()], shown=False)).failed is None


def test_an_entry_that_is_missing_though_the_log_goes_past_seal_by_breaks_it(keys: Keys) -> None:
    verdict = judge(keys, copy_of([filler(0), filler(1, LATER), filler(2)]))
    assert reason(verdict) == ("promise", "promise-broken")
    assert verdict.failed is not None
    assert "1" in verdict.failed.fault.en  # type: ignore[union-attr]
    assert LATER.isoformat() in verdict.failed.fault.en  # type: ignore[union-attr]


def test_an_entry_that_is_missing_from_a_log_that_ends_before_is_too_early_to_judge(keys: Keys) -> None:
    for leaves in ([filler(0)], [filler(0), filler(1, SEAL_BY)], [filler(1, SEAL_BY - SECOND), filler(0)]):
        assert reason(judge(keys, copy_of(leaves))) == ("promise", "too-early")


def test_an_entry_after_one_that_was_made_after_seal_by_was_sealed_late(keys: Keys) -> None:
    verdict = judge(keys, copy_of([filler(0), filler(1, LATER), acceptance()]))
    assert reason(verdict) == ("promise", "sealed-late")


def test_an_entry_that_was_itself_made_after_seal_by_was_sealed_late(keys: Keys) -> None:
    for at in (LATER, datetime.fromisoformat("9999-12-31T23:59:59-12:00")):
        leaf = acceptance(time=at.isoformat())
        verdict = judge(keys, copy_of([filler(0), leaf]), receipt(keys, promised=leaf))
        assert reason(verdict) == ("promise", "sealed-late")
        assert verdict.failed is not None
        assert at.isoformat() in verdict.failed.fault.en  # type: ignore[union-attr]


def test_a_copy_without_contents_does_not_show_how_far_the_log_goes(keys: Keys) -> None:
    assert reason(judge(keys, copy_of([filler(0), filler(1, LATER)], shown=False))) == ("promise", "time-not-shown")
    assert reason(judge(keys, copy_of([]))) == ("promise", "time-not-shown")
    assert reason(judge(keys, copy_of([b"{}", b"no json", b'{"time":"yesterday"}']))) == ("promise", "time-not-shown")


def test_who_fetched_the_copy_after_seal_by_knows_that_it_is_missing(keys: Keys) -> None:
    def fetched(at: datetime, leaves: Sequence[bytes], *, first: int = 0) -> tuple[str, str] | None:
        read = copy_of(leaves, shown=False, first=first)
        verdict = verify_promise(receipt(keys), certificates(keys), anchors(keys), read, fetched_at=at)
        return None if verdict.failed is None else reason(verdict)

    assert fetched(LATER, [filler(0)]) == ("promise", "absent-when-fetched")
    assert fetched(SEAL_BY, [filler(0)]) == ("promise", "time-not-shown")
    assert fetched(LATER, [acceptance()]) is None
    assert fetched(LATER, [filler(0)], first=3) == ("promise", "log-incomplete")


def test_a_part_of_the_log_shows_that_an_entry_is_there_but_not_that_it_is_missing(keys: Keys) -> None:
    assert judge(keys, copy_of([acceptance()], first=7)).failed is None
    assert reason(judge(keys, copy_of([filler(1, LATER)], first=7))) == ("promise", "log-incomplete")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "019aa8c0-0000-7000-8000-00000000000f"},
        {"event": "filler"},
        {"details": {}},
        {"details": None},
        {"time": (NOW + SECOND).isoformat()},
        {"time": None},
    ],
    ids=["id", "event", "digest", "details", "time", "no time"],
)
def test_a_promised_hash_of_an_entry_about_something_else_is_no_promise_kept(
    keys: Keys, changes: dict[str, Any]
) -> None:
    leaf = acceptance(**changes)
    verdict = judge(keys, copy_of([leaf]), receipt(keys, promised=leaf))
    assert reason(verdict) == ("promise", "entry-unlike-receipt")


def test_a_copy_that_does_not_hold_decides_nothing(keys: Keys) -> None:
    fault = judge(keys, copy_of([])).failed
    assert fault is not None

    def read(watch: Watch) -> LogRead:
        watch(0, leaf_hash(acceptance()), acceptance())
        return LogRead([Checked("tree", "", "", "failed", fault.fault)])

    verdict = judge(keys, read)
    assert [checked.name for checked in verdict.checked][-1] == "tree"
    assert verdict.failed is not None


def test_another_log_is_not_the_one_that_promised(keys: Keys) -> None:
    assert reason(judge(keys, copy_of([acceptance()], origin="dingxi-hub"))) == ("log", "log-mismatch")


@pytest.mark.parametrize(
    "compact",
    [b"", b"a.b.c", b"{}"],
    ids=["empty", "no-jws", "json"],
)
def test_what_is_no_receipt_fails_at_its_form(keys: Keys, compact: bytes) -> None:
    verdict = verify_promise(compact, certificates(keys), anchors(keys), copy_of([acceptance()]))
    assert reason(verdict) == ("receipt-form", "receipt-form")
    assert len(verdict.checked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"entry": "AAAA"},
        {"entry": "no base64"},
        {"entry": "枢"},
        {"entry": 43 * "/" + "="},
        {"seal_by": "soon"},
        {"lanes": "1"},
        {"note": "x"},
    ],
    ids=["short", "base64", "not-ascii", "unused-bits", "time", "type", "more"],
)
def test_a_receipt_of_another_form_is_refused(keys: Keys, changes: dict[str, Any]) -> None:
    verdict = judge(keys, copy_of([acceptance()]), receipt(keys, **changes))
    assert reason(verdict) == ("receipt-form", "receipt-form")


def test_only_the_hubs_receipt_key_promises(keys: Keys) -> None:
    keys.hub("projections", HubKeyRole.PROJECTIONS)
    log = copy_of([acceptance()])
    others = [keys.holders["projections"].certificate, *certificates(keys)]
    found = verify_promise(receipt(keys, holder="projections"), others, anchors(keys), log)
    assert reason(found) == ("receipt-signer", "signer-mismatch")
    assert reason(judge(keys, log, receipt(keys, holder="sender"))) == ("receipt-signer", "certificate-missing")
    assert reason(judge(keys, log, receipt(keys, key="sender"))) == ("receipt-signature", "signature-mismatch")
    assert reason(judge(keys, log, receipt(keys, hub="dingxi-hub"))) == ("receipt-signer", "signer-mismatch")
    later = (NOW + timedelta(days=4000)).isoformat()
    assert reason(judge(keys, log, receipt(keys, accepted_at=later))) == ("receipt-signer", "not-valid-then")


def test_somebody_elses_authority_promises_nothing(keys: Keys) -> None:
    evil = Keys.make()
    verdict = verify_promise(receipt(evil), certificates(evil), anchors(keys), copy_of([acceptance()]))
    assert reason(verdict) == ("receipt-signer", "not-trusted")


@given(
    times=st.lists(st.integers(-90, 90), max_size=12),
    place=st.one_of(st.none(), st.integers(0, 12)),
)
def test_the_verdict_is_that_of_the_definition(times: list[int], place: int | None) -> None:
    """Against a second way of saying it: kept when it stands before everything that was made after `seal_by`."""
    leaves = [filler(number, SEAL_BY + offset * SECOND) for number, offset in enumerate(times)]
    due = next((index for index, offset in enumerate(times) if offset > 0), None)
    expected: str | None
    if place is not None and place <= len(leaves):
        expected = None if due is None or place <= due else "sealed-late"
        leaves.insert(place, acceptance())
    elif due is not None:
        expected = "promise-broken"
    else:
        expected = "too-early" if leaves else "time-not-shown"
    failed = judge(_KEYS, copy_of(leaves), _RECEIPT).failed
    assert (failed and failed.fault and failed.fault.reason) == expected


_KEYS = Keys.make()
_RECEIPT = receipt(_KEYS)


def test_a_certificate_of_the_hub_whose_key_is_not_understood_signs_no_receipt(keys: Keys) -> None:
    """As one of SM2 is that stands in `hub.pem` beside others; anybody can name it in a header."""
    found = x509.load_der_x509_certificate(sm2_like(keys))
    keys.holders["sm2"] = Issued(keys.holders["receipt"].key, found)
    compact = receipt(keys, holder="sm2", key="receipt")
    verdict = verify_promise(compact, [*certificates(keys), found], anchors(keys), copy_of([acceptance()]))
    assert reason(verdict) == ("receipt-signature", "key-not-supported")


def sm2_like(keys: Keys) -> bytes:
    """The receipt's certificate with the curve of SM2 in its key, issued as properly as the other."""
    tbs = keys.holders["receipt"].certificate.tbs_certificate_bytes
    tbs = tbs.replace(bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a811ccf5501822d"))
    signature = keys.issuing.key.sign(tbs, ECDSA(SHA256()))  # type: ignore[call-arg]
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    bits = b"\x03" + bytes([len(signature) + 1]) + b"\x00" + signature
    body = tbs + algorithm + bits
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body
