"""Arrays of composite values in PostgreSQL's binary form, for the one statement that takes a hundred rows at once.

One array of rows costs the server one scan; an array for each column costs it a scan for each, which took longer than
writing the rows. The driver can write such an array only field by field through its codecs, and asks of every value
whether it is itself an array. Here it is written as one value, from fields that rows may share: `array_send` and
`record_send` in PostgreSQL's source say how (an array is its dimensions, null flag, element type, length and lower bound,
then each element's length and bytes; a record is its number of fields, then each field's type, length and bytes).
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg

_LENGTH = struct.Struct("!i")
_FIELD = struct.Struct("!Ii")
_ARRAY = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_INT4 = struct.Struct("!Iii")
_INT8 = struct.Struct("!Iiq")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Object ids of types, fixed in PostgreSQL's catalogue.
_BYTEA_ID, _INT8_ID, _INT4_ID, _TEXT_ID, _TIMESTAMPTZ_ID, _UUID_ID, _UUIDS_ID, _JSONB_ID = (
    17, 20, 23, 25, 1184, 2950, 2951, 3802,
)  # fmt: skip
_UUID_FIELD = _FIELD.pack(_UUID_ID, 16)
_UUID_LENGTH = _LENGTH.pack(16)
_NO_JSONB = _FIELD.pack(_JSONB_ID, -1)
_JSONB_VERSION = b"\x01"

_COUNTS = tuple(_LENGTH.pack(count) for count in range(64))
"""How a record begins, by the number of its fields."""


def bytea(value: bytes) -> bytes:
    """A field of type `bytea`."""
    return _FIELD.pack(_BYTEA_ID, len(value)) + value


def text(value: str) -> bytes:
    """A field of type `text`."""
    data = value.encode()
    return _FIELD.pack(_TEXT_ID, len(data)) + data


def uuid(value: UUID) -> bytes:
    """A field of type `uuid`."""
    return _UUID_FIELD + value.bytes


def uuids(values: Sequence[UUID]) -> bytes:
    """A field of type `uuid[]`."""
    head = _ARRAY.pack(1, 0, _UUID_ID, len(values), 1) if values else _EMPTY.pack(0, 0, _UUID_ID)
    body = b"".join([part for value in values for part in (_UUID_LENGTH, value.bytes)])
    return _FIELD.pack(_UUIDS_ID, len(head) + len(body)) + head + body


def int4(value: int) -> bytes:
    """A field of type `integer`."""
    return _INT4.pack(_INT4_ID, 4, value)


def int8(value: int) -> bytes:
    """A field of type `bigint`."""
    return _INT8.pack(_INT8_ID, 8, value)


def timestamptz(value: datetime) -> bytes:
    """A field of type `timestamptz`, to the microsecond."""
    return _INT8.pack(_TIMESTAMPTZ_ID, 8, (value - _EPOCH) // _MICROSECOND)


def jsonb(value: bytes | None) -> bytes:
    """A field of type `jsonb` from JSON text in UTF-8; None is null."""
    if value is None:
        return _NO_JSONB
    return _FIELD.pack(_JSONB_ID, len(value) + 1) + _JSONB_VERSION + value


def record(*fields: bytes) -> bytes:
    """A row: its fields in the order of the type's columns. The server refuses another number of them, or other types."""
    return b"".join((_COUNTS[len(fields)], *fields))


def array(element: int, records: Sequence[bytes]) -> bytes:
    """An array of rows of the composite type with the object id `element`."""
    if not records:
        return _EMPTY.pack(0, 0, element)
    parts = [_ARRAY.pack(1, 0, element, len(records), 1)]
    for one in records:
        parts += (_LENGTH.pack(len(one)), one)
    return b"".join(parts)


async def teach(connection: asyncpg.Connection, name: str) -> None:
    """Have the connection take sequences of `record`s for arrays of the composite type `name`; they are never read.

    The driver's public call for codecs lets a composite be written field by field only, so its own register is used.
    """
    row = await connection.fetchrow("SELECT oid, typarray FROM pg_type WHERE oid = $1::text::regtype", name)
    assert row is not None  # regtype has raised for a name that is none
    settings = connection._protocol.get_settings()  # type: ignore[attr-defined]  # noqa: SLF001  see above
    write = partial(array, row["oid"])
    settings.add_python_codec(row["typarray"], f"{name}[]", "public", [], "scalar", write, _never_read, "binary")


def _never_read(_: bytes) -> None:
    raise ValueError("values of this type are written and never read")
