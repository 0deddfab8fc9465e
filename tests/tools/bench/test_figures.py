"""Figures are rounded, shown, judged, and put into the document between its marks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.bench.figures import BEGIN, END, Figures, costs, fill, markdown, percentile, table, thresholds, write
from tools.bench.plan import ACCEPT_1K, REQUIRED, SEAL

GOOD = Figures(
    per_second=6000.4,
    p50_ms=7.04,
    p99_ms=29.96,
    floor_ratio=0.3001,
    baseline_ratio=5.001,
    rss_mib=180.04,
    runs=[5999.6, 6000.4, 6100.2],
    floor_per_second=20_000.0,
    baseline_per_second=1_200.0,
    cpu_us={"servers": 250.04, "database": 70.0, "load": 12.0},
    parts_us={"read": 19.0, "verify": 75.0, "parse": 3.0, "schema": 1.0, "hash": 1.0, "sign": 31.04},
)
MACHINE = {
    "cpus": 2,
    "system": "Linux x86_64",
    "python": "3.11.7",
    "postgresql": "18.6",
    "wrk": "wrk 4.1.0",
    "fsync_us": 40,
    "settings": {"fsync": "on"},
}


def results(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {ACCEPT_1K: replace(GOOD, **changes).rounded(), "machine": MACHINE}
    return found | {"plan": {"is_smoke": False}}


def test_all_thresholds_hold_at_their_bounds() -> None:
    found = thresholds(results())
    assert [threshold.holds for threshold in found] == [True] * 4


@pytest.mark.parametrize(
    ("name", "value"),
    [("per_second", 5_999.0), ("floor_ratio", 0.299), ("baseline_ratio", 4.99), ("p99_ms", 30.1)],
)
def test_each_threshold_fails_alone(name: str, value: float) -> None:
    found = thresholds(results(**{name: value}))
    assert [threshold.holds for threshold in found].count(False) == 1


@pytest.mark.parametrize(("case", "figure"), [(case, b.figure) for case, bounds in REQUIRED.items() for b in bounds])
def test_every_bound_of_every_case_is_judged(case: str, figure: str) -> None:
    bound = next(b for b in REQUIRED[case] if b.figure == figure)
    beyond = bound.bound * (0.5 if bound.at_least else 2)
    at = {b.figure: b.bound for b in REQUIRED[case]}
    assert all(threshold.holds for threshold in thresholds({case: at}))
    failed = [threshold for threshold in thresholds({case: at | {figure: beyond}}) if not threshold.holds]
    assert [threshold.text for threshold in failed] == [f"{case} {bound.text}"]


def test_the_slowest_entry_of_all_counts_for_sealing() -> None:
    sealed = replace(GOOD, per_second=60_000, max_ms=2_000.04).rounded()
    assert all(threshold.holds for threshold in thresholds({SEAL: sealed}))
    assert not all(threshold.holds for threshold in thresholds({SEAL: sealed | {"max_ms": 2_000.1}}))


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (99, 4.0), (100, 4.0), (1, 1.0)])
def test_a_percentile_is_the_nearest_rank(percent: int, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value


def test_figures_are_written_with_the_digits_that_mean_something() -> None:
    assert GOOD.rounded() == {
        "per_second": 6000,
        "p50_ms": 7.0,
        "p99_ms": 30.0,
        "floor_ratio": 0.3,
        "baseline_ratio": 5.0,
        "rss_mib": 180.0,
        "runs": [6000, 6000, 6100],
        "floor_per_second": 20_000,
        "baseline_per_second": 1_200,
        "cpu_us": {"servers": 250.0, "database": 70.0, "load": 12.0},
        "parts_us": {"read": 19.0, "verify": 75.0, "parse": 3.0, "schema": 1.0, "hash": 1.0, "sign": 31.0},
        "max_ms": None,
        "p95_ms": None,
        "http_p95_ms": None,
        "notes": [],
    }


def test_what_was_not_measured_is_null_and_shown_as_a_dash() -> None:
    found = results(baseline_ratio=None, baseline_per_second=None)
    assert found[ACCEPT_1K]["baseline_ratio"] is None
    assert found[ACCEPT_1K]["baseline_per_second"] is None
    assert table(found).splitlines()[1].count("—") == 3  # the two, and p95


def test_the_table_has_a_line_for_each_case_and_none_for_the_machine() -> None:
    lines = table(results()).splitlines()
    assert len(lines) == 2
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith(ACCEPT_1K)


def test_what_the_libraries_do_not_account_for_is_the_rest_of_the_gateway() -> None:
    lines = costs(results())
    assert "| 网关其余 / all else in the gateway | 120.0 |" in lines
    assert lines[-1] == "| 合计 / all together | 332.0 |"


def test_a_case_without_library_calls_of_its_own_has_no_costs_to_show() -> None:
    assert all("pull_ack" not in line for line in costs(results() | {"pull_ack": replace(GOOD, parts_us={}).rounded()}))


def test_the_document_is_filled_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"前\n{BEGIN}\nold\n{END}\n后\n", "utf-8")
    fill(document, results())
    text = document.read_text("utf-8")
    assert text == f"前\n{BEGIN}\n{markdown(results())}\n{END}\n后\n"
    fill(document, results())
    assert document.read_text("utf-8") == text


def test_a_document_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"{END} {BEGIN}", "utf-8")
    with pytest.raises(ValueError, match="is missing"):
        fill(document, results())
    assert document.read_text("utf-8") == f"{END} {BEGIN}"


def test_figures_of_a_smoke_run_do_not_get_into_the_document(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="smoke"):
        fill(tmp_path / "performance.md", results() | {"plan": {"is_smoke": True}})


def test_results_are_written_as_json_into_a_folder_that_need_not_be_there(tmp_path: Path) -> None:
    write(tmp_path / "build" / "bench.json", results())
    assert json.loads((tmp_path / "build" / "bench.json").read_text("utf-8")) == results()
