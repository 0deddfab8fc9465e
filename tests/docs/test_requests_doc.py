"""docs/requests.md against the codes, states and limits in the code."""

import json
import re

from certs.masks import Mask
from hub.access.deadlines import ANSWERS, PROVIDE, REVIEW
from hub.access.requests.asked import LARGEST_ATTACHMENT
from hub.access.requests.codes import MOVES, Act, RefusalCode, State
from hub.access.scope import MOST_KEPT, MOST_MASKS, Operator
from hub.access.terms import LATEST_BEGINNING, LONGEST_PERIOD
from hub.corrections import codes as corrections
from hub.corrections.places import MOST_POINTERS
from hub.corrections.service import DUTY
from hub.objections import codes as objections
from tests.docs.pages import page

PAGE = page("docs/requests.md")
CHINESE, ENGLISH = PAGE.split('<a id="english"></a>')


def test_the_life_of_a_request_stands_as_it_is() -> None:
    found = {
        (state, act): target
        for state, acts, targets in re.findall(
            r"^\| `([a-z-]+)` [^|]*\| [^|]+ \| `review`：(.*) \| (.*) \|$", PAGE, re.MULTILINE
        )
        for act, target in zip(re.findall(r"`(\w+)`", acts), re.findall(r"`([\w-]+)`", targets), strict=True)
    }
    assert found == {
        (State.IN_REVIEW, "pass"): MOVES[Act.FORWARD][1],
        (State.IN_REVIEW, "return"): MOVES[Act.RETURN][1],
    }
    for text in (CHINESE, ENGLISH):
        assert all(f"`{state}`" in text for state in State)


def test_codes_limits_and_deadlines_stand_as_they_are() -> None:
    assert all(f"{code.value} {code.zh}" in CHINESE for code in RefusalCode)
    assert f"{LONGEST_PERIOD.days:,} 天" in CHINESE
    assert f"{LATEST_BEGINNING.days} 天" in CHINESE
    assert f"{LARGEST_ATTACHMENT >> 20} MiB" in CHINESE
    assert f"最多 {MOST_POINTERS} 处" in CHINESE
    assert all(f"| `{duty}` " in CHINESE for duty in (REVIEW, PROVIDE, DUTY, *ANSWERS.values()))
    assert all(f'"op": "{operator}"' in CHINESE for operator in Operator)


def test_each_mask_of_the_page_shows_what_the_page_says() -> None:
    rows = re.findall(r"^\| [^|]+ \| `(\{[^|]+\})` \| `([^|`]+)` \|$", CHINESE, re.MULTILINE)
    assert len(rows) == 6
    for written, shown in rows:
        members = json.loads(written)
        mask = Mask(members.get("keep_first", 0), members.get("keep_last", 0))
        assert mask.hide(shown) == shown
        assert mask.hide(shown.replace("*", "某")) == shown
    for text in (CHINESE, ENGLISH):
        assert str(MOST_MASKS) in text
        assert str(MOST_KEPT) in text


def test_each_kind_of_objection_has_its_row() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` [^|]+ \| ([123]) [^|]+ \|", CHINESE, re.MULTILINE))
    assert rows == {str(kind): str(kind.number) for kind in objections.Kind}
    for kind, details in objections.DETAILS.items():
        (row,) = [line for line in CHINESE.splitlines() if line.startswith(f"| `{kind}`")]
        assert set(re.findall(r"`(\w+)`", row)) == {str(kind), *map(str, details)}
        assert ("主管部门" in row) == (kind in objections.BY_AUTHORITY)
    for state in objections.State:
        assert f"`{state}`" in CHINESE


def test_what_is_done_about_a_correction_is_named() -> None:
    assert all(f"`{word}`" in CHINESE for word in ("take", "reject", "correct"))
    assert {act.name for act in corrections.Act} == {"TAKE", "CORRECT", "REJECT", "WITHDRAW"}
