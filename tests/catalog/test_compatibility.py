"""Two promises: without a breaking finding, old payloads stay valid; without any finding, consumers can read new ones."""

import copy
import functools
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catalog.codes import ChangeKind, DataType, Effect
from catalog.compatibility import Compatibility, compare_items, compare_versions
from catalog.compiler import PayloadValidator, compile_schema
from catalog.item import MAX_DEPTH
from catalog.item_changes import JUDGES
from catalog.item_faults import item_faults
from catalog.items import KEY_TYPES, MAX_NUMBER, Item, parse_items
from catalog.schema import derive_schema
from tests.catalog.item_strategies import payloads_of

NAME: dict[str, Any] = {"field_name": "name", "name": "姓名", "data_type": "C", "length": 50}
ID: dict[str, Any] = {"field_name": "id", "name": "编号", "data_type": "C", "length": 20, "key": True}

examples = settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)

# So few values that two items of a type are often near each other.
NEAR: dict[DataType, dict[str, list[Any]]] = {
    DataType.C: {
        "length": [None, 6, 20],
        "min_length": [None, 3],
        "format": [None, "region", "uscc"],
        "enumeration": [None, ["621124"], ["621124", "620000"]],
        "pattern": [None, "^[0-9]{6}$"],
    },
    DataType.M: {"length": [None, 3, 5], "min_length": [None, 1, 3]},
    DataType.I: {
        "minimum": [None, 0, 1],
        "exclusive_minimum": [None, -1, 0],
        "maximum": [None, 2, 3],
        "exclusive_maximum": [None, 3, 4],
        "enumeration": [None, [1], [1, 2], [2, 1]],
    },
    DataType.N: {
        "minimum": [None, -0.5, 0],
        "exclusive_minimum": [None, -0.5, 0],
        "maximum": [None, 1, 1.5],
        "exclusive_maximum": [None, 1, 1.5],
    },
    DataType.Y: {"minimum": [None, "-1", "0.00", "-0", "0.1"], "maximum": [None, "1", "9.99", "10"]},
    DataType.D: {},
}


@functools.cache
def every_item(kind: DataType) -> list[Item]:
    """Every item of the type that these values make, required or not."""
    fields = NEAR[kind] | {"required": [False, True]}
    made = []
    for values in itertools.product(*fields.values()):
        raw: dict[str, Any] = dict(zip(fields, values, strict=True))
        if raw.get("pattern"):
            raw["example"] = "621124"
        made.append(Item.model_validate({"field_name": "x", "name": "某项", "data_type": kind, **raw}))
    return [item for item in made if not any(item_faults(item))]


@functools.cache
def neighbours(kind: DataType, place: int) -> list[Item]:
    """The items of the type that differ from the one at `place` in one field, and itself."""
    items = every_item(kind)
    old = items[place].model_dump()
    ruling = [*NEAR[kind], "required"]
    return [item for item in items if sum(old[name] != getattr(item, name) for name in ruling) <= 1]


@st.composite
def leaf_pairs(draw: st.DrawFn, name: str, depth: int) -> tuple[Item, Item]:
    """An item of that name and one that differs in not much."""
    kind = draw(st.sampled_from([DataType.C] * 2 + [DataType.I] * 2 + list(NEAR)))
    place = draw(st.integers(0, len(every_item(kind)) - 1))
    shared = {"field_name": name, "name": f"项{name}", "key": depth == 1 and kind in KEY_TYPES and draw(st.booleans())}
    old, new = every_item(kind)[place], draw(st.sampled_from(neighbours(kind, place)))
    return old.model_copy(update=shared), new.model_copy(update=shared)


@st.composite
def group_pairs(draw: st.DrawFn, name: str, depth: int) -> tuple[Item, Item]:
    """A group or a list of that name, and one with other items within."""
    shared = {"field_name": name, "name": f"组{name}", "data_type": DataType.G, "many": draw(st.booleans())}
    sides = []
    for within in draw(list_pairs("xy", depth + 1)):
        bounds = draw(st.sampled_from([{}, {"length": 2}, {"length": 3}, {"min_length": 2}])) if shared["many"] else {}
        sides.append(Item.model_validate(shared | bounds | {"items": within, "required": draw(st.booleans())}))
    return sides[0], sides[1]


@st.composite
def list_pairs(draw: st.DrawFn, names: str = "abc", depth: int = 1) -> tuple[list[Item], list[Item]]:
    """Two lists of items that share most of them."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    each = [
        draw(
            group_pairs(name, depth) if depth < MAX_DEPTH and draw(st.integers(0, 3)) == 0 else leaf_pairs(name, depth)
        )
        for name in chosen
    ]
    old, new = [pair[0] for pair in each], [pair[1] for pair in each]
    if draw(st.booleans()):
        new.insert(draw(st.integers(0, len(new))), draw(leaf_pairs("z", MAX_DEPTH))[0])
    if len(new) > 1 and draw(st.integers(0, 9)) == 0:
        new.pop(draw(st.integers(0, len(new) - 1)))
    return old, new


pairs = list_pairs()


def validator(drawn: list[Item]) -> PayloadValidator:
    return compile_schema(derive_schema(drawn, title="某资源", code="306001000001/000001", version=1))


@pytest.mark.usefixtures("unmeasured")
@examples
@given(pairs, st.data())
def test_without_a_breaking_finding_every_old_payload_stays_valid(
    pair: tuple[list[Item], list[Item]], data: st.DataObject
) -> None:
    old, new = pair
    assume(not compare_items(old, new).breaking)
    payload = data.draw(payloads_of(old))
    assert validator(new).errors(payload) == []


@pytest.mark.usefixtures("unmeasured")
@settings(examples, max_examples=30)
@given(pairs, st.data())
def test_without_any_finding_to_tell_consumers_can_read_new_payloads_as_old_ones(
    pair: tuple[list[Item], list[Item]], data: st.DataObject
) -> None:
    old, new = pair
    assume(not compare_items(old, new).to_be_told)
    payload = data.draw(payloads_of(new))
    known = {**payload, "records": [_known(record, old) for record in payload["records"]]}
    assert validator(old).errors(known) == []


def _known(record: dict[str, Any], old: list[Item]) -> dict[str, Any]:
    """The record without the names that a reader of the old version does not know."""
    read: dict[str, Any] = {}
    for item in old:
        value = record.get(item.field_name)
        if value is not None and item.items is not None:
            within = list(item.items)
            value = [_known(entry, within) for entry in value] if item.many else _known(value, within)
        if value is not None:
            read[item.field_name] = value
    return read


PROBES: dict[DataType, list[Any]] = {
    DataType.M: ["", "一", "三个字", "四个字啊", "六个字啊啊啊"],
    DataType.I: [-MAX_NUMBER, -1, 0, 1, 2, 3, 4, MAX_NUMBER],
    DataType.N: [-1e9, -0.5, -0.25, 0, 0.5, 1, 1.25, 1.5, 2],
    DataType.Y: ["-2", "-1", "-0.01", "-0", "0.00", "0.09", "0.1", "0.100001", "1", "9.99", "9.990001", "10.00", "11"],
}


@pytest.mark.parametrize("kind", list(PROBES))
def test_of_every_two_bounds_the_verdict_is_that_of_the_values(kind: DataType) -> None:
    candidates = every_item(kind)
    taken = [{probe for probe in PROBES[kind] if _takes(item, probe)} for item in candidates]
    pairs_seen = 0
    for (old, old_values), (new, new_values) in itertools.product(zip(candidates, taken, strict=True), repeat=2):
        if old.required != new.required or old.enumeration or new.enumeration:
            continue  # beside an enumeration a range says nothing more, but it is compared
        pairs_seen += 1
        result = compare_items([old], [new])
        assert bool(result.breaking) is (not old_values <= new_values), (old, new)
        assert bool(result.to_be_told) is (old_values != new_values), (old, new)
    assert pairs_seen > 10


@pytest.mark.usefixtures("unmeasured")
def test_of_every_two_rules_for_texts_the_verdict_is_never_better_than_that_of_the_values() -> None:
    probes = ["", "ab", "621124", "620000", "999999", "11621124000000000N", "长" * 7]
    candidates = every_item(DataType.C)
    taken = [{probe for probe in probes if _takes(item, probe)} for item in candidates]
    assert set().union(*taken) == set(probes)
    for (old, old_values), (new, new_values) in itertools.product(zip(candidates, taken, strict=True), repeat=2):
        result = compare_items([old], [new])
        assert result.breaking or old_values <= new_values, (old, new)
        assert result.to_be_told or old_values == new_values, (old, new)


def _takes(item: Item, value: Any) -> bool:
    return validator([item]).is_valid({"op": "snapshot", "records": [{"x": value}]})


def only(old: dict[str, Any], new: dict[str, Any]) -> tuple[ChangeKind, Effect]:
    """Kind and effect of the one finding between two states of one item."""
    (found,) = compare_items(parse_items([old]), parse_items([new])).findings
    assert found.zh.startswith(f"信息项“{new['name']}”的")
    assert found.en.startswith(f'item "{new["name"]}", ')
    return found.kind, found.effect


CODE: dict[str, Any] = {"field_name": "code", "name": "代码", "data_type": "C", "length": 18}


@pytest.mark.parametrize(
    ("old", "new", "kind", "effect"),
    [
        ({}, {"name": "代号"}, ChangeKind.DESCRIBED, Effect.NOTIFY),
        ({}, {"description": "某代码"}, ChangeKind.DESCRIBED, Effect.COMPATIBLE),
        ({}, {"example": "某"}, ChangeKind.DESCRIBED, Effect.COMPATIBLE),
        ({}, {"sensitive": True}, ChangeKind.DESCRIBED, Effect.NOTIFY),
        ({}, {"data_type": "M"}, ChangeKind.RETYPED, Effect.BREAKING),
        ({}, {"data_type": "D", "length": None}, ChangeKind.RETYPED, Effect.BREAKING),
        ({}, {"required": True}, ChangeKind.REQUIRED, Effect.BREAKING),
        ({"required": True}, {}, ChangeKind.RELAXED, Effect.NOTIFY),
        ({"required": True}, {"required": True, "key": True}, ChangeKind.REKEYED, Effect.BREAKING),
        ({"key": True}, {"key": True, "required": True}, ChangeKind.DESCRIBED, Effect.COMPATIBLE),
        ({}, {"length": 17}, ChangeKind.NARROWED, Effect.BREAKING),
        ({}, {"length": 19}, ChangeKind.WIDENED, Effect.NOTIFY),
        ({}, {"min_length": 2}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"required": True}, {"required": True, "min_length": 1}, ChangeKind.DESCRIBED, Effect.COMPATIBLE),
        ({}, {"enumeration": ["甲"]}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"enumeration": ["甲"]}, {}, ChangeKind.WIDENED, Effect.NOTIFY),
        ({"enumeration": ["甲"]}, {"enumeration": ["甲", "乙"]}, ChangeKind.WIDENED, Effect.NOTIFY),
        ({"enumeration": ["甲", "丙"]}, {"enumeration": ["甲", "乙"]}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"enumeration": ["甲", "乙"]}, {"enumeration": ["乙", "甲"]}, ChangeKind.DESCRIBED, Effect.COMPATIBLE),
        ({}, {"format": "uscc"}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"format": "uscc"}, {}, ChangeKind.WIDENED, Effect.NOTIFY),
        ({"format": "uscc"}, {"format": "region"}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"example": "1"}, {"pattern": "^1", "example": "1"}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"pattern": "^1", "example": "1"}, {"pattern": "^1|2", "example": "1"}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"unit": "元"}, {"unit": "万元"}, ChangeKind.REDEFINED, Effect.BREAKING),
        ({"unit": "元"}, {}, ChangeKind.REDEFINED, Effect.BREAKING),
        ({}, {"unit": "元"}, ChangeKind.REDEFINED, Effect.NOTIFY),
        ({"dictionary_code": "GB/T 2260"}, {"dictionary_code": "GB/T 7408"}, ChangeKind.REDEFINED, Effect.BREAKING),
        ({}, {"dictionary_code": "GB/T 2260"}, ChangeKind.REDEFINED, Effect.NOTIFY),
        ({}, {"share_type": 3}, ChangeKind.DESCRIBED, Effect.NOTIFY),
        ({}, {"secrecy_marking": True}, ChangeKind.NARROWED, Effect.BREAKING),
        ({"secrecy_marking": True}, {}, ChangeKind.WIDENED, Effect.NOTIFY),
    ],
)
def test_each_change_has_its_effect(old: dict[str, Any], new: dict[str, Any], kind: ChangeKind, effect: Effect) -> None:
    assert only(CODE | old, CODE | new) == (kind, effect)


def test_an_item_that_comes_to_be_named_after_the_secrecy_level_is_narrowed() -> None:
    level = CODE | {"name": "密级"}
    findings = compare_items(parse_items([CODE]), parse_items([level])).findings
    assert [(found.kind, found.effect) for found in findings] == [
        (ChangeKind.DESCRIBED, Effect.NOTIFY),
        (ChangeKind.NARROWED, Effect.BREAKING),
    ]


def test_items_that_come_and_go_are_found_at_every_level() -> None:
    paper: dict[str, Any] = {"field_name": "paper", "name": "材料", "data_type": "G", "items": [NAME, CODE]}
    told = {**paper, "items": [NAME, {**ID, "key": False, "required": True}]}
    found = compare_items(parse_items([paper]), parse_items([told, CODE]))
    assert [(each.field, each.kind, each.effect) for each in found.findings] == [
        ("/items/paper/items/id", ChangeKind.ADDED, Effect.BREAKING),
        ("/items/paper/items/code", ChangeKind.REMOVED, Effect.BREAKING),
        ("/items/code", ChangeKind.ADDED, Effect.COMPATIBLE),
    ]
    assert [each.zh for each in found.findings] == [
        "信息项“材料/编号”：新增，字符型，长度 20，必填。必填项，按旧版报送的数据会被拒收",
        "信息项“材料/代码”：删除。带有此项的数据会被拒收，使用方不再收到此项",
        "信息项“代码”：新增，字符型，长度 18。可选项，不影响按旧版报送；使用方忽略不认识的项",
    ]
    assert found.breaking == found.findings[:2] == found.to_be_told


def test_a_file_that_becomes_a_group_or_a_list_is_of_another_type() -> None:
    file: dict[str, Any] = {"field_name": "paper", "name": "材料", "data_type": "G"}
    group = {**file, "items": [NAME]}
    for old, new in ((file, group), (group, {**group, "many": True}), ({**group, "many": True}, file)):
        assert only(old, new) == (ChangeKind.RETYPED, Effect.BREAKING)


def test_the_length_of_a_list_is_that_of_its_entries() -> None:
    listed: dict[str, Any] = {"field_name": "papers", "name": "材料", "data_type": "G", "many": True, "items": [NAME]}
    assert only(listed, listed | {"length": 999}) == (ChangeKind.NARROWED, Effect.BREAKING)
    assert only(listed, listed | {"length": 1000}) == (ChangeKind.DESCRIBED, Effect.COMPATIBLE)
    assert only(listed | {"min_length": 2}, listed) == (ChangeKind.WIDENED, Effect.NOTIFY)
    assert only(listed | {"length": 5}, listed) == (ChangeKind.WIDENED, Effect.NOTIFY)
    number = {"field_name": "n", "name": "数", "data_type": "N"}
    assert only(number, number | {"length": 5}) == (ChangeKind.DESCRIBED, Effect.COMPATIBLE)


def test_versions_that_say_the_same_have_no_findings() -> None:
    items = parse_items([ID, NAME])
    assert compare_items(items, items) == Compatibility(())
    assert compare_items(items, items[::-1]) == Compatibility(())


def test_a_schema_that_its_items_would_not_give_today_is_a_finding_of_its_own() -> None:
    items = parse_items([ID, NAME, {"field_name": "sum", "name": "金额", "data_type": "Y", "minimum": "0"}])
    today = derive_schema(items, title="某资源", code="306001000001/000001", version=1)
    again = derive_schema(items, title="他资源", code="306001000001/000001", version=2)
    assert compare_versions((items, today), (items, again)) == Compatibility(())
    older = copy.deepcopy(today)
    older["$defs"]["record"]["properties"]["name"]["maxLength"] = 49
    (found,) = compare_versions((items, older), (items, again)).findings
    assert (found.field, found.kind, found.effect) == ("", ChangeKind.DERIVATION, Effect.BREAKING)
    assert found.zh.startswith("旧版")
    assert "the new version" in compare_versions((items, today), (items, older)).findings[0].en
    older["$defs"]["record"]["properties"]["name"] = True
    assert [each.kind for each in compare_versions((items, older), (items, again)).findings] == [ChangeKind.DERIVATION]
    outlawed = [items[0].model_copy(update={"length": None}), *items[1:]]
    assert compare_versions((outlawed, today), (outlawed, again)).findings[0].kind is ChangeKind.DERIVATION


def test_every_field_of_an_item_is_judged_once() -> None:
    judged = [field for fields in JUDGES for field in fields]
    assert sorted([*judged, "field_name"]) == sorted(Item.model_fields)
