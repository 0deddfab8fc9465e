"""The file that a bundle is: a signed manifest on its first line, then one part on each line. Reads one, and writes one.

A gateway may still be writing what is read here: `Unfinished` says so. Knows no folder and not what the parts hold.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from certs.bundles import MAX_MANIFEST_BYTES, Manifest, open_manifest
from certs.digests import digest
from certs.suites import Verifier


class Unfinished(Exception):
    """The file is not whole: it is still being written, or was cut off."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole bundle: its manifest, whose signature was checked, and its parts, whose digests were."""

    manifest: Manifest
    parts: tuple[bytes, ...]


def read_manifest(file: BinaryIO, verifier_for: Callable[[str], Verifier | None]) -> Manifest:
    """The manifest at the beginning of `file`. Raises Unfinished, BundleError, and what `verifier_for` raises."""
    line = file.readline(MAX_MANIFEST_BYTES + 1)
    if not line.endswith(b"\n") and len(line) <= MAX_MANIFEST_BYTES:
        raise Unfinished
    return open_manifest(line.removesuffix(b"\n"), verifier_for=verifier_for)


def read_bundle(file: BinaryIO, verifier_for: Callable[[str], Verifier | None]) -> Bundle:
    """The whole bundle in `file`: no more is read than its manifest lists.

    Raises Unfinished where the content is not what the manifest says, BundleError, and what `verifier_for` raises.
    """
    manifest = read_manifest(file, verifier_for)
    parts = []
    for listed in manifest.parts:
        line = file.read(listed.size + 1)
        if line[-1:] != b"\n" or digest(line[:-1]) != listed.digest:
            raise Unfinished
        parts.append(line[:-1])
    if file.read(1):
        raise Unfinished
    return Bundle(manifest, tuple(parts))


def write_bundle(manifest: bytes, parts: Sequence[bytes]) -> bytes:
    """The bytes of the file."""
    file = io.BytesIO()
    for line in (manifest, *parts):
        file.write(line + b"\n")
    return file.getvalue()
