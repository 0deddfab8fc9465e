"""The command: what it measures by its options, what it prints and writes, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.bench.test_figures import GOOD, MACHINE
from tools.bench import __main__ as bench
from tools.bench import figures
from tools.bench.errors import VoidRun
from tools.bench.figures import BEGIN, END
from tools.bench.plan import ACCEPT_1K, CASES, FULL, PULL_ACK, SMOKE, Plan


def plan(*arguments: str) -> Plan:
    return bench.plan_of(bench.parse(arguments))


def test_by_default_everything_is_measured_three_times_for_twenty_seconds() -> None:
    assert plan() == FULL
    assert (FULL.runs, set(FULL.run_s.values()), FULL.cases) == (3, {20}, CASES)


def test_a_smoke_run_measures_everything_once_within_ten_seconds() -> None:
    assert plan("--smoke") == SMOKE
    assert SMOKE.runs * sum(SMOKE.run_s[case] for case in SMOKE.cases) == 10


def test_length_and_cases_can_be_chosen() -> None:
    chosen = plan("--seconds", "7", "--only", PULL_ACK)
    assert (chosen.cases, chosen.run_s[PULL_ACK]) == ((PULL_ACK,), 7)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the measuring gives back; change it before the command runs."""
    found: dict[str, Any] = {ACCEPT_1K: GOOD.rounded(), "machine": MACHINE, "plan": {"is_smoke": False}}
    monkeypatch.setattr(bench, "run", lambda plan, directory: found)
    return found


def test_good_figures_are_printed_and_written(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    assert bench.main(["--out", str(out)]) == 0
    assert json.loads(out.read_text("utf-8")) == measured
    assert capsys.readouterr().out.count("✓") == 4


def test_a_threshold_that_fails_is_named_and_the_exit_code_is_1(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured[ACCEPT_1K]["p99_ms"] = 31.0
    assert bench.main(["--out", str(tmp_path / "bench.json")]) == 1
    assert "✗ accept_1k p99 ≤ 30 ms: 31.0" in capsys.readouterr().out


def test_a_smoke_run_judges_nothing(measured: dict[str, Any], tmp_path: Path) -> None:
    measured[ACCEPT_1K]["per_second"] = 1
    assert bench.main(["--smoke", "--out", str(tmp_path / "bench.json")]) == 0


def test_a_void_run_ends_with_1_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def void(plan: Plan, directory: Path) -> None:
        raise VoidRun("作废", "void")

    monkeypatch.setattr(bench, "run", void)
    assert bench.main(["--out", str(tmp_path / "bench.json")]) == 1
    assert "作废 / void" in capsys.readouterr().err
    assert not (tmp_path / "bench.json").exists()


def test_the_table_goes_into_the_document_without_measuring(
    measured: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures.write(tmp_path / "bench.json", measured)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "performance.md").write_text(f"{BEGIN}{END}", "utf-8")
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    assert bench.main(["--table", "--out", str(tmp_path / "bench.json")]) == 0
    assert "| accept_1k | 6,000 |" in (tmp_path / "docs" / "performance.md").read_text("utf-8")
    assert "| accept_1k | 6,000 |" in capsys.readouterr().out
