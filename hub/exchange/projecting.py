"""Projections 投影: of a payload, what a narrowed grant lets out, and no more (I5).

A grant may name some of the items, a rule over key items that says which rows, and masks of texts. What is delivered then is an envelope of
the hub's own, signed with the key for projections, whose `orig` is the digest of the provider's envelope. A snapshot of which
nothing is left is delivered with no records, since it says that there are none; of another payload nothing is delivered then.

The `jti` of a projection follows from its lane and the message it comes from: so `ref`, by which a provider's correction names
the message that it corrects, can name the projection of that message, which is what the consumer has. The message that is corrected
may be from a publisher that the resource had before: who sent it is looked up where that matters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from certs import envelope
from certs.digests import digest_bytes
from certs.envelope import Opened
from certs.header import EXCHANGE
from certs.masks import Mask, hide_in
from certs.reductions import projection_jti
from certs.suites import Signer
from hub.access.scope import Condition, Operator, scope_of
from hub.ledger.records import NewProjection
from hub.registry.picture import LaneState, LiveVersion

SNAPSHOT = "snapshot"

_MOST_LENSES = 4_096


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A lane that gets a projection, with the payload that it gets."""

    lane: LaneState
    payload: bytes


@dataclass(frozen=True, slots=True)
class Lens:
    """A scope made ready for judging many records: `items` None for all; a row passes if all of `rows` say so; `masks` by item."""

    items: frozenset[str] | None
    rows: tuple["_Rule", ...]
    masks: Mapping[str, Mask]

    def narrow(self, payload: Mapping[str, Any]) -> bytes | None:
        """The payload, which satisfies its schema, reduced to the scope: JSON; None where nothing is to be delivered."""
        operation, records = payload.get("op", "upsert"), payload["records"]
        kept = self.places(records)
        if not kept and operation != SNAPSHOT:
            return None
        return orjson.dumps({"op": operation, "records": [self._reduced(records[place]) for place in kept]})

    def places(self, records: Sequence[Mapping[str, Any]]) -> list[int]:
        """Which of the records the scope lets out, by their places."""
        return [place for place, record in enumerate(records) if all(rule.passes(record) for rule in self.rows)]

    def can_judge(self, version: LiveVersion) -> bool:
        """Whether all of the scope can be kept to: row rules speak of key items of the version, masks of texts that are none.

        A text that goes by another name in the version, or is no text there, would leave without its mask.
        """
        return all(rule.item in version.key_names for rule in self.rows) and version.maskable_names.issuperset(
            self.masks
        )

    def _reduced(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        names = self.items
        kept = record if names is None else {name: value for name, value in record.items() if name in names}
        return hide_in(kept, self.masks) if self.masks else kept


@dataclass(frozen=True, slots=True)
class _Rule:
    item: str
    values: frozenset[object]
    beginnings: tuple[str, ...]

    def passes(self, record: Mapping[str, Any]) -> bool:
        """By a key item, which every record has, those that delete too; what has none of its values is not let out."""
        value = record.get(self.item)
        if isinstance(value, str):
            return value in self.values or (bool(self.beginnings) and value.startswith(self.beginnings))
        return isinstance(value, int | float) and not isinstance(value, bool) and value in self.values


def lens_of(lane: LaneState) -> Lens:
    """What the lane's narrowed grant lets out."""
    return lens(lane.items, lane.rows)


@lru_cache(_MOST_LENSES)
def lens(items: tuple[str, ...] | None, rows: str | None) -> Lens:
    """What a scope lets out, from its two columns, `rows` as JSON."""
    scope = scope_of(items, None if rows is None else orjson.loads(rows))
    masks = {one.item: one.mask for one in scope.masks}
    return Lens(None if items is None else frozenset(items), tuple(map(_rule, scope.rows)), masks)


def _rule(condition: Condition) -> _Rule:
    if condition.operator is Operator.PREFIX:
        return _Rule(condition.item, frozenset(), tuple(map(str, condition.values)))
    return _Rule(condition.item, frozenset(condition.values), ())


def seal_projection(
    signer: Signer,
    opened: Opened,
    narrowed: Narrowed,
    *,
    referred: str | None,
    delivery: UUID,
    exchange: UUID,
    hub_id: str,
    now: datetime,
) -> NewProjection:
    """The projection for a lane as it is stored and delivered; `referred` sent what the envelope's `ref` names, if it has one."""
    header, lane = opened.header, narrowed.lane
    assert header.res is not None
    assert header.ver is not None
    members: dict[str, Any] = {
        "alg": signer.alg,
        "kid": signer.kid,
        "typ": EXCHANGE,
        "iss": hub_id,
        "aud": lane.consumer.code,
        "iat": int(now.timestamp()),
        "jti": projection_jti(lane.id, header.iss, header.jti),
        "res": header.res,
        "ver": header.ver,
    }
    if header.ref is not None:
        assert referred is not None
        members["ref"] = projection_jti(lane.id, referred, header.ref)
    members["orig"] = opened.digest
    compact = envelope.seal_members(signer, members, narrowed.payload)
    return NewProjection(delivery, exchange, lane.id, lane.grant_id, header.kid, digest_bytes(compact), compact)
