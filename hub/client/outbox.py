"""What was signed and is not answered yet: kept, sent, receipted, and sent again after a crash.

What happens to one message: it is written to the outbox; its bytes are sent, again and again if need be; the receipt is checked
and written; the message leaves the outbox. A crash in between leaves it there, and `resume` sends the same bytes: if the hub
had accepted them it answers with the receipt it gave, if not it accepts them now. One case needs a new signature: bytes that
lay so long that their `iat` is stale. The hub looks for what it has seen before it judges `iat`, so `stale-message` says that
they were not accepted; `resume` signs their payload again under the same `jti`, and should the old bytes still arrive
somewhere on a slow path, only one of the two can become an exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx

from certs import envelope
from certs.envelope import Opened
from certs.errors import EnvelopeError
from certs.header import ACK, EXCHANGE
from hub.client.errors import FolderError, HubUnreachable, ProblemError, TrustError
from hub.client.folder import Folder, Trust
from hub.client.messages import MAX_ENVELOPE_BYTES, Receipt, check_receipt
from hub.client.wire import Wire, json_object

_JOSE = {"Content-Type": "application/jose"}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What came of the outbox: receipts, the number of deliveries acknowledged, and what was finally refused, by `jti`."""

    receipts: list[Receipt]
    acknowledged: int
    refused: dict[str, ProblemError]


class Outbox:
    """The messages of one partner on their way to its hub."""

    def __init__(self, folder: Folder, trust: Trust, wire: Wire, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._trust = trust
        self._wire = wire
        self._clock = clock

    def publish(self, compact: bytes, schema_digest: str | None) -> Receipt:
        """Keep and send an envelope; returns its receipt, checked and written.

        Raises ProblemError, HubUnreachable and TrustError as `Partner.publish` does.
        """
        with self._kept(compact) as opened:
            return self._send_exchange(opened, schema_digest)

    def acknowledge(self, compact: bytes) -> int:
        """Keep and send an acknowledgement; returns how many deliveries the hub counted. Raises as `publish` does."""
        with self._kept(compact) as opened:
            return self._send_acknowledgement(opened)

    def resume(self) -> Resumed:
        """Send what waits, oldest first; see `Partner.resume`."""
        done = Resumed([], 0, {})
        if not self._folder.has_waiting:
            return done
        with self._folder.sending_again():
            for path, compact in self._folder.waiting():
                opened = _read_file(path, compact)
                try:
                    with self._told_if_refused(opened):
                        done = self._send_again(opened, done)
                except ProblemError as refusal:
                    if not refusal.is_final:
                        raise
                    done.refused[opened.header.jti] = refusal
        return done

    @contextmanager
    def _kept(self, compact: bytes) -> Iterator[Opened]:
        """The message, written to the outbox before anything is done with it."""
        opened = _read(compact)
        self._folder.keep(opened.header.jti, compact)
        with self._told_if_refused(opened):
            yield opened

    @contextmanager
    def _told_if_refused(self, opened: Opened) -> Iterator[None]:
        """What is finally refused leaves the outbox; what may yet be accepted stays, and the error says so."""
        try:
            yield
        except ProblemError as refusal:
            if refusal.is_final:
                self._folder.set_aside(opened.header.jti, opened.compact)
            raise
        except HubUnreachable as fault:
            raise HubUnreachable(
                f"{fault.zh}；已签名的内容留在 outbox 中", f"{fault.en}; what was signed is kept in the outbox"
            ) from None

    def _send_again(self, opened: Opened, done: Resumed) -> Resumed:
        try:
            return self._send_either(opened, done)
        except ProblemError as refusal:
            if refusal.slug != "stale-message":
                raise
        return self._send_either(self._sign_anew(opened), done)

    def _send_either(self, opened: Opened, done: Resumed) -> Resumed:
        if opened.header.typ == ACK:
            return replace(done, acknowledged=done.acknowledged + self._send_acknowledgement(opened))
        return replace(done, receipts=[*done.receipts, self._send_exchange(opened, None)])

    def _sign_anew(self, opened: Opened) -> Opened:
        header = opened.header
        compact = envelope.seal(
            self._folder.signer,
            typ=header.typ,
            iss=header.iss,
            aud=header.aud,
            iat=int(self._clock().timestamp()),
            jti=header.jti,
            payload=opened.payload_bytes,
            res=header.res,
            ver=header.ver,
            to=header.to,
            ref=header.ref,
        )
        self._folder.keep(header.jti, compact)
        return _read(compact)

    def _send_exchange(self, opened: Opened, schema_digest: str | None) -> Receipt:
        response = self._post("/v1/exchanges", opened)
        receipt = check_receipt(
            response.content,
            opened,
            hub=self._folder.profile.hub,
            hub_certificates=self._trust.hub_certificates,
            now=self._clock(),
            schema_digest=schema_digest,
        )
        self._folder.keep_receipt(receipt.jti, receipt.compact)
        return receipt

    def _send_acknowledgement(self, opened: Opened) -> int:
        count = json_object(self._post("/v1/inbox/acks", opened)).get("acknowledged")
        if type(count) is not int:
            raise TrustError("确认的回答没有 acknowledged", "the answer to an acknowledgement has no acknowledged")
        self._folder.release(opened.header.jti)
        return count

    def _post(self, path: str, opened: Opened) -> httpx.Response:
        return self._wire.call("POST", path, content=opened.compact, headers=_JOSE)


def _read(compact: bytes) -> Opened:
    return envelope.read(compact, max_bytes=MAX_ENVELOPE_BYTES, allowed_types=frozenset({EXCHANGE, ACK}))


def _read_file(path: Path, compact: bytes) -> Opened:
    try:
        return _read(compact)
    except EnvelopeError as error:
        raise FolderError(
            f"outbox 中的文件已损坏：{path}（{error.zh}）；请从备份恢复，移出它就无从知道枢纽收过没有",
            f"a file in the outbox is damaged: {path} ({error.en}); restore it from a backup: moved away, nobody knows whether "
            "the hub has it",
        ) from None
