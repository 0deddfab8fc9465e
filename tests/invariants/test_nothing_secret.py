"""I8: what is marked 国家秘密 or 工作秘密 is refused at the door; nothing keeps any part of it: no table, no log, no answer."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import pytest

from tests.invariants.county import RES, County
from tests.support.wire import Answer, Connection
from tests.support.world import ITEMS, record

pytestmark = pytest.mark.process

FILES = "306001000001/000801"
LEVELS = "306001000001/000802"
GROUPS = "306001000001/000803"

SECRET = "青龙山三号仓库"
"""What must not be found anywhere afterwards; no other test speaks of it."""

FILE = {"file": "01a20066-4268-7bfb-bab5-f4fb085ab666", "digest": f"sha-256:{'0' * 64}", "size": 1}

MARKED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a text that begins with its marking": (RES, {"note": f"机密★10年\n关于{SECRET}的情况"}),
    "a text that is all marking but for its title": (RES, {"note": f"{SECRET}建设方案\n绝密★长期"}),
    "a label in running text": (RES, {"note": f"{SECRET}一事，密级：秘密，请妥善保管"}),
    "the sort of secret named": (RES, {"note": f"工作秘密★2年 {SECRET}"}),
    "a name that the schema does not have": (RES, {f"机密★1年{SECRET}": "一"}),
    "a file's name": (FILES, {"plan": FILE | {"name": f"（机密）{SECRET}.docx", "media_type": "application/msword"}}),
    "an item that states the level": (LEVELS, {"level": "机密", "note": SECRET}),
    "a level in a code of its own": (LEVELS, {"level": "3", "note": SECRET}),
    "a level in a list within the record": (GROUPS, {"papers": [{"grade": "无"}, {"title": SECRET, "grade": "3"}]}),
    "a text in a list within the record": (GROUPS, {"papers": [{"title": f"机密★10年\n{SECRET}"}]}),
}

WITHIN: Mapping[str, str] = {
    "a level in a list within the record": "/records/1/papers/1/grade",
    "a text in a list within the record": "/records/1/papers/0/title",
}
"""Where the answer points, if that is deeper than an item of the record."""

SPEAKS_OF_SECRETS = (
    "涉密信息不得上网；各部门须按保密审查制度执行，先审查后公开。",
    "依照《中华人民共和国保守国家秘密法》，凡涉及国家秘密、商业秘密和个人隐私的信息不予公开。",
    "密级：无",
    "机密、秘密级文件的管理办法由保密局另行制定。",
)


async def prepare(found: County) -> None:
    """Resources with a file, with an item that states a secrecy level, and with such an item within a list."""
    title = {"field_name": "title", "name": "材料名称", "data_type": "C", "length": 20}
    grade = {"field_name": "grade", "name": "等级", "data_type": "C", "length": 10, "secrecy_marking": True}
    for res, more in (
        (FILES, {"field_name": "plan", "name": "附件", "data_type": "G", "required": False}),
        (LEVELS, {"field_name": "level", "name": "密级", "data_type": "C", "length": 10, "secrecy_marking": True}),
        (GROUPS, {"field_name": "papers", "name": "材料", "data_type": "G", "many": True, "items": [title, grade]}),
    ):
        await found.world.resource(res, found.provider, items=[*ITEMS, more])


async def posted(found: County, envelope: bytes) -> Answer:
    async with Connection(found.hub.ports[0]) as connection:
        return await connection.post(envelope)


def traces(envelope: bytes) -> Iterator[bytes]:
    """The secret in every spelling in which a table or log could keep it."""
    for plain in (SECRET, SECRET[:3], orjson.dumps(SECRET).decode(), SECRET.encode("unicode_escape").decode()):
        yield plain.encode()
        yield plain.encode().hex().encode()
    payload = envelope.split(b".")[1]
    for start in range(0, len(payload) - 24, 12):
        part = payload[start : start + 24]
        yield part
        yield part.hex().encode()


async def everything_kept(found: County) -> bytes:
    """Every row of every table as text, and all that gateways and database wrote to their logs."""
    tables = await found.connection.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind = 'r'"
    )
    rows: list[str] = []
    for table in tables:
        rows += [row["t"] for row in await found.connection.fetch(f"SELECT t::text AS t FROM {table['name']} t")]
    assert len(rows) > len(MARKED)
    return ("\n".join(rows) + found.hub.everything_written()).encode()


def found_in(kept: bytes, envelopes: Sequence[bytes]) -> list[bytes]:
    return [trace for envelope in envelopes for trace in traces(envelope) if trace in kept]


async def test_what_is_marked_as_secret_is_refused_and_leaves_no_trace(calm: County) -> None:
    await prepare(calm)
    envelopes = []
    for what, (res, fields) in MARKED.items():
        envelope = calm.provider.exchange(res, [record(level="无") if res == LEVELS else record(), record(2) | fields])
        envelopes.append(envelope)
        answer = await posted(calm, envelope)
        assert answer.status == 422, what
        assert answer.slug == "classified-content", what
        pointers = [each["pointer"] for each in answer.json()["errors"]]
        assert pointers == [WITHIN.get(what, pointers[0])], what
        said = repr(answer.headers).encode() + answer.body
        assert found_in(said, [envelope]) == [], what
        assert base64.urlsafe_b64encode(SECRET.encode())[:12] not in said
    assert await calm.connection.fetchval("SELECT count(*) FROM log_entry WHERE event = 'message.refused'") == len(
        MARKED
    )
    assert await calm.connection.fetchval("SELECT count(*) FROM acceptance") == 0
    assert found_in(await everything_kept(calm), envelopes) == []


async def test_the_search_for_traces_finds_what_was_accepted(calm: County) -> None:
    envelope = calm.provider.exchange(RES, [record(note=SECRET)])
    assert (await posted(calm, envelope)).status == 201
    assert found_in(await everything_kept(calm), [envelope]) != []


async def test_texts_that_speak_of_secrets_pass(calm: County) -> None:
    for number, text in enumerate(SPEAKS_OF_SECRETS, start=1):
        answer = await posted(calm, calm.provider.exchange(RES, [record(number, note=text)]))
        assert answer.status == 201, text
