"""Searching over HTTP: what staff and partners find, how it is counted, and what a bad question is told."""

import httpx
import pytest

from hub.identity.roles import Role
from tests.hub.api.test_resources import Office, token
from tests.support.gateway import TestGateway, bearer


@pytest.fixture
async def office(gateway: TestGateway) -> Office:
    return await Office.open(gateway)


async def test_staff_and_partners_search_by_words_filters_and_facets(gateway: TestGateway, office: Office) -> None:
    reader = token(gateway, await gateway.partner("reader"))
    live = await office.published(name="环境保护局办事指南")
    await office.register(name="救助名单", summary="环境保护", update_cycle=1)
    await office.edits(live["id"], "versions", description={**live_description(live), "name": "改名之后"})

    async def search(headers: dict[str, str], **query: object) -> httpx.Response:
        return await gateway.client.get("/v1/resources", params=query, headers=headers)  # type: ignore[arg-type]

    found = (await search(office.editor, q="環境保護", facets=True)).json()
    assert [item["name"] for item in found["items"]] == ["环境保护局办事指南", "救助名单"]
    assert (found["total"], found["next"]) == (2, None)
    assert found["facets"]["update_cycle"] == [
        {"value": "1", "label": "实时", "label_en": "real time", "count": 1},
        {"value": "4", "label": "每月", "label_en": "monthly", "count": 1},
    ]
    assert set(found["facets"]) == {"status", "share_type", "class", "provider", "update_cycle", "format_class"}
    provider = found["facets"]["provider"][0]
    assert (provider["value"], provider["label"]) == (live["provider"]["code"], "提供局")

    theirs = (await search(reader, q="环境保护", facets=True)).json()
    assert [item["id"] for item in theirs["items"]] == [live["id"]]
    listed = (await gateway.client.get("/v1/resources", params={"code": live["code"]}, headers=reader)).json()
    assert theirs["items"] == listed["items"], "found or listed, it reads the same, with its freshness"
    assert theirs["items"][0]["overdue"] is False
    assert [value["value"] for value in theirs["facets"]["status"]] == ["published"]
    assert (await search(office.editor, q="改名之后")).json()["total"] == 1
    assert (await search(reader, q="改名之后")).json()["total"] == 0

    narrowed = (await search(office.editor, q="环境", update_cycle=["1", "2"], provider=provider["value"])).json()
    assert [item["name"] for item in narrowed["items"]] == ["救助名单"]
    assert "facets" not in narrowed
    drafts = (await search(office.editor, status="draft", **{"class": "3"})).json()
    assert [item["name"] for item in drafts["items"]] == ["救助名单"]
    first = (await search(office.editor, q="环境", limit=1)).json()
    second = (await search(office.editor, q="环境", limit=1, cursor=first["next"])).json()
    assert [item["name"] for item in second["items"]] == ["救助名单"]

    nothing = (await search(office.editor, q="！？")).json()
    assert (nothing["items"], nothing["total"]) == ([], 0)
    assert "标点" in nothing["note"]
    for query in (
        {"q": ""},
        {"q": "信" * 65},
        {"share_type": "9"},
        {"provider": "x"},
        {"q": "指南", "cursor": first["next"]},
    ):
        refused = await search(office.editor, **query)
        assert refused.status_code == 422, query
        assert refused.json()["errors"][0]["pointer"].strip("/").split("/")[-1] in {*query, "0"}


def live_description(shown: dict[str, object]) -> dict[str, object]:
    """What an editor sends to say the same again."""
    from tests.support.publishing import METADATA

    return {**METADATA, "system": shown["system"]}


async def test_an_operator_has_the_index_written_anew(gateway: TestGateway, office: Office) -> None:
    operator = bearer(await gateway.staff("operator.wu", Role.OPERATOR))
    await office.published()

    async def part(headers: dict[str, str], **body: object) -> httpx.Response:
        return await gateway.client.post("/v1/resources/reindex", json=body, headers=headers)

    assert (await part(office.reviewer)).status_code == 403
    done = (await part(operator)).json()
    assert (done["checked"], done["changed"], done["of"]) == (1, 0, 1)
    assert (await part(operator, cursor=done["next"])).json() == {"checked": 0, "changed": 0, "next": None}
    assert (await part(operator, cursor="?")).status_code == 422
    assert (await part(operator, limit=501)).status_code == 422
