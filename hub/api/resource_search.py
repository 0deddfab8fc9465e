"""`/v1/resources?q=`: how a search is asked and how its answer reads; and the rebuild of its index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field

from catalog.codes import FormatClass, ResourceClass, ResourceStatus, ShareType, UpdateCycle
from catalog.facets import Facet
from catalog.finding import CAP, Search
from catalog.indexing import MAX_BATCH
from catalog.search_text import MAX_QUERY, MAX_WORDS
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.resource_forms import EXAMPLE, read_with_freshness
from hub.api.wire import Body, example, present
from hub.identity.callers import StaffCaller
from hub.publishing import searching
from hub.publishing.searching import Found

rebuilding = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

NOTHING_TO_FIND = "q 中只有标点或符号，没有可检索的字、字母或数字 / q holds punctuation only, no character, letter or digit to look for"

EXAMPLES = {
    "list": {"summary": "列表 / list", "value": {"items": [EXAMPLE], "next": None}},
    "search": {
        "summary": "检索 / search: q=办事&facets=true",
        "value": {
            "items": [EXAMPLE],
            "next": None,
            "total": 1,
            "facets": {
                "share_type": [{"value": "1", "label": "无条件共享", "label_en": "shared unconditionally", "count": 1}]
            },
        },
    },
}


def _values(text: str, **given: Any) -> Any:
    return Query(description=f"{text}；可重复 / may be repeated", **given)


def narrowed(
    page: Page,
    q: Annotated[
        str | None,
        Query(
            description=(
                f"检索名称、拼音首字母、信息项、提供方、摘要，或代码开头，至多 {MAX_QUERY} 字、{MAX_WORDS} 个词；空格隔开的词须全部出现"
                f" / words, pinyin initials or the beginning of a code; all words must be there"
            ),
            examples=["办事指南"],
        ),
    ] = None,
    status: Annotated[Sequence[ResourceStatus], _values("状态 / status")] = (),
    share_type: Annotated[Sequence[ShareType], _values("共享类型 CL-4 / share type")] = (),
    class_: Annotated[Sequence[ResourceClass], _values("类 CL-1 / class", alias="class")] = (),
    provider: Annotated[Sequence[str], _values("提供方代码或 id / code or id of the provider")] = (),
    update_cycle: Annotated[Sequence[UpdateCycle], _values("更新周期 CL-7 / update cycle")] = (),
    format_class: Annotated[Sequence[FormatClass], _values("格式分类 CL-3 / format class")] = (),
    facets: Annotated[bool, Query(description="同时按六个方面计数 / count by six facets as well")] = False,
) -> Search | None:
    """The question that the query string asks, None for a plain list."""
    given: dict[Facet, Sequence[Any]] = {
        Facet.STATUS: status,
        Facet.SHARE_TYPE: share_type,
        Facet.CLASS: class_,
        Facet.PROVIDER: provider,
        Facet.UPDATE_CYCLE: update_cycle,
        Facet.FORMAT_CLASS: format_class,
    }
    filters = {
        facet: tuple(sorted({str(getattr(value, "value", value)) for value in values}))
        for facet, values in given.items()
        if values
    }
    if q is None and not filters and not facets:
        return None
    return Search(q, filters, limit=page.limit, cursor=page.cursor, with_facets=facets)


Narrowed = Annotated[Search | None, Depends(narrowed)]


def read_found(found: Found, now: datetime) -> dict[str, Any]:
    """A page of what was found, with how many there are: a number, or "1000+" for more than a search counts."""
    shown: dict[str, Any] = {
        "items": [read_with_freshness(one, now) for one in found.resources],
        "next": found.next,
        "total": f"{CAP}+" if found.is_capped else found.total,
    }
    if found.facets is not None:
        shown["facets"] = {
            facet.value: [present(value=one.value, label=one.zh, label_en=one.en, count=one.count) for one in values]
            for facet, values in found.facets.items()
        }
    if not found.has_words:
        shown["note"] = NOTHING_TO_FIND
    return shown


class Part(Body):
    """Which part of the index to write anew: behind `cursor`, the `next` of the part before."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit": MAX_BATCH}]})

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_BATCH)] = MAX_BATCH


@rebuilding.post(
    "/reindex",
    summary="重建检索索引的一段 / write a part of the search index anew",
    responses=example(
        {"checked": 500, "changed": 0, "next": "…", "of": 1200},
        described="这一段核对、改写了几个，共有几个；next 为下一段的游标，末段为 null / "
        "how many of this part were checked and changed, of how many; next is the next part's cursor, null on the last",
    ),
)
async def reindex(
    part: Part, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("resource_reindex"))]
) -> dict[str, Any]:
    """Write what resources are found by, from what they are now; call again with `next` until it is null.

    Searches go on meanwhile. `of` counts all resources, in the first part only. `checked` 0 with a `next`: somebody is
    changing the next resource; call again in a moment.
    """
    async with ctx.transaction() as session:
        done = await searching.reindex(
            session, cursor=part.cursor, limit=part.limit, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
    return {"checked": done.checked, "changed": done.changed, "next": done.next} | present(of=done.of)
