"""Catalogues of others over the API: harvested in stages, people's words kept, deletions shown; and ours as DCAT."""

from typing import Any

import httpx
import pytest

from catalog.dcat.pages import Syntax
from catalog.dcat.reading import read_page
from hub.identity.roles import Role
from tests.hub.api.test_resources import Office, token
from tests.support.gateway import TestGateway, bearer

TURTLE = {"Content-Type": "text/turtle"}


class Steward:
    """The authority's reviewer with a registered catalogue."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def post(self, path: str, body: Any = None, *, expect: int = 200) -> dict[str, Any]:
        answer = await self.client.post(f"/v1/{path}", json=body, headers=self.headers)
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def begin(self) -> str:
        return str((await self.post("upstream-catalogues/dingxi/harvests", expect=201))["id"])

    async def page(self, harvest: str, document: bytes, *, media: dict[str, str] = TURTLE) -> httpx.Response:
        return await self.client.post(f"/v1/harvests/{harvest}/pages", content=document, headers=self.headers | media)

    async def harvest(self, **titles: str) -> dict[str, Any]:
        harvest = await self.begin()
        assert (await self.page(harvest, document(**titles))).status_code == 200
        return await self.post(f"harvests/{harvest}/apply")

    async def listed(self, **query: str) -> dict[str, dict[str, Any]]:
        chosen = "".join(f"&{name}={value}" for name, value in query.items())
        found = await self.get(f"upstream-resources?catalogue=dingxi{chosen}")
        return {item["uri"].rpartition("/")[2]: item for item in found["items"]}


def document(following: str | None = None, *, page: str = "p", first: str | None = None, **titles: str) -> bytes:
    """A page with a dataset of each title, at an address that ends with its name; it says its own where it names another."""
    lines = ["@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> ."]
    lines += [f'<https://up.example/{name}> a dcat:Dataset ; dct:title "{title}" .' for name, title in titles.items()]
    if following is not None:
        lines.append(f"<https://up.example/{page}> <http://www.w3.org/ns/hydra/core#next> <{following}> .")
    if first is not None:
        lines.append(
            f"<https://up.example/{page}> a <http://www.w3.org/ns/hydra/core#PartialCollectionView> ;"
            f" <http://www.w3.org/ns/hydra/core#first> <{first}> ."
        )
    return "\n".join(lines).encode()


@pytest.fixture
async def steward(gateway: TestGateway) -> Steward:
    headers = bearer(await gateway.staff("reviewer.qian", Role.REVIEWER))
    made = Steward(gateway.client, headers)
    await made.post("upstream-catalogues", {"name": "dingxi", "title": "定西市政务信息资源目录"}, expect=201)
    return made


async def test_a_harvest_goes_in_stages_and_changes_nothing_before_it_is_applied(steward: Steward) -> None:
    harvest = await steward.begin()
    first = await steward.page(harvest, document("https://up.example/p2", a="甲", b="乙"))
    assert first.json()["next_page"] == "https://up.example/p2"
    early = await steward.client.post(f"/v1/harvests/{harvest}/apply", headers=steward.headers)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/conflict")
    assert "最后一页" in early.json()["detail"]
    await steward.page(harvest, document(c="丙"))
    await steward.page(harvest, document(c="丙"))
    found = await steward.get(f"harvests/{harvest}?limit=2")
    assert found["counts"] == {"new": 3, "changed": 0, "back": 0, "gone": 0, "unchanged": 0}
    assert [change["verdict"] for change in found["changes"]] == ["new", "new"]
    rest = await steward.get(f"harvests/{harvest}?limit=2&cursor={found['next']}")
    assert [change["uri"] for change in rest["changes"]] == ["https://up.example/c"]
    assert await steward.listed() == {}
    applied = await steward.post(f"harvests/{harvest}/apply")
    assert (applied["state"], applied["counts"]["new"]) == ("applied", 3)
    assert list(await steward.listed()) == ["a", "b", "c"]
    again = await steward.client.post(f"/v1/harvests/{harvest}/apply", headers=steward.headers)
    assert again.status_code == 409
    assert (await steward.get(f"harvests/{harvest}"))["counts"]["new"] == 3


async def test_a_harvest_that_lacks_a_page_is_not_applied_whichever_it_is(steward: Steward) -> None:
    at = "https://up.example/"
    pages = [
        document(f"{at}p2", page="p1", first=f"{at}p1", a="甲"),
        document(f"{at}p3", page="p2", first=f"{at}p1", b="乙"),
        document(page="p3", first=f"{at}p1", c="丙"),
    ]
    for lacking, name in enumerate(("p1", "p2", "p3")):
        harvest = await steward.begin()
        for page in (*pages[lacking + 1 :], *pages[:lacking]):
            assert (await steward.page(harvest, page)).json()["is_complete"] is False
        refused = await steward.client.post(f"/v1/harvests/{harvest}/apply", headers=steward.headers)
        assert (refused.status_code, f"{at}{name}" in refused.json()["detail"]) == (409, True)
        assert (await steward.page(harvest, pages[lacking])).json()["is_complete"] is True
        assert (await steward.post(f"harvests/{harvest}/apply"))["counts"]["gone"] == 0
    assert list(await steward.listed(gone="false")) == ["a", "b", "c"]


async def test_pages_that_do_not_say_their_address_are_counted(steward: Steward) -> None:
    harvest = await steward.begin()
    await steward.page(harvest, document("https://up.example/p3", page="p2", b="乙"))
    await steward.page(harvest, document("https://up.example/p2", page="p1", a="甲"))
    assert (await steward.get(f"harvests/{harvest}"))["is_complete"] is False
    last = document(c="丙")
    for _ in range(2):
        assert (await steward.page(harvest, last)).json()["is_complete"] is True


async def test_the_same_harvest_again_changes_nothing(steward: Steward) -> None:
    await steward.harvest(a="甲", b="乙")
    before = await steward.listed()
    counts = (await steward.harvest(a="甲", b="乙"))["counts"]
    assert counts == {"new": 0, "changed": 0, "back": 0, "gone": 0, "unchanged": 2}
    after = await steward.listed()
    for name, item in after.items():
        assert {**item, "last_seen_at": ""} == {**before[name], "last_seen_at": ""}


async def test_what_a_person_wrote_is_kept_and_shown_where_the_catalogue_changed_beneath(steward: Steward) -> None:
    await steward.harvest(a="甲", b="乙")
    edited = (await steward.listed())["a"]["id"]
    shown = await steward.post(f"upstream-resources/{edited}/edit", {"edits": {"name": "本县的甲", "note": "同源"}})
    assert (shown["shown"]["name"], shown["said"]["name"], shown["conflicts"]) == ("本县的甲", "甲", [])
    await steward.harvest(a="甲（修订）", b="乙")
    now = (await steward.listed())["a"]
    assert (now["shown"]["name"], now["said"]["name"], now["conflicts"]) == ("本县的甲", "甲（修订）", ["name"])
    settled = await steward.post(f"upstream-resources/{edited}/edit", {"edits": {"name": "本县的甲"}})
    assert settled["conflicts"] == []
    back = await steward.post(f"upstream-resources/{edited}/edit", {"edits": {"name": None}})
    assert (back["shown"]["name"], back["edits"]) == ("甲（修订）", {"note": "同源"})


async def test_what_is_gone_is_shown_and_comes_back_with_what_was_written(steward: Steward) -> None:
    await steward.harvest(a="甲", b="乙")
    identifier = (await steward.listed())["a"]["id"]
    await steward.post(f"upstream-resources/{identifier}/edit", {"edits": {"note": "常用"}})
    assert (await steward.harvest(b="乙"))["counts"]["gone"] == 1
    assert list(await steward.listed(gone="true")) == ["a"]
    assert list(await steward.listed(gone="false")) == ["b"]
    assert (await steward.harvest(a="甲", b="乙"))["counts"]["back"] == 1
    found = (await steward.listed())["a"]
    assert (found["id"], found["edits"], found.get("gone_at")) == (identifier, {"note": "常用"}, None)


async def test_an_address_that_could_not_be_read_is_not_taken_for_gone(steward: Steward) -> None:
    await steward.harvest(a="甲", b="乙")
    counts = (await steward.harvest(a="长" * 101, b="乙"))["counts"]
    assert (counts["gone"], counts["unchanged"]) == (0, 1)
    assert "gone_at" not in (await steward.listed())["a"]


async def test_a_catalogue_is_harvested_once_at_a_time_and_a_harvest_can_be_given_up(steward: Steward) -> None:
    harvest = await steward.begin()
    await steward.page(harvest, document(a="甲"))
    second = await steward.client.post("/v1/upstream-catalogues/dingxi/harvests", headers=steward.headers)
    assert second.status_code == 409
    assert harvest in second.json()["detail"]
    assert (await steward.post(f"harvests/{harvest}/abandon"))["state"] == "abandoned"
    assert (await steward.page(harvest, document(a="甲"))).status_code == 409
    assert (await steward.harvest(b="乙"))["counts"]["new"] == 1


async def test_what_is_wrong_is_told_with_its_field(steward: Steward, gateway: TestGateway) -> None:
    async def refused(path: str, body: Any) -> tuple[int, list[str]]:
        answer = await steward.client.post(f"/v1/{path}", json=body, headers=steward.headers)
        return answer.status_code, [error["pointer"] for error in answer.json().get("errors", [])]

    assert await refused("upstream-catalogues", {"name": "X", "title": "目录"}) == (422, ["/name"])
    assert await refused("upstream-catalogues", {"name": "dingxi", "title": "目录"}) == (409, [])
    assert await refused("upstream-catalogues/nobody/harvests", None) == (404, [])
    nothing = "01990000-0000-7000-8000-000000000000"
    assert await refused(f"harvests/{nothing}/apply", None) == (404, [])
    assert await refused(f"upstream-resources/{nothing}/edit", {"edits": {}}) == (404, [])
    harvest = await steward.begin()
    wrong = await steward.page(harvest, b"x", media={"Content-Type": "text/html"})
    assert (wrong.status_code, "text/turtle" in wrong.json()["detail"]) == (422, True)
    broken = await steward.page(harvest, b"<a> <b>")
    assert (broken.status_code, "text/turtle" in broken.json()["detail"]) == (422, True)
    await steward.page(harvest, document(a="甲"))
    await steward.post(f"harvests/{harvest}/apply")
    identifier = (await steward.listed())["a"]["id"]
    edits = {"uri": "x", "name": " ", "share_type": 9, "classification": "abc", "update_cycle": True}
    code, pointers = await refused(f"upstream-resources/{identifier}/edit", {"edits": edits})
    assert (code, sorted(pointers)) == (422, ["/classification", "/name", "/share_type", "/update_cycle", "/uri"])
    editor = bearer(await gateway.staff("editor.sun", Role.EDITOR, organisation="示例局"))
    assert (await steward.client.post("/v1/upstream-catalogues/dingxi/harvests", headers=editor)).status_code == 403


async def test_our_own_catalogue_is_written_page_by_page_and_reads_back(gateway: TestGateway) -> None:
    office = await Office.open(gateway)
    shown = [await office.published(name=f"指南{number}") for number in (1, 2)]
    await office.register(name="草稿")
    reader = token(gateway, await gateway.partner("reader"))
    for syntax in Syntax:
        answer = await gateway.client.get(f"/v1/resources/catalogue.{syntax.suffix}?limit=1", headers=reader)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, syntax.value)
        first = read_page(answer.content, syntax)
        assert first.following is not None
        following = await gateway.client.get(first.following, headers=reader)
        second = read_page(following.content, syntax)
        assert second.following is None
        assert [page.datasets[0].said["upstream_code"] for page in (first, second)] == [item["code"] for item in shown]
    assert (await gateway.client.get("/v1/resources/catalogue.ttl")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "pointer"),
    [
        ("GET", "/v1/resources?provider=%00", "/provider"),
        ("GET", "/v1/upstream-resources?catalogue=a%00", "/catalogue"),
        ("POST", "/v1/upstream-catalogues/a%00/harvests", "/path"),
        ("POST", "/v1/resources/imports?system=a%00", "/system"),
    ],
)
async def test_an_address_with_nul_is_refused_where_it_stands(
    steward: Steward, method: str, path: str, pointer: str
) -> None:
    answer = await steward.client.request(method, path, headers=steward.headers)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
