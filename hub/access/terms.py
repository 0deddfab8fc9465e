"""The terms of a grant: by which way, from when until when, how often. Pure; requests and grants are checked alike."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.registry.errors import InvalidField

INBOX = "inbox"
"""The consumer pulls and acknowledges."""

PUSH = "push"
"""The hub hands over by the adapter of the consumer's push target."""

MODES = (INBOX, PUSH)

POLICIES = ("park", "block")
"""What becomes of an item that cannot be delivered: it makes way for the rest, or the lane keeps its order and waits."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Terms that every zone can write: at the ends of the calendar a moment has no form in UTC."""

LONGEST_PERIOD = timedelta(days=5 * 366)
"""A period that is asked for, or renewed, ends within so long of its beginning: the need is looked at anew (使用时限). No source
gives a figure; this one is the hub's, long enough for a programme of five years."""

LATEST_BEGINNING = timedelta(days=366)
"""Who needs data later than in a year asks later."""

MOST_OFTEN = 1_000_000_000
"""Calls a day: more than ten thousand a second, all day."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a consumer expects to use it, in times a day: on average, and on the busiest day."""

    average: int
    peak: int


def check_mode(mode: str) -> None:
    """Raises InvalidField."""
    if mode not in MODES:
        raise InvalidField("/mode", f"mode 须为 {' 或 '.join(MODES)}", f"mode is {' or '.join(MODES)}")


def check_policy(policy: str | None, mode: str) -> None:
    """Raises InvalidField."""
    if policy is not None and (mode != PUSH or policy not in POLICIES):
        raise InvalidField(
            "/policy",
            f"policy 须为 {' 或 '.join(POLICIES)}，且只用于推送（mode 为 {PUSH}）；自取的授权请去掉它",
            f"policy is {' or '.join(POLICIES)}, and for pushes only (mode {PUSH}); leave it out of a grant to pull",
        )


def check_period(valid_from: datetime, valid_to: datetime, now: datetime) -> None:
    """Both are moments that can be written, and the end is to come. Raises InvalidField."""
    for pointer, moment in (("/valid_from", valid_from), ("/valid_to", valid_to)):
        if moment.tzinfo is None:
            raise InvalidField(
                pointer,
                f"{pointer} 缺少时区；请写成 RFC 3339，如 2026-01-01T00:00:00+08:00",
                f"{pointer} lacks its offset; write RFC 3339, such as 2026-01-01T00:00:00+08:00",
            )
        if not EARLIEST <= moment <= LATEST:
            raise InvalidField(
                pointer,
                f"{pointer} 须在 {EARLIEST.year} 年至 {LATEST.year} 年之间；请更正",
                f"{pointer} lies between the years {EARLIEST.year} and {LATEST.year}; correct it",
            )
    if valid_to <= max(valid_from, now):
        raise InvalidField(
            "/valid_to",
            "授权截止时间须晚于起始时间和当前时间；请更正",
            "a grant ends after it begins and after this moment; correct it",
        )


def check_asked_period(valid_from: datetime, valid_to: datetime, now: datetime) -> None:
    """As `check_period`, and within what may be asked for at a time. Raises InvalidField."""
    check_period(valid_from, valid_to, now)
    if valid_from > now + LATEST_BEGINNING:
        raise InvalidField(
            "/valid_from",
            f"起始时间最晚为 {LATEST_BEGINNING.days} 天之后；请届时再申请",
            f"a period begins within {LATEST_BEGINNING.days} days; ask again when the time has come",
        )
    if valid_to - max(valid_from, now) > LONGEST_PERIOD:
        raise InvalidField(
            "/valid_to",
            f"使用时限最长为 {LONGEST_PERIOD.days} 天；请缩短，到期前可以续期",
            f"a period has at most {LONGEST_PERIOD.days} days; shorten it, it can be renewed before it ends",
        )


def check_frequency(frequency: Frequency | None) -> None:
    """Raises InvalidField."""
    if frequency is not None and not 0 <= frequency.average <= frequency.peak <= MOST_OFTEN:
        raise InvalidField(
            "/frequency",
            f"频次为每日次数，平均不大于峰值，最多 {MOST_OFTEN}；请更正",
            f"a frequency is in times a day, the average not above the peak, at most {MOST_OFTEN}; correct it",
        )


def columns_of_frequency(frequency: Frequency | None) -> dict[str, Any]:
    """The columns `frequency_average` and `frequency_peak`; NULL where nobody said how often."""
    if frequency is None:
        return {"frequency_average": None, "frequency_peak": None}
    return {"frequency_average": frequency.average, "frequency_peak": frequency.peak}
