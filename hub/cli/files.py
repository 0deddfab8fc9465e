"""Files that users hand to commands."""

from typing import Any, BinaryIO

import click

from certs.errors import JsonError
from certs.jsontext import parse_object


def object_in(file: BinaryIO) -> dict[str, Any]:
    """The JSON object that the file holds, read as strictly as the hub reads. Raises click.UsageError."""
    return strict_object(file, file.read())


def strict_object(file: BinaryIO, data: bytes) -> dict[str, Any]:
    """The JSON object in `data`, which came from `file`. Raises click.UsageError."""
    try:
        return parse_object(data)
    except JsonError as error:
        raise click.UsageError(f"{name_of(file)}: {error}") from None


def strict_array(file: BinaryIO, data: bytes) -> list[Any]:
    """The JSON array in `data`, which came from `file`. Raises click.UsageError, with places as they are in the file."""
    try:
        parse_object(data)
    except JsonError as error:
        if error.reason != "not-an-object":
            raise click.UsageError(f"{name_of(file)}: {error}") from None
    found: list[Any] = strict_object(file, b'{"array":%b}' % data)["array"]
    return found


def name_of(file: object) -> str:
    """What to call a file in a message; standard input may have no name."""
    return str(getattr(file, "name", "-"))
