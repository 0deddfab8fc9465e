"""What refusals leave behind: an entry each once somebody signed for it, a count before that, both bounded."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from hub.errors import Refused
from hub.exchange import refusals
from tests.hub.exchange.conftest import Floor

NOW = datetime(2026, 11, 21, 8, 30, 59, 999_000, tzinfo=UTC)
COUNTS = "SELECT minute, cause, address, count FROM refusal_count ORDER BY minute, cause, address"


async def counted(floor: Floor) -> list[tuple[object, ...]]:
    """What is in the table once everything is written."""
    await floor.refusals.flush(floor.connection)
    return [tuple(row) for row in await floor.connection.fetch(COUNTS)]


async def test_what_nobody_signed_for_is_counted_per_minute_cause_and_address(floor: Floor) -> None:
    minute = NOW.replace(second=0, microsecond=0)
    for cause, address, now in (
        ("bad-signature", "10.0.0.1", NOW),
        ("bad-signature", "10.0.0.1", NOW),
        ("bad-signature", "10.0.0.2", NOW),
        ("too-large", "10.0.0.1", NOW),
        ("bad-signature", "10.0.0.1", NOW + timedelta(milliseconds=1)),
    ):
        floor.refusals.count(cause, address, now=now)
    expected = [
        (minute, "bad-signature", "10.0.0.1", 2),
        (minute, "bad-signature", "10.0.0.2", 1),
        (minute, "too-large", "10.0.0.1", 1),
        (minute + timedelta(minutes=1), "bad-signature", "10.0.0.1", 1),
    ]
    assert await counted(floor) == expected
    floor.refusals.count("too-large", "10.0.0.1", now=NOW)
    assert (await counted(floor))[2] == (minute, "too-large", "10.0.0.1", 2)


async def test_addresses_beyond_the_bound_share_a_count(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_ADDRESSES", 2)
    for number in (1, 2, 3, 4, 1):
        floor.refusals.count("bad-signature", f"10.0.0.{number}", now=NOW)
    assert [row[2:] for row in await counted(floor)] == [("10.0.0.1", 2), ("10.0.0.2", 1), (refusals.OTHERS, 2)]


async def test_counts_that_could_not_be_written_are_written_the_next_time(floor: Floor) -> None:
    floor.refusals.count("bad-signature", "10.0.0.1", now=NOW)
    await floor.connection.execute("ALTER TABLE refusal_count RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await floor.refusals.flush(floor.connection)
    await floor.connection.execute("ALTER TABLE away RENAME TO refusal_count")
    assert [row[3] for row in await counted(floor)] == [1]


async def test_a_senders_refusals_are_logged_singly_up_to_its_rate_and_counted_beyond(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "SINGLE_BURST", 3.0)
    monkeypatch.setattr(refusals, "SINGLE_RATE_PER_S", 0.0)
    for _ in range(5):
        with pytest.raises(Refused):
            await floor.intake.accept(floor.provider.exchange(floor.res, ver=9), address="10.0.0.1", request_id="r")
    with pytest.raises(Refused):
        await floor.intake.accept(b"junk", address="10.0.0.1", request_id="r")
    entries = "SELECT count(*) FROM log_entry WHERE event = 'message.refused'"
    assert await floor.connection.fetchval(entries) == 3
    assert [row[1:] for row in await counted(floor)] == [
        ("malformed-envelope", "10.0.0.1", 1),
        ("wrong-version", floor.provider.code, 2),
    ]
