"""`GET /v1/exchanges/{id}/evidence`: who may ask, and what the answer looks like."""

import json
from uuid import UUID

import pytest

from hub.identity.roles import Role
from tests.support.evidence import evidence_town
from tests.support.gateway import TestGateway, bearer


async def test_parties_and_auditors_may_ask_and_nobody_else(gateway: TestGateway) -> None:
    async with evidence_town(gateway) as town:
        path = await town.publish(to=["consumer-b"])
        await town.acknowledge(town.consumer)
        await town.seal()
        answer = await town.ask(path, town.token(town.provider))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["cache-control"] == "no-store"
        assert str(UUID(path.split("/")[-1])) in answer.headers["content-disposition"]
        assert json.loads(answer.content)["format"] == "shuniu-evidence/1"
        assert (await town.ask(path, town.token(town.consumer))).status_code == 200
        assert (await town.ask(path, town.token(town.stranger))).status_code == 404
        # a consumer with a grant whom this envelope was not for
        assert (await town.ask(path, town.token(town.other))).status_code == 404
        assert (await town.ask(path, {})).status_code == 401
        roles = (
            (Role.AUDITOR, 200),
            (Role.INSPECTOR, 200),
            (Role.OPERATOR, 403),
            (Role.SECURITY, 403),
            (Role.REVIEWER, 403),
        )
        for role, status in roles:
            caller = bearer(await gateway.staff(f"{role.value}-one", role))
            assert (await town.ask(path, caller)).status_code == status


@pytest.mark.parametrize("identifier", ["no-uuid", "019aa8c0-0000-7000-8000-000000000001"])
async def test_an_exchange_that_is_not_there_is_not_found(gateway: TestGateway, identifier: str) -> None:
    async with evidence_town(gateway) as town:
        answer = await town.ask(f"/v1/exchanges/{identifier}", town.token(town.provider))
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
