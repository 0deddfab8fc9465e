"""`/v1/corrections` over HTTP: from the report of one consumer to the correction that reaches all."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from hub.access import service as access
from hub.access.service import NewGrant
from hub.identity.roles import Role
from hub.registry.models import Organisation
from tests.support.applying import Offices
from tests.support.evidence import JOSE, EvidenceTown
from tests.support.registry import OFFICER, RECORDER
from tests.support.world import new_jti

AT = "/v1/corrections"
BELIEVED = "应为张三的编码 621124-1"


def report(exchange: str, *pointers: str, **more: Any) -> dict[str, Any]:
    """A report as JSON."""
    return {"exchange": exchange, "pointers": list(pointers or ("/records/0/item_name",)), "believed": BELIEVED} | more


async def published(town: EvidenceTown, **more: Any) -> tuple[str, str]:
    """One exchange, and the `jti` of its envelope."""
    path = await town.publish(**more)
    shown = await town.gateway.client.get(path, headers=town.token(town.provider))
    return path.rpartition("/")[2], shown.json()["jti"]


async def notices(town: EvidenceTown) -> list[tuple[str, Any, dict[str, Any]]]:
    """Every notice: kind, organisation, details."""
    async with town.gateway.context.transaction() as session:
        rows = await session.execute(
            text("SELECT kind, organisation_id, details FROM notice ORDER BY created_at, kind")
        )
        return [tuple(row) for row in rows]


async def test_what_one_consumer_reports_the_provider_corrects_and_the_others_are_told(offices: Offices) -> None:
    town = offices.town
    wrong, jti = await published(town)
    await town.pull(town.consumer)
    made = await offices.asks("user", "POST", AT, report(wrong), status=201)
    assert (made["state"], made["consumer"], made["believed"]) == ("submitted", "consumer-b", BELIEVED)
    (duty,) = made["duties"]
    assert (duty["duty"], duty["state"], duty["rule"]["code"]) == ("correct-data", "open", "D4")
    at = f"{AT}/{made['id']}"
    assert [line["id"] for line in (await offices.asks("clerk", "GET", f"{AT}?box=to-answer"))["items"]] == [made["id"]]
    assert (await offices.asks("clerk", "POST", f"{at}/take"))["state"] == "verifying"

    unrelated, _ = await published(town)
    for exchange in (unrelated, wrong, "00000000-0000-7000-8000-000000000000"):
        await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": exchange}, status=409)
    right, _ = await published(town, ref=jti)
    fixed = await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": right})
    assert (fixed["state"], fixed["correcting"], fixed["duties"][0]["state"]) == ("corrected", right, "done")
    await offices.asks("clerk", "POST", f"{at}/reject", {"reason": "无误"}, status=409)

    told = await notices(town)
    assert [(kind, organisation) for kind, organisation, _ in told] == [
        ("correction-requested", town.provider.organisation.id),
        ("correction-made", town.consumer.organisation.id),
        ("record-corrected", town.other.organisation.id),
    ]
    assert told[-1][2] == {"resource": town.resource, "exchange": wrong, "correcting": right}
    for consumer in (town.consumer, town.other):
        assert right in {item["exchange"] for item in await town.pull(consumer)}
    async with town.gateway.context.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT event, convert_from(leaf, 'UTF8') FROM log_entry WHERE object_id = :id ORDER BY occurred_at, ctid"
            ),
            {"id": made["id"]},
        )
        leaves = [tuple(row) for row in rows]
    assert [event for event, _ in leaves] == [f"correction.{act}" for act in ("requested", "taken", "made")]
    assert not any("张三" in leaf or "item_name" in leaf for _, leaf in leaves)


async def test_a_correction_that_left_somebody_out_does_not_count_until_it_reaches_them(offices: Offices) -> None:
    town = offices.town
    wrong, jti = await published(town)
    await town.pull(town.consumer)
    at = f"{AT}/{(await offices.asks('user', 'POST', AT, report(wrong), status=201))['id']}"
    partial, _ = await published(town, ref=jti, to=["consumer-b"])
    refused = await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": partial}, status=409)
    assert "consumer-c" in refused["detail"]
    async with town.gateway.context.transaction() as session:
        await access.revoke_grant(
            session,
            town.grants["consumer-c"],
            reason="期满",
            actor=OFFICER,
            recorder=RECORDER,
            now=town.gateway.now,
        )
    done = await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": partial})
    assert done["state"] == "corrected"
    assert ("record-corrected", town.other.organisation.id) in [row[:2] for row in await notices(town)]


async def test_a_system_reports_by_its_token_what_it_received_itself_and_nothing_else(offices: Offices) -> None:
    town = offices.town
    wrong, _ = await published(town)
    token, other = town.token(town.consumer), town.token(town.other)
    await offices.asks(token, "POST", AT, report(wrong), status=404)  # it waits in the inbox
    await town.pull(town.consumer)
    made = await offices.asks(token, "POST", AT, report(wrong), status=201)
    assert made["consumer"] == "consumer-b"
    at = f"{AT}/{made['id']}"
    assert (await offices.asks(token, "GET", at))["state"] == "submitted"
    assert [line["id"] for line in (await offices.asks(token, "GET", AT))["items"]] == [made["id"]]
    for method, path in (("GET", at), ("POST", f"{at}/withdraw")):
        await offices.asks(other, method, path, status=404)
        await offices.asks("neighbour", method, path, status=404)
    assert (await offices.asks(other, "GET", AT))["items"] == []
    for stranger in (other, town.token(town.stranger), "neighbour", "asker", "clerk"):
        await offices.asks(stranger, "POST", AT, report(wrong), status=404)
    await offices.asks("colleague", "POST", AT, report(wrong), status=409)
    assert (await offices.asks(token, "POST", f"{at}/withdraw"))["state"] == "withdrawn"
    again = await offices.asks("colleague", "POST", AT, report(wrong), status=201)
    assert again["id"] != made["id"]
    mine = (await offices.asks("user", "GET", f"{AT}?box=mine&state=submitted"))["items"]
    assert [line["id"] for line in mine] == [again["id"]]
    assert len((await offices.asks("auditor", "GET", AT))["items"]) == 2


async def test_the_provider_rejects_with_a_reason_and_nobody_elses_staff_answers(offices: Offices) -> None:
    town = offices.town
    wrong, _ = await published(town)
    await town.pull(town.consumer)
    at = f"{AT}/{(await offices.asks('user', 'POST', AT, report(wrong), status=201))['id']}"
    for who, status in (("user", 403), ("reviewer", 403), ("auditor", 403), ("neighbour", 404)):
        await offices.asks(who, "POST", f"{at}/reject", {"reason": "无误"}, status=status)
        await offices.asks(who, "POST", f"{at}/take", status=status)
    told = await offices.asks("decider", "POST", f"{at}/reject", {"reason": "原文如此"})
    assert (told["state"], told["reason"], told["duties"][0]["state"]) == ("rejected", "原文如此", "done")
    assert (await notices(town))[-1][0] == "correction-rejected"
    await offices.asks("reviewer", "GET", f"{AT}?box=mine", status=422)


async def test_only_places_that_the_exchange_has_are_taken_down(offices: Offices) -> None:
    town = offices.town
    wrong, _ = await published(town)
    await town.pull(town.consumer)
    for pointers, faulty in (
        (["/records/1"], 0),
        (["/records/0", "/records/0/phone"], 1),
        (["/op"], 0),
        (["/records/00"], 0),
    ):
        problem = await offices.asks("user", "POST", AT, report(wrong, *pointers), status=422)
        assert [error["pointer"] for error in problem["errors"]] == [f"/pointers/{faulty}"]
    for pointers in ([], ["/records/0", "/records/0"]):
        body = report(wrong) | {"pointers": pointers}
        problem = await offices.asks("user", "POST", AT, body, status=422)
        assert problem["errors"][0]["pointer"] == "/pointers"
    await offices.asks("user", "POST", AT, report(wrong, "/records/0"), status=201)


async def test_who_has_several_systems_names_the_one_that_received_it(offices: Offices) -> None:
    town = offices.town
    async with town.gateway.context.transaction() as session:
        await session.execute(
            text("UPDATE system SET organisation_id = :own WHERE code = 'consumer-c'"),
            {"own": town.consumer.organisation.id},
        )
        await session.execute(text("UPDATE registry_epoch SET epoch = epoch + 1"))
    await town.gateway.refresh()
    wrong, jti = await published(town)
    await town.pull(town.consumer)
    await offices.asks(town.token(town.other), "POST", AT, report(wrong), status=404)
    await town.pull(town.other)
    problem = await offices.asks("user", "POST", AT, report(wrong), status=422)
    assert problem["errors"][0]["pointer"] == "/system"
    made = await offices.asks("user", "POST", AT, report(wrong, system="consumer-c"), status=201)
    assert made["consumer"] == "consumer-c"
    right, _ = await published(town, ref=jti)
    await offices.asks("clerk", "POST", f"{AT}/{made['id']}/correct", {"exchange": right})
    assert [kind for kind, _, _ in await notices(town)] == ["correction-requested", "correction-made"]


async def test_nobody_answers_their_own_report_also_where_they_act_for_both_sides(offices: Offices) -> None:
    """One organisation's two systems: its subsite uses what its office provides."""
    town = offices.town
    async with town.gateway.context.transaction() as session:
        provider = await session.get_one(Organisation, town.provider.organisation.id)
        await session.execute(
            text("UPDATE system SET organisation_id = :provider WHERE code = 'consumer-b'"), {"provider": provider.id}
        )
    await offices.add("both", Role.EDITOR, provider)
    wrong, jti = await published(town)
    right, _ = await published(town, ref=jti)
    await town.pull(town.consumer)
    made = await offices.asks("both", "POST", AT, report(wrong), status=201)
    for act, body in (("take", None), ("reject", {"reason": "无误"}), ("correct", {"exchange": right})):
        await offices.asks("both", "POST", f"{AT}/{made['id']}/{act}", body, status=403)
    assert (await offices.asks("clerk", "POST", f"{AT}/{made['id']}/take"))["state"] == "verifying"


async def narrow(town: EvidenceTown, consumer: str, *keys: str) -> None:
    """Let the consumer's grant reach only rows with these keys."""
    rows = json.dumps([{"item": "item_code", "op": "in", "values": keys}])
    async with town.gateway.context.transaction() as session:
        await session.execute(
            text("UPDATE access_grant SET rows = CAST(:rows AS jsonb) WHERE id = :id"),
            {"rows": rows, "id": town.grants[consumer]},
        )
        await session.execute(text("UPDATE registry_epoch SET epoch = epoch + 1"))
    await town.gateway.refresh()


async def send(town: EvidenceTown, *keys: str, **more: Any) -> tuple[str, str]:
    """An exchange with these records, and the `jti` of its envelope."""
    records = [{"item_code": key, "item_name": "示例事项"} for key in keys]
    jti = new_jti()
    sent = town.seal_envelope(
        town.provider, "exchange+jws", {"records": records}, res=town.resource, ver=1, jti=jti, **more
    )
    answer = await town.gateway.client.post("/v1/exchanges", content=sent, headers=JOSE)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].rpartition("/")[2], jti


async def test_who_has_a_projection_points_into_it_and_the_provider_sees_where_that_is_in_its_own(
    offices: Offices,
) -> None:
    town = offices.town
    await narrow(town, "consumer-b", "C")
    wrong, _ = await send(town, "A", "B", "C")
    await town.pull(town.consumer)
    refused = await offices.asks("user", "POST", AT, report(wrong, "/records/1/item_name"), status=422)
    assert "3" not in refused["errors"][0]["detail"], "how many rows there are besides is none of its business"
    made = await offices.asks("user", "POST", AT, report(wrong, "/records/0/item_name"), status=201)
    at = f"{AT}/{made['id']}"
    assert (made["pointers"], "original_pointers" in made) == (["/records/0/item_name"], False)
    seen = await offices.asks("clerk", "GET", at)
    assert (seen["pointers"], seen["original_pointers"]) == (["/records/0/item_name"], ["/records/2/item_name"])
    assert "original_pointers" not in await offices.asks(town.token(town.consumer), "GET", at)
    (listed,) = (await offices.asks("user", "GET", AT))["items"]
    assert "original_pointers" not in listed


async def test_places_are_those_of_the_projection_while_the_whole_still_waits_in_another_lane(offices: Offices) -> None:
    town = offices.town
    await narrow(town, "consumer-b", "C")
    how: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER, "now": town.gateway.now}
    ends = town.gateway.now + timedelta(days=30)
    async with town.gateway.context.transaction() as session:
        new = NewGrant("consumer-b", town.resource, "另一用途", "示例依据", town.gateway.now, ends)
        whole = (await access.create_grant(session, new, **how)).grant.id
    await town.gateway.refresh()
    wrong, _ = await send(town, "A", "B", "C")
    async with town.gateway.context.transaction() as session:
        await access.suspend_grant(session, whole, reason="核查", **how)
    await town.gateway.refresh()
    assert len(await town.pull(town.consumer)) == 1
    await offices.asks("user", "POST", AT, report(wrong, "/records/1/item_name"), status=422)
    await offices.asks("user", "POST", AT, report(wrong, "/records/0/item_name"), status=201)


async def test_a_lost_projection_is_told_and_the_original_is_not_taken_for_it(offices: Offices) -> None:
    town = offices.town
    await narrow(town, "consumer-b", "C")
    wrong, _ = await send(town, "A", "B", "C")
    await town.pull(town.consumer)
    async with town.gateway.context.transaction() as session:
        await session.execute(text("DELETE FROM projection"))
    await offices.asks("user", "POST", AT, report(wrong, "/records/1/item_name"), status=503)


async def test_a_correction_need_not_reach_whose_scope_has_nothing_of_it(offices: Offices) -> None:
    town = offices.town
    await narrow(town, "consumer-c", "A")
    wrong, jti = await send(town, "A", "B")
    await town.pull(town.consumer)
    await town.pull(town.other)
    at = f"{AT}/{(await offices.asks('user', 'POST', AT, report(wrong), status=201))['id']}"
    kept_from, _ = await send(town, "A", ref=jti, to=["consumer-b"])
    refused = await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": kept_from}, status=409)
    assert "consumer-c" in refused["detail"]
    right, _ = await send(town, "B", ref=jti)
    assert (await offices.asks("clerk", "POST", f"{at}/correct", {"exchange": right}))["state"] == "corrected"
