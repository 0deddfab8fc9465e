"""PostgreSQL's binary form of arrays and of a row of arrays, for the one statement that takes twenty of them at once.

The driver asks of every element of every array whether it is itself an array, which costs more than writing it. Here a
whole row of arrays is written as one value: `record_send` and `array_send` in PostgreSQL's source say how (a record is its
number of fields, then each field's type, length and bytes; an array is its dimensions, null flag, element type, length
and lower bound, then each element's length and bytes).
"""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

_INT = struct.Struct("!i")
_FIELD = struct.Struct("!Ii")
_ARRAY = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_NULL = _INT.pack(-1)
_UUID_LENGTH = _INT.pack(16)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Object ids of element and array types, fixed in PostgreSQL's catalogue.
_BYTEA, _TEXT, _UUID, _INT4, _INT8, _TIMESTAMPTZ = (
    (17, 1001),
    (25, 1009),
    (2950, 2951),
    (23, 1007),
    (20, 1016),
    (1184, 1185),
)

Field = tuple[int, bytes]
"""A field of a record: its type's object id and its bytes."""


def bytes_array(values: Sequence[bytes]) -> Field:
    """A `bytea[]`."""
    pack = _INT.pack
    return _array(_BYTEA, len(values), b"".join([part for value in values for part in (pack(len(value)), value)]))


def text_array(values: Sequence[str | None]) -> Field:
    """A `text[]`; None is null."""
    pack = _INT.pack
    encoded = [None if value is None else value.encode() for value in values]
    parts = [part for value in encoded for part in ((_NULL,) if value is None else (pack(len(value)), value))]
    return _array(_TEXT, len(values), b"".join(parts), nulls=None in encoded)


def uuid_array(values: Sequence[UUID]) -> Field:
    """A `uuid[]`."""
    return _array(_UUID, len(values), b"".join([part for value in values for part in (_UUID_LENGTH, value.bytes)]))


def int4_array(values: Sequence[int]) -> Field:
    """An `integer[]`."""
    return _array(_INT4, len(values), _numbers("ii", 4, values))


def int8_array(values: Sequence[int]) -> Field:
    """A `bigint[]`."""
    return _array(_INT8, len(values), _numbers("iq", 8, values))


def timestamp_array(values: Sequence[datetime]) -> Field:
    """A `timestamptz[]`, to the microsecond."""
    return _array(_TIMESTAMPTZ, len(values), _numbers("iq", 8, [(value - _EPOCH) // _MICROSECOND for value in values]))


def record(fields: Sequence[Field]) -> bytes:
    """A composite value with these fields, in the order of its type."""
    parts = [_INT.pack(len(fields))]
    for kind, data in fields:
        parts += (_FIELD.pack(kind, len(data)), data)
    return b"".join(parts)


async def write_whole(connection: asyncpg.Connection, name: str, write: Callable[[Any], bytes]) -> None:
    """Have the connection write values of the composite type `name` with `write`; such values are never read.

    The driver's public call for codecs lets a composite be written field by field only, so its own register is used.
    """
    oid = await connection.fetchval("SELECT $1::text::regtype::oid", name)
    settings = connection._protocol.get_settings()  # type: ignore[attr-defined]  # noqa: SLF001  see above
    settings.add_python_codec(oid, name, "public", [], "scalar", write, _never_read, "binary")


def _never_read(_: bytes) -> None:
    raise ValueError("values of this type are written and never read")


def _numbers(form: str, length: int, values: Sequence[int]) -> bytes:
    return struct.pack("!" + form * len(values), *[part for value in values for part in (length, value)])


def _array(types: tuple[int, int], count: int, body: bytes, *, nulls: bool = False) -> Field:
    element, array = types
    if count == 0:
        return array, _EMPTY.pack(0, 0, element)
    return array, _ARRAY.pack(1, int(nulls), element, count, 1) + body
