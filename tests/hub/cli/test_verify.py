"""`shuniu verify`: what it prints and how it ends."""

import io
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certs.evidence import PROJECTION_STATEMENTS, STATEMENTS
from certs.statements import Statement
from hub.cli import verify as command
from tests.support.closures import closure, imported
from tests.support.log_copies import SEAL_BY, Served, acceptance, export_of, filler, receipt, write_trust
from tests.vectors.evidence.keys import Keys
from tests.vectors.evidence.make import FOLDER

TRUST = FOLDER / "trust"


def run(*words: str | Path) -> Result:
    """The command's answer; its two streams together."""
    return CliRunner().invoke(command.verify, [str(word) for word in words])


@pytest.mark.parametrize(
    ("name", "statements"), [("projected", STATEMENTS), ("consumer-projected", PROJECTION_STATEMENTS)]
)
def test_evidence_that_holds_is_shown_statement_by_statement(name: str, statements: Sequence[Statement[Any]]) -> None:
    answer = run(FOLDER / f"valid/{name}.json", "--trust", TRUST)
    assert answer.exit_code == 0
    lines = answer.output.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines[:-1]] == [statement.name for statement in statements]
    assert all(line.startswith("✓ ") for line in lines[:-1])
    assert lines[-1] == "证据成立 / the evidence holds"


def test_a_consumers_file_that_does_not_hold_says_where() -> None:
    answer = run(FOLDER / "grants/consumer-suspended-before.json", "--trust", TRUST)
    assert answer.exit_code == 1
    assert "✗ grants:" in answer.output
    assert "grant-not-in-force" in answer.output


def test_what_a_file_has_nothing_of_is_said() -> None:
    answer = run(FOLDER / "valid/not-acknowledged.json", "--trust", TRUST)
    assert answer.exit_code == 0
    assert "– acknowledgement-signature" in answer.output
    assert "none in the file" in answer.output


def test_the_statement_that_fails_is_the_last_and_says_why(tmp_path: Path) -> None:
    answer = run(FOLDER / "inclusion/leaf-changed.json", "--trust", TRUST)
    assert answer.exit_code == 1
    marked = [line for line in answer.output.splitlines() if line[0] in "✓✗–"]
    assert marked[-1].startswith("✗ inclusion: ")
    assert "root-mismatch" in answer.output
    data = (FOLDER / "valid/acknowledged.json").read_bytes()
    changed = tmp_path / "changed.json"
    changed.write_bytes(data.replace(b'"case', b'"Case').replace(b"eyJ", b"eyI", 1))
    assert run(changed, "--trust", TRUST).exit_code == 1


@pytest.mark.parametrize("before", [b" ", b"\xef\xbb\xbf", b"z", b"."])
def test_evidence_whose_beginning_was_changed_is_evidence_that_fails(tmp_path: Path, before: bytes) -> None:
    changed = tmp_path / "changed.json"
    changed.write_bytes(before + (FOLDER / "valid/acknowledged.json").read_bytes())
    answer = run(changed, "--trust", TRUST)
    assert (answer.exit_code, "✗ form" in answer.output) == (1, True), answer.output
    changed.write_bytes(b"")
    assert run(changed, "--trust", TRUST).exit_code == 1


def test_anchors_are_given_once(tmp_path: Path) -> None:
    answer = run(FOLDER / "valid/acknowledged.json", "--trust", tmp_path, "--trust", TRUST)
    assert (answer.exit_code, "give it once" in answer.output) == (2, True)


def test_a_kept_checkpoint_is_compared() -> None:
    same = FOLDER / "valid/earlier-checkpoint"
    words = (same.with_suffix(".json"), "--trust", TRUST, "--checkpoint", same.with_suffix(".checkpoint"))
    assert run(*words).exit_code == 0
    other = FOLDER / "consistency/history-rewritten"
    words = (other.with_suffix(".json"), "--trust", TRUST, "--checkpoint", other.with_suffix(".checkpoint"))
    answer = run(*words)
    assert answer.exit_code == 1
    assert "not-consistent" in answer.output


@pytest.mark.parametrize("missing", ["ca.pem", "log.pub"])
def test_without_anchors_nothing_is_judged(tmp_path: Path, missing: str) -> None:
    for name in ("ca.pem", "log.pub"):
        (tmp_path / name).write_bytes((TRUST / name).read_bytes())
    (tmp_path / missing).unlink()
    answer = run(FOLDER / "valid/acknowledged.json", "--trust", tmp_path)
    assert answer.exit_code == 3
    assert "✓" not in answer.output
    (tmp_path / missing).write_text("nonsense")
    assert run(FOLDER / "valid/acknowledged.json", "--trust", tmp_path).exit_code == 3
    assert run(FOLDER / "valid/acknowledged.json", "--trust", tmp_path / "nowhere").exit_code == 3


def test_without_a_trust_folder_it_is_wrong_use() -> None:
    assert run(FOLDER / "valid/acknowledged.json").exit_code == 2
    assert run(FOLDER / "valid/none.json", "--trust", TRUST).exit_code == 2


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys.make()


@pytest.fixture
def desk(keys: Keys, tmp_path: Path) -> Path:
    """A folder with `trust/` and a receipt."""
    write_trust(keys, tmp_path / "trust")
    (tmp_path / "receipt.jws").write_bytes(receipt(keys) + b"\n")
    return tmp_path


def check_receipt(desk: Path, *words: str | Path) -> Result:
    return run(desk / "receipt.jws", "--trust", desk / "trust", *words)


def lay_out(folder: Path, paths: Mapping[str, bytes]) -> Path:
    for path, data in paths.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


LATE = filler(1, SEAL_BY + timedelta(seconds=1))
OUTCOMES: dict[str, tuple[list[bytes], str]] = {
    "kept": ([filler(0), acceptance(), LATE], ""),
    "missing": ([filler(0), LATE, filler(2)], "promise-broken"),
    "too-early": ([filler(0), filler(2, SEAL_BY)], "too-early"),
    "late": ([filler(0), LATE, acceptance()], "sealed-late"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", ["export", "tiles"])
def test_a_receipts_promise_is_held_against_a_copy_of_the_log(keys: Keys, desk: Path, outcome: str, kind: str) -> None:
    leaves, reason = OUTCOMES[outcome]
    if kind == "export":
        (desk / "log.jsonl").write_bytes(export_of(keys, leaves))
        answer = check_receipt(desk, "--log", desk / "log.jsonl")
    else:
        answer = check_receipt(desk, "--tlog", lay_out(desk / "tlog", Served(keys, leaves).paths))
    assert answer.exit_code == (1 if reason else 0), answer.output
    marked = [line for line in answer.output.splitlines() if line[0] in "✓✗–"]
    assert marked[-1].startswith("✗ promise: " if reason else "✓ promise: ")
    assert f"  {reason}: " in answer.output or not reason


def test_an_export_that_left_the_entry_out_by_its_filter_still_shows_its_hash(keys: Keys, desk: Path) -> None:
    leaves, _ = OUTCOMES["kept"]
    (desk / "log.jsonl").write_bytes(export_of(keys, leaves, shown=lambda leaf: leaf != acceptance()))
    assert check_receipt(desk, "--log", desk / "log.jsonl").exit_code == 0
    (desk / "log.jsonl").write_bytes(export_of(keys, OUTCOMES["missing"][0], first=1))
    assert "log-incomplete" in check_receipt(desk, "--log", desk / "log.jsonl").output


def test_a_copy_that_was_changed_decides_nothing(keys: Keys, desk: Path) -> None:
    data = export_of(keys, OUTCOMES["kept"][0])
    (desk / "log.jsonl").write_bytes(data.replace(b'"number":0', b'"number":9'))
    answer = check_receipt(desk, "--log", desk / "log.jsonl")
    assert answer.exit_code == 1
    assert "promise:" not in answer.output
    served = Served(keys, OUTCOMES["kept"][0])
    hashes = served.paths["tile/0/000.p/3"]
    forged = lay_out(desk / "tlog", {**served.without_entries(), "tile/0/000.p/3": hashes[32:64] * 3})
    answer = check_receipt(desk, "--tlog", forged)
    assert answer.exit_code == 1
    assert "✗ tree" in answer.output
    (forged / "checkpoint").write_text("none")
    answer = check_receipt(desk, "--tlog", forged)
    assert answer.exit_code == 1
    assert "✗ checkpoint" in answer.output


def test_a_kept_checkpoint_is_compared_with_the_copy_too(keys: Keys, desk: Path) -> None:
    leaves, _ = OUTCOMES["kept"]
    rewritten = Served(keys, [filler(7), *leaves[1:]])
    (desk / "kept").write_bytes(Served(keys, leaves).note(2))
    (desk / "another").write_bytes(rewritten.note(2))
    (desk / "log.jsonl").write_bytes(export_of(keys, leaves))
    tiles = lay_out(desk / "tlog", Served(keys, leaves).paths)
    for copy in (("--log", desk / "log.jsonl"), ("--tlog", tiles)):
        assert check_receipt(desk, *copy, "--checkpoint", desk / "kept").exit_code == 0
        answer = check_receipt(desk, *copy, "--checkpoint", desk / "another")
        assert answer.exit_code == 1
        assert "log-rewritten" in answer.output


def test_a_receipt_without_a_copy_of_the_log_or_the_hubs_certificate_cannot_be_judged(keys: Keys, desk: Path) -> None:
    tiles = lay_out(desk / "tlog", Served(keys, OUTCOMES["kept"][0]).paths)
    (desk / "log.jsonl").write_bytes(export_of(keys, OUTCOMES["kept"][0]))
    assert check_receipt(desk).exit_code == 3
    assert check_receipt(desk, "--tlog", tiles, "--log", desk / "log.jsonl").exit_code == 3
    (desk / "trust/hub.pem").write_text("nonsense")
    assert check_receipt(desk, "--tlog", tiles).exit_code == 3
    (desk / "trust/hub.pem").unlink()
    answer = check_receipt(desk, "--tlog", tiles)
    assert answer.exit_code == 3
    assert "hub.pem" in answer.output
    evidence = FOLDER / "valid/acknowledged.json"
    assert run(evidence, "--trust", TRUST, "--tlog", tiles).exit_code == 2


def test_when_the_copy_was_fetched_may_be_said(keys: Keys, desk: Path) -> None:
    tiles = lay_out(desk / "tlog", Served(keys, OUTCOMES["missing"][0]).without_entries())
    assert "time-not-shown" in check_receipt(desk, "--tlog", tiles).output
    answer = check_receipt(desk, "--tlog", tiles, "--fetched-at", (SEAL_BY + timedelta(seconds=1)).isoformat())
    assert answer.exit_code == 1
    assert "absent-when-fetched" in answer.output
    for wrong in ("yesterday", "2026-11-22T09:00:00"):
        assert check_receipt(desk, "--tlog", tiles, "--fetched-at", wrong).exit_code == 2


def test_an_exported_log_is_checked_statement_by_statement(keys: Keys, desk: Path) -> None:
    data = export_of(keys, OUTCOMES["kept"][0])
    (desk / "log.jsonl").write_bytes(data)
    answer = run(desk / "log.jsonl", "--trust", desk / "trust")
    assert answer.exit_code == 0
    assert "✓ tree" in answer.output
    (desk / "log.jsonl").write_bytes(data.replace(b'"number":0', b'"number":9'))
    answer = run(desk / "log.jsonl", "--trust", desk / "trust")
    assert answer.exit_code == 1
    assert "✗" in answer.output


def test_long_reading_says_how_far_it_is(keys: Keys, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = OUTCOMES["kept"][0]
    (desk / "log.jsonl").write_bytes(export_of(keys, leaves))
    tiles = lay_out(desk / "tlog", Served(keys, leaves).paths)
    monkeypatch.setattr(command, "TELL_EVERY", 2)
    answers = [
        run(desk / "log.jsonl", "--trust", desk / "trust"),
        check_receipt(desk, "--log", desk / "log.jsonl"),
        check_receipt(desk, "--tlog", tiles),
    ]
    assert [(answer.exit_code, answer.stderr) for answer in answers] == [(0, "2 条 / entries\n")] * 3


def test_at_a_terminal_long_reading_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with command._progress(80) as tell:
        tell(1, 20)
        tell(2, 80)
    assert "25%" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_the_command_and_the_verifier_import_nothing_of_the_gateway() -> None:
    """All modules that the command reaches: our own are of `certs`, and what else they import speaks to no net and no database."""
    ours = closure("hub/cli/verify.py")
    others = {name.partition(".")[0] for file in ours for name in imported(file)} - {"certs"}
    assert {file.stem for file in ours} >= {
        "evidence_statements",
        "export_reading",
        "receipt_promise",
        "log_tiles",
        "tree",
    }
    assert others <= sys.stdlib_module_names | {"click", "cryptography", "orjson", "rfc8785", "pybase64"}
    assert others.isdisjoint({"socket", "ssl", "http", "urllib", "asyncio", "sqlite3", "subprocess"})
