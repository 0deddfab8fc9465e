"""The far side of a one-way gateway 网闸: deliveries come as signed files in one folder, acknowledgements leave in another.

What happens to one file. Its manifest must be signed by the hub's push key, for this system; its parts must have the digests that
the manifest lists; each envelope is believed as one from the inbox is, with the certificates that came along. Files that a gateway
still writes wait; what cannot be believed is moved to `rejected`, with the reason beside it. Of the others each delivery that was
not had before is handed to `store`, in order; when that has returned, it is remembered on disk, and only then is the file removed.
A crash in between has `store` called again with the same deliveries: keep them by their ids.

Numbers tell what is missing. The hub writes deliveries that are not acknowledged again, under a new number, and never hands out a
lane's later ones before; so nothing waits for a missing number, but for one thing: a batch that was too large for one file came in
several, and each of these waits for those before it, until they come or a later claim of the lane overtakes it. Names may come
in any order.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from cryptography import x509

from certs import envelope
from certs.bundles import (
    ACKNOWLEDGEMENT,
    CERTIFICATES,
    DELIVERIES,
    FORMAT,
    ITEM,
    BundleError,
    Manifest,
    seal_manifest,
)
from certs.canonical import canonical
from certs.digests import digest
from certs.errors import JsonError
from certs.header import ACK
from certs.jsontext import parse_object
from certs.suites import Verifier
from hub.client import pki
from hub.client.bundle_file import Bundle, Unfinished, read_bundle, read_manifest, write_bundle
from hub.client.bundle_rejected import REJECTED, set_aside
from hub.client.bundle_state import Range, Series, State
from hub.client.errors import FolderError, TrustError
from hub.client.folder import Folder, write_durably
from hub.client.messages import Delivery, check_delivery
from hub.client.push import PushTrust

PREFIX, EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,32}"), re.compile(r"[A-Za-z0-9]{1,8}")
"""What names of files may begin and end with."""

STATE = "bundles"
LOCK = "lock"

MAX_ACKNOWLEDGED = 200
"""Deliveries in one acknowledgement: as many as the hub puts into a batch, and well within the 64 KiB that it reads."""

PATIENCE_S = 600.0
"""A file that is not whole is set aside when nothing was written to it for so long."""

_FOR_THE_GATEWAY = 0o666
"""What leaves is read by the gateway, perhaps under another account: as the umask says."""

_ResultT = TypeVar("_ResultT")

Store = Callable[[Sequence[Delivery]], None]
"""Stores deliveries for good, by their ids: what it raises leaves the bundle where it is."""


@dataclass(slots=True)
class Taken:
    """What a look into the folder came to. `refused` and `waiting` are names of files; of the refused with the reason.

    Who waits is not whole yet, or its batch's beginning has not come. `deliveries` counts those handed to `store`; `repeated` the
    bundles with nothing new; `missing` are numbers by series.
    """

    bundles: int = 0
    deliveries: int = 0
    repeated: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    missing: dict[str, list[Range]] = field(default_factory=dict)


@dataclass(slots=True)
class Bundles:
    """A partner's pair of folders. Several processes may use it: one at a time looks.

    `prefix` and `extension` are of what is written: names that the gateway lets pass, as for the hub's (docs/adapters.md).
    """

    folder: Folder
    trust: PushTrust
    prefix: str = "SHUNIUACK_"
    extension: str = "txt"

    def __post_init__(self) -> None:
        """Raises ValueError for what may not stand in a name."""
        if PREFIX.fullmatch(self.prefix) is None or EXTENSION.fullmatch(self.extension) is None:
            raise ValueError(f"prefix: {PREFIX.pattern}, extension: {EXTENSION.pattern}")

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        trust: str | Path | None = None,
        prefix: str = "SHUNIUACK_",
        extension: str = "txt",
    ) -> Bundles:
        """The bundles of the partner in `folder`; `trust` holds `ca.pem` and `push.pem`. Raises FolderError, ValueError."""
        opened = Folder(Path(folder))
        anchors = opened.find_trust() if trust is None else Path(trust)
        return cls(opened, PushTrust.load(anchors, hub=opened.profile.hub), prefix, extension)

    def take(self, incoming: Path, store: Store, *, now: datetime) -> Taken:
        """Hand out what lies in `incoming` and was not had before; see the module's text. Raises FolderError, what `store` raises."""
        with self._locked() as state:
            taken = Taken()
            for name in self._in_order(incoming, state, now, taken):
                self._take(incoming / name, store, state, now, taken)
            taken.missing = state.gaps()
            return taken

    def acknowledge(self, outgoing: Path, *, now: datetime) -> int:
        """Sign, as bundles in `outgoing`, that what was taken arrived; returns the number of deliveries. Raises FolderError."""
        if not outgoing.is_dir():
            raise _no_folder(outgoing)
        total = 0
        with self._locked() as state:
            while state.unacknowledged:
                chosen = list(state.unacknowledged.items())[:MAX_ACKNOWLEDGED]
                state.number += 1
                state.save(
                    self._directory
                )  # a death may leave a number out, and gives none twice: gateways know files by name
                name = f"{self._own_names(state)}{state.number:010d}.{self.extension}"
                write_durably(outgoing, name, self._acknowledgement(chosen, state, now), mode=_FOR_THE_GATEWAY)
                for identifier, _ in chosen:
                    del state.unacknowledged[identifier]
                state.save(self._directory)
                total += len(chosen)
        return total

    def missing(self) -> dict[str, list[Range]]:
        """The numbers that have not arrived though later ones have, by series, as ranges. Raises FolderError."""
        return State.load(self._directory).gaps()

    @property
    def _directory(self) -> Path:
        return self.folder.path / STATE

    def _own_names(self, state: State) -> str:
        """How the names of what we write begin."""
        return f"{self.prefix}{state.series}_"

    @contextmanager
    def _locked(self) -> Iterator[State]:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        with (self._directory / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield State.load(self._directory)

    def _in_order(self, incoming: Path, state: State, now: datetime, taken: Taken) -> list[str]:
        """The names of the bundles, by the order in which the hub made them, whatever the names and their times say.

        Our own acknowledgements are left alone: one folder may serve for both ways.
        """
        if not incoming.is_dir():
            raise _no_folder(incoming)
        found = []
        for path in sorted(incoming.iterdir()):
            if (path.is_dir() and not path.is_symlink()) or path.name.startswith(self._own_names(state)):
                continue
            manifest = self._judged(path, now, taken, lambda file: read_manifest(file, self._verifier(now)))
            if manifest is not None:
                found.append((manifest.made_at, manifest.series, manifest.number, path.name))
        return [name for *_, name in sorted(found)]

    def _take(self, path: Path, store: Store, state: State, now: datetime, taken: Taken) -> None:
        def believed(file: BinaryIO) -> tuple[Manifest, list[Delivery]]:
            bundle = read_bundle(file, self._verifier(now))
            return bundle.manifest, self._deliveries(bundle, now)

        judged = self._judged(path, now, taken, believed)
        if judged is None:
            return
        manifest, deliveries = judged
        series = state.seen.setdefault(manifest.series, Series())
        first_time = series.note(manifest.number)
        taken.bundles += first_time
        # A bundle that a later claim of its lane has overtaken holds nothing that is not in the later one or comes again.
        is_current = manifest.fence >= state.fences.get(manifest.lane, 0)
        if is_current and series.lacks(manifest.first, manifest.number):
            if first_time:
                state.save(self._directory)
            taken.waiting.append(path.name)
            return
        fresh = [delivery for delivery in deliveries if is_current and delivery.id not in state.had]
        if fresh:
            store(fresh)
        if is_current:
            state.fences[manifest.lane] = manifest.fence
            state.keep((delivery.id, delivery.digest) for delivery in deliveries)
        state.save(self._directory)
        path.unlink(missing_ok=True)
        taken.deliveries += len(fresh)
        taken.repeated += not fresh

    def _judged(self, path: Path, now: datetime, taken: Taken, read: Callable[[BinaryIO], _ResultT]) -> _ResultT | None:
        """What `read` makes of the file; None, and told in `taken`, where it is to wait or is set aside."""
        try:
            with _opened(path) as file:
                return read(file)
        except FileNotFoundError:
            return None
        except Unfinished:
            if _unchanged_s(path, now) <= PATIENCE_S:
                taken.waiting.append(path.name)
                return None
            reason = "文件不完整，且已很久没有变化 / it is not whole, and has not changed for long"
        except (BundleError, TrustError) as fault:
            reason = str(fault)
        try:
            set_aside(path, reason)
        except OSError as fault:
            raise FolderError(
                f"不可信的文件移不到 {path.parent}/{REJECTED}（{fault.strerror}）；请检查该目录",
                f"what is refused cannot be moved to {path.parent}/{REJECTED} ({fault.strerror}); check that folder",
            ) from None
        taken.refused[path.name] = reason
        return None

    def _verifier(self, now: datetime) -> Callable[[str], Verifier | None]:
        return lambda kid: self.trust.verifier(kid, now)

    def _deliveries(self, bundle: Bundle, now: datetime) -> list[Delivery]:
        """The bundle's deliveries, each believed. Raises TrustError."""
        manifest, profile = bundle.manifest, self.folder.profile
        if (manifest.kind, manifest.hub, manifest.system) != (DELIVERIES, profile.hub, profile.system):
            raise TrustError("文件包不是发给本系统的投递", "the bundle holds no deliveries for this system")
        parts = list(zip(manifest.parts, bundle.parts, strict=True))
        known = [c for listed, part in parts if listed.kind == CERTIFICATES for c in _certificates(part)]

        def certificates_for(kid: str) -> list[x509.Certificate]:
            own = [c for c in known if pki.certificate_kid(c) == kid]
            return [*own, *(c for c in known if c not in own)] if own else []

        deliveries = [
            check_delivery(
                _object(part),
                hub=profile.hub,
                system=profile.system,
                certificates_for=certificates_for,
                anchors=self.trust.anchors,
                now=now,
            )
            for listed, part in parts
            if listed.kind == ITEM
        ]
        sequences = [delivery.sequence for delivery in deliveries]
        if any(delivery.lane != manifest.lane for delivery in deliveries) or sorted(set(sequences)) != sequences:
            raise TrustError(
                "文件包中的投递不属于同一通道或次序不对", "its deliveries are not of its lane, or not in order"
            )
        return deliveries

    def _acknowledgement(self, chosen: Sequence[tuple[str, str]], state: State, now: datetime) -> bytes:
        profile, signer = self.folder.profile, self.folder.signer
        compact = envelope.seal(
            signer,
            typ=ACK,
            iss=profile.system,
            aud=profile.hub,
            iat=int(now.timestamp()),
            jti=f"{state.series}-{state.number}-{secrets.token_hex(8)}",
            payload=canonical({"deliveries": [{"id": identifier, "digest": value} for identifier, value in chosen]}),
        )
        members = {
            "format": FORMAT,
            "kind": ACKNOWLEDGEMENT,
            "hub": profile.hub,
            "system": profile.system,
            "series": state.series,
            "number": state.number,
            "made_at": now.astimezone(UTC).isoformat(timespec="microseconds"),
            "parts": [{"kind": ACKNOWLEDGEMENT, "size": len(compact), "digest": digest(compact)}],
        }
        return write_bundle(seal_manifest(signer, members), [compact])


def _opened(path: Path) -> BinaryIO:
    """The file, if it is a regular one and no link. Raises FileNotFoundError, Unfinished, TrustError."""
    if path.name.startswith("."):
        raise Unfinished
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as fault:
        raise TrustError(f"无法打开：{fault.strerror}", f"cannot be opened: {fault.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise TrustError("不是普通文件", "it is no regular file")
    return os.fdopen(handle, "rb")


def _unchanged_s(path: Path, now: datetime) -> float:
    """Seconds since the file was last written to; none when it is gone."""
    try:
        return now.timestamp() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _object(part: bytes) -> dict[str, object]:
    try:
        return parse_object(part)
    except JsonError as fault:
        raise TrustError(fault.zh, fault.en) from None


def _certificates(part: bytes) -> list[x509.Certificate]:
    pem = _object(part).get("pem")
    try:
        return pki.read_certificates(pem.encode() if isinstance(pem, str) else b"")
    except ValueError:
        raise TrustError("文件包中的证书无法读取", "the certificates in the bundle cannot be read") from None


def _no_folder(folder: Path) -> FolderError:
    return FolderError(f"目录 {folder} 不存在；请检查挂载", f"the folder {folder} is not there; check its mount")
