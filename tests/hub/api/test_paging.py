from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.digests import b64u_encode
from hub.api.paging import Paging
from hub.errors import InvalidInput

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds


def cursor_of(*key: object) -> str:
    page = Paging(1, None).page([key, key], lambda _: {}, lambda row: row)
    cursor = page["next"]
    assert isinstance(cursor, str)
    return cursor


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), MOMENTS, st.uuids())
def test_a_cursor_comes_back_as_the_key_it_was_made_of(text: str, moment: datetime, identifier: UUID) -> None:
    assert Paging(1, cursor_of(text)).after_text() == text
    assert Paging(1, cursor_of(identifier)).after_id() == identifier
    assert Paging(1, cursor_of(moment, text)).after_moment() == (moment, text)


def test_the_first_page_has_no_cursor() -> None:
    first = Paging(1, None)
    assert (first.after_text(), first.after_id(), first.after_moment()) == (None, None, None)


def test_a_page_shows_its_limit_and_points_on_only_if_there_is_more() -> None:
    page = Paging(2, None)
    assert page.fetch == 3
    shown = page.page(["a", "b", "c"], lambda row: {"row": row}, lambda row: (row,))
    assert shown == {"items": [{"row": "a"}, {"row": "b"}], "next": cursor_of("b")}
    assert page.page(["a", "b"], lambda row: {"row": row}, lambda row: (row,))["next"] is None
    assert page.page([], lambda row: {"row": row}, lambda row: (row,)) == {"items": [], "next": None}


def made_up(value: object) -> str:
    return b64u_encode(orjson.dumps(value)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "", "!", "ä", "AA==", made_up("text"), made_up([]), made_up([1]), made_up(["a", "b", "c"]), made_up(["\0"]),
        made_up({"a": "b"}), made_up(["2026-03-02T01:30:00", "no offset"]), made_up(["not a time", "x"]),
        made_up(["\0", "x"]), made_up(["0001-01-01T00:00:00+23:59", "x"]), made_up(["9999-12-31T23:59:59-23:59", "x"]),
    ],
)  # fmt: skip
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    page = Paging(1, cursor)
    for read in (page.after_id, page.after_moment):
        with pytest.raises(InvalidInput) as caught:
            read()
        assert caught.value.errors[0].pointer == "cursor"


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert Paging(1, made_up(["2026-03-02T09:30:00+08:00", "x"])).after_moment() == (moment, "x")
    assert Paging(1, cursor_of(moment + timedelta(microseconds=1), "x")).after_moment() != (moment, "x")
