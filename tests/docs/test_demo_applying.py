"""What the demo tells about asking for access and about the correction of what a consumer reported."""

import pytest

from tests.docs.running_demo import RunningDemo

pytestmark = pytest.mark.process


def chapter(demo: RunningDemo, begins: str) -> list[str]:
    """The lines of the chapter whose title begins so, without their outer blanks."""
    lines = demo.output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.partition(". ")[2].startswith(begins))
    rest = lines[first + 1 :]
    ends = next(number for number, line in enumerate(rest) if not line)
    return [line.strip() for line in rest[:ends]]


def test_a_request_travels_to_a_grant_with_its_deadlines(demo: RunningDemo) -> None:
    told = chapter(demo, "共享申请")
    moves = [line.partition("→ ")[2].partition("（")[0] for line in told if line.startswith("✓") and "→" in line]
    assert moves == ["in-review", "returned", "in-review", "with-provider", "granted"]
    for code, state in (("D9", "open"), ("D9", "done"), ("D2", "open"), ("D2", "done"), ("D3", "open")):
        assert any(line.startswith(code) and line.endswith(state) for line in told), (code, state)
    assert any("records, exchange" in line for line in told)


def test_what_a_consumer_reports_is_corrected_and_reaches_the_others(demo: RunningDemo) -> None:
    reported, corrected = chapter(demo, "校核"), chapter(demo, "更正")
    assert any(line.startswith("D4") and line.endswith("open") for line in reported)
    assert any(line.startswith("D4") and line.endswith("done") for line in corrected)
    assert sum("got the correction" in line for line in corrected) == 2
    assert any(line.startswith("✓ corrected：") for line in corrected)
