"""The two sides of a one-way gateway in folders of a test, read with what a partner reads with; and a notary with real keys."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.bundle import BundleAdapter, BundleSettings
from adapters.protocol import Limits, NoSecrets, Surroundings
from adapters.testing import Arrived, Behaviour
from certs.bundles import seal_manifest
from certs.digests import digest
from certs.envelope import kid_of
from certs.suites import KeySigner
from hub.client.bundle_file import Bundle, read_bundle, write_bundle
from tests.adapters.http_receiver import HUB, hub_signer, push_key, trust

SYSTEM = "consumer-b"
NOBODY = 65534
SERIES = "ABCDEFGH"
WAITING_LIMIT = 50
ACKNOWLEDGEMENT = b"eyJhbGciOiJFUzI1NiJ9.eyJkZWxpdmVyaWVzIjpbXX0.c2lnbmF0dXJl"


def now() -> datetime:
    return datetime.now(UTC)


def push_signer() -> KeySigner:
    issued = push_key()
    return KeySigner(issued.key, kid_of(issued.certificate.public_bytes(Encoding.DER)))


class NotaryOfTests:
    """Signs with the hub's push key of these tests; every envelope has the same certificates."""

    hub = HUB

    def __init__(self, pem: bytes = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n") -> None:
        self.pem = pem

    def sign_manifest(self, members: Mapping[str, Any]) -> bytes:
        return seal_manifest(push_signer(), members)

    async def certificates_of(self, envelopes: Sequence[str]) -> bytes:
        return self.pem


def settings(base: Path, **changes: Any) -> BundleSettings:
    given = {"outgoing": str(base / "out"), "incoming": str(base / "in"), "state": str(base / "state")}
    return BundleSettings.model_validate(given | changes)


def make_folders(base: Path) -> Path:
    for name in ("out", "in", "state"):
        (base / name).mkdir(parents=True)
    return base


def make_adapter(
    base: Path, *, limits: Limits | None = None, notary: NotaryOfTests | None = None, clock: Any = now, **changes: Any
) -> BundleAdapter:
    checked = settings(base, **changes)
    given = notary or NotaryOfTests()
    return BundleAdapter(
        Surroundings(checked, NoSecrets(), hub_signer(), clock, limits or Limits(), notary=given, system=SYSTEM)
    )


def written(base: Path) -> list[Bundle]:
    """What lies in the outgoing folder, every file of it whole and signed, by number."""
    verifier = trust().verifier(push_signer().kid, now())
    found = []
    for path in (base / "out").iterdir():
        with path.open("rb") as file:
            found.append(read_bundle(file, lambda _: verifier))
    return sorted(found, key=lambda bundle: bundle.manifest.number)


def numbers(base: Path) -> list[int]:
    return [bundle.manifest.number for bundle in written(base)]


def items(bundle: Bundle) -> list[dict[str, Any]]:
    """The items in a bundle."""
    listed = zip(bundle.manifest.parts, bundle.parts, strict=True)
    return [orjson.loads(part) for entry, part in listed if entry.kind == "item"]


def acknowledgement_file(acknowledgement: bytes = ACKNOWLEDGEMENT, number: int = 1, **changes: Any) -> bytes:
    """A bundle of acknowledgement as a partner makes it."""
    members = {
        "format": "shuniu-bundle/1",
        "kind": "acknowledgement",
        "hub": HUB,
        "system": SYSTEM,
        "series": SERIES,
        "number": number,
        "made_at": now().isoformat(),
        "parts": [{"kind": "acknowledgement", "size": len(acknowledgement), "digest": digest(acknowledgement)}],
    }
    return write_bundle(seal_manifest(push_signer(), members | changes), [acknowledgement])


class FolderReceiver:
    """A gateway that takes files, or a file system that makes trouble; what it has is what lies in the outgoing folder."""

    def __init__(self, base: Path) -> None:
        self.base = make_folders(base)
        self.acknowledgement = b""
        self.reached = asyncio.Event()
        self.limit = WAITING_LIMIT
        self._behaviour = Behaviour.CONFIRM
        self._trouble = ExitStack()

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    @behaviour.setter
    def behaviour(self, wanted: Behaviour) -> None:
        self._trouble.close()
        self._behaviour = wanted
        match wanted:
            case Behaviour.HANG:
                lock = self._trouble.enter_context((self.base / "state/lock").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.reached.set()
            case Behaviour.BREAK:
                soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                self._trouble.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
            case Behaviour.DISBELIEVE:
                self._deny()
            case Behaviour.BUSY:
                for number in range(WAITING_LIMIT):
                    (self.base / f"out/SHUNIU_{number}").touch()
            case _:
                pass

    def _deny(self) -> None:
        """Nobody may enter, not even who runs these tests."""
        self.base.chmod(0)
        self._trouble.callback(self.base.chmod, 0o700)
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
            self._trouble.callback(os.seteuid, 0)

    @property
    def arrived(self) -> list[Arrived]:
        if self._behaviour is Behaviour.DISBELIEVE:
            self.behaviour = Behaviour.CONFIRM
        return [
            Arrived(UUID(i["delivery"]), i["sequence"], bundle.manifest.fence, i["digest"], i["envelope"])
            for bundle in written(self.base)
            for i in items(bundle)
        ]

    @arrived.setter
    def arrived(self, found: list[Arrived]) -> None:
        raise AssertionError("what arrived lies in the folder")

    async def stop(self) -> None:
        """The mount is gone."""
        self._trouble.close()
        shutil.rmtree(self.base / "out", ignore_errors=True)


@asynccontextmanager
async def receiving(base: Path) -> AsyncIterator[FolderReceiver]:
    receiver = FolderReceiver(base)
    try:
        yield receiver
    finally:
        await receiver.stop()
