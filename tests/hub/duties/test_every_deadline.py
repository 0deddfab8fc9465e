"""Each deadline of the table of law (D1–D14) and of the policy documents (L1–L18): a date worked out by hand beside it.

The events lie beside a holiday for which a weekend day is worked, as the notices of 2024 to 2026 have it.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from hub.duties import profiles
from hub.duties.calendar import BEIJING, announced, last_day_of
from hub.duties.rule import Rule
from hub.duties.terms import Deadline, Unit, deadline, extended

KNOWN = announced()


def rule(code: str) -> Rule:
    found = profiles.named(code)
    assert found is not None, code
    return found


def at(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=BEIJING)


def counted(code: str, day: str, hour: int = 10) -> Deadline:
    return deadline(rule(code).terms, at(day, hour), KNOWN)


def due(code: str, day: str) -> str:
    """The last day on which it may be done, when the event happens at ten in the morning of `day`."""
    found = counted(code, day)
    assert not found.provisional
    assert found.due_at.astimezone(BEIJING).time() == datetime.min.time()
    return last_day_of(found.due_at).isoformat()


def put_off(code: str, day: str) -> str:
    """The last day after the extension that the rule allows."""
    terms = rule(code).terms
    assert terms.extension is not None
    return last_day_of(extended(terms, at(day), counted(code, day), terms.extension.amount, KNOWN).due_at).isoformat()


def test_d1_an_unconditional_request_is_answered_within_1_working_day() -> None:
    assert due("D1", "2026-02-13") == "2026-02-14"  # a Saturday that is worked before 春节


def test_d2_a_conditional_request_is_answered_within_10_working_days() -> None:
    assert due("D2", "2026-02-10") == "2026-03-02"


def test_d3_data_is_provided_within_20_working_days_of_the_consent() -> None:
    assert due("D3", "2025-09-24") == "2025-10-28"


def test_d4_a_request_for_correction_is_dealt_with_within_10_working_days() -> None:
    assert due("D4", "2026-09-17") == "2026-10-08"


def test_d5_the_catalogue_is_updated_within_10_working_days_and_5_more_if_approved() -> None:
    assert due("D5", "2026-04-29") == "2026-05-15"
    assert put_off("D5", "2026-04-29") == "2026-05-22"
    assert rule("D5").terms.cap == 15


def test_d6_a_catalogue_is_published_within_2_working_days() -> None:
    assert due("D6", "2025-12-31") == "2026-01-05"  # Sunday 4 January is worked


def test_d7_guofa_51_a_conditional_request_is_answered_within_10_working_days() -> None:
    assert due("D7", "2024-02-05") == "2024-02-23"


def test_d8_guofa_51_the_catalogue_is_updated_within_15_working_days() -> None:
    assert due("D8", "2024-09-13") == "2024-10-11"


def test_d9_a_request_is_checked_within_2_working_days() -> None:
    assert due("D9", "2026-05-08") == "2026-05-11"


def test_d10_a_request_for_what_is_shared_already_is_answered_within_5_working_days() -> None:
    assert due("D10", "2026-09-24") == "2026-10-09"


def test_d11_what_was_not_shared_in_time_is_published_within_10_working_days() -> None:
    assert due("D11", "2025-09-30") == "2025-10-21"


def test_d12_what_is_not_in_the_catalogue_is_listed_and_shared_within_15_working_days() -> None:
    assert due("D12", "2026-02-13") == "2026-03-12"


@pytest.mark.parametrize("code", ["D13", "L11"])
def test_d13_and_l11_the_report_on_sharing_is_due_at_the_end_of_february(code: str) -> None:
    assert due(code, "2025-12-31") == "2026-02-28"
    assert due(code, "2023-12-31") == "2024-02-29"  # a leap year
    assert due(code, "2026-02-28") == "2027-02-28"  # the day of the event does not count; a Sunday is not moved


@pytest.mark.parametrize("code", ["D14", "L12"])
def test_d14_and_l12_the_evaluation_is_due_within_the_year(code: str) -> None:
    assert due(code, "2026-01-05") == "2026-12-31"


def test_l1_data_of_supervision_is_uploaded_within_24_hours_also_on_days_off() -> None:
    assert counted("L1", "2026-02-14", 17).due_at == at("2026-02-15", 17)
    assert not counted("L1", "2026-12-31", 17).provisional


def test_l2_what_supervision_assigns_is_answered_within_5_working_days() -> None:
    assert due("L2", "2026-02-11") == "2026-02-25"


def test_l3_a_change_of_powers_is_reviewed_within_3_working_days() -> None:
    assert due("L3", "2025-09-25") == "2025-09-29"  # Sunday 28 September is worked


def test_l4_the_library_is_adjusted_2_working_days_before_the_power_takes_effect() -> None:
    assert due("L4", "2025-10-09") == "2025-09-29"
    assert due("L4", "2025-09-30") == "2025-09-28"


def test_l5_a_suspended_item_is_restored_within_2_working_days_and_in_lanzhou_within_2_days() -> None:
    assert due("L5", "2026-02-27") == "2026-03-02"
    assert due("L5-lanzhou", "2026-02-27") == "2026-03-01"


def test_l6_the_budget_is_published_within_20_working_days() -> None:
    assert due("L6", "2024-01-26") == "2024-02-28"


def test_l7_information_about_funds_is_updated_within_20_days_which_may_end_on_a_day_off() -> None:
    assert due("L7", "2026-09-15") == "2026-10-05"


def test_l8_a_change_of_a_relief_project_is_published_within_10_working_days() -> None:
    assert due("L8", "2024-04-26") == "2024-05-13"


def test_l9_the_relief_list_stays_published_for_a_year_and_is_renewed_at_its_beginning() -> None:
    assert due("L9-1", "2025-10-01") == "2026-10-01"
    assert due("L9-1", "2024-02-29") == "2025-02-28"
    assert due("L9-2", "2025-12-31") == "2026-01-31"


def test_l10_the_report_on_powers_is_due_on_31_march() -> None:
    assert due("L10", "2025-12-31") == "2026-03-31"


def test_l13_the_pilot_is_reported_on_every_10_and_every_20_working_days() -> None:
    assert due("L13-1", "2026-05-08") == "2026-05-21"
    assert due("L13-2", "2026-05-08") == "2026-06-04"
    assert rule("L13-1").repeats
    assert rule("L13-2").repeats


def test_l14_contacts_are_named_within_5_working_days() -> None:
    assert due("L14", "2025-01-21") == "2025-01-27"  # Sunday 26 January is worked


def test_l15_a_relief_list_is_posted_for_7_working_days() -> None:
    assert due("L15", "2026-09-28") == "2026-10-13"


@pytest.mark.parametrize(
    ("step", "last"),
    list(
        enumerate(
            ["2025-09-15", "2025-09-20", "2025-09-30", "2025-10-10", "2025-10-15", None, "2026-03-01", "2026-06-01"], 1
        )
    ),
)
def test_l16_each_step_of_winter_relief_has_its_date(step: int, last: str | None) -> None:
    if last is None:
        assert due(f"L16-1.{step}", "2025-09-26") == "2025-10-10"  # 5 working days from the notice of the money
    else:
        assert due(f"L16-1.{step}", "2025-08-01") == last


L16 = {
    2: (3, 10, 2, 5, 5),
    3: (3, 10, 2, 5, 5),
    4: (3, 10, 5, 5),
    5: (3, 10, 5, 5),
    6: (3, 10, 5, 5),
    7: (3, 10, 3, 5),
    8: (3, 10, 5, 5),
}
"""新津's other guides: working days of each step."""

LAST_DAYS = {2: "2026-05-07", 3: "2026-05-08", 5: "2026-05-11", 10: "2026-05-18"}
"""From Thursday 30 April 2026 on: 1 to 5 May are off, Saturday 9 May is worked."""


@pytest.mark.parametrize(
    ("code", "amount"), [(f"L16-{guide}.{step}", n) for guide, ns in L16.items() for step, n in enumerate(ns, 1)]
)
def test_l16_each_step_of_the_other_guides_has_its_working_days(code: str, amount: int) -> None:
    assert due(code, "2026-04-30") == LAST_DAYS[amount]


def test_l16_is_complete() -> None:
    codes = {one.code for one in profiles.shipped() if one.code.startswith("L16-")}
    assert len(codes) == 8 + sum(map(len, L16.values()))


def test_l17_luobei_asks_for_completion_within_5_and_decides_within_7_at_most_10_or_3_working_days() -> None:
    assert due("L17-1", "2025-04-21") == "2025-04-27"  # a Sunday that is worked
    assert due("L17-2", "2025-04-23") == "2025-05-06"
    assert put_off("L17-2", "2025-04-23") == "2025-05-09"
    assert rule("L17-2").terms.cap == 10
    assert due("L17-3", "2026-05-08") == "2026-05-12"


@pytest.mark.parametrize(
    ("number", "last"),
    list(
        enumerate(
            [
                *("05-31", "06-30", "08-31", "09-20", "09-30", "10-31"),
                *("10-31", "12-31", "12-31", "12-31", "12-31", "03-31"),
            ],
            1,
        )
    ),
)
def test_l18_each_step_of_gannan_has_its_day_of_2015(number: int, last: str) -> None:
    assert due(f"L18-{number}", "2015-01-05") == f"2015-{last}"


def test_every_rule_of_the_two_tables_is_there() -> None:
    codes = {code for one in profiles.shipped() for code in (one.code, *one.also)}
    heads = {code.split("-")[0] for code in codes}
    assert heads == {f"D{number}" for number in range(1, 15)} | {f"L{number}" for number in range(1, 19)}


def test_what_is_counted_into_a_year_without_notice_is_provisional_until_the_notice_is_there() -> None:
    year = max(KNOWN.years)
    found = counted("D2", f"{year}-12-30")
    assert found.provisional
    assert last_day_of(found.due_at).year == year + 1
    assert not counted("L7", f"{year}-12-30").provisional  # days are days


@pytest.mark.parametrize("code", [one.code for one in profiles.shipped() if one.terms.unit is not Unit.HOUR])
def test_what_is_due_is_due_soon_a_working_day_before_at_the_latest(code: str) -> None:
    found = counted(code, "2015-01-05")
    last = last_day_of(found.due_at)
    day_before = datetime.combine(KNOWN.shifted(last, -1), datetime.min.time(), BEIJING)
    assert found.soon_at <= max(day_before, at("2015-01-05"))
    assert found.due_at - found.soon_at >= timedelta(hours=14)


def test_what_takes_long_is_due_soon_when_a_tenth_of_its_time_is_left() -> None:
    found = counted("L9-1", "2025-03-01")
    assert (found.due_at - at("2025-03-01")) * 0.1 == found.due_at - found.soon_at
    hours = counted("L1", "2025-03-01")
    assert hours.due_at - hours.soon_at == timedelta(hours=2.4)


def test_a_last_day_that_is_off_gives_way_only_where_the_rule_says_so() -> None:
    terms = replace(rule("L7").terms, moves=True)
    moved = deadline(terms, at("2026-09-15"), KNOWN)
    assert last_day_of(moved.due_at) == date(2026, 10, 8)
    beyond = deadline(terms, at(f"{max(KNOWN.years)}-12-20"), KNOWN)
    assert beyond.provisional
