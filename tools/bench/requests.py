"""Files of whole HTTP requests, each with its own signed envelope and all of one length, so that a load generator only
reads and sends."""

import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs import envelope
from certs.envelope import Opened
from certs.header import EXCHANGE
from certs.suites import KeySigner, PrivateKey, Verifier
from tools.bench.records import payload

MAX_ENVELOPE_BYTES = 4 << 20
EXCHANGE_ONLY = frozenset({EXCHANGE})

CHUNK = 1000
"""Requests written at a time."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends what: the provider with its key (PEM, this bench's own), the resource, and the size of a payload."""

    hub: str
    system: str
    kid: str
    key_pem: bytes
    resource: str
    payload_bytes: int

    def signer(self) -> KeySigner:
        """Signs as the provider."""
        return KeySigner(self._key(), self.kid)

    def verifier(self) -> Verifier:
        """Checks the provider's signatures."""
        return Verifier(self._key().public_key())

    def _key(self) -> PrivateKey:
        key = load_pem_private_key(self.key_pem, None)
        assert isinstance(key, PrivateKey)
        return key


@dataclass(frozen=True, slots=True)
class RequestFile:
    """A file of `count` requests of `size` bytes each."""

    path: Path
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class _Part:
    sending: Sending
    path: Path
    first: int
    count: int


def request(sending: Sending, signer: KeySigner, number: int) -> bytes:
    """One request with a new envelope. The `jti` is of the form that the hub's own client makes: time, then chance."""
    compact = envelope.seal(
        signer,
        typ=EXCHANGE,
        iss=sending.system,
        aud=sending.hub,
        iat=int(time.time()),
        jti=f"{time.time_ns() // 1000:016x}-{secrets.token_hex(8)}",
        payload=payload(number, sending.payload_bytes),
        res=sending.resource,
        ver=1,
    )
    return (
        b"POST /v1/exchanges HTTP/1.1\r\nHost: hub\r\nContent-Type: application/jose\r\nContent-Length: %d\r\n\r\n%s"
        % (
            len(compact),
            compact,
        )
    )


def write_requests(pool: Executor, processes: int, sending: Sending, path: Path, count: int) -> RequestFile:
    """Sign `count` distinct requests into `path` with all processes of the pool; on the disk when it returns."""
    size = len(request(sending, sending.signer(), 0))
    with path.open("wb") as file:
        file.truncate(size * count)
    share = -(-count // processes)
    parts = [_Part(sending, path, first, min(share, count - first)) for first in range(0, count, share) if share > 0]
    for written in pool.map(_write_part, parts):
        if written != size:
            raise AssertionError("requests differ in length")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # or the disk would still be busy with it while the hub is measured
    finally:
        os.close(descriptor)
    return RequestFile(path, count, size)


def _write_part(part: _Part) -> int:
    """Runs in a process of the pool; returns the length that all its requests have, or 0 if they differ."""
    signer = part.sending.signer()
    sizes: set[int] = set()
    with part.path.open("r+b") as file:
        for first in range(part.first, part.first + part.count, CHUNK):
            numbers = range(first, min(first + CHUNK, part.first + part.count))
            chunk = [request(part.sending, signer, number) for number in numbers]
            sizes.update(map(len, chunk))
            file.seek(first * len(chunk[0]))
            file.write(b"".join(chunk))
    return sizes.pop() if len(sizes) == 1 else 0


def envelopes(file: RequestFile, limit: int) -> Sequence[bytes]:
    """The envelopes of the first `limit` requests in the file."""
    with file.path.open("rb") as requests:
        return [requests.read(file.size).partition(b"\r\n\r\n")[2] for _ in range(min(limit, file.count))]


def read(compact: bytes) -> Opened:
    """An envelope as intake reads it."""
    return envelope.read(compact, max_bytes=MAX_ENVELOPE_BYTES, allowed_types=EXCHANGE_ONLY)
