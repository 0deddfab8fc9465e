"""Evidence of an exchange with more grants than a leaf lists: the packed ones prove as much."""

import orjson
import pytest

from certs import leaf_grants
from tests.support.evidence import EvidenceTown


async def test_evidence_of_an_exchange_whose_grants_are_packed_holds_for_every_party(
    town: EvidenceTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaf_grants, "MOST_LISTED", 1)
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.seal()
    for partner, shown in ((town.provider, 2), (town.consumer, 1)):
        data = (await town.ask(path, town.token(partner))).content
        verdict = town.verdict(data)
        assert verdict.failed is None
        assert {checked.name: checked.outcome for checked in verdict.checked}["grants"] == "holds"
        events = [entry["leaf"]["event"] for entry in orjson.loads(data)["entries"]]
        assert events.count("grant.created") == shown
        accepted = next(e["leaf"] for e in orjson.loads(data)["entries"] if e["leaf"]["event"] == "exchange.accepted")
        assert "grants" not in accepted["details"]
        assert "grants_packed" in accepted["details"]
