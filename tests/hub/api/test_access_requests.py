"""`/v1/access-requests` and the renewal of grants, over HTTP."""

import base64
import json
from typing import Any
from uuid import UUID

from catalog.compiler import compile_schema
from certs.canonical import canonical
from certs.digests import b64u_decode, digest
from hub.db.ids import new_id
from hub.identity.roles import Role
from tests.support.applying import Offices, asked
from tests.support.gateway import HUB

LETTER = b"%PDF-1.7 example"
FILE = {"name": "申请函.pdf", "media_type": "application/pdf", "content": base64.b64encode(LETTER).decode()}


async def test_a_request_travels_to_its_grant_and_data_flow(offices: Offices) -> None:
    res = await offices.publish(name="有条件资源", share_type=2, share_condition="仅用于办事")
    made = await offices.asks(
        "asker", "POST", "/v1/access-requests", asked(res, frequency={"average": 1, "peak": 9}), status=201
    )
    assert (made["state"], made["resource"]["share_type"]) == ("in-review", 2)
    assert made["organisation"]["name"] == offices.town.stranger.organisation.name
    at = f"/v1/access-requests/{made['id']}"
    boxes = {"asker": "mine", "reviewer": "to-review"}
    for who, box in boxes.items():
        found = (await offices.asks(who, "GET", f"/v1/access-requests?box={box}"))["items"]
        assert [line["id"] for line in found] == [made["id"]]
        assert "steps" not in found[0]
    assert (await offices.asks("decider", "GET", "/v1/access-requests?box=to-decide"))["items"] == []
    await offices.asks("reviewer", "POST", f"{at}/review", {"verdict": "return"}, status=422)
    back = await offices.asks("reviewer", "POST", f"{at}/review", {"verdict": "return", "opinion": "请附申请函"})
    assert back["state"] == "returned"
    again = {name: value for name, value in asked(res).items() if name not in ("consumer", "resource")}
    again = await offices.asks("asker", "PUT", at, again | {"attachment": FILE})
    assert (again["state"], again["attachment"]["size"]) == ("in-review", len(LETTER))
    await offices.asks("reviewer", "POST", f"{at}/review", {"verdict": "pass", "opinion": "符合"})
    (waiting,) = (await offices.asks("decider", "GET", "/v1/access-requests?box=to-decide"))["items"]
    assert waiting["state"] == "with-provider"
    granted = await offices.asks("decider", "POST", f"{at}/decide", {"verdict": "grant", "opinion": "同意"})
    assert (granted["state"], granted["grant"]["state"]) == ("granted", "active")
    assert [(duty["duty"], duty["state"]) for duty in granted["duties"]] == [
        ("answer-conditional", "done"),
        ("provide-data", "open"),
    ]
    acts = ["submitted", "returned", "resubmitted", "forwarded", "granted"]
    assert [step["act"] for step in granted["steps"]] == acts

    town = offices.town
    await town.gateway.refresh()
    town.resource = res
    await town.publish()
    assert len(await town.pull(town.stranger)) == 1
    grant = await offices.asks("asker", "GET", f"/v1/grants/{granted['grant']['id']}")
    assert (grant["basis"], "scope" in grant) == (made["basis"], False)


async def test_by_a_narrowed_grant_leaves_what_it_names_and_nothing_else(offices: Offices) -> None:
    town = offices.town
    scope = {"items": ["item_code"], "rows": [{"item": "item_code", "op": "in", "values": ["A"]}]}
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(town.resource, scope=scope), status=201)
    assert (made["state"], made["grant"]["state"], made["scope"]) == ("granted", "active", scope)
    assert [duty["duty"] for duty in made["duties"] if duty["state"] == "open"] == ["provide-data"]
    await town.gateway.refresh()
    records = [{"item_code": "A", "item_name": "甲"}, {"item_code": "B", "item_name": "乙"}]
    sent = town.seal_envelope(town.provider, "exchange+jws", {"records": records}, res=town.resource, ver=1)
    path = await post(offices, sent)
    (whole,) = await town.pull(town.consumer)
    assert whole["envelope"] == sent.decode()
    (item,) = await town.pull(town.stranger)
    header, payload = (json.loads(b64u_decode(part)) for part in item["envelope"].encode().split(b".")[:2])
    assert payload == {"op": "upsert", "records": [{"item_code": "A"}]}
    assert (header["iss"], header["aud"], header["orig"]) == (HUB, "stranger-d", digest(sent))
    assert item["digest"] == digest(item["envelope"].encode())
    shown = await offices.asks(town.token(town.stranger), "GET", path)
    assert json.loads(b64u_decode(sent.split(b".")[0]))["jti"] not in json.dumps(shown)
    assert (shown["jti"], shown["lanes"]) == (header["jti"], 1)
    await town.acknowledge(town.stranger)
    assert (await offices.asks(town.token(town.stranger), "GET", path))["state"] == "closed"

    other = await post(offices, town.seal_envelope(
        town.provider, "exchange+jws", {"records": records[1:]}, res=town.resource, ver=1
    ))  # fmt: skip
    assert await town.pull(town.stranger) == []
    await offices.asks(town.token(town.stranger), "GET", other, status=404)
    grant = f"/v1/grants/{made['grant']['id']}"
    assert (await offices.asks("asker", "GET", grant))["scope"] == scope


async def test_by_a_grant_with_a_mask_leaves_the_masked_text_and_its_schema_is_served(offices: Offices) -> None:
    town = offices.town
    scope = {"masks": [{"item": "item_name", "keep_first": 1, "keep_last": 0}]}
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(town.resource, scope=scope), status=201)
    assert (made["state"], made["scope"]) == ("granted", scope)
    await town.gateway.refresh()
    await town.publish({"item_code": "A", "item_name": "金丝雀在此"})
    (item,) = await town.pull(town.stranger)
    payload = json.loads(b64u_decode(item["envelope"].encode().split(b".")[1]))
    assert payload == {"op": "upsert", "records": [{"item_code": "A", "item_name": "金****"}]}

    grant = f"/v1/grants/{made['grant']['id']}"
    answer = await town.gateway.client.get(f"{grant}/schema", headers=town.token(town.stranger))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.headers["etag"] == f'"{digest(answer.content)}"'
    assert answer.content == canonical(answer.json())
    shown = answer.json()["$defs"]["record"]["properties"]["item_name"]
    assert shown == {"title": "事项名称", "x-data-type": "C", "type": "string", "maxLength": 200}
    assert compile_schema(answer.json()).errors(payload) == []
    async with town.gateway.context.acquire() as connection:
        leaf = await connection.fetchval(
            "SELECT leaf FROM log_entry WHERE event = 'grant.created' AND object_id = $1", made["grant"]["id"]
        )
    assert json.loads(leaf)["details"]["masks"] == scope["masks"]


async def test_the_schema_of_a_grant_is_for_its_parties_and_staff_and_for_nobody_else(offices: Offices) -> None:
    town, whole = offices.town, offices.town.grants["consumer-b"]
    made = await offices.asks(
        "asker", "POST", "/v1/access-requests", asked(town.resource, scope={"items": ["item_code"]}), status=201
    )
    at = f"/v1/grants/{made['grant']['id']}/schema"
    for who in (town.token(town.stranger), town.token(town.provider), "asker", "reviewer"):
        shown = await offices.asks(who, "GET", f"{at}?version=1")
        assert list(shown["$defs"]["record"]["properties"]) == ["item_code"]
    refused = await offices.asks(town.token(town.consumer), "GET", at, status=404)
    absent = new_id(town.gateway.now)
    nothing = await offices.asks(town.token(town.consumer), "GET", f"/v1/grants/{absent}/schema", status=404)
    untold = ("request_id", "detail", "instance")
    assert [refused[name] for name in refused if name not in untold] == [
        nothing[name] for name in nothing if name not in untold
    ]
    assert refused["detail"].replace(made["grant"]["id"], "") == nothing["detail"].replace(str(absent), "")
    await offices.asks({}, "GET", at, status=401)

    await offices.asks("asker", "GET", f"{at}?version=2", status=404)
    answer = await town.gateway.client.get(f"/v1/grants/{whole}/schema", headers=town.token(town.consumer))
    own = await town.gateway.client.get(f"/v1/resources/{town.resource}/schema", headers=town.token(town.consumer))
    assert (answer.content, answer.headers["etag"]) == (own.content, own.headers["etag"])


async def test_where_a_version_is_not_delivered_there_is_no_schema_of_it(offices: Offices) -> None:
    town = offices.town
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(town.resource), status=201)
    for rule in (
        {"item": "item_code", "op": "mask", "keep_first": 1, "keep_last": 0},
        {"item": "phone", "op": "mask", "keep_first": 1, "keep_last": 0},
        {"item": "item_name", "op": "in", "values": ["A"]},
    ):
        async with town.gateway.context.acquire() as connection:
            await connection.execute(
                "UPDATE access_grant SET rows = $1 WHERE id = $2", [rule], UUID(made["grant"]["id"])
            )
        problem = await offices.asks("asker", "GET", f"/v1/grants/{made['grant']['id']}/schema", status=409)
        assert "1" in problem["detail"]


async def post(offices: Offices, sent: bytes) -> str:
    """Send an envelope; where its exchange is."""
    answer = await offices.town.gateway.client.post(
        "/v1/exchanges", content=sent, headers={"Content-Type": "application/jose"}
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


async def test_what_is_not_shared_is_refused_with_its_basis_in_the_answer(offices: Offices) -> None:
    res = await offices.publish(name="不共享资源", share_type=3, no_share_basis="《统计法》第九条")
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(res), status=201)
    assert made["state"] == "refused"
    assert made["refusal"]["label"]["zh"] == "法律法规不允许"
    assert made["refusal"]["text"] == "《统计法》第九条"
    assert [step.get("staff") is None for step in made["steps"]] == [False, True]


async def test_a_refusal_has_code_and_text_and_a_grant_neither(offices: Offices) -> None:
    res = await offices.publish(name="有条件资源", share_type=2, share_condition="仅用于办事")
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(res), status=201)
    at = f"/v1/access-requests/{made['id']}"
    await offices.asks("reviewer", "POST", f"{at}/review", {"verdict": "pass"})
    for body in (
        {"verdict": "refuse", "text": "无"},
        {"verdict": "refuse", "code": 2},
        {"verdict": "refuse", "code": 9, "text": "无"},
        {"verdict": "grant", "code": 2},
        {"verdict": "perhaps"},
    ):
        await offices.asks("decider", "POST", f"{at}/decide", body, status=422)
    told = await offices.asks("decider", "POST", f"{at}/decide", {"verdict": "refuse", "code": 2, "text": "在市局"})
    assert (told["state"], told["refusal"]["code"], told["refusal"]["text"]) == ("refused", 2, "在市局")
    await offices.asks("asker", "POST", f"{at}/withdraw", {"reason": "不要了"}, status=409)


async def test_each_step_is_open_to_its_role_and_organisation_alone(offices: Offices) -> None:
    res = await offices.publish(name="有条件资源", share_type=2, share_condition="仅用于办事")
    for who in ("user", "clerk", "decider", "reviewer", "auditor"):
        await offices.asks(who, "POST", "/v1/access-requests", asked(res), status=403)
    made = await offices.asks("asker", "POST", "/v1/access-requests", asked(res, attachment=FILE), status=201)
    at = f"/v1/access-requests/{made['id']}"
    for who in ("asker", "clerk", "decider", "reviewer", "auditor"):
        assert (await offices.asks(who, "GET", at))["id"] == made["id"]
        assert made["id"] in str(await offices.asks(who, "GET", "/v1/access-requests"))
    assert (await offices.asks("user", "GET", "/v1/access-requests"))["items"] == []
    for path in (at, f"{at}/attachment"):
        await offices.asks("user", "GET", path, status=404)
    await offices.asks("user", "POST", f"{at}/withdraw", {"reason": "x"}, status=404)
    for who in ("asker", "decider", "auditor"):
        await offices.asks(who, "POST", f"{at}/review", {"verdict": "pass"}, status=403)
    await offices.asks("reviewer", "POST", f"{at}/review", {"verdict": "pass"})
    for who in ("asker", "clerk", "reviewer"):
        await offices.asks(who, "POST", f"{at}/decide", {"verdict": "grant"}, status=403)
    await offices.add("elsewhere", Role.DECIDER, offices.town.other.organisation)
    await offices.asks("elsewhere", "POST", f"{at}/decide", {"verdict": "grant"}, status=404)
    await offices.asks("decider", "POST", f"{at}/withdraw", {"reason": "x"}, status=403)
    gone = await offices.asks("asker", "POST", f"{at}/withdraw", {"reason": "不再需要"})
    assert gone["state"] == "withdrawn"
    await offices.asks("reviewer", "GET", "/v1/access-requests?box=mine", status=422)


async def test_the_attachment_is_served_as_it_came_to_be_saved_and_not_shown(offices: Offices) -> None:
    made = await offices.asks(
        "asker", "POST", "/v1/access-requests", asked(offices.town.resource, attachment=FILE), status=201
    )
    at = f"/v1/access-requests/{made['id']}/attachment"
    answer = await offices.town.gateway.client.get(at, headers=offices.headers["reviewer"])
    assert (answer.content, answer.headers["content-type"]) == (LETTER, "application/pdf")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E7%94%B3")
    assert answer.headers["x-content-type-options"] == "nosniff"
    await offices.asks("asker", "GET", f"/v1/access-requests/{new_id(offices.town.gateway.now)}", status=404)


async def test_what_is_wrong_with_a_request_is_named_and_nothing_is_taken_down(offices: Offices) -> None:
    for changed, status, pointer in (
        ({"purpose": " "}, 422, "/purpose"),
        ({"mode": "fax"}, 422, "/mode"),
        ({"valid_to": "2099-01-01T00:00:00+08:00"}, 422, "/valid_to"),
        ({"frequency": {"average": 9, "peak": 1}}, 422, "/frequency"),
        ({"scope": {"items": ["item_name"]}}, 422, "/scope/items"),
        ({"scope": {"rows": [{"item": "item_code", "op": "in", "values": [True]}]}}, 422, None),
        ({"scope": {"masks": [{"item": "item_code", "keep_first": 1}]}}, 422, "/scope/masks/0/item"),
        ({"scope": {"masks": [{"item": "item_name", "keep_first": True}]}}, 422, None),
        ({"scope": {"masks": [{"item": "item_name", "remove": True}]}}, 422, None),
        ({"attachment": FILE | {"content": "%%"}}, 422, "/attachment/content"),
        ({"attachment": FILE | {"media_type": "text/html"}}, 422, "/attachment/media_type"),
        ({"scene": "密级：机密"}, 422, "/scene"),
        ({"consumer": "nobody"}, 404, None),
        ({"resource": "306001000001/999999"}, 404, None),
        ({"extra": 1}, 422, None),
    ):
        body: dict[str, Any] = asked(offices.town.resource) | changed
        problem = await offices.asks("asker", "POST", "/v1/access-requests", body, status=status)
        if pointer is not None:
            assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (await offices.asks("auditor", "GET", "/v1/access-requests"))["items"] == []


async def test_a_grant_is_renewed_by_its_provider_expired_or_not(offices: Offices) -> None:
    grant = f"/v1/grants/{offices.town.grants['consumer-b']}"
    before = await offices.asks("user", "GET", grant)
    longer = {"valid_to": asked("")["valid_to"], "reason": "业务继续", "frequency": {"average": 2, "peak": 20}}
    await offices.asks("user", "POST", f"{grant}/renew", longer, status=403)
    renewed = await offices.asks("decider", "POST", f"{grant}/renew", longer)
    assert renewed["valid_to"] > before["valid_to"]
    assert (renewed["renewal_reason"], renewed["frequency"]) == ("业务继续", {"average": 2, "peak": 20})
    earlier = longer | {"valid_to": before["valid_to"]}
    await offices.asks("decider", "POST", f"{grant}/renew", earlier, status=422)
