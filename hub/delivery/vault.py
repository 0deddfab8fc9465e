"""Secrets of push targets: kept encrypted under the master key, bound to their system, opened by the worker that needs them."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import orjson


class Wrapping(Protocol):
    """Encrypts and decrypts (`hub.registry.masterkey.MasterKey`)."""

    def wrap(self, secret: bytes, label: bytes) -> bytes:
        """`secret` encrypted, and authenticated together with `label`."""

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The secret that was wrapped with `label`. Raises MasterKeyError."""


class Vault:
    """Locks the secrets of targets away, and takes them out."""

    __slots__ = ("_key",)

    def __init__(self, key: Wrapping) -> None:
        self._key = key

    def lock(self, system: UUID, secrets: Mapping[str, Any]) -> bytes:
        """The secrets of that system's target, encrypted. Raises TypeError for what JSON cannot hold."""
        return self._key.wrap(orjson.dumps(dict(secrets)), _label(system))

    def open(self, system: UUID, locked: bytes | None) -> dict[str, Any]:
        """The secrets of that system's target, {} where it has none. Raises MasterKeyError."""
        if locked is None:
            return {}
        found: dict[str, Any] = orjson.loads(self._key.unwrap(locked, _label(system)))
        return found


def _label(system: UUID) -> bytes:
    return f"push-target:{system}".encode()
