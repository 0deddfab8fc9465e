"""The form of a bundle: one file of ASCII lines. The first is the signed manifest, each other one a part that it lists.

A line of text is what every gateway lets pass: nothing is packed, so nothing can unpack to more than its size, there are no
names inside that could lead elsewhere, and whoever inspects contents sees them. Whether a file is whole is told by itself: the
manifest has the size and digest of each part. Signatures are not known here: what comes in is checked by the hub.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

import orjson

FORMAT = "shuniu-bundle/1"

MAX_MANIFEST_BYTES = 256 * 1024

MANIFEST_ROOM, PART_ROOM = 2048, 224
"""Bytes of a manifest's line at most: by itself, and for each part (its kind, size and digest, in base64url)."""

_ACKNOWLEDGEMENT = "acknowledgement"


class NotABundle(Exception):
    """What was read is no whole bundle of acknowledgement, at least not yet; `reason` is a stable word."""

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """A part to be written: one line without its end. `kind` is `certificates` (JSON: `{"pem": …}`) or `item`."""

    kind: str
    line: bytes

    @property
    def room(self) -> int:
        """The bytes that it takes in a bundle, at most."""
        return len(self.line) + 1 + PART_ROOM


def certificates_part(pem: bytes) -> Part:
    """The certificates as a part."""
    return Part("certificates", orjson.dumps({"pem": pem.decode("ascii")}))


def split(items: Sequence[Part], always: Part, max_bytes: int) -> Iterator[tuple[Part, ...]]:
    """The items in order, in as few bundles as hold them; each begins with `always` and has at most `max_bytes`.

    An item that fits into none stands in a bundle of its own: see `size`.
    """
    chosen: list[Part] = []
    for item in items:
        if chosen and size((always, *chosen, item)) > max_bytes:
            yield (always, *chosen)
            chosen = []
        chosen.append(item)
    yield (always, *chosen)


def size(parts: Sequence[Part]) -> int:
    """The bytes of a bundle of these parts, at most."""
    return MANIFEST_ROOM + sum(part.room for part in parts)


def manifest_members(
    parts: Sequence[Part],
    *,
    hub: str,
    system: str,
    series: str,
    number: int,
    first: int,
    made_at: datetime,
    lane: UUID,
    fence: int,
) -> dict[str, Any]:
    """What the manifest of a bundle of deliveries says; `first` is the number of the first bundle of its batch."""
    return {
        "format": FORMAT,
        "kind": "deliveries",
        "hub": hub,
        "system": system,
        "series": series,
        "number": number,
        "made_at": made_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "lane": str(lane),
        "fence": fence,
        "first": first,
        "parts": [{"kind": part.kind, "size": len(part.line), "digest": _digest(part.line)} for part in parts],
    }


def write(manifest: bytes, parts: Sequence[Part]) -> bytes:
    """The file."""
    return b"".join(line + b"\n" for line in (manifest, *(part.line for part in parts)))


def read_acknowledgement(data: bytes) -> bytes:
    """The `ack+jws` in a whole bundle of acknowledgement; neither it nor the manifest is believed. Raises NotABundle."""
    line, ended, rest = data.partition(b"\n")
    if not ended:
        _not("incomplete", "清单一行没有写完", "the line of the manifest is not finished")
    members = _members(line)
    parts = members.get("parts")
    if members.get("format") != FORMAT or members.get("kind") != _ACKNOWLEDGEMENT:
        _not("not-an-acknowledgement", "不是确认的文件包", "it is no bundle of acknowledgement")
    if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict):
        _not("not-an-acknowledgement", "确认的文件包恰有一个部分", "a bundle of acknowledgement has one part")
    length = parts[0].get("size")
    if type(length) is not int or len(rest) < length + 1:
        _not("incomplete", "文件比清单所写的短", "the file is shorter than its manifest says")
    if len(rest) != length + 1 or not rest.endswith(b"\n") or _digest(rest[:-1]) != parts[0].get("digest"):
        _not("digest-mismatch", "内容与清单的摘要不符", "the content does not have the manifest's digest")
    return rest[:-1]


def _members(line: bytes) -> Mapping[str, Any]:
    """The manifest's members, its signature not looked at: whose word the acknowledgement is it says itself."""
    parts = line.split(b".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        found = orjson.loads(base64.b64decode(parts[1] + b"=" * (-len(parts[1]) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        _not("not-a-bundle", "第一行不是清单", "its first line is no manifest")
    return found if isinstance(found, dict) else {}


def _digest(line: bytes) -> str:
    return f"sha-256:{hashlib.sha256(line).hexdigest()}"


def _not(reason: str, zh: str, en: str) -> NoReturn:
    raise NotABundle(reason, zh, en) from None
