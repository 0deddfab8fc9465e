"""`/v1/list-types`: the lists of the policy documents as ready types, and a resource of one by one call."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from catalog.lists import list_type, list_types
from catalog.lists.list_type import ListType
from hub.api.acting import expect_standing
from hub.api.context import ContextDep
from hub.api.guard import staff_may, system_or_staff
from hub.api.resource_forms import EXAMPLE, read
from hub.api.wire import Body, present
from hub.errors import NotFound
from hub.identity.callers import StaffCaller
from hub.identity.permissions import catalogue, require
from hub.publishing import service
from hub.registry.errors import InvalidField

router = APIRouter(prefix="/v1/list-types", tags=["清单类型 / types of lists"])

SUMMARY_EXAMPLE = {
    "key": "poverty-projects",
    "title": "扶贫项目清单",
    "title_en": "list of poverty relief projects",
    "basis": "《临洮县扶贫清单上网发布管理办法(试行)》第三条",
    "classification": "308001000001",
    "items": 10,
    "samples": 3,
}


class NewList(Body):
    """What is not the same for every list of the type; what is left out is as the type proposes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"system": "lintao-poverty-relief", "description": {"name": "2026年扶贫项目清单"}}]
        }
    )

    system: Annotated[
        str,
        Field(description="发布数据的系统代码 / code of the system that publishes", examples=["lintao-poverty-relief"]),
    ]
    provider: Annotated[
        UUID | None, Field(description="提供机构 id，缺省为本人机构 / provider, your own if left out")
    ] = None
    classification: Annotated[
        str | None, Field(description="类项目细目，缺省按类型 / classification, by default the type's")
    ] = None
    description: Annotated[
        Mapping[str, Any],
        Field(
            description="要改的元数据，如 name / core metadata other than the type's",
            examples=[{"name": "2026年扶贫项目清单"}],
        ),
    ] = {}
    items: Annotated[
        tuple[Mapping[str, Any], ...],
        Field(
            description="规定之外另加的信息项 / items beside those of the type",
            examples=[[{"field_name": "village", "name": "所在村", "data_type": "C", "length": 50}]],
        ),
    ] = ()
    is_example: Annotated[bool, Field(description="示例资源 / an example")] = False


@router.get(
    "",
    summary="清单类型 / types of lists",
    dependencies=[Depends(system_or_staff("list_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [SUMMARY_EXAMPLE], "next": None}}}}},
)
async def listing() -> dict[str, Any]:
    """Every type, in the order of the documents' lists."""
    return {"items": [_summary(one) for one in list_types()], "next": None}


@router.get(
    "/{key}",
    summary="一个清单类型 / one type of list",
    dependencies=[Depends(system_or_staff("list_read"))],
    responses={200: {"content": {"application/json": {"example": SUMMARY_EXAMPLE | {"items": [], "samples": []}}}}},
)
async def one(key: str) -> dict[str, Any]:
    """The whole type: items with the words that ask for them, conditions, checks, rules of publication, sample rows."""
    return _whole(_find(key))


@router.post(
    "/{key}/resources",
    status_code=201,
    summary="按类型登记清单资源 / register a resource of the type",
    responses={201: {"content": {"application/json": {"example": EXAMPLE | {"status": "draft"}}}}},
)
async def register(
    key: str, body: NewList, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("resource_create"))]
) -> dict[str, Any]:
    """Register a draft with the items and metadata of the type; it is edited, reviewed and published as every resource."""
    described = _find(key)
    provider_id = body.provider or caller.organisation_id
    if provider_id is None:
        raise InvalidField("/provider", "请指明提供机构 provider", "name the providing organisation in provider")
    require(catalogue.resource_create, caller, provider_id)
    said = described.described() | dict(body.description) | {"list_type": key, "is_example": body.is_example}
    metadata = service.read_metadata(said)
    async with ctx.transaction() as session:
        parties = await service.find_parties(session, provider_id, body.system)
    async with ctx.transaction() as session:
        step = await service.register_resource(
            session,
            metadata,
            [*(item.to_json() for item in described.items), *body.items],
            owner=parties.owner,
            classification=body.classification or described.classification,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        await expect_standing(session, caller)
        return read((await service.find_resource(session, str(step.resource_id))).shown)


def _find(key: str) -> ListType:
    found = list_type(key)
    if found is None:
        raise NotFound("没有这个清单类型；请先查询清单类型列表", "there is no such type of list; list the types first")
    return found


def _summary(described: ListType) -> dict[str, Any]:
    first = described.basis[0]
    return {
        "key": described.key,
        "title": described.title.zh,
        "title_en": described.title.en,
        "basis": f"{first.document}{first.article}",
        "classification": described.classification,
        "items": len(described.items),
        "samples": len(described.samples),
    }


def _whole(described: ListType) -> dict[str, Any]:
    return present(
        key=described.key,
        row=described.row,
        title=described.title.zh,
        title_en=described.title.en,
        summary=described.summary.zh,
        summary_en=described.summary.en,
        basis=[basis.model_dump() for basis in described.basis],
        classification=described.classification,
        metadata=dict(described.metadata),
        approval=described.approval.model_dump(),
        publication=described.publication.model_dump(exclude_none=True),
        items=[
            entry.item.to_json() | present(quoted=entry.quoted, prescribed=entry.is_prescribed)
            for entry in described.list_items
        ],
        conditions=[condition.model_dump(exclude_defaults=True) for condition in described.conditions],
        checks=[check.model_dump(exclude_none=True) for check in described.checks],
        samples=[dict(sample) for sample in described.samples],
    )
