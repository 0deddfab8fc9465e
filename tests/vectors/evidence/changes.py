"""Ways to make one stage of a test vector differ."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509

from tests.vectors.evidence.county import Change


def put(*path: str | int, to: object) -> Change:
    """A change that puts a value at a place."""
    *way, last = path

    def change(value: Any) -> None:
        for step in way:
            value = value[step]
        value[last] = to

    return change


def without(*names: str) -> Change:
    """A change that takes members away, or entries of these events."""

    def change(value: Any) -> None:
        if isinstance(value, list):
            value[:] = [one for one in value if (one if isinstance(one, str) else one["event"]) not in names]
        else:
            for name in names:
                del value[name]

    return change


def flip(*path: str | int) -> Change:
    """A change of one character of base64 in the middle of a text."""
    *way, last = path

    def change(value: Any) -> None:
        for step in way:
            value = value[step]
        text = value[last]
        middle = len(text) // 2
        value[last] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]

    return change


def entry_of(event: str, do: Change) -> Change:
    """A change of the file's entry of that event."""

    def change(members: Any) -> None:
        do(next(entry for entry in members["entries"] if entry["leaf"]["event"] == event))

    return change


def drop_entry(event: str) -> Change:
    """A change that leaves an entry out of the file."""

    def change(members: Any) -> None:
        members["entries"] = [entry for entry in members["entries"] if entry["leaf"]["event"] != event]

    return change


def more_log(*leaves: Mapping[str, Any]) -> Change:
    """A change that logs more."""
    return lambda log: log.extend(dict(leaf) for leaf in leaves)


def both(*changes: Change) -> Change:
    """Several changes."""

    def change(value: Any) -> None:
        for one in changes:
            one(value)

    return change


def text(replace: Callable[[bytes], bytes]) -> dict[str, Change]:
    """A change of the written bytes."""

    def change(written: Any) -> None:
        written[0] = replace(written[0])

    return {"bytes": change}


def loose_bits(members: Any) -> None:
    """A certificate whose signature's last bits are called unused: the same signature, if they are nought, in other bytes."""
    ders = [bytearray(base64.b64decode(one)) for one in members["certificates"]]
    der = next((one for one in ders if one[-1] % 2 == 0), ders[0])
    signature = x509.load_der_x509_certificate(bytes(der)).signature
    der[-len(signature) - 1] = 1  # the octet before a bit string's content counts its unused bits
    members["certificates"] = sorted(base64.b64encode(bytes(one)).decode() for one in ders)


def of_version(member: str, version: bytes, other: bytes) -> Change:
    """Another version number in the list, or in the first certificate that has this one: so are `version` and `other` in DER."""

    def change(members: Any) -> None:
        texts = members[member] if isinstance(members[member], list) else [members[member]]
        ders = [base64.b64decode(text) for text in texts]
        place = next(place for place, der in enumerate(ders) if version in der)
        ders[place] = ders[place].replace(version, other, 1)
        found = sorted(base64.b64encode(der).decode() for der in ders)
        members[member] = found if isinstance(members[member], list) else found[0]

    return change


def unacknowledged(members: Any) -> None:
    """Leave out what belongs to the acknowledgement."""
    issued = "certificate.issued"
    members["entries"] = [
        entry
        for entry in members["entries"]
        if entry["leaf"]["event"] != "delivery.acknowledged"
        and not (entry["leaf"]["event"] == issued and entry["leaf"]["details"]["system"] == "consumer")
    ]
