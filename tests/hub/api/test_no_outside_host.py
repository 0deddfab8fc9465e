"""No page that we serve loads anything from another host, or leads to one: there is no Internet where it is read."""

import re

import pytest

from hub.api.problems import KINDS
from tests.support.gateway import TestGateway

ELSEWHERE = re.compile(r"""(?:src|href|action|srcset)\s*=\s*["']?\s*(?:[a-z]+:)?//|\burl\(|@import""", re.IGNORECASE)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="https://cdn.example/x.js">', True),
        ("<link href=//cdn.example/x.css>", True),
        ("<style>@import 'x.css'</style>", True),
        ('<a href="/problems/no-grant">https://is only told</a>', False),
    ],
)
def test_what_is_looked_for_is_found(page: str, found: bool) -> None:
    assert bool(ELSEWHERE.search(page)) is found


async def test_no_page_names_another_host(gateway: TestGateway) -> None:
    for path in ("/docs", *(f"/problems/{slug}" for slug in KINDS)):
        for language in ("zh", "en"):
            answer = await gateway.client.get(path, headers={"Accept-Language": language})
            assert answer.headers["content-type"].startswith("text/html"), path
            assert not ELSEWHERE.search(answer.text), path
