"""Rules of a list that no schema of one record can judge: sums, counts, orders. For whoever has the records in hand.

The hub does not run these at intake, where a payload may be one of several that make up a list; `shuniu list-type check` runs
them over a whole list before it is sent.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalog.legal_basis import basis_faults
from catalog.lists.list_type import ListType

MOST_FUNDS: Final = 60  # 甘南州专项方案二(一)
FUNDS_EACH: Final = range(3, 6)  # 同上：3—5 项

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: `record` is the place of the record it was noticed at, None for the list as a whole."""

    record: int | None
    basis: str
    zh: str
    en: str


_Said = tuple[int | None, str, str]


def findings(described: ListType, records: Sequence[Record]) -> list[Finding]:
    """Return what breaks the rules of the list that its schema does not see; the records satisfy that schema."""
    return [
        Finding(place, check.basis, zh, en)
        for check in described.checks
        if check.function is not None
        for place, zh, en in FUNCTIONS[check.function](records)
    ]


def legal_basis_in_order(records: Sequence[Record]) -> Iterator[_Said]:
    """附件7说明3, 表3说明1: several bases are numbered and go from the highest rank down."""
    for place, record in enumerate(records):
        for zh, en in basis_faults(record["legal_basis"]):
            yield place, zh, en


def at_most_sixty_funds(records: Sequence[Record]) -> Iterator[_Said]:
    """列示项目控制在60项以内, in each budget year."""
    for year, count in sorted(Counter(record["budget_year"] for record in records).items()):
        if count > MOST_FUNDS:
            yield (
                None,
                f"{year} 年度列示 {count} 项，应控制在 {MOST_FUNDS} 项以内；请整合",
                f"{count} funds are listed for {year}; no more than {MOST_FUNDS}: merge some",
            )


def three_to_five_funds_each(records: Sequence[Record]) -> Iterator[_Said]:
    """同一主管部门管理的专项控制在3—5项，职能单一的整合保留1项, in each budget year."""
    by_body: dict[tuple[int, str], list[Record]] = defaultdict(list)
    for record in records:
        by_body[record["budget_year"], record["executing_body"]].append(record)
    for (year, body), funds in by_body.items():
        single = any(fund.get("single_function") for fund in funds)
        if len(funds) not in ((1,) if single else FUNDS_EACH):
            asked = "1 项" if single else f"{FUNDS_EACH[0]}—{FUNDS_EACH[-1]} 项"
            yield (
                None,
                f"{year} 年度{body}有 {len(funds)} 项专项，原则上应为 {asked}；请核对或说明",
                f"{year}: {len(funds)} funds of one department; as a rule {'1' if single else '3 to 5'}",
            )


def flow_within_promise(records: Sequence[Record]) -> Iterator[_Said]:
    """流程时限总和不得超过该权力承诺期限."""
    by_power: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    for place, record in enumerate(records):
        by_power[record["power_code"]].append((place, record))
    for nodes in by_power.values():
        place = nodes[-1][0]
        promised = {node["promised_days"] for _, node in nodes}
        if len(promised) > 1:
            yield (
                place,
                "同一权力各环节的承诺期限不一致；请统一",
                "the nodes of one power name different promised limits",
            )
        total = sum(node["limit_days"] for _, node in nodes)
        if total > min(promised):
            yield (
                place,
                f"各环节时限合计 {total} 个工作日，超过承诺期限 {min(promised)} 个工作日；请压缩环节时限",
                f"the nodes take {total} working days together, more than the promised {min(promised)}; shorten them",
            )


def systems_counted(records: Sequence[Record]) -> Iterator[_Said]:
    """各部门信息系统数量: as many rows of a department as it says it has systems."""
    rows = Counter(record["unit_name"] for record in records)
    for place, record in enumerate(records):
        if record["system_count"] != rows[record["unit_name"]]:
            yield (
                place,
                f"该部门填报系统数量 {record['system_count']} 个，台账有 {rows[record['unit_name']]} 行；请核对",
                f"the department says {record['system_count']} systems and lists {rows[record['unit_name']]}; compare them",
            )


FUNCTIONS: Final[Mapping[str, Callable[[Sequence[Record]], Iterator[_Said]]]] = {
    function.__name__: function
    for function in (
        legal_basis_in_order,
        at_most_sixty_funds,
        three_to_five_funds_each,
        flow_within_promise,
        systems_counted,
    )
}
"""The checks that a type may name."""
