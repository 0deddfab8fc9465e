"""A partner's folder: key, certificate and profile, and the bytes that must survive a crash.

    DIR/key.pem, cert.pem, partner.json   who we are and which hub we speak to
    DIR/outbox/<jti>.jws                  signed, not yet answered: sent again as they are
    DIR/outbox.lock                       held by the one process that sends them again
    DIR/receipts/<jti>.jws                the hub's receipts, checked
    DIR/refused/<jti>.jws                 signed and finally refused, for a look at why
    DIR/sending.json                      how far the sending under way is (`hub.client.sending`)
    DIR/sending.lock                      held by the one process whose sending that is
    DIR/pushes.sqlite3                    what was received by push (`hub.client.push_memory`)

An envelope is written before it is sent and leaves the outbox only when its receipt is written. Names sort in the order of
signing. Several processes may share a folder: sending the same bytes twice gives the same receipt.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509

from certs.errors import UnsuitableKeyError
from certs.header import is_system_code
from certs.suites import KeySigner
from hub.client import pki
from hub.client.errors import FolderError

_SUFFIX = ".jws"
_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600
_PROFILE = ("hub", "url", "system", "kid", "token_endpoint")


@dataclass(frozen=True, slots=True)
class Profile:
    """`partner.json`: the hub's id, where it answers, our system's code, our certificate's `kid`, the token endpoint."""

    hub: str
    url: str
    system: str
    kid: str
    token_endpoint: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What we believe without asking: the authority's certificates and the hub's receipt certificates by `kid`.

    `push_certificates` are those that the hub's pushes may be signed with, and their issuers; none where nobody pushes.
    """

    anchors: list[x509.Certificate]
    hub_certificates: dict[str, x509.Certificate]
    push_certificates: Sequence[x509.Certificate] = ()

    @classmethod
    def load(cls, directory: Path) -> Trust:
        """The anchors in `directory`: `ca.pem`, `hub.pem`, and `push.pem` if it is there. Raises FolderError."""
        receipts = [c for c in _certificates(directory / "hub.pem") if pki.may_sign_messages(c)]
        if not receipts:
            raise _damaged(directory / "hub.pem", "没有凭证证书 / holds no receipt certificate")
        pushes = directory / "push.pem"
        return cls(
            _certificates(directory / "ca.pem"),
            {pki.certificate_kid(c): c for c in receipts},
            _certificates(pushes) if pushes.exists() else (),
        )


class Folder:
    """A partner's folder, opened: its profile, its signer, and the places where messages are kept."""

    def __init__(self, path: Path) -> None:
        """Raises FolderError when a file is missing, unreadable, or one does not fit the others."""
        self.path = path
        self.profile = _profile(path / "partner.json")
        self.signer = _signer(path, self.profile)

    def keep(self, jti: str, compact: bytes) -> Path:
        """Write a signed message to the outbox so that it is there after a crash; returns its file."""
        return write_durably(self.path / "outbox", f"{jti}{_SUFFIX}", compact)

    def keep_receipt(self, jti: str, compact: bytes) -> Path:
        """Write a checked receipt and take its envelope out of the outbox; returns the receipt's file."""
        written = write_durably(self.path / "receipts", f"{jti}{_SUFFIX}", compact)
        self.release(jti)
        return written

    def receipt(self, jti: str) -> bytes | None:
        """The receipt that was kept of that message."""
        try:
            return (self.path / "receipts" / f"{jti}{_SUFFIX}").read_bytes()
        except FileNotFoundError:
            return None

    def is_refused(self, jti: str) -> bool:
        """Whether that message was set aside."""
        return (self.path / "refused" / f"{jti}{_SUFFIX}").exists()

    def is_out(self, jti: str) -> bool:
        """Whether that message was receipted, or lies in the outbox and will be sent."""
        return any((self.path / place / f"{jti}{_SUFFIX}").exists() for place in ("outbox", "receipts"))

    def read_note(self, name: str) -> object:
        """What was noted under that name (JSON): None if nothing was, an empty text for what is no JSON."""
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            return ""

    def write_note(self, name: str, note: object) -> None:
        """Note it under that name, so that it is there after a crash."""
        write_durably(self.path, name, json.dumps(note).encode())

    def drop_note(self, name: str) -> None:
        """Forget what was noted."""
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """One process at a time reads a note and writes it anew."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def release(self, jti: str) -> None:
        """Take a message out of the outbox: it was answered."""
        (self.path / "outbox" / f"{jti}{_SUFFIX}").unlink(missing_ok=True)

    def set_aside(self, jti: str, compact: bytes) -> None:
        """Move a finally refused message from the outbox to `refused`."""
        write_durably(self.path / "refused", f"{jti}{_SUFFIX}", compact)
        self.release(jti)

    def waiting(self) -> Iterator[tuple[Path, bytes]]:
        """The messages in the outbox with their files, oldest first; not those that were answered in the meantime."""
        for path in sorted((self.path / "outbox").glob(f"*{_SUFFIX}")):
            try:
                compact = path.read_bytes()
            except FileNotFoundError:
                continue
            yield path, compact

    @property
    def newest_waiting(self) -> str:
        """The name that sorts last in the outbox, without its end; empty if nothing waits."""
        return max((path.stem for path in (self.path / "outbox").glob(f"*{_SUFFIX}")), default="")

    @property
    def has_waiting(self) -> bool:
        """Whether anything lies in the outbox."""
        return any((self.path / "outbox").glob(f"*{_SUFFIX}"))

    @contextmanager
    def sending_again(self) -> Iterator[None]:
        """One process at a time: two that sign the same stale message anew would make two messages of it."""
        with (self.path / "outbox.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def sending_alone(self) -> Iterator[None]:
        """One sending at a time, for what a folder sends has one order."""
        with (self.path / "sending.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def find_trust(self) -> Path:
        """The folder with the anchors: `trust` in this folder, or beside the folder that holds it. Raises FolderError."""
        places = [self.path / "trust", self.path.resolve().parent.parent / "trust"]
        for place in places:
            if place.is_dir():
                return place
        shown = ", ".join(map(str, places))
        raise FolderError(
            f"找不到信任锚目录（{shown}）；请把枢纽的 ca.pem 和 hub.pem 放到其中之一，或指明 trust",
            f"no folder with trust anchors ({shown}); put the hub's ca.pem and hub.pem into one of them, or name it",
        )


def write_durably(directory: Path, name: str, data: bytes, *, mode: int = _PRIVATE_FILE) -> Path:
    """Write `data` to a file of its final name, whole or not at all, on disk when this returns. Raises FolderError, OSError.

    It is its owner's alone, unless `mode` and the umask let others read it.
    """
    if not directory.is_dir():
        if not directory.parent.is_dir():
            raise FolderError(
                f"没有目录 {directory.parent}；请先建立它", f"there is no folder {directory.parent}; make it first"
            )
        directory.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
        _sync_directory(directory.parent)
    target = directory / name
    partial = directory / f".{name}.{secrets.token_hex(4)}"
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    _sync_directory(directory)
    return target


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(
            f"读不到 {path}（{error.strerror}）；请向枢纽运行方索取", f"cannot read {path} ({error.strerror})"
        ) from None


def _damaged(path: Path, why: str) -> FolderError:
    return FolderError(f"{path} 内容不对：{why}；请更正或重新索取", f"{path} is not as it should be: {why}; correct it")


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return pki.read_certificates(_read(path))
    except ValueError as error:
        raise _damaged(path, str(error)) from None


def _profile(path: Path) -> Profile:
    try:
        members = json.loads(_read(path))
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    members = members if isinstance(members, dict) else {}
    texts = {name: value for name, value in members.items() if name in _PROFILE and isinstance(value, str)}
    if missing := [name for name in _PROFILE if name not in texts]:
        raise _damaged(path, f"没有 / lacks {', '.join(missing)}")
    profile = Profile(**texts)
    for name in ("url", "token_endpoint"):
        if not _is_web_address(texts[name]):
            raise _damaged(path, f"{name}: http(s)://…")
    for name in ("hub", "system"):
        if not is_system_code(texts[name]):
            raise _damaged(path, f"{name}: [a-z0-9][a-z0-9-]{{1,62}}")
    return profile


def _is_web_address(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def _signer(path: Path, profile: Profile) -> KeySigner:
    certificate = _certificates(path / "cert.pem")[0]
    try:
        key = pki.read_private_key(_read(path / "key.pem"))
    except ValueError as error:
        raise _damaged(path / "key.pem", f"不是未加密的 PKCS#8 / no unencrypted PKCS#8 ({error})") from None
    if not pki.is_key_of(certificate, key):
        raise _damaged(path / "cert.pem", "与 key.pem 不是一对 / is not for the key in key.pem")
    if pki.certificate_kid(certificate) != profile.kid:
        raise _damaged(path / "partner.json", "kid 与 cert.pem 不符 / kid is not that of cert.pem")
    try:
        return KeySigner(key, profile.kid)
    except UnsuitableKeyError as error:
        raise _damaged(path / "key.pem", f"{error.zh} / {error.en}") from None
