"""Exports of the sharing log: which part is asked for, and its lines, made as they are read (docs/transparency-log.md).

An export is asked for once, and asking is an entry of the log itself: that entry is all that is kept of an export, so there is
no copy of the log anywhere and nothing to clear away. Its lines are made again, byte for byte, whenever they are fetched:
leaves and tiles never change. Only end and manifest are made anew, from the checkpoint of that moment.

A filter looks at leaves, never at the columns beside them, which whoever owns the database could change without a trace in
the tree. Where a stored leaf is not the one that was sealed, or was written past the hub and is no leaf by its form, the filter
lets it through, so that it is found.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from certs.digests import digest_text
from certs.errors import JsonError, TileError
from certs.export_form import Counts, Head
from certs.export_writing import has_line, write_end, write_head, write_line, write_manifest
from certs.jsontext import parse_object
from certs.members import read_moment
from certs.suites import Signer
from certs.tile_files import TILE_WIDTH, Tile
from certs.tiles import tiles_needed
from certs.tree import HASH_BYTES, leaf_hash
from certs.tree_proofs import Node, consistency_proof
from hub.audit import sealed
from hub.audit.entry import Actor, Event, instant
from hub.audit.errors import LogDamaged, NoSuchExport, NoSuchPart, NothingSealed

EXPORTED = "SELECT leaf FROM log_entry WHERE id = $1 AND event = 'audit.exported'"

Acquire = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which leaves an export shows; the others appear as hashes. Times are of the leaf: `since` ≤ time < `before`."""

    event: str | None = None
    actor: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def written(self) -> dict[str, str]:
        """What is set, as the log and the head of the export have it."""
        texts = {"event": self.event, "actor": self.actor}
        times = {"since": self.since, "before": self.before}
        return {name: text for name, text in texts.items() if text is not None} | {
            name: instant(moment) for name, moment in times.items() if moment is not None
        }

    @classmethod
    def read(cls, written: Mapping[str, str]) -> "Filter":
        """What `written` wrote."""
        times = {name: datetime.fromisoformat(written[name]) for name in ("since", "before") if name in written}
        return cls(written.get("event"), written.get("actor"), times.get("since"), times.get("before"))

    def lets_through(self, leaf: bytes) -> bool:
        """Whether the export shows this leaf."""
        if self == _NO_FILTER:
            return True
        try:
            says = parse_object(leaf)
            event, actor, time = says["event"], says["actor"]["id"], read_moment(says["time"])
        except (JsonError, KeyError, TypeError, ValueError):
            return True
        return (
            (self.event is None or event == self.event)
            and (self.actor is None or actor == self.actor)
            and (self.since is None or time >= self.since)
            and (self.before is None or time < self.before)
        )


_NO_FILTER = Filter()


@dataclass(frozen=True, slots=True)
class Part:
    """Leaves `first` up to, not including, `until`, and which of them are shown."""

    first: int
    until: int
    only: Filter


async def choose_part(connection: asyncpg.Connection, first: int, until: int | None, only: Filter) -> Part:
    """The part that is asked for; without `until` all that the checkpoint covers. Raises NothingSealed, NoSuchPart."""
    shown = await sealed.shown(connection)
    if shown.note is None:
        raise NothingSealed
    if first > shown.size:
        raise NoSuchPart("first", 0, shown.size)
    if until is not None and not first <= until <= shown.size:
        raise NoSuchPart("until", first, shown.size)
    return Part(first, shown.size if until is None else until, only)


def exported(export: UUID, part: Part, actor: Actor) -> Event:
    """The event of asking for an export: all that is kept of it."""
    return Event(
        type="audit.exported",
        actor=actor,
        object_type="export",
        object_id=str(export),
        rows=part.until - part.first,
        details={"first": part.first, "until": part.until, **part.only.written()},
    )


async def read_head(connection: asyncpg.Connection, export: UUID, caller: str) -> Head:
    """The head of an export that the staff member of id `caller` asked for. Raises NoSuchExport, LogDamaged."""
    found = await connection.fetchval(EXPORTED, export)
    leaf: dict[str, Any] = orjson.loads(found) if found is not None else {}
    if not leaf or leaf["actor"]["id"] != caller:
        raise NoSuchExport
    only = {name: value for name, value in leaf["details"].items() if name not in ("first", "until")}
    first, until = leaf["details"]["first"], leaf["details"]["until"]
    try:
        frontier = await sealed.read_frontier(connection, first)
    except TileError:
        raise LogDamaged(first) from None
    at = datetime.fromisoformat(leaf["time"])
    return Head(str(export), leaf["hub"], caller, at, first, until, only, frontier.hashes)


@dataclass(frozen=True, slots=True)
class Exporter:
    """Makes the lines of exports. `certificates` are DER: that of `signer`, and what lies between it and the anchor.

    Holds a connection for one tile at a time, never while the reader takes their time.
    """

    acquire: Acquire
    signer: Signer
    certificates: Sequence[bytes]

    async def lines(self, head: Head, *, cursor: int | None, clock: Callable[[], datetime]) -> AsyncIterator[bytes]:
        """The bytes of the file, a tile's lines at a time; with `cursor` those from that leaf on, the manifest over all.

        Raises LogDamaged half-way when the tree is not whole: the file then has no end.
        """
        made = _Made(Filter.read(head.only))
        opening = made.take([write_head(head)])
        if cursor is None:
            yield opening
        at = head.first
        while at < head.until:
            following = min(head.until, (at // TILE_WIDTH + 1) * TILE_WIDTH)
            async with self.acquire() as connection:
                hashes, leaves = await _read(connection, at, following)
            lines = [made.line(index, hashes[index - at], leaves.get(index)) for index in range(at, following)]
            made.take(lines)
            if cursor is None or cursor < following:
                yield b"".join(lines[max(0, (cursor or 0) - at) :])
            at = following
        async with self.acquire() as connection:
            note, proof = await _proof(connection, head.until)
        end = made.take([write_end(note, proof, self.certificates, made.counts)])
        yield end + write_manifest(
            self.signer,
            hub=head.hub,
            export=head.id,
            digest=digest_text(made.digest.digest()),
            lines=made.lines,
            now=clock(),
        )


@dataclass(slots=True)
class _Made:
    """What was made so far, for the end and the manifest."""

    only: Filter
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    lines: int = 0
    entries: int = 0
    left_out: int = 0
    missing: int = 0

    @property
    def counts(self) -> Counts:
        return Counts(self.entries, self.left_out, self.missing)

    def take(self, lines: Sequence[bytes]) -> bytes:
        """Count the lines in; returns their bytes."""
        data = b"".join(lines)
        self.digest.update(data)
        self.lines += len(lines)
        return data

    def line(self, index: int, hashed: bytes, leaf: bytes | None) -> bytes:
        if leaf is None or not has_line(leaf):
            self.missing += 1
            return write_line(index, hashed, missing=True)
        if leaf_hash(leaf) != hashed or self.only.lets_through(leaf):
            self.entries += 1
            return write_line(index, hashed, leaf)
        self.left_out += 1
        return write_line(index, hashed)


async def _read(connection: asyncpg.Connection, first: int, until: int) -> tuple[list[bytes], Mapping[int, bytes]]:
    """The hashes as they were sealed, and the leaves as they are stored, by index; all under one tile. Raises LogDamaged."""
    tile, start = divmod(first, TILE_WIDTH)
    width = until - tile * TILE_WIDTH
    hashes = await sealed.read_tile(connection, Tile(0, tile, width))
    if hashes is None or len(hashes) != width * HASH_BYTES:
        raise LogDamaged(tile * TILE_WIDTH)
    places = range(start * HASH_BYTES, width * HASH_BYTES, HASH_BYTES)
    return [hashes[at : at + HASH_BYTES] for at in places], await sealed.read_leaves_by_index(connection, first, until)


async def _proof(connection: asyncpg.Connection, until: int) -> tuple[bytes, list[bytes]]:
    """The checkpoint, and the proof that its tree goes on from that of `until` leaves. Raises LogDamaged."""
    shown = await sealed.shown(connection)
    assert shown.note is not None

    def prove(node: Node) -> list[bytes]:
        return consistency_proof(until, shown.size, node)

    node = await sealed.read_nodes(connection, shown.size, tiles_needed(shown.size, prove))
    try:
        return shown.note.encode(), prove(node)
    except TileError:
        raise LogDamaged(until) from None
