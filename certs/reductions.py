"""Reductions: whether records have nothing but what records of another payload have, as a projection promises.

Values are compared as JSON values, by their RFC 8785 form; where a mask hides a part of a value, what is compared is the value
as that mask lets it out. Knows no signatures and no log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certs.canonical import canonical
from certs.digests import b64u_encode
from certs.errors import JsonError
from certs.evidence_parts import UPSERT, refuse
from certs.jsontext import parse_object
from certs.masks import Mask, hide_in


@dataclass(frozen=True, slots=True)
class Reducible:
    """A payload: what it does, and of each record the values by name, canonical."""

    operation: str
    records: Sequence[Mapping[str, bytes]]

    @classmethod
    def read(cls, payload: bytes) -> Reducible:
        """The payload of an exchange. Raises EvidenceError `envelope-payload`."""
        try:
            says = parse_object(payload)
        except JsonError:
            says = {}
        operation, records = says.get("op", UPSERT), says.get("records")
        if not (isinstance(records, list) and all(isinstance(record, dict) for record in records)):
            refuse("envelope-payload", "信封的载荷不是记录", "the envelope's payload has no records")
        return cls(operation, [_values(record) for record in records])

    def has(self, reduced: Sequence[Mapping[str, Any]], masks: Mapping[str, Mask]) -> bool:
        """Whether each of `reduced` is one of the records as `masks`, by item, let it out, with items left out.

        No record is used twice, and none overtakes another.
        """
        originals = (_masked(record, masks) for record in self.records)
        return all(any(_is_part(values, record) for record in originals) for values in map(_values, reduced))


def projection_jti(lane: object, sender: str, jti: str) -> str:
    """The `jti` of the projection for a lane (uuid) of the message (sender, jti): 43 characters, the same for whoever computes it."""
    return b64u_encode(hashlib.sha256(f"{lane}/{sender}/{jti}".encode()).digest()).decode("ascii")


def _values(record: Mapping[str, Any]) -> Mapping[str, bytes]:
    return {name: canonical(value) for name, value in record.items()}


def _masked(record: Mapping[str, bytes], masks: Mapping[str, Mask]) -> Mapping[str, bytes]:
    if masks.keys().isdisjoint(record):
        return record
    plain = {name: value for name, value in record.items() if name not in masks}
    hidden = {name: json.loads(value) for name, value in record.items() if name in masks}
    return {**plain, **_values(hide_in(hidden, masks))}


def _is_part(values: Mapping[str, bytes], record: Mapping[str, bytes]) -> bool:
    return values.items() <= record.items()
