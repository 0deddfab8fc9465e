"""The demo's own correction of the guide, on a demo that runs: everybody who had the wrong record gets the right one."""

import json

import httpx
import pytest

from hub.cli.demo.correction import correct, wrong_envelope
from hub.cli.demo.county import County
from hub.cli.demo.narrator import Narrator
from hub.client import Partner
from tests.docs.running_demo import RunningDemo

pytestmark = pytest.mark.process


def test_the_correction_of_the_guide_reaches_its_consumers(
    demo: RunningDemo, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = json.loads((demo.data / "demo.json").read_text(encoding="utf-8"))
    with httpx.Client(base_url=demo.url, timeout=30) as http:
        county = County(http, demo.data, summary["hub"], Narrator(), demo.passwords())
        county.resources = {key: {"code": code} for key, code in summary["resources"].items()}
        county.partners = {system: Partner.load(demo.data / "partners" / system) for system in summary["systems"]}
        wrong = wrong_envelope(county)
        receipt = correct(county, wrong)
        for partner in county.partners.values():
            partner.close()
    told = capsys.readouterr().out
    assert receipt.exchange in told
    assert told.count(f"ref={wrong.jti}") == 3
    assert "張榜公示結束后2個工作日之內" in told
