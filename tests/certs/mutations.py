"""Small damage, at random: bytes and lists of hashes of which one thing was flipped, dropped, inserted, swapped or cut off."""

from __future__ import annotations

import random


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """`data` with one change; never the same bytes. `data` has one byte at least."""
    while True:
        at = rng.randrange(len(data))
        match rng.choice(("flip", "drop", "insert", "swap", "truncate")):
            case "flip":
                changed = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
            case "drop":
                changed = data[:at] + data[at + 1 :]
            case "insert":
                changed = data[:at] + rng.randbytes(1) + data[at:]
            case "swap":
                other = rng.randrange(len(data))
                values = bytearray(data)
                values[at], values[other] = values[other], values[at]
                changed = bytes(values)
            case _:
                changed = data[:at]
        if changed != data:
            return changed


def damaged_list(hashes: list[bytes], rng: random.Random) -> list[bytes]:
    """`hashes` with one change, within a hash or among them; never the same list."""
    while True:
        changed = list(hashes)
        at = rng.randrange(len(hashes) + 1)
        match rng.choice(("flip", "drop", "insert", "swap", "truncate")):
            case "flip" if at < len(hashes):
                changed[at] = damaged_bytes(hashes[at], rng)
            case "drop":
                del changed[at : at + 1]
            case "insert":
                changed.insert(at, rng.choice([*hashes, rng.randbytes(32)]))
            case "swap" if hashes:
                one, other = rng.randrange(len(hashes)), rng.randrange(len(hashes))
                changed[one], changed[other] = changed[other], changed[one]
            case _:
                del changed[at:]
        if changed != hashes:
            return changed
