"""The core metadata 核心元数据 of a resource (guideline §1.1): what its editor says about it, one value for each version.

Knows the form of each field and its labels; what the fields may not say together is in `catalog.rules`. Classification,
code, provider and publishing system belong to the resource and not here.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr, ValidationError

from catalog import labels
from catalog.codes import (
    CollectMode,
    DataLevel,
    FormatClass,
    HolderKind,
    NetworkZone,
    Openness,
    Scene,
    ShareModeClass,
    ShareModeType,
    ShareType,
    SourceLevel,
    UpdateCycle,
)
from catalog.errors import InvalidResource, Violation
from catalog.labels import labelled as _labelled


class Metadata(BaseModel):
    """What a version says about its resource; absent means absent. `REQUIRED` names what publication cannot do without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[StrictStr, _labelled("信息资源名称", "name")]
    summary: Annotated[StrictStr, _labelled("信息资源摘要", "summary")]
    provider_sub_unit: Annotated[StrictStr | None, _labelled("下设机构", "sub-unit of the provider")] = None
    format_class: Annotated[FormatClass | None, _labelled("信息资源格式分类", "format class")] = None
    format_type: Annotated[StrictStr | None, _labelled("信息资源格式类型", "format type")] = None
    format_other_note: Annotated[StrictStr | None, _labelled("其他类型资源格式描述", "note on another format")] = None
    share_type: Annotated[ShareType, _labelled("共享类型", "share type")]
    share_condition: Annotated[StrictStr | None, _labelled("共享条件", "condition of sharing")] = None
    no_share_basis: Annotated[StrictStr | None, _labelled("不予共享依据", "basis for not sharing")] = None
    share_change_basis: Annotated[
        StrictStr | None, _labelled("共享类型收紧依据", "basis for sharing less than before")
    ] = None
    share_mode_class: Annotated[ShareModeClass | None, _labelled("共享方式分类", "share mode class")] = None
    share_mode_type: Annotated[ShareModeType | None, _labelled("共享方式类型", "share mode type")] = None
    is_open: Annotated[Openness | None, _labelled("是否向社会开放", "open to the public")] = None
    open_condition: Annotated[StrictStr | None, _labelled("开放条件", "condition of opening")] = None
    open_theme: Annotated[StrictStr | None, _labelled("开放主题分类", "theme of open data")] = None
    update_cycle: Annotated[UpdateCycle, _labelled("更新周期", "update cycle")]
    related_resource_codes: Annotated[
        tuple[StrictStr, ...], _labelled("关联资源代码", "codes of related resources")
    ] = ()
    related_affairs: Annotated[StrictStr | None, _labelled("关联业务事项", "related matters")] = None
    network_zone: Annotated[NetworkZone | None, _labelled("网络区域", "network zone")] = None
    is_secret: Annotated[StrictBool, _labelled("是否涉密", "is a secret")] = False
    data_level: Annotated[DataLevel | None, _labelled("数据分级", "data level")] = None
    holder_kind: Annotated[HolderKind | None, _labelled("数据主体", "kind of holder")] = None
    licence_type_code: Annotated[StrictStr | None, _labelled("证照类型代码", "licence type code")] = None
    source_system: Annotated[StrictStr | None, _labelled("来源系统", "source system")] = None
    source_system_level: Annotated[SourceLevel | None, _labelled("来源系统分级", "level of the source system")] = None
    scene: Annotated[Scene | None, _labelled("应用场景", "scene of use")] = None
    region_scope: Annotated[tuple[StrictStr, ...], _labelled("数据区域范围", "regions covered")] = ()
    is_backflow: Annotated[StrictBool, _labelled("是否回流地市", "flows back to the city")] = False
    collect_mode: Annotated[CollectMode | None, _labelled("归集机制", "way of collecting")] = None
    list_type: Annotated[StrictStr | None, _labelled("清单类型", "type of list")] = None
    is_example: Annotated[StrictBool, _labelled("示例数据", "example")] = False

    def to_json(self) -> dict[str, Any]:
        """Return what is stored and served: absent means absent, false flags are absent."""
        return self.model_dump(mode="json", exclude_defaults=True)


REQUIRED: Final = ("name", "summary", "format_class", "format_type", "share_type", "is_open", "update_cycle")
"""Fields that §1.1 requires of every resource; `share_mode_class` and `share_mode_type` besides, unless it is not shared."""


def label_of(field: str) -> tuple[str, str]:
    """Return the Chinese and the English label of a field of `Metadata`."""
    return labels.label_of(Metadata, field)


def parse_metadata(raw: Mapping[str, Any]) -> Metadata:
    """Return the metadata that `raw` (JSON) describes; InvalidResource names every fault of form."""
    try:
        return Metadata.model_validate(raw)
    except ValidationError as error:
        raise InvalidResource(list(form_violations(error))) from None


def form_violations(error: ValidationError) -> Iterator[Violation]:
    """Yield a violation for each fault that the form of `Metadata` found."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(fault["loc"][0]) if fault["loc"] else ""
        pointer = f"/{field}" if field else ""
        if fault["type"] == "missing":
            yield Violation(pointer, "required", "必填，请填写", "is required; fill it in")
        elif fault["type"] == "extra_forbidden":
            yield Violation(pointer, "form", "没有这个字段，请删除或改名", "no such field; remove or rename it")
        elif (words := code_list_words(field)) is not None:
            yield Violation(pointer, "code-list", *words)
        else:
            yield Violation(pointer, "form", "值的类型不对，请改正", f"has the wrong type: {fault['msg']}")


_LISTS: Final = {
    "format_class": FormatClass,
    "share_type": ShareType,
    "share_mode_class": ShareModeClass,
    "share_mode_type": ShareModeType,
    "is_open": Openness,
    "update_cycle": UpdateCycle,
    "network_zone": NetworkZone,
    "data_level": DataLevel,
    "holder_kind": HolderKind,
    "source_system_level": SourceLevel,
    "scene": Scene,
    "collect_mode": CollectMode,
}


def code_list_words(field: str) -> tuple[str, str] | None:
    """Return which values a field of `Metadata` takes, in Chinese and English; None for one without a code list."""
    codes: Any = _LISTS.get(field)
    if codes is None:
        return None
    zh = "、".join(f"{code.value} {code.zh}" for code in codes)
    en = ", ".join(f"{code.value} {code.en}" for code in codes)
    return f"应为：{zh}", f"is one of: {en}"
