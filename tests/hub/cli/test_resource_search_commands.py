"""`shuniu resource search` and `reindex`, typed by staff."""

import pytest

from hub.cli import resource_search
from tests.support.town import Town

pytestmark = pytest.mark.process


def test_resources_are_found_by_words_and_counted(town: Town) -> None:
    code = town.resource("lintao-approval", "渣土运输许可")
    editor = town.user("secadmin")
    found = editor.types("resource", "search", "運輸", "渣土", "--facets", "--share-type", "1", "--json").json
    assert [item["code"] for item in found["items"]] == [code]
    assert found["facets"]["share_type"][0]["count"] == found["total"] == 1
    plain = editor.types("resource", "search", "ztys", "--facets")
    assert plain.code == 0
    assert code in plain.out
    assert "无条件共享" in plain.out
    assert "共 1 项" in plain.err
    town.resource("lintao-approval", "渣土消纳场")
    page = editor.types("resource", "search", "渣土", "--limit", "1")
    following = page.err.split("--cursor ")[1].strip()
    assert "消纳" in editor.types("resource", "search", "渣土", "--limit", "1", "--cursor", following).out
    assert "标点" in editor.types("resource", "search", "？？").err
    assert editor.types("resource", "search", "信" * 65).code == 1
    assert code in editor.types("resource", "search", "--limit", "500").out
    listed = editor.types("resource", "search", "--status", "published", "--limit", "500").out
    assert code in listed
    assert code not in editor.types("resource", "search", "--status", "draft", "--limit", "500").out


def test_the_index_is_written_anew_by_one_command(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.resource("lintao-approval", "渣土处置")
    operator = town.user("sysadmin")
    done = operator.types("resource", "reindex", "--json")
    assert done.json["changed"] == 0
    assert done.json["checked"] >= 1
    assert "/ resources" in done.err
    assert "更正 0 项" in operator.types("resource", "reindex").out
    assert town.user("secadmin").types("resource", "reindex").code == 1

    monkeypatch.setattr(resource_search, "WAIT_S", 0.0)
    held = {"checked": 0, "changed": 0, "next": "x", "of": 3}
    monkeypatch.setattr("hub.cli.api.call", lambda *_, **__: dict(held))
    stuck = operator.types("resource", "reindex")
    assert stuck.code == 1
    assert "占用" in stuck.err
