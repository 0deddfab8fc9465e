"""UUIDv7 (RFC 9562 §5.7): identifiers that carry their time, so that tables can be cut by month. Never an order."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_MASK = (0xFFF << 64) | ((1 << 62) - 1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def new_id(now: datetime) -> UUID:
    """A UUIDv7 of the moment `now` (aware), millisecond precision, 74 random bits."""
    return id_at(_milliseconds(now))


def new_ids(now: datetime, count: int) -> list[UUID]:
    """`count` of them, of one moment, from one draw of random bytes.

    Of the driver's own kind, which is a `UUID` that is made, written and shown several times faster.
    """
    time = (_milliseconds(now) << 80) | _VERSION_AND_VARIANT
    random = os.urandom(10 * count)
    numbers = [time | (int.from_bytes(random[at : at + 10], "big") & _RANDOM_MASK) for at in range(0, 10 * count, 10)]
    return [DriverUUID(number.to_bytes(16, "big")) for number in numbers]


def id_at(milliseconds: int) -> UUID:
    """A UUIDv7 of a moment in milliseconds since 1970."""
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM_MASK
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | random)


def lowest_id(moment: datetime) -> UUID:
    """The bound of partitions: no UUIDv7 of `moment` or later is below it."""
    return UUID(int=_milliseconds(moment) << 80)


def time_of(identifier: UUID) -> datetime:
    """The moment that a UUIDv7 carries (UTC, millisecond precision)."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def _milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, by integers: a float lands one low now and then."""
    return (moment - _EPOCH) // _MILLISECOND
