"""docs/evidence.md tells the truth: its code judges the vectors as the verifier does, its tables name what there is."""

import inspect
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from certs import evidence_form, receipt_promise
from certs.evidence import PROJECTION_STATEMENTS, STATEMENTS
from tests.docs.pages import ROOT, page
from tests.support.closures import closure, ours
from tests.vectors.evidence.make import FOLDER

DOC = page("docs/evidence.md")
LOG_PUB = (FOLDER / "trust/log.pub").read_text(encoding="ascii")


@pytest.fixture
def check_log() -> Callable[[bytes, str], Any]:
    """The code of the page."""
    (code,) = re.findall(r"<!-- example: check -->\n```python\n(.*?)\n```", DOC, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[[bytes, str], Any] = names["check_log"]
    return found


@pytest.mark.parametrize("file", sorted(FOLDER.glob("valid/*.json")), ids=lambda file: file.stem)
def test_the_code_of_the_page_believes_what_holds(file: Any, check_log: Callable[[bytes, str], Any]) -> None:
    found = check_log(file.read_bytes(), LOG_PUB)
    assert found is None if file.stem.startswith("consumer-") else found["event"] == "exchange.accepted"


@pytest.mark.parametrize(
    "file",
    sorted(file for part in ("checkpoint", "inclusion", "schema") for file in FOLDER.glob(f"{part}/*.json")),
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
def test_the_code_of_the_page_refuses_what_is_wrong_with_the_log(
    file: Any, check_log: Callable[[bytes, str], Any]
) -> None:
    with pytest.raises((AssertionError, InvalidSignature, ValueError)):
        check_log(file.read_bytes(), LOG_PUB)


def test_the_page_lists_every_statement_in_order_and_every_member() -> None:
    form, statements = DOC.split("## 各项陈述")
    statements, own = statements.split("## 凭证的承诺")[0].split("\n## 投影的证据")
    rows = re.compile(r"^\| `([\w-]+)` \|", re.MULTILINE)
    assert rows.findall(statements) == [statement.name for statement in STATEMENTS]
    assert rows.findall(own) == [statement.name for statement in PROJECTION_STATEMENTS]
    listed = re.search(r"成员恰为(.*?)，各自的形式同上", own, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == evidence_form.PROJECTION_MEMBERS | {"consistency"}
    assert evidence_form.PROJECTION_FORMAT in own
    assert set(rows.findall(form)) == evidence_form.MEMBERS | evidence_form.OPTIONAL
    assert evidence_form.FORMAT in form


def test_the_page_lists_every_outcome_of_a_receipts_promise() -> None:
    section = DOC.split("## 凭证的承诺")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)
    raised = re.findall(r'_break\(\s*"([\w-]+)"', inspect.getsource(receipt_promise.Search))
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(raised)


READING = DOC.split("## 怎样读核验程序")[1].split("\n## ")[0]
"""The section for who reads the verifier itself: tables of its files, in reading order."""

MOST_LINES, MOST_LINES_FOR_EVIDENCE = 5_000, 3_850
"""What a reader is asked to read; more is to be noticed, and wants a reason."""


def listed(text: str) -> dict[str, int]:
    """The files that tables list, in their order, each with its lines."""
    rows = re.findall(r"^\| `([\w/]+\.py)` \| (\d+) \|", text, re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    return {file: int(lines) for file, lines in rows}


def relative(files: set[Path]) -> set[str]:
    """Their paths from the top of the checkout."""
    return {file.relative_to(ROOT).as_posix() for file in files}


def lines_of(files: Collection[str]) -> int:
    return sum(len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in files)


def test_the_page_lists_all_that_the_verifier_imports_and_nothing_else() -> None:
    tables = READING.split("\n### ")[1:]
    assert set(listed(READING)) == relative(closure("hub/cli/verify.py"))
    assert set(listed(tables[0])) == relative(closure("certs/evidence.py"))
    for place, start in ((1, "certs/export.py"), (2, "certs/log_tiles.py")):
        above = {file for table in tables[:place] for file in listed(table)}
        assert set(listed(tables[place])) == relative(closure(start)) - above


def test_each_file_of_the_verifier_uses_only_such_as_are_listed_above_it() -> None:
    read: set[str] = set()
    for file in listed(READING):
        assert relative(ours(ROOT / file)) <= read, file
        read.add(file)


def test_the_verifier_does_not_grow_unnoticed() -> None:
    for file, lines in listed(READING).items():
        assert abs(lines_of([file]) - lines) <= 10, f"{file}: {lines_of([file])} lines"
    assert lines_of(listed(READING)) <= MOST_LINES
    assert lines_of([*listed(READING.split("\n### ")[1]), "hub/cli/verify.py"]) <= MOST_LINES_FOR_EVIDENCE
