"""Finding resources in a real database: by every kind of word, in their order, by pages, capped, counted by facets."""

import base64
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog import finding, indexing, search_repository
from catalog.errors import InvalidCursor, InvalidQuery
from catalog.facets import Facet
from catalog.finding import Findings, Search
from catalog.models import Resource, ResourceSearch, ResourceSearchBody
from catalog.search_statements import Tier
from catalog.search_text import fold, read_query
from tests.catalog.conftest import NOW, Stored
from tests.catalog.registered import driver_connection, put, put_all, rows, version_of

CODES = text("SELECT id, code FROM resource")


async def find(session: AsyncSession, search: Search) -> Findings:
    """Ask over the driver's connection, within the session's transaction."""
    return await finding.find(await driver_connection(session), search)


async def codes(session: AsyncSession, query: str | None, **asked: object) -> list[str]:
    """Codes of the first page, less the classification that all have."""
    found = await find(session, Search(query, **asked))  # type: ignore[arg-type]
    return await named(session, found)


async def named(session: AsyncSession, found: Findings) -> list[str]:
    by_id = {row.id: row.code for row in await session.execute(CODES)}
    return [by_id[resource].removeprefix("306001/") for resource in found.resources]


async def test_names_stand_before_all_else_and_codes_before_names(session: AsyncSession, owner: Stored) -> None:
    await put(session, owner, "306001/1", "救助名单", summary="用于环保核查")
    await put(session, owner, "306001/2", "排污许可", items=["环保负责人"])
    await put(session, owner, "306001/3", "环保处罚信息")
    await put(session, owner, "306001/4", "县环保局权责清单")
    assert await codes(session, "环保") == ["3", "4", "1", "2"]
    assert await codes(session, "示例单位") == ["1", "2", "3", "4"]  # the provider of all
    await put(session, owner, "106001/9", "第306001号文件目录")
    assert await codes(session, "306001") == ["1", "2", "3", "4", "106001/9"]
    assert await codes(session, "306001/3") == ["3"]
    assert await codes(session, "306") == ["1", "2", "3", "4", "106001/9"]
    assert await codes(session, "1") == ["106001/9"]
    await put(session, owner, "206001/8", "206号文件", summary="206号")
    assert await codes(session, "206") == ["206001/8"]  # once, though its name and summary hold it too


async def test_words_are_found_however_they_are_written(session: AsyncSession, owner: Stored) -> None:
    await put(session, owner, "306001/1", "環境保護局辦事指南")
    await put(session, owner, "306001/2", "环境保护局办事指南（2024年）", summary="ＰＭ２．５监测")
    for query in ("环境保护", "環境保護", "環境保护", "hjbhjbszn", "BSZN", "hj", "护局 指南", "南", "办事"):
        assert await codes(session, query) == ["1", "2"], query
    for query in ("2024", "2024年", "pm2.5", "ｐｍ２", "监测 指南"):
        assert await codes(session, query) == ["2"], query


async def test_items_are_found_on_every_level(session: AsyncSession, owner: Stored) -> None:
    found = await put(session, owner, "306001/1", "办事指南")
    version = version_of(found, 2, name="办事指南", items=["申请材料"])
    version.items[0]["items"] = [{"name": "材料来源", "items": [{"name": "出具机构"}]}]
    session.add(version)
    await session.flush()
    await indexing.index(session, [found])
    for query in ("申请材料", "材料来源", "出具机构"):
        assert await codes(session, query) == ["1"], query


async def test_a_word_is_found_only_where_its_characters_stand_side_by_side(
    session: AsyncSession, owner: Stored
) -> None:
    await put(session, owner, "306001/1", "环保检查", items=["社保局意见"])
    await put(session, owner, "306001/2", "环保", summary="局")
    assert await codes(session, "环保局") == []
    assert await codes(session, "环保 保局") == ["1"]
    assert await codes(session, "查社") == []


async def test_a_query_for_signs_finds_nothing_and_says_so(session: AsyncSession, owner: Stored) -> None:
    await put(session, owner, "306001/1", "信息")
    found = await find(session, Search("，。！", with_facets=True))
    assert (found.resources, found.total, found.has_words) == ([], 0, False)
    with pytest.raises(InvalidQuery):
        await find(session, Search(""))


async def test_systems_find_what_is_live_and_staff_the_newest_as_well(session: AsyncSession, owner: Stored) -> None:
    live = await put(session, owner, "306001/1", "救助名单", items=["旧项"])
    draft = await put(session, owner, "306001/2", "救助草案", status="draft")
    await put(session, owner, "306001/3", "救助旧档", status="withdrawn")
    await put(session, owner, "306001/4", "救助暂停", status="suspended")
    assert await codes(session, "救助") == ["1", "2", "3", "4"]
    assert await codes(session, "救助", for_systems=True) == ["1", "4"]
    assert await codes(session, None, filters={Facet.CLASS: ("3",)}, for_systems=True) == ["1", "4"]

    session.add(version_of(live, 2, name="补贴名册", share_type=2, items=["新项"], summary="秘而不宣"))
    await session.flush()
    await indexing.index(session, [live])
    for query in ("补贴", "btmc", "新项", "秘而不宣"):
        assert await codes(session, query) == ["1"], query
        assert await codes(session, query, for_systems=True) == [], query
    for query in ("救助名单", "旧项"):
        assert await codes(session, query) == ["1"], query
        assert await codes(session, query, for_systems=True) == ["1"], query
    assert await codes(session, None, filters={Facet.SHARE_TYPE: ("2",)}) == []  # what is shown is the live version

    resource = await session.get_one(Resource, live)
    resource.live_version = 2
    resource.sqlmodel_update({"name": "补贴名册", "share_type": 2})
    await session.flush()
    await indexing.index(session, [live, draft])
    assert await codes(session, "补贴", for_systems=True) == ["1"]
    assert await codes(session, "救助名单") == []
    assert await codes(session, None, filters={Facet.SHARE_TYPE: ("2",)}, for_systems=True) == ["1"]


async def test_filters_narrow_and_facets_count_what_was_found(session: AsyncSession, owner: Stored) -> None:
    other = UUID(int=7)
    await session.execute(
        text(
            "INSERT INTO organisation (id, name, region, parent_id, created_at) VALUES (:id, '另一', '621124', :up, :at)"
        ),
        {"id": other, "up": owner.organisation, "at": NOW},
    )
    await put(session, owner, "106001/1", "企业登记", share_type=1, update_cycle=1, format_class=3)
    await put(session, owner, "306001/2", "企业年报", share_type=2, update_cycle=6, format_class=3)
    await put(
        session, owner, "306001/3", "企业处罚", share_type=2, update_cycle=1, format_class=None, provider_id=other
    )
    await put(session, owner, "306001/4", "居民登记", share_type=2, update_cycle=1)

    async def counted(query: str | None, **filters: tuple[str, ...]) -> dict[str, dict[str, int]]:
        chosen = {Facet(name): values for name, values in filters.items()}
        found = await find(session, Search(query, chosen, with_facets=True))
        counts: dict[str, dict[str, int]] = {}
        for one in found.counts:
            counts.setdefault(one.facet.value, {})[one.value] = one.count
        assert all(sum(values.values()) <= found.total for values in counts.values())
        return counts

    assert await counted("企业") == {
        "status": {"published": 3},
        "share_type": {"1": 1, "2": 2},
        "class": {"1": 1, "3": 2},
        "provider": {str(owner.organisation): 2, str(other): 1},
        "update_cycle": {"1": 2, "6": 1},
        "format_class": {"3": 2},
    }
    assert (await counted("企业", share_type=("2",)))["update_cycle"] == {"1": 1, "6": 1}
    assert (await counted(None))["share_type"] == {"1": 1, "2": 3}
    assert await codes(session, "企业", filters={Facet.SHARE_TYPE: ("1", "2"), Facet.UPDATE_CYCLE: ("1",)}) == [
        "106001/1",
        "3",
    ]
    assert await codes(session, "企业", filters={Facet.PROVIDER: (str(other),)}) == ["3"]
    assert await codes(session, "306", filters={Facet.SHARE_TYPE: ("1",)}) == []
    assert await codes(session, None, filters={Facet.UPDATE_CYCLE: ("6",)}) == ["2"]
    assert await codes(session, None, with_facets=True) == ["106001/1", "2", "3", "4"]


def _tier(query: str, code: str, name: str, others: Sequence[str]) -> int | None:
    """The tier of a resource by the definition: plain substrings of folded texts."""
    words = read_query(query)
    if words.code and code.startswith(words.code):
        return 0
    if words.code and "/" in words.code:
        return None
    if all(any(word in line for line in fold(name).split()) for word in words.words):
        return 1
    texts = [run for line in (name, *others) for run in fold(line).split()]
    return 2 if all(any(word in run for run in texts) for word in words.words) else None


PIECES = ["环保", "局", "县", "审批", "許可", "许可", "信息", "名單", "2024", "206", "年", "（试行）"]


@pytest.fixture
def small_cap(monkeypatch: pytest.MonkeyPatch) -> int:
    """A cap that a few hundred resources exceed, so that every way of looking is taken."""
    for module in (finding, search_repository):
        monkeypatch.setattr(module, "CAP", 6)
    monkeypatch.setattr(finding, "_SOONER_SORTED", 3)
    monkeypatch.setattr(search_repository, "SOONER_COUNTED", dict.fromkeys(Tier, 30))
    return 6


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_found_is_what_the_definition_says(
    session: AsyncSession, owner: Stored, small_cap: int, seed: int
) -> None:
    chance = random.Random(seed)
    made = []
    for number in range(300):
        name, summary, item = ("".join(chance.choices(PIECES, k=chance.randrange(1, 4))) + "表" for _ in range(3))
        classification = "206001" if number % 60 == 0 else chance.choice(("106001", "306001", "306002"))
        shared = chance.choice((1, 1, 1, 2))
        made.append(
            rows(owner, f"{classification}/{number:03d}", name, summary=summary, items=[item], share_type=shared)
        )
    await put_all(session, made)
    frequent = 0
    for _ in range(60):
        query = " ".join(
            "".join(chance.choices(PIECES, k=chance.choice((1, 1, 2)))) for _ in range(chance.choice((1, 1, 2)))
        )
        if chance.random() < 0.2:
            query = chance.choice(("306", "206", "206", "206001", "106001/0", "2"))
        share_types = chance.choice(((), (), ("2",)))
        expected = sorted(
            (tier, resource.code, resource.id)
            for resource, version in made
            for tier in [
                _tier(
                    query,
                    resource.code,
                    resource.name,
                    [version.description["summary"], "示例单位", version.items[0]["name"]],
                )
            ]
            if tier is not None and (not share_types or str(resource.share_type) in share_types)
        )
        frequent += len(expected) > 10 * small_cap
        question = Search(query, {Facet.SHARE_TYPE: share_types}, limit=chance.choice((1, 2, 6)))
        pages = [await find(session, question)]
        while (cursor := pages[-1].next) is not None:
            assert len(pages) < small_cap
            pages.append(await find(session, replace(question, cursor=cursor)))
        shown = [resource for page in pages for resource in page.resources]
        assert shown == [resource for *_, resource in expected[:small_cap]], query
        for page in pages:
            assert (page.total, page.is_capped) == (min(len(expected), small_cap), len(expected) > small_cap), query
        counted = await find(session, replace(question, with_facets=True))
        assert sum(one.count for one in counted.counts if one.facet is Facet.STATUS) == min(len(expected), small_cap)
        assert list(counted.resources) == shown[: question.limit]
    assert frequent > 5


async def test_more_than_a_thousand_are_a_thousand_and_more(session: AsyncSession, owner: Stored) -> None:
    made = [rows(owner, f"306001/{number:05d}", f"信息{number}", share_type=1 + number % 2) for number in range(1_150)]
    made += [rows(owner, f"106001/{number:05d}", f"名单{number}", summary="登记信息") for number in range(60)]
    await put_all(session, made)
    found = await find(session, Search("信息", with_facets=True, limit=500))
    assert (found.total, found.is_capped) == (1_000, True)
    assert sum(one.count for one in found.counts if one.facet is Facet.SHARE_TYPE) == 1_000
    shown = list(await named(session, found))
    while found.next is not None:
        found = await find(session, Search("信息", limit=500, cursor=found.next))
        shown += await named(session, found)
    assert shown == [f"{number:05d}" for number in range(1_000)]
    assert (await find(session, Search("名单"))).total == 60
    assert not (await find(session, Search("登记信息"))).is_capped

    everything = await find(session, Search(with_facets=True, limit=500))
    assert (everything.total, everything.is_capped) == (1_000, True)
    listed = len(everything.resources)
    while everything.next is not None:  # a list goes on to its end
        everything = await find(session, Search(with_facets=True, limit=500, cursor=everything.next))
        listed += len(everything.resources)
    assert listed == 1_210


async def test_pages_neither_repeat_nor_skip_while_resources_come_and_go(session: AsyncSession, owner: Stored) -> None:
    for number in range(10, 30, 2):
        await put(session, owner, f"306001/{number}", "企业名单" if number < 20 else "名单", summary="企业")
    shown: list[str] = []
    cursor: str | None = None
    for place in range(20):
        found = await find(session, Search("企业", limit=3, cursor=cursor))
        shown += await named(session, found)
        cursor = found.next
        if cursor is None:
            break
        await put(session, owner, f"106001/{place}", "企业登记")  # stands before what was shown
        for table in (ResourceSearch, ResourceSearchBody):  # and the last one shown is no longer found
            await session.execute(delete(table).where(col(table.resource_id) == found.resources[-1]))
    assert shown == [str(number) for number in range(10, 30, 2)]


@pytest.mark.parametrize("made_up", ["", "x", "!!!", "MQ", "bnVsbA", "W10"])
async def test_a_cursor_that_was_not_given_out_is_refused(session: AsyncSession, owner: Stored, made_up: str) -> None:
    with pytest.raises(InvalidCursor):
        await find(session, Search("企业", cursor=made_up))


async def test_a_cursor_serves_the_question_that_it_was_given_for(session: AsyncSession, owner: Stored) -> None:
    for number in range(3):
        await put(session, owner, f"306001/{number}", "企业名单")
    cursor = (await find(session, Search("企业", limit=1))).next
    assert cursor is not None
    assert await codes(session, "企業", limit=1, cursor=cursor) == ["1"]  # the same question
    for other in (
        Search("名单", cursor=cursor),
        Search("企业", {Facet.SHARE_TYPE: ("1",)}, cursor=cursor),
        Search("企业", for_systems=True, cursor=cursor),
    ):
        with pytest.raises(InvalidCursor):
            await find(session, other)
    digest = json.loads(base64.urlsafe_b64decode(cursor + "=="))[0]
    for forged in ([digest, "1", "x", 1], [digest, 1, 5, 1], [digest, 1, "码", 1], [digest, 1, "x", 0], [digest]):
        written = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
        with pytest.raises(InvalidCursor):
            await find(session, Search("企业", cursor=written))


async def test_the_largest_entry_that_the_rules_allow_can_be_found(session: AsyncSession, owner: Stored) -> None:
    chance = random.Random(3)

    def rare(length: int) -> str:  # characters of four bytes, each pair another one
        return "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(length))

    largest = {"items": [rare(100) for _ in range(500)], "summary": rare(1_000)}
    found = await put(session, owner, "306001/1", rare(99) + "甲", **largest)
    session.add(version_of(found, 2, name=rare(99) + "乙", items=[rare(100) for _ in range(500)], summary=rare(1_000)))
    await session.flush()
    await indexing.index(session, [found])
    assert await codes(session, largest["items"][250][40:44]) == ["1"]
    assert await codes(session, "乙") == ["1"]
    row = await session.get_one(ResourceSearchBody, (found, False))
    assert row.text.count("\n") == 1_002  # a thousand items, two summaries, the provider
