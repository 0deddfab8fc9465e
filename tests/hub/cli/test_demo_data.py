"""The example's data: complete, of the declared types, consistent, and free of what must not be carried over."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from catalog.classification import parent_of
from catalog.codes import DataType, ShareType, UpdateCycle
from catalog.identifiers import RESOURCE_PREFIX_FORM, check_region, check_uscc, organisation_code_check, parent_region
from catalog.items import parse_items
from catalog.lists import conditions_of
from catalog.lists.rules import prescribed_fields_present
from catalog.metadata import parse_metadata
from catalog.schema import derive_schema
from hub.cli import demo_data
from hub.cli.demo_data import ChainStep, Item, Organisation, Record, Resource, System
from hub.reviewing.chains import DEMANDED

ORGANISATIONS = demo_data.load_organisations()
SYSTEMS = demo_data.load_systems()
RESOURCES = demo_data.load_resources()
GRANTS = demo_data.load_grants()
RECORDS = {resource.key: demo_data.load_records(resource.key) for resource in RESOURCES}

COUNTS = {
    "guides": 8,
    "guide_materials": 34,
    "guide_steps": 45,
    "permits": 1,
    "permit_limits": 3,
    "supervision_tasks": 22,
    "pilot_counties": 100,
    "duty_list": 5,
    "special_funds": 5,
    "poverty_projects": 5,
}
MADE_UP = ("duty_list", "special_funds", "poverty_projects")
# What the articles prescribe for each list, by the Chinese names of the items.
PRESCRIBED = {
    "duty_list": ["职权名称", "职权编码", "职权类型", "依据", "行使主体", "办结时限", "流程图", "监督方式"],
    "special_funds": ["项目主管部门", "项目名称", "预算数额", "专项资金管理办法", "分配使用", "绩效评价"],
    "poverty_projects": [
        "项目名称",
        "审批文号",
        "投资额度",
        "主要建设内容",
        "新增经济效益",
        "扶贫效益",
        "项目主管单位",
        "项目实施单位",
    ],
    "permits": ["项目名称", "设立依据", "办理要件", "办理程序", "办结时限", "承办股室", "承办单位"],
}
SAID_NOWHERE = {("permits", "legal_basis"), ("permits", "handling_office")}


def texts_of(value: object, *, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string below `value` with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from texts_of(below, path=f"{path}/{key}")
    elif isinstance(value, (list, tuple)):
        for index, below in enumerate(value):
            yield from texts_of(below, path=f"{path}/{index}")
    elif hasattr(value, "__dataclass_fields__"):
        yield from texts_of(vars(value), path=path)


def all_texts() -> list[tuple[str, str]]:
    """Every text that the package carries, but for codes and file names, which are digits by nature."""
    found = texts_of([ORGANISATIONS, SYSTEMS, RESOURCES, GRANTS, RECORDS])
    return [(path, text) for path, text in found if path.rsplit("/", 1)[1] not in ("code", "category", "document")]


def satisfies(item: Item, value: object) -> bool:
    """Whether a value is of the item's type, as the contract maps types to JSON."""
    match item.data_type:
        case "C" | "M":
            return isinstance(value, str) and item.length is not None and 0 < len(value) <= item.length
        case "I":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Y":
            return isinstance(value, str) and re.fullmatch(r"(0|[1-9]\d*)\.\d{2}", value) is not None
        case "D":
            return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
        case "L":
            return isinstance(value, bool)
    raise AssertionError(f"{item.field_name}: the example has no items of type {item.data_type}")


def test_every_code_of_an_organisation_is_well_formed_and_marked_as_an_example() -> None:
    for organisation in ORGANISATIONS:
        check_region(organisation.region)
        if organisation.code is None:
            assert not organisation.is_example
            continue
        check_uscc(organisation.code)
        assert organisation.code[0] == "1"
        assert organisation.code[2:8] == organisation.region
        assert organisation_code_check(organisation.code[8:16]) == organisation.code[16]
        assert organisation.is_example
        assert "示例" in organisation.note


def test_a_body_without_a_code_stands_under_one_that_has_a_code_and_comes_first() -> None:
    known: dict[str, str | None] = {}
    for organisation in ORGANISATIONS:
        assert organisation.key not in known
        if organisation.parent is not None:
            assert known[organisation.parent] is not None
        assert organisation.code is not None or organisation.parent is not None
        known[organisation.key] = organisation.code
    assert [key for key, code in known.items() if code is None] == ["lintao-reform-office", "lintao-poverty-group"]


def test_codes_and_names_of_organisations_are_unique() -> None:
    codes = [organisation.code for organisation in ORGANISATIONS if organisation.code]
    assert len(set(codes)) == len(codes)
    assert len({(organisation.region, organisation.name) for organisation in ORGANISATIONS}) == len(ORGANISATIONS)


def test_county_city_and_province_are_all_there_and_each_lies_in_the_next() -> None:
    assert {organisation.region for organisation in ORGANISATIONS} == {"621124", "621100", "620000"}
    assert parent_region("621124") == "621100"
    assert parent_region("621100") == "620000"


def test_every_system_has_a_code_of_the_contract_s_form_and_an_owner_that_exists() -> None:
    owners = {organisation.key for organisation in ORGANISATIONS}
    assert len({system.code for system in SYSTEMS}) == len(SYSTEMS)
    for system in SYSTEMS:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,62}", system.code)
        assert system.organisation in owners


def test_the_sub_site_the_city_platform_and_provincial_systems_are_among_the_systems() -> None:
    assert {"lintao-subsite", "lintao-approval", "dingxi-exchange", "gansu-approval", "gansu-supervision"} <= {
        system.code for system in SYSTEMS
    }


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_a_resource_is_described_as_the_guideline_asks(resource: Resource) -> None:
    owners = {system.code: system.organisation for system in SYSTEMS}
    assert RESOURCE_PREFIX_FORM.fullmatch(resource.category)
    assert owners[resource.system] == resource.provider
    assert len(resource.name) <= 50
    assert len(resource.summary) <= 256
    assert resource.update_cycle in set(UpdateCycle)
    assert resource.share_type in set(ShareType)
    assert (resource.share_condition is not None) == (resource.share_type == ShareType.CONDITIONAL)
    assert (resource.no_share_basis is not None) == (resource.share_type == ShareType.NOT_SHARED)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_items_have_unique_names_and_what_their_type_needs(resource: Resource) -> None:
    names = [item.field_name for item in resource.items]
    assert len(set(names)) == len(names) == len({item.name for item in resource.items})
    assert any(item.key for item in resource.items)
    for item in resource.items:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", item.field_name)
        assert item.data_type in set(DataType)
        assert (item.length is not None) == (item.data_type in ("C", "M"))
        assert item.required or not item.key
        assert item.enumeration is None or len(set(item.enumeration)) == len(item.enumeration) > 0
        assert item.data_type != "Y" or item.unit == "万元"


def test_every_category_of_a_resource_is_a_class_whose_class_above_comes_first() -> None:
    classes = [found.code for found in demo_data.load_classes()]
    assert len(set(classes)) == len(classes)
    for place, code in enumerate(classes):
        above = parent_of(code)
        assert above in (*classes[:place], "201", "3")
    assert {resource.category for resource in RESOURCES} <= set(classes)


def test_the_chains_are_those_of_the_articles_and_name_organisations_that_exist() -> None:
    chains = {chain.list_type: [step.organisation for step in chain.steps] for chain in demo_data.load_chains()}
    assert chains == {
        "power-list": ["lintao-reform-office", "lintao-legal-office"],
        "special-funds": ["lintao-finance-bureau", None],
        "poverty-projects": ["lintao-poverty-group"],
        "convenience-services": ["lintao-service-centre"],
    }
    assert set(chains) == set(DEMANDED)
    named = {key for steps in chains.values() for key in steps if key is not None}
    assert named <= {organisation.key for organisation in ORGANISATIONS}


def test_names_and_categories_of_resources_are_unique() -> None:
    assert len({resource.name for resource in RESOURCES}) == len(RESOURCES)
    assert len({resource.category for resource in RESOURCES}) == len(RESOURCES)


@pytest.mark.parametrize(("key", "names"), PRESCRIBED.items())
def test_a_list_has_the_fields_that_its_article_prescribes(key: str, names: list[str]) -> None:
    resource = next(resource for resource in RESOURCES if resource.key == key)
    assert set(names) <= {item.name for item in resource.items}


def test_each_resource_has_its_records_and_no_file_is_left_over() -> None:
    assert {key: len(records) for key, records in RECORDS.items()} == COUNTS
    assert {entry.name for entry in files(demo_data).joinpath("records").iterdir()} == {
        f"{resource.key}.json" for resource in RESOURCES
    }


def test_there_are_no_records_of_a_resource_that_does_not_exist() -> None:
    with pytest.raises(FileNotFoundError):
        demo_data.load_records("no-such-resource")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_records_have_the_declared_fields_types_and_values(resource: Resource) -> None:
    items = {item.field_name: item for item in resource.items}
    for number, record in enumerate(RECORDS[resource.key]):
        assert {name for name, item in items.items() if item.required} <= record.keys() <= items.keys(), number
        for name, value in record.items():
            assert satisfies(items[name], value), f"{number} {name}"
            enumeration = items[name].enumeration
            assert enumeration is None or value in enumeration, f"{number} {name}"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_records_satisfy_the_schema_that_the_catalogue_derives_from_their_items(resource: Resource) -> None:
    described = [{name: value for name, value in vars(item).items() if value is not None} for item in resource.items]
    schema = derive_schema(parse_items(described), title=resource.name, code=f"{resource.category}/000001", version=1)
    faults = Draft202012Validator(schema).iter_errors({"op": "upsert", "records": RECORDS[resource.key]})
    assert [fault.json_path for fault in faults] == []


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_keys_are_unique_within_a_resource(resource: Resource) -> None:
    keys = [item.field_name for item in resource.items if item.key]
    counted = Counter(tuple(record[key] for key in keys) for record in RECORDS[resource.key])
    assert max(counted.values()) == 1


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: str(resource.key))
def test_every_item_is_filled_somewhere_unless_the_source_is_silent(resource: Resource) -> None:
    filled = {name for record in RECORDS[resource.key] for name in record}
    silent = {(resource.key, item.field_name) for item in resource.items if item.field_name not in filled}
    assert silent == {pair for pair in SAID_NOWHERE if pair[0] == resource.key}


def guide_steps(code: str) -> list[Record]:
    return [step for step in RECORDS["guide_steps"] if step["guide_code"] == code]


def test_materials_and_steps_are_numbered_through_and_counted_in_their_guide() -> None:
    for guide in RECORDS["guides"]:
        code = guide["guide_code"]
        materials = [row["material_no"] for row in RECORDS["guide_materials"] if row["guide_code"] == code]
        steps = [row["step_no"] for row in guide_steps(str(code))]
        assert materials == list(range(1, len(materials) + 1))
        assert steps == list(range(1, len(steps) + 1))
        assert (len(materials), len(steps)) == (guide["material_count"], guide["step_count"])
    assert {row["guide_code"] for key in ("guide_materials", "guide_steps") for row in RECORDS[key]} == {
        guide["guide_code"] for guide in RECORDS["guides"]
    }


def test_a_step_s_deadline_has_what_its_kind_needs_and_nothing_else() -> None:
    needs = {
        "working_days": {"deadline_amount", "deadline_unit", "deadline_anchor"},
        "annual_date": {"deadline_dates"},
        "event": {"deadline_anchor"},
    }
    optional = set().union(*needs.values())
    for step in RECORDS["guide_steps"]:
        assert step.keys() & optional == needs[str(step["deadline_kind"])]
        if "deadline_amount" in step:
            assert str(step["deadline_anchor"]) in str(step["deadline_text"])
            assert f"{step['deadline_amount']}個工作日" in str(step["deadline_text"])


def test_the_guides_show_the_county_that_they_come_from() -> None:
    assert {guide["source_region"] for guide in RECORDS["guides"]} == {"四川省成都市新津县"}
    assert RECORDS["permits"][0]["source_region"] == "黑龙江省鹤岗市萝北县"


def test_the_winter_guide_keeps_its_fixed_dates_into_the_following_year() -> None:
    dates = [step["deadline_dates"] for step in guide_steps("XJ-JZ-01")]
    assert dates == ["09-15", "09-20", "09-30", "10-10", "10-15", "+1/03-01;+1/06-01"]


def test_the_contradiction_in_the_rebuilding_guide_stands_as_in_its_source() -> None:
    notice, submission = guide_steps("XJ-JZ-02")[2:4]
    assert (notice["step_name"], notice["deadline_text"]) == ("張榜公示", "民主評議后10個工作日之內")
    assert (submission["step_name"], submission["deadline_text"]) == ("提交審核", "民主評議后2個工作日之內")


def test_the_permit_s_limits_are_five_seven_at_most_ten_and_three_working_days() -> None:
    limits = [(row["limit_amount"], row.get("limit_max_amount")) for row in RECORDS["permit_limits"]]
    assert limits == [(5, None), (7, 10), (3, None)]
    assert {row["permit_code"] for row in RECORDS["permit_limits"]} == {RECORDS["permits"][0]["permit_code"]}


def test_six_tasks_name_a_month_and_the_others_go_on() -> None:
    tasks = RECORDS["supervision_tasks"]
    assert [task["task_no"] for task in tasks] == list(range(1, 23))
    assert {task["task_no"]: task.get("due_date") for task in tasks if task["deadline_kind"] == "month"} == {
        1: "2015-10-31",
        2: "2015-10-31",
        3: "2015-12-31",
        5: "2015-12-31",
        6: "2015-12-31",
        7: "2015-12-31",
    }
    assert all("due_date" not in task for task in tasks if task["deadline_kind"] == "ongoing")
    assert all(str(task["lead_body"]) in str(task["responsibility"]) for task in tasks)


def test_the_hundred_pilots_lie_in_fifteen_provinces_with_three_sets_of_fields() -> None:
    pilots = RECORDS["pilot_counties"]
    assert [pilot["pilot_no"] for pilot in pilots] == list(range(1, 101))
    per_province = Counter(pilot["province_no"] for pilot in pilots)
    assert [per_province[number] for number in range(1, 16)] == [5, 7, 7, 6, 7, 5, 8, 7, 7, 6, 7, 7, 8, 8, 5]
    assert len({(pilot["province"], pilot["pilot_name"]) for pilot in pilots}) == 100
    assert Counter(pilot["pilot_areas"] for pilot in pilots).most_common() == [
        (pilots[65]["pilot_areas"], 35),
        (pilots[32]["pilot_areas"], 33),
        (pilots[0]["pilot_areas"], 32),
    ]
    assert [int(pilot["province_no"]) for pilot in pilots] == sorted(int(pilot["province_no"]) for pilot in pilots)


@pytest.mark.parametrize("key", MADE_UP)
def test_made_up_rows_say_so_in_a_field_and_in_their_name(key: str) -> None:
    for record in RECORDS[key]:
        assert record["is_example"] is True
        assert any(str(value).startswith("示例：") for name, value in record.items() if name.endswith("_name"))


def test_every_grant_joins_a_system_and_a_resource_of_somebody_else_once() -> None:
    owners = {system.code: system.organisation for system in SYSTEMS}
    publishers = {resource.key: resource.system for resource in RESOURCES}
    lanes = Counter((grant.consumer, grant.resource, grant.purpose, grant.mode) for grant in GRANTS)
    assert max(lanes.values()) == 1
    for grant in GRANTS:
        assert grant.consumer in owners
        assert publishers[grant.resource] != grant.consumer
        assert grant.purpose in ("行政依据", "工作参考", "数据校核", "业务协同")
        assert re.search("第.+条|四\\(三\\)|二：", grant.basis)
        assert grant.mode == "inbox"


def test_each_resource_is_granted_and_sub_site_and_city_get_what_is_theirs() -> None:
    granted = {
        grant.consumer: {each.resource for each in GRANTS if each.consumer == grant.consumer} for grant in GRANTS
    }
    assert set().union(*granted.values()) == set(COUNTS)
    assert granted["lintao-subsite"] == set(COUNTS) - {"supervision_tasks"}
    assert {"guides", "guide_steps", "guide_materials", "permits", "permit_limits"} <= granted["dingxi-exchange"]
    assert granted["dingxi-poverty-relief"] == {"poverty_projects"}


def test_sources_name_a_document_with_lines_and_an_article() -> None:
    steps = [step for chain in demo_data.load_chains() for step in chain.steps]
    described: list[Organisation | System | Resource | ChainStep] = [*ORGANISATIONS, *SYSTEMS, *RESOURCES, *steps]
    for source in (entry.source for entry in described):
        assert re.fullmatch(r"00[0-4]_[0-9a-f]{16}\.txt", source.document)
        assert re.fullmatch(r"\d+(-\d+)?(,\d+)*", source.lines)
        assert source.article


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a mobile, landline or QQ number", r"\d{7,}|0\d{2,3}-\d{7}"),
        ("a contact person", r"联系人|聯系人|聯繫人|联络员|负责人[:：]|联系电话[:：]|QQ|交流群"),
        ("a rest of the page around the text", r"打印|【|访问次数|字号|上一篇|下一篇|\.{4}|image|www\.|http"),
        ("blanks that a page break left", r"^\s|\s$|[ \t\u3000]{2}|[\u4e00-\u9fff] [\u4e00-\u9fff]"),
    ],
)
def test_no_text_carries(what: str, pattern: str) -> None:
    found = [(path, text[:40]) for path, text in all_texts() if re.search(pattern, text)]
    assert not found, what


def test_a_correction_changes_a_record_of_the_example_that_contradicts_its_neighbour() -> None:
    (correction,) = demo_data.load_corrections()
    steps = {(step["guide_code"], step["step_no"]): step for step in RECORDS[correction.resource]}
    code, number = correction.key["guide_code"], correction.key["step_no"]
    assert isinstance(number, int)
    wrong, before = steps[code, number], steps[code, number - 1]
    assert (before["source_lines"], wrong["source_lines"]) == ("111-112", "113-114")
    assert before["deadline_text"] == "民主評議后10個工作日之內"
    assert wrong["deadline_text"] == "民主評議后2個工作日之內"
    assert "公示結束后" in str(wrong["step_text"])
    after = wrong | dict(correction.changes)
    assert after["deadline_text"] == steps["XJ-JZ-03", 4]["deadline_text"] == "張榜公示結束后2個工作日之內"
    described = next(one for one in RESOURCES if one.key == correction.resource)
    assert all(satisfies(item, after[item.field_name]) for item in described.items if item.field_name in after)


def test_the_lists_of_the_example_are_of_their_types() -> None:
    found = {one.key: str(one.metadata["list_type"]) for one in RESOURCES if "list_type" in one.metadata}
    assert found == {
        "duty_list": "power-list",
        "special_funds": "special-funds",
        "poverty_projects": "poverty-projects",
    }
    for resource in RESOURCES:
        if resource.key not in found:
            continue
        items = parse_items([{k: v for k, v in vars(item).items() if v is not None} for item in resource.items])
        said = {"name": resource.name, "summary": resource.summary, "share_type": 1, "update_cycle": 6}
        metadata = parse_metadata(said | dict(resource.metadata))
        assert list(prescribed_fields_present(metadata, items)) == []
        conditions = conditions_of(found[resource.key])
        schema = derive_schema(items, title="x", code="306002000001/000001", version=1, conditions=conditions)
        validator = Draft202012Validator(schema)
        assert validator.is_valid({"records": RECORDS[resource.key]})
