"""Reductions: whether records have nothing but what records of another payload have, as a projection promises.

Values are compared as JSON values, by their RFC 8785 form. Knows no signatures and no log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certs.canonical import canonical
from certs.errors import JsonError
from certs.evidence_parts import UPSERT, refuse
from certs.jsontext import parse_object


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

    def has(self, reduced: Sequence[Mapping[str, Any]]) -> bool:
        """Whether each of `reduced` is one of the records with items left out, no record is used twice, and none overtakes another."""
        originals = iter(self.records)
        return all(any(_is_part(values, record) for record in originals) for values in map(_values, reduced))


def _values(record: Mapping[str, Any]) -> Mapping[str, bytes]:
    return {name: canonical(value) for name, value in record.items()}


def _is_part(values: Mapping[str, bytes], record: Mapping[str, bytes]) -> bool:
    return values.items() <= record.items()
