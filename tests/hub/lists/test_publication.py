"""Parts of publications that need no database."""

from datetime import date

from catalog.lists import list_types
from hub.duties import profiles
from hub.lists.publication import CHANGE, WHOLE, _years_later
from hub.lists.suspension import RESTORE


def test_a_year_after_the_day_that_the_year_lacks_is_the_last_of_february() -> None:
    assert _years_later(date(2024, 2, 29), 1) == date(2025, 2, 28)
    assert _years_later(date(2024, 2, 29), 4) == date(2028, 2, 29)


def test_what_the_types_of_lists_say_is_owed_has_a_rule() -> None:
    owed = {key: duty for described in list_types() for key, duty in described.publication.duties.items()}
    assert owed.keys() == {WHOLE, CHANGE, "online"}
    named = {duty for described in list_types() for duty in described.publication.duties.values()} | {RESTORE}
    assert named <= {rule.duty for rule in profiles.shipped()}
