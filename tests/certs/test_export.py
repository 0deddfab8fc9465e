"""Exported logs: every part of a log proves itself, and whatever is changed in a file is found, at its statement."""

from __future__ import annotations

import base64
import io
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import HubKeyRole
from certs.canonical import canonical
from certs.checkpoint import Checkpoint, sign
from certs.digests import b64u_decode, b64u_encode
from certs.export import STATEMENTS, Exported, ExportVerdict, verify_export
from certs.export_form import FIRST_BYTES, LONGEST_LINE, Counts
from certs.export_writing import write_end, write_head, write_line
from certs.suites import KeySigner
from certs.tree import EMPTY_ROOT, Frontier, leaf_hash
from tests.support.exports import HUB, Exporting, leaves

ENTRIES = leaves(300)
SEED = 20261122


@pytest.fixture(scope="module")
def hub() -> Exporting:
    return Exporting()


def judge(hub: Exporting, data: bytes, *, older: bytes | None = None) -> ExportVerdict:
    return verify_export(io.BytesIO(data), hub.anchors, older=older)


def failure(verdict: ExportVerdict) -> tuple[str, str]:
    """The statement that failed, and why."""
    assert verdict.failed is not None
    assert verdict.failed.fault is not None
    return verdict.failed.name, verdict.failed.fault.reason


def outcomes(verdict: ExportVerdict) -> dict[str, str]:
    return {checked.name: checked.outcome for checked in verdict.checked}


def test_a_whole_log_holds_in_every_statement(hub: Exporting) -> None:
    data = hub.file(ENTRIES)
    assert data.startswith(FIRST_BYTES)
    verdict = judge(hub, data, older=hub.note(ENTRIES[:280]))
    assert verdict.failed is None
    assert outcomes(verdict) == dict.fromkeys([statement.name for statement in STATEMENTS], "holds")
    assert verdict.export is not None
    assert verdict.checkpoint is not None
    assert (verdict.export.hub, verdict.export.first, verdict.export.until) == (HUB, 0, 300)
    assert verdict.checkpoint.size == 300


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 300])
def test_every_part_of_a_log_proves_itself(hub: Exporting, size: int) -> None:
    entries = ENTRIES[:size]
    edges = sorted({0, 1, 255, 256, 257, size - 1, size} & set(range(size + 1)))
    for first in edges:
        for until in (edge for edge in edges if edge >= first):
            verdict = judge(hub, hub.file(entries, first, until))
            assert verdict.failed is None, (first, until, failure(verdict))
            assert (outcomes(verdict)["whole"] == "holds") == (first == 0 and until == size)


def test_a_filter_leaves_the_hashes_so_that_the_tree_is_proved_all_the_same(hub: Exporting) -> None:
    seen: list[Exported] = []
    verdict = verify_export(io.BytesIO(hub.file(ENTRIES, every=7)), hub.anchors, watch=seen.append)
    assert verdict.failed is None
    assert outcomes(verdict)["whole"] == "absent"
    assert [one.index for one in seen] == list(range(300))
    assert [one.hashed for one in seen] == list(map(leaf_hash, ENTRIES))
    assert [one.leaf for one in seen] == [leaf if at % 7 == 0 else None for at, leaf in enumerate(ENTRIES)]


def changed(lines: list[bytes], at: int, line: bytes) -> list[bytes]:
    return [*lines[:at], line, *lines[at + 1 :]]


FORGED = b'{"event":"forged"}'
CHANGES: dict[str, tuple[Callable[[Exporting, list[bytes]], list[bytes]], str, str]] = {
    "an entry is changed": (
        lambda _, lines: changed(lines, 8, write_line(7, leaf_hash(ENTRIES[7]), FORGED)),
        "entries",
        "entry-unlike-hash",
    ),
    "an entry is changed with its hash": (
        lambda _, lines: changed(lines, 8, write_line(7, leaf_hash(FORGED), FORGED)),
        "tree",
        "root-mismatch",
    ),
    "an entry was removed from the hub": (
        lambda _, lines: changed(lines, 8, write_line(7, leaf_hash(ENTRIES[7]), missing=True)),
        "entries",
        "entry-missing",
    ),
    "an entry is left out without a filter": (
        lambda hub, lines: [
            *changed(lines, 8, write_line(7, leaf_hash(ENTRIES[7])))[:-1],
            hub.end(ENTRIES, 300, Counts(299, 1)),
        ],
        "entries",
        "left-out",
    ),
    "the counts are others": (
        lambda hub, lines: [*lines[:-1], hub.end(ENTRIES, 300, Counts(299, 1))],
        "entries",
        "counts",
    ),
    "an entry is dropped": (lambda _, lines: lines[:8] + lines[9:], "form", "out-of-order"),
    "the last entry is dropped": (lambda _, lines: lines[:-2] + lines[-1:], "form", "line-form"),
    "an entry is inserted": (lambda _, lines: lines[:9] + lines[8:], "form", "out-of-order"),
    "one more entry at the end": (
        lambda _, lines: [*lines[:-1], write_line(300, leaf_hash(FORGED), FORGED), lines[-1]],
        "form",
        "end-form",
    ),
    "two entries are swapped": (
        lambda _, lines: changed(
            changed(lines, 8, write_line(7, leaf_hash(ENTRIES[8]), ENTRIES[8])),
            9,
            write_line(8, leaf_hash(ENTRIES[7]), ENTRIES[7]),
        ),
        "tree",
        "root-mismatch",
    ),
    "it is said to begin later": (
        lambda hub, lines: [
            write_head(replace(hub.head(ENTRIES, 0, 299), first=1, until=300, prefix=[leaf_hash(ENTRIES[0])])),
            *lines[1:],
        ],
        "form",
        "out-of-order",
    ),
    "it is of another hub": (
        lambda hub, lines: [write_head(replace(hub.head(ENTRIES, 0, 300), hub="dingxi-hub")), *lines[1:]],
        "checkpoint",
        "log-mismatch",
    ),
    "its checkpoint is of a smaller tree": (
        lambda hub, lines: [
            *lines[:-1],
            write_end(hub.note(ENTRIES[:280]), [], _certificates(lines), Counts(300)),
        ],
        "tree",
        "sizes-out-of-order",
    ),
    "its proof is another": (
        lambda hub, lines: [
            *lines[:-1],
            write_end(hub.note(ENTRIES), [bytes(32)], _certificates(lines), Counts(300)),
        ],
        "tree",
        "proof-length",
    ),
    "its certificate is not there": (
        lambda hub, lines: [*lines[:-1], write_end(hub.note(ENTRIES), [], _certificates(lines)[1:], Counts(300))],
        "manifest-signer",
        "certificate-missing",
    ),
    "its issuer is not there": (
        lambda hub, lines: [*lines[:-1], write_end(hub.note(ENTRIES), [], _certificates(lines)[:1], Counts(300))],
        "manifest-signer",
        "not-trusted",
    ),
}


def _certificates(lines: list[bytes]) -> list[bytes]:
    return [base64.b64decode(text) for text in json.loads(lines[-1])["end"]["certificates"]]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_and_signed_again_fails_at_its_statement(hub: Exporting, change: str) -> None:
    how, statement, reason = CHANGES[change]
    verdict = judge(hub, hub.signed(how(hub, hub.lines(ENTRIES))))
    assert failure(verdict) == (statement, reason)
    assert verdict.checkpoint is None


def test_a_part_with_a_forged_prefix_does_not_make_the_root(hub: Exporting) -> None:
    lines = hub.lines(ENTRIES, 200)
    head = hub.head(ENTRIES, 200, 300)
    forged = write_head(replace(head, prefix=[bytes(32), *head.prefix[1:]]))
    assert failure(judge(hub, hub.signed([forged, *lines[1:]])))[0] == "tree"


def test_what_somebody_else_signed_is_not_believed(hub: Exporting) -> None:
    other = Exporting()
    assert failure(judge(hub, other.file(ENTRIES))) == ("checkpoint", "not-signed")
    forger = Exporting(log_key=hub.log_key)  # who has the log's key, but no certificate of the hub's
    assert failure(judge(hub, forger.file(ENTRIES))) == ("manifest-signer", "not-trusted")
    pushes = Exporting(root=hub.root, log_key=hub.log_key, role=HubKeyRole.PUSHES)
    assert failure(judge(hub, pushes.file(ENTRIES))) == ("manifest-signer", "not-the-hub")
    mixed = replace(hub)
    mixed.signer = KeySigner(other.signer._private_key, hub.signer.kid)
    assert failure(judge(hub, mixed.signed(hub.lines(ENTRIES)))) == ("manifest-signature", "bad-signature")
    assert failure(judge(hub, hub.signed(hub.lines(ENTRIES), hub="dingxi-hub"))) == ("manifest-signer", "not-the-hub")


@pytest.mark.parametrize(
    "changes", [{"lines": 301}, {"digest": "sha-256:" + "0" * 64}, {"export": "another"}], ids=["lines", "digest", "id"]
)
def test_a_manifest_that_says_something_else_is_found(hub: Exporting, changes: dict[str, object]) -> None:
    verdict = judge(hub, hub.signed(hub.lines(ENTRIES), **changes))
    assert failure(verdict) == ("manifest", "manifest-unlike-file")


def test_a_line_changed_after_signing_is_found_by_the_manifest(hub: Exporting) -> None:
    data = hub.file(ENTRIES, every=2).replace(b'"by":"staff"', b'"by":"stuff"')
    assert failure(judge(hub, data)) == ("manifest", "manifest-unlike-file")


@pytest.mark.parametrize(
    ("older", "reason"),
    [
        (Checkpoint(HUB, 301, bytes(32)), "log-shrank"),
        (Checkpoint(HUB, 250, bytes(32)), "log-rewritten"),
        (Checkpoint(HUB, 200, bytes(32)), "log-rewritten"),
        (Checkpoint(HUB, 300, bytes(32)), "log-rewritten"),
        (Checkpoint(HUB, 150, bytes(32)), "checkpoint-outside-export"),
        (Checkpoint(HUB, 295, bytes(32)), "checkpoint-outside-export"),
        (Checkpoint(HUB, 0, EMPTY_ROOT), "checkpoint-outside-export"),
    ],
    ids=["301", "250", "200", "300", "150", "295", "0"],
)
def test_an_older_checkpoint_that_does_not_fit_is_told(hub: Exporting, older: Checkpoint, reason: str) -> None:
    note = sign(older, KeySigner(hub.log_key, "log"), hub.key)
    assert failure(judge(hub, hub.file(ENTRIES, 200, 290), older=note)) == ("consistency", reason)


@pytest.mark.parametrize("size", [200, 250, 290, 300])
def test_an_older_checkpoint_within_the_part_or_at_its_end_agrees(hub: Exporting, size: int) -> None:
    verdict = judge(hub, hub.file(ENTRIES, 200, 290), older=hub.note(ENTRIES[:size]))
    assert outcomes(verdict)["consistency"] == "holds"


def test_an_older_checkpoint_that_cannot_be_read_fails_its_statement(hub: Exporting) -> None:
    assert failure(judge(hub, hub.file(ENTRIES), older=b"rubbish")) == ("consistency", "not-a-note")
    assert failure(judge(hub, hub.file(ENTRIES), older=Exporting().note(ENTRIES))) == ("consistency", "not-signed")


def test_a_file_cut_off_anywhere_is_not_whole(hub: Exporting) -> None:
    data = hub.file(leaves(3))
    for length in range(len(data)):
        name, reason = failure(judge(hub, data[:length]))
        assert name == "form"
        assert reason in ("truncated", "not-an-export"), length


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data + b"\n", "lines-too-many"),
        (lambda data: b'{"certificates":[]}\n', "not-an-export"),
        (lambda data: data.replace(b"export/1", b"export/2"), "format"),
        (lambda data: data.replace(b'{"export":{', b'{"export": {', 1), "head-form"),
        (lambda data: data.replace(b'"until":3', b'"until":-3', 1), "head-form"),
        (lambda data: data.replace(b'"first":0', b'"first":4', 1), "head-form"),
        (lambda data: data.replace(b'"first":0', b'"first":1', 1), "head-form"),
        (lambda data: data.replace(b'"first":0', b'"first":"0"', 1), "head-form"),
        (lambda data: data.replace(b'"hub":"lintao-hub"', b'"hub":"Lintao"', 1), "head-form"),
        (lambda data: data.replace(b'"by":"staff"', b'"by":7', 1), "head-form"),
        (lambda data: data.replace(b'"only":{}', b'"only":{"a":1}', 1), "head-form"),
        (lambda data: data.replace(b'"only":{}', b'"only":[]', 1), "head-form"),
        (lambda data: data.replace(b'"prefix":[]', b'"prefix":{}', 1), "head-form"),
        (lambda data: data.replace(b'"prefix":[]', b'"prefix":["AA=="]', 1), "head-form"),
        (lambda data: data.replace(b'"prefix":[]', b'"prefix":["AB=="]', 1), "head-form"),
        (lambda data: data.replace(b'"prefix":[]', b'"prefix":["A"]', 1), "head-form"),
        (lambda data: data.replace(b"+00:00", b"", 1), "head-form"),
        (lambda data: data.replace(b'"requested_at":"2026', b'"requested_at":"2026x', 1), "head-form"),
        (lambda data: data.replace(b'"index":1', b'"index":01'), "line-form"),
        (lambda data: data.replace(b'"index":1', b'"index": 1'), "line-form"),
        (lambda data: data.replace(b'"left_out":0', b'"left_out":0.5'), "end-form"),
        (lambda data: data.replace(b'{"end":', b'{"and":'), "end-form"),
        (lambda data: data.replace(b'"entries":3', b'"entrees":3'), "end-form"),
        (lambda data: data.replace(b'"consistency":[]', b'"consistency":[7]'), "end-form"),
        (lambda data: data.replace(b'"certificates":["', b'"certificates":["AAAA","'), "end-form"),
        (lambda data: data.replace(b'"certificates":["', b'"certificates":7,"x":["'), "end-form"),
        (lambda data: data.replace(b'{"manifest":"', b'{"manifest":"!'), "manifest-form"),
        (lambda data: data.replace(b'{"manifest":"', b'{"manifest":"e30.'), "manifest-form"),
        (lambda data: data.replace(b'{"manifest":"', b'{"manifest": "'), "manifest-form"),
        (lambda data: data.replace(b'{"manifest":"', b'{"manifesto":"'), "manifest-form"),
        (lambda data: data[: data.rindex(b'"ma')] + b'"manifest":"e30.e30.AAAA"}\n', "manifest-form"),
        (lambda data: data[: data.rindex(b'{"end"')] + b'{"x":"' + b"x" * LONGEST_LINE + b'"}\n', "line-too-long"),
    ],
)
def test_what_is_not_of_the_form_is_refused(hub: Exporting, change: Callable[[bytes], bytes], reason: str) -> None:
    data = hub.file(leaves(3))
    assert change(data) != data
    assert failure(judge(hub, change(data))) == ("form", reason)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "receipt+jws"},
        {"iat": "now"},
        {"iat": -1},
        {"iat": 10**12},
        {"kid": "x"},
        {"aud": "more"},
        {"iss": 7},
    ],
    ids=str,
)
def test_a_manifest_with_another_header_is_refused(hub: Exporting, header: dict[str, object]) -> None:
    data = hub.file(leaves(3))
    above, _, last = data[:-1].rpartition(b"\n")
    parts = last.removeprefix(b'{"manifest":"').removesuffix(b'"}').split(b".")
    parts[0] = b64u_encode(canonical(json.loads(b64u_decode(parts[0])) | header))
    forged = above + b'\n{"manifest":"' + b".".join(parts) + b'"}\n'
    assert failure(judge(hub, forged)) == ("form", "manifest-form")


def test_two_thousand_changes_of_a_byte_are_all_found(hub: Exporting) -> None:
    """Whoever has no key: any byte flipped, dropped or doubled."""
    chance = random.Random(SEED)
    data = hub.file(leaves(20), 3, 15, every=2)
    assert judge(hub, data).failed is None
    missed = []
    for _ in range(2_000):
        at = chance.randrange(len(data))
        byte = bytes([data[at] ^ (1 << chance.randrange(8))])
        forged = data[:at] + chance.choice([byte, b"", data[at : at + 1] * 2]) + data[at + 1 :]
        if judge(hub, forged).failed is None:
            missed.append((at, forged))
    assert missed == []


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_is_raised(data: bytes) -> None:
    anchors = ANCHORS.anchors
    for given_bytes in (data, FIRST_BYTES + data, GOOD_HEAD + data):
        assert verify_export(io.BytesIO(given_bytes), anchors).failed is not None


ANCHORS = Exporting()
GOOD_HEAD = write_head(ANCHORS.head(leaves(1), 0, 1))


class Flowing(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")

    def read(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


def test_a_log_of_any_length_is_read_in_the_same_memory(hub: Exporting) -> None:
    count = 30_000
    tree = Frontier().extend(leaf_hash(leaf) for leaf in leaves(count))
    note = sign(Checkpoint(HUB, tree.size, tree.root()), KeySigner(hub.log_key, "log"), hub.key)
    certificates = _certificates(hub.lines(leaves(1)))

    def lines() -> Iterator[bytes]:
        yield write_head(hub.head([], 0, count))
        for at in range(count):
            leaf = b'{"event":"system.suspended","id":"%06d"}' % at
            yield write_line(at, leaf_hash(leaf), leaf)
        yield write_end(note, [], certificates, Counts(count))

    tracemalloc.start()
    try:
        file: object = Flowing(lines())
        verdict = verify_export(file, hub.anchors)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert failure(verdict) == ("form", "truncated")  # nobody wrote a manifest
    assert verdict.export is not None
    assert peak < 1_000_000
