"""What a scope lets out of a payload: pure functions."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from certs.masks import Mask
from certs.reductions import projection_jti
from hub.access.scope import Condition, MaskedItem, Operator, Scope, columns_of
from hub.exchange.projecting import Lens, lens_of
from hub.registry.picture import LaneState, LiveVersion, SystemState
from tests.support.world import record

LANE, GRANT = UUID(int=1), UUID(int=2)


def lane(scope: Scope) -> LaneState:
    """A lane whose grant has that scope, as the picture shows it."""
    columns, now = columns_of(scope), datetime(2026, 11, 21, tzinfo=UTC)
    system = SystemState(UUID(int=3), "consumer-b", "active", UUID(int=4), "", "621124")
    return LaneState(
        GRANT, str(GRANT), LANE, system, UUID(int=5), "306001000001/000001", "用途", "inbox", "active", frozenset({1}),
        now, now, True,
        None if columns["items"] is None else tuple(columns["items"]),
        None if columns["rows"] is None else orjson.dumps(columns["rows"]).decode(),
    )  # fmt: skip


def lens(items: tuple[str, ...] | None = None, *rows: Condition, **masks: Mask) -> Lens:
    return lens_of(lane(Scope(items, rows, tuple(MaskedItem(item, one) for item, one in masks.items()))))


def narrowed(found: Lens, payload: dict[str, Any]) -> Any:
    left = found.narrow(payload)
    return None if left is None else orjson.loads(left)


def test_the_items_that_are_named_are_let_out_and_no_others() -> None:
    payload = {"records": [record(1, note="备注"), record(2)]}
    assert narrowed(lens(("case_no", "note")), payload) == {
        "op": "upsert",
        "records": [{"case_no": "621124-000001", "note": "备注"}, {"case_no": "621124-000002"}],
    }


def test_the_rows_that_the_rule_names_are_let_out_and_no_others() -> None:
    some = lens(None, Condition("case_no", Operator.IN, ("621124-000002", "621124-000009")))
    payload: dict[str, Any] = {"op": "upsert", "records": [record(1), record(2), record(3)]}
    assert narrowed(some, payload) == {"op": "upsert", "records": [record(2)]}
    assert some.places(payload["records"]) == [1]


def test_of_masked_items_the_ends_are_let_out_in_the_rows_and_items_that_are() -> None:
    some = lens(("case_no", "note"), Condition("case_no", Operator.PREFIX, ("6",)), note=Mask(1, 1), applicant=Mask())
    payload = {"records": [record(1, note="金丝雀在此"), record(2, note="金"), record(3)]}
    assert narrowed(some, payload)["records"] == [
        {"case_no": "621124-000001", "note": "金***此"},
        {"case_no": "621124-000002", "note": "*"},
        {"case_no": "621124-000003"},
    ]
    whole = narrowed(lens(applicant=Mask(1)), {"records": [record(1)]})
    assert whole["records"] == [record(1, applicant="示****")]


def test_records_that_delete_have_nothing_to_mask() -> None:
    payload = {"op": "delete", "records": [{"case_no": "A"}]}
    assert narrowed(lens(note=Mask()), payload) == payload


@pytest.mark.parametrize(
    ("operator", "values", "key", "is_in"),
    [
        (Operator.IN, ("A", "B"), "B", True),
        (Operator.IN, ("A", "B"), "BB", False),
        (Operator.IN, ("A",), "a", False),
        (Operator.IN, ("1",), 1, False),
        (Operator.IN, (1,), "1", False),
        (Operator.IN, (1, 2), 2, True),
        (Operator.IN, (1,), 1.0, True),
        (Operator.IN, (1,), True, False),
        (Operator.IN, (0,), False, False),
        (Operator.IN, ("A",), None, False),
        (Operator.IN, ("A",), ["A"], False),
        (Operator.IN, ("A",), {"A": "A"}, False),
        (Operator.PREFIX, ("6211", "62112"), "621124", True),
        (Operator.PREFIX, ("621124",), "621124", True),
        (Operator.PREFIX, ("621124",), "62112", False),
        (Operator.PREFIX, ("6",), 621124, False),
    ],
)
def test_a_key_is_compared_as_what_it_is(operator: Operator, values: tuple[Any, ...], key: object, is_in: bool) -> None:
    found = lens(None, Condition("case_no", operator, values))
    assert bool(found.places([{"case_no": key}])) == is_in


def test_all_conditions_have_to_hold_and_a_record_without_the_item_is_not_let_out() -> None:
    both = lens(None, Condition("town", Operator.IN, ("洮阳镇",)), Condition("case_no", Operator.PREFIX, ("A",)))
    rows: list[dict[str, Any]] = [
        {"town": "洮阳镇", "case_no": "A1"},
        {"town": "洮阳镇", "case_no": "B1"},
        {"town": "新添镇", "case_no": "A1"},
    ]
    assert both.places(rows) == [0]
    lacking: list[dict[str, Any]] = [{"case_no": "A1"}, {"town": "洮阳镇"}, {}]
    assert both.places(lacking) == []


def test_records_that_delete_are_judged_like_any_other() -> None:
    some = lens(("case_no",), Condition("case_no", Operator.IN, ("A",)))
    payload = {"op": "delete", "records": [{"case_no": "A"}, {"case_no": "B"}]}
    assert narrowed(some, payload) == {"op": "delete", "records": [{"case_no": "A"}]}


@pytest.mark.parametrize(("op", "left"), [("upsert", None), ("delete", None), ("snapshot", [])])
def test_of_nothing_only_a_snapshot_is_delivered_since_it_says_that_there_is_nothing(op: str, left: object) -> None:
    found = narrowed(lens(None, Condition("case_no", Operator.IN, ("A",))), {"op": op, "records": [record(1)]})
    assert (None if found is None else found["records"]) == left


def test_a_version_without_the_keys_that_a_rule_speaks_of_cannot_be_judged() -> None:
    some = lens(None, Condition("case_no", Operator.IN, ("A",)))
    names = frozenset({"case_no", "note"})
    for keys, can in ((frozenset({"case_no"}), True), (frozenset({"note"}), False), (frozenset[str](), False)):
        version = LiveVersion(1, "", b"", None, names, keys, names - keys, frozenset())  # type: ignore[arg-type]
        assert some.can_judge(version) == can
        assert lens(("note",)).can_judge(version)


def test_a_version_that_has_not_the_text_that_is_masked_cannot_be_judged() -> None:
    names = frozenset({"case_no", "note", "days"})
    for texts, can in ((frozenset({"note"}), True), (frozenset({"remark"}), False), (frozenset[str](), False)):
        version = LiveVersion(1, "", b"", None, names, frozenset({"case_no"}), texts, frozenset())  # type: ignore[arg-type]
        assert lens(note=Mask(1)).can_judge(version) == can
        assert lens().can_judge(version)


def test_a_projections_jti_follows_from_lane_sender_and_jti() -> None:
    one = projection_jti(LANE, "provider-a", "m-1")
    others = {
        projection_jti(UUID(int=9), "provider-a", "m-1"),
        projection_jti(LANE, "provider-b", "m-1"),
        projection_jti(LANE, "provider-a", "m-2"),
    }
    assert one == projection_jti(LANE, "provider-a", "m-1") not in others
    assert (len(one), len(others)) == (43, 3)
