"""`shuniu verify`: what it prints and how it ends."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certs.evidence import STATEMENTS
from hub.cli import verify as command
from tests.vectors.evidence.make import FOLDER

TRUST = FOLDER / "trust"


def run(*words: str | Path) -> Result:
    """The command's answer; its two streams together."""
    return CliRunner().invoke(command.verify, [str(word) for word in words])


def test_evidence_that_holds_is_shown_statement_by_statement() -> None:
    answer = run(FOLDER / "valid/acknowledged.json", "--trust", TRUST)
    assert answer.exit_code == 0
    lines = answer.output.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines[:-1]] == [statement.name for statement in STATEMENTS]
    assert all(line.startswith("✓ ") for line in lines[:-1])
    assert lines[-1] == "证据成立 / the evidence holds"


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


def test_the_command_and_the_verifier_import_nothing_of_the_gateway() -> None:
    allowed = {"certs", "click", "cryptography", "pathlib", "collections", "dataclasses", "datetime", "functools"}
    allowed |= {"typing", "base64", "binascii", "itertools", "__future__"}
    sources = [Path(command.__file__), *Path(command.__file__).parents[2].glob("certs/evidence*.py")]
    assert len(sources) == 5
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= allowed, source
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in allowed, source
