"""What the demo tells about asking for access and about corrections, played on a demo that serves."""

import json
from collections.abc import Iterator

import httpx
import pytest

from hub.cli import demo_data
from hub.cli.demo.applying import ask, correct_what_is_reported
from hub.cli.demo.county import County
from hub.cli.demo.narrator import Narrator
from hub.cli.demo.story import EDITORS
from hub.client import Partner
from tests.docs.running_demo import RunningDemo

pytestmark = pytest.mark.process


@pytest.fixture
def county(demo: RunningDemo) -> Iterator[County]:
    """The demo's people and systems, as its own story has them."""
    with httpx.Client(base_url=demo.url, timeout=30) as http:
        found = County(http, demo.data, "lintao-hub", Narrator(), demo.passwords(), staff_of=dict(EDITORS))
        for login, password in found.passwords.items():
            found.tokens[login] = found._open(login, password)
        for folder in (demo.data / "partners").iterdir():
            found.partners[folder.name] = Partner.load(folder)
        codes = json.loads((demo.data / "demo.json").read_text(encoding="utf-8"))["resources"]
        found.resources = {key: {"code": code} for key, code in codes.items()}
        yield found
        for partner in found.partners.values():
            partner.close()


def test_a_request_travels_to_a_grant_with_its_deadlines(county: County, capsys: pytest.CaptureFixture[str]) -> None:
    ask(county)
    told = capsys.readouterr().out
    states = ["in-review", "returned", "in-review", "with-provider", "granted"]
    assert [
        line.split("→ ")[1].split("（")[0].strip() for line in told.splitlines() if "✓" in line and "→" in line
    ] == states
    for code, state in (("D9", "done"), ("D2", "open"), ("D2", "done"), ("D3", "open")):
        assert any(line.strip().startswith(code) and line.endswith(state) for line in told.splitlines()), (code, state)


def test_what_a_consumer_reports_is_corrected_and_reaches_the_others(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    approval, code = county.partners["lintao-approval"], county.resources["guide_steps"]["code"]
    steps = demo_data.load_records("guide_steps")
    wrong = approval.publish(code, steps)
    subsite, city = county.partners["lintao-subsite"], county.partners["dingxi-exchange"]
    assert wrong.exchange in {item.exchange for item in subsite.inbox(limit=500)}

    def publish() -> str:
        fixed = next(one for one in steps if (one["guide_code"], one["step_no"]) == ("XJ-JZ-02", 4))
        changes = {"deadline_text": "張榜公示結束后2個工作日之內", "deadline_anchor": "張榜公示結束后"}
        return approval.publish(code, [fixed | changes], ref=wrong.jti).exchange

    correct_what_is_reported(county, wrong.exchange, publish)
    told = capsys.readouterr().out
    assert "corrected" in told
    right = told.split(f"{wrong.exchange} → ")[1].split()[0]
    for consumer in (subsite, city):
        items = consumer.inbox(limit=500)
        assert right in {item.exchange for item in items}
        consumer.acknowledge(items)
