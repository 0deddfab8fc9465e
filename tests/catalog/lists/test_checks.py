"""Rules of whole lists that no schema sees."""

from typing import Any

from catalog.lists import list_type
from catalog.lists.checks import Finding, findings


def found(key: str, records: list[dict[str, Any]]) -> list[Finding]:
    described = list_type(key)
    assert described is not None
    return findings(described, records)


def samples(key: str) -> list[dict[str, Any]]:
    described = list_type(key)
    assert described is not None
    return [dict(sample) for sample in described.samples]


def test_nodes_that_take_longer_than_promised_are_found_at_the_last_of_them() -> None:
    nodes = samples("flow-nodes")
    assert found("flow-nodes", nodes) == []
    nodes[1]["limit_days"] += 1
    other = [node | {"power_code": "OTHER"} for node in samples("flow-nodes")]
    (finding,) = found("flow-nodes", [*nodes, *other])
    assert finding.record == 2
    assert "11 个工作日" in finding.zh
    assert "第十八条(二)" in finding.basis


def test_nodes_of_one_power_promise_the_same() -> None:
    nodes = samples("flow-nodes")
    nodes[0]["promised_days"] = 12
    (finding,) = found("flow-nodes", nodes)
    assert "不一致" in finding.zh


def test_more_than_sixty_funds_of_a_year_are_too_many() -> None:
    one = samples("special-funds-annex")[0]
    funds = [one | {"row_no": number, "executing_body": f"示例局{number // 5}"} for number in range(61)]
    assert [finding.record for finding in found("special-funds-annex", funds[:60])] == []
    assert any("61 项" in finding.zh for finding in found("special-funds-annex", funds))
    last_year = [fund | {"budget_year": 2025} for fund in funds[30:60]]
    assert found("special-funds-annex", funds[:30] + last_year) == []


def test_a_department_has_three_to_five_funds_and_one_with_a_single_function_one() -> None:
    funds = samples("special-funds-annex")
    assert found("special-funds-annex", funds) == []
    (two,) = found("special-funds-annex", funds[1:])
    assert "州示例局有 2 项" in two.zh
    single = funds[-1]
    (second,) = found("special-funds-annex", [*funds, single | {"row_no": 2}])
    assert "应为 1 项" in second.zh


def test_a_department_lists_as_many_systems_as_it_says_it_has() -> None:
    rows = samples("system-ledger")
    assert [finding.record for finding in found("system-ledger", rows[1:])] == [0]


def test_bases_of_a_power_go_from_the_highest_rank_down() -> None:
    rows = samples("power-list-annex7")
    rows[0]["legal_basis"] = "\n".join(reversed(rows[0]["legal_basis"].split("\n")))
    faults = found("power-list-annex7", rows)
    assert [finding.record for finding in faults] == [0, 0]
    assert any("效力层级" in finding.zh for finding in faults)
