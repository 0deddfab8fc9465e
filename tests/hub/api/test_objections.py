"""`/v1/objections` over HTTP: each kind, who answers it, and its rating."""

from typing import Any

from sqlalchemy import text

from hub.identity.roles import Role
from hub.registry.models import Organisation
from tests.support.applying import Offices, asked

AT = "/v1/objections"


def about(kind: str, identifier: str, objection: str, detail: str | None = None) -> dict[str, Any]:
    """An objection as JSON."""
    body = {"kind": objection, "about": {"kind": kind, "id": identifier}, "text": "与实际不符，请核实"}
    return body if detail is None else body | {"detail": detail}


async def test_the_provider_answers_about_what_was_received_and_who_objected_rates_it(offices: Offices) -> None:
    town = offices.town
    exchange = (await town.publish()).rpartition("/")[2]
    new = about("exchange", exchange, "quality", "data")
    await offices.asks("user", "POST", AT, new, status=404)  # nothing was handed out yet
    await town.pull(town.consumer)
    made = await offices.asks("user", "POST", AT, new, status=201)
    assert (made["state"], made["kind"]["type"], made["resource"]) == ("submitted", 3, town.resource)
    assert made["answered_by"] == "provider"
    at = f"{AT}/{made['id']}"
    assert [line["id"] for line in (await offices.asks("clerk", "GET", f"{AT}?box=to-answer"))["items"]] == [made["id"]]
    assert (await offices.asks("reviewer", "GET", f"{AT}?box=to-answer"))["items"] == []
    for who, status in (("reviewer", 403), ("user", 403), ("neighbour", 404), ("auditor", 403)):
        await offices.asks(who, "POST", f"{at}/answer", {"answer": "已核实"}, status=status)
    assert (await offices.asks("clerk", "POST", f"{at}/take"))["state"] == "handling"
    await offices.asks("user", "POST", f"{at}/rate", {"rating": 5}, status=409)
    told = await offices.asks("decider", "POST", f"{at}/answer", {"answer": "已核实，将更正"})
    assert (told["state"], told["answer"]) == ("answered", "已核实，将更正")
    await offices.asks("user", "POST", f"{at}/withdraw", status=409)
    for rating in (0, 6):
        await offices.asks("user", "POST", f"{at}/rate", {"rating": rating}, status=422)
    await offices.asks("clerk", "POST", f"{at}/rate", {"rating": 5}, status=403)
    rated = await offices.asks("colleague", "POST", f"{at}/rate", {"rating": 4})
    assert (rated["state"], rated["rating"]) == ("rated", 4)
    async with town.gateway.context.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT event, convert_from(leaf, 'UTF8') FROM log_entry WHERE object_id = :id ORDER BY occurred_at, ctid"
            ),
            {"id": made["id"]},
        )
        leaves = [tuple(row) for row in rows]
        notices = await session.execute(text("SELECT kind FROM notice ORDER BY created_at"))
        kinds = list(notices.scalars())
    assert [event for event, _ in leaves] == [f"objection.{act}" for act in ("submitted", "taken", "answered", "rated")]
    assert not any("核实" in leaf for _, leaf in leaves)
    assert kinds == ["objection-received", "objection-answered"]


async def test_the_authority_answers_about_the_catalogue_and_approvals(offices: Offices) -> None:
    town = offices.town
    request = (await offices.asks("asker", "POST", "/v1/access-requests", asked(town.resource), status=201))["id"]
    catalogue = await offices.asks("user", "POST", AT, about("resource", town.resource, "catalogue"), status=201)
    approval = await offices.asks(
        "asker", "POST", AT, about("access-request", request, "approval", "duration"), status=201
    )
    assert (catalogue["kind"]["type"], approval["kind"]["type"]) == (1, 2)
    waiting = (await offices.asks("reviewer", "GET", f"{AT}?box=to-answer"))["items"]
    assert {line["id"] for line in waiting} == {catalogue["id"], approval["id"]}
    assert (await offices.asks("reviewer", "GET", f"{AT}?box=to-answer&kind=quality"))["items"] == []
    assert (await offices.asks("clerk", "GET", f"{AT}?box=to-answer"))["items"] == []
    for made in (catalogue, approval):
        at = f"{AT}/{made['id']}"
        await offices.asks("decider", "POST", f"{at}/answer", {"answer": "无"}, status=403)
        assert (await offices.asks("reviewer", "POST", f"{at}/answer", {"answer": "已督办"}))["state"] == "answered"
    mine = (await offices.asks("asker", "GET", f"{AT}?box=mine&state=answered"))["items"]
    assert [line["id"] for line in mine] == [approval["id"]]
    assert len((await offices.asks("auditor", "GET", AT))["items"]) == 2


async def test_what_is_anothers_cannot_be_objected_to_nor_be_seen(offices: Offices) -> None:
    town = offices.town
    exchange = (await town.publish()).rpartition("/")[2]
    await town.pull(town.consumer)
    grant = str(town.grants["consumer-b"])
    use = await offices.asks("user", "POST", AT, about("grant", grant, "use", "response"), status=201)
    for body in (
        about("exchange", exchange, "quality", "data"),
        about("grant", grant, "use", "other"),
        about("access-request", grant, "approval", "other"),
        about("exchange", "nothing", "use", "other"),
        about("resource", "306001000001/999999", "catalogue"),
    ):
        await offices.asks("asker", "POST", AT, body, status=404)
    for method, path in (("GET", f"{AT}/{use['id']}"), ("POST", f"{AT}/{use['id']}/withdraw")):
        await offices.asks("asker", method, path, status=404)
    await offices.asks("decider", "POST", f"{AT}/{use['id']}/withdraw", status=403)
    await offices.asks("user", "POST", f"{AT}/{use['id']}/withdraw")
    await offices.asks("clerk", "POST", f"{AT}/{use['id']}/take", status=409)


async def test_kind_sub_kind_and_subject_fit_each_other(offices: Offices) -> None:
    res = offices.town.resource
    for body, pointer in (
        (about("resource", res, "catalogue", "other"), "/detail"),
        (about("resource", res, "approval", "opinion"), "/about"),
        (about("grant", str(offices.town.grants["consumer-b"]), "quality", "duration"), "/detail"),
        (about("resource", res, "quality"), "/detail"),
        (about("resource", res, "catalogue") | {"text": "密级：秘密"}, "/text"),
        (about("resource", res, "catalogue") | {"text": ""}, "/text"),
    ):
        problem = await offices.asks("user", "POST", AT, body, status=422)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_nobody_answers_their_own_also_where_they_act_for_both_sides(offices: Offices) -> None:
    """One organisation's two systems: its subsite uses what its office provides."""
    town = offices.town
    async with town.gateway.context.transaction() as session:
        provider = await session.get_one(Organisation, town.provider.organisation.id)
        await session.execute(
            text("UPDATE system SET organisation_id = :provider WHERE code = 'consumer-b'"), {"provider": provider.id}
        )
    await offices.add("both", Role.EDITOR, provider)
    grant = str(town.grants["consumer-b"])
    made = await offices.asks("both", "POST", AT, about("grant", grant, "use", "other"), status=201)
    for act, body in (("take", None), ("answer", {"answer": "无"})):
        await offices.asks("both", "POST", f"{AT}/{made['id']}/{act}", body, status=403)
    assert (await offices.asks("clerk", "POST", f"{AT}/{made['id']}/take"))["state"] == "handling"
