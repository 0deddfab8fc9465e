"""What the framework finds wrong with an input is told in Chinese and English, with the cure and without the value."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from catalog.codes import Scene
from hub.app.input_faults import field_error


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")

    needed: int = 0
    scene: Scene | None = None
    other: Scene | None = None
    kind: Literal["whole", "change"] = "whole"
    count: Annotated[StrictInt, Field(ge=1, le=9)] = 1
    share: float = 0.0
    name: Annotated[StrictStr, Field(min_length=2, max_length=3, pattern="^[a-z{}]+$")] = "aa"
    flag: StrictBool = False
    rows: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    body: dict[str, int] = {}
    at: AwareDatetime | None = None
    day: date | None = None
    id: UUID | None = None


class _Needing(BaseModel):
    needed: int


def faults(given: Any, model: type[BaseModel] = _Input) -> list[tuple[str, str, str, str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(given)
    found = [field_error({**error, "loc": ("body", *error["loc"])}) for error in refused.value.errors()]
    assert all("private" not in (one.zh + one.en) for one in found)
    return [(one.pointer, one.zh, one.en, one.rule) for one in found]


@pytest.mark.parametrize(
    ("given", "said", "said_in_english"),
    [
        ({"nothing": "private"}, "没有这个字段", "no such field"),
        ({"kind": "private"}, "应为下列之一：'whole' or 'change'", "is one of 'whole' or 'change'"),
        ({"other": "private"}, "应为下列之一：'service'", "is one of 'service'"),
        ({"count": "private"}, "应为整数", "whole number"),
        ({"count": 0}, "不得小于 1", "at least 1"),
        ({"count": 10}, "不得大于 9", "at most 9"),
        ({"share": "private"}, "应为数字", "a number"),
        ({"name": 5}, "应为文本", "a text"),
        ({"name": "a"}, "至少 2 个字符", "at least 2"),
        ({"name": "aaaa"}, "最多 3 个字符", "at most 3"),
        ({"name": "1-"}, "应符合格式 ^[a-z{}]+$", "must match ^[a-z{}]+$"),
        ({"flag": "private"}, "应为 true 或 false", "true or false"),
        ({"rows": "private"}, "应为列表", "a list"),
        ({"rows": []}, "至少 1 项", "at least 1"),
        ({"rows": [1, 2, 3]}, "最多 2 项", "at most 2"),
        ({"body": "private"}, "应为对象", "an object"),
        ({"at": "private"}, "应为带时区的时间", "a time with its offset"),
        ({"at": "2026-03-02T09:30:00"}, "应为带时区的时间", "a time with its offset"),
        ({"day": "private"}, "应为日期", "a date"),
        ({"id": "private"}, "应为 UUID", "a UUID"),
    ],
)
def test_a_fault_of_form_is_told_with_its_cure(given: dict[str, Any], said: str, said_in_english: str) -> None:
    ((pointer, zh, en, _),) = faults(given)
    assert (pointer, said in zh, said_in_english in en) == (f"/{next(iter(given))}", True, True)
    assert ("；请" in zh, "Input" in zh + en) == (True, False)


def test_a_value_outside_a_code_list_of_the_catalogue_is_told_with_the_values_of_the_list() -> None:
    ((pointer, zh, en, rule),) = faults({"scene": "private"})
    assert (pointer, rule) == ("/scene", "code-list")
    assert zh == "应为：service 政务服务、public 公共服务、supervision 监管、other 其他"
    assert en.startswith("is one of: service government service, ")


def test_what_is_missing_and_what_is_no_json_is_told() -> None:
    assert faults({}, _Needing) == [("/needed", "缺少该字段；请补上", "this field is missing; add it", "")]
    broken = field_error({"loc": ("body", 3), "type": "json_invalid", "msg": "private", "ctx": {"error": "private"}})
    assert (broken.pointer, "private" in broken.zh + broken.en) == ("/3", False)
    assert "not foreseen" in field_error({"loc": ("body",), "type": "else", "msg": "not foreseen"}).en
