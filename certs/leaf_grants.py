"""The grants that fed an exchange, as the leaf of its acceptance names them: a list, or packed where the list is long.

A leaf has at most 65,535 bytes (C2SP tlog-tiles), in which some 1,600 grants have room as text and 3,000 packed. Knows nothing
else of a leaf.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

MOST_LISTED = 1_000
"""Grants that are written as a list; more are packed. Part of the leaf's format (docs/log-leaf.md)."""

_UUID_BYTES = 16


def write_grants(grants: Sequence[str]) -> dict[str, Any]:
    """The member of `details` that names these grants (uuids), in their order: `grants`, or `grants_packed` beyond `MOST_LISTED`.

    Packed is base64 over the 16 bytes of each uuid, one after another.
    """
    if len(grants) <= MOST_LISTED:
        return {"grants": grants}
    packed = b"".join([UUID(grant).bytes for grant in grants])
    return {"grants_packed": base64.b64encode(packed).decode()}


def read_grants(details: Mapping[str, Any]) -> list[str] | None:
    """The grants that `write_grants` wrote; None where `details` does not name them in one of its two ways."""
    listed, packed = details.get("grants"), details.get("grants_packed")
    if isinstance(listed, list) and packed is None:
        return listed
    if not isinstance(packed, str) or listed is not None:
        return None
    try:
        data = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) % _UUID_BYTES:
        return None
    return [str(UUID(bytes=data[at : at + _UUID_BYTES])) for at in range(0, len(data), _UUID_BYTES)]
