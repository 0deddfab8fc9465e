"""A sending: payloads that are sent one after the other as one thing, and gone on with where it stopped.

Who was killed, or refused half-way, comes again with the same file. What was sent then must not become a second exchange, and what
was not must not stay behind. So `sending.json` in the partner's folder has each sending that is not over, by the digest of all that it
says and to which hub, and the `jti` of each of its envelopes up to now, written before the envelope gets into the outbox. Begun again, the
envelopes that have receipts are left as they are; the next one is signed under the `jti` that stands there. When the last has its
receipt the sending is forgotten, so that the same content may be sent again on purpose. It is forgotten, too, once anything else was
published after it: gone on with, its first part would stay older than that and its last part be newer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from certs.digests import digest
from hub.client.errors import FolderError, TrustError
from hub.client.folder import Folder
from hub.client.messages import Receipt, kept_receipt

_FILE = "sending.json"

_CONTENT, _JTIS, _THEN, _LOST = "content", "jtis", "then", "lost"
"""Of a sending: its content's digest, its envelopes in order, what was to be published after it, and those of its envelopes that the hub
says it has, with other bytes, though there is no receipt here."""

_Kept = list[dict[str, Any]]


@dataclass(slots=True)
class Sending:
    """`content` is the digest of what is sent as a whole, `jtis` those of its envelopes so far, in order."""

    folder: Folder
    content: str
    jtis: list[str]
    lost: list[str]

    @classmethod
    def begun(cls, folder: Folder, about: Sequence[object], bodies: Sequence[bytes]) -> Sending:
        """The sending of these payloads to what `about` says (JSON), as far as it is. Raises FolderError."""
        whom = (folder.profile.hub, folder.profile.system)
        content = digest(json.dumps([*whom, *about, *map(digest, bodies)], ensure_ascii=False).encode())
        found = next((one for one in _read(folder) if one[_CONTENT] == content and not _is_past(folder, one)), None)
        return cls(folder, content, found[_JTIS] if found else [], found[_LOST] if found else [])

    def named(self, place: int) -> str | None:
        """The `jti` under which the envelope at `place` (from 0) is to be signed again; None if it needs a new one. Raises FolderError."""
        jti = self.jtis[place] if place < len(self.jtis) else None
        if jti in self.lost:
            path = self.folder.path / _FILE
            raise FolderError(
                f"枢纽已收过 {jti}（内容不同的字节），这里却没有它的凭证：outbox 或 receipts 中的文件丢失或损坏。"
                f"请从备份恢复；确要从头再发一遍，删除 {path}",
                f"the hub has {jti}, with other bytes, and its receipt is not here: a file of outbox or receipts was lost or damaged. "
                f"Restore it from a backup; to send everything once more, remove {path}",
            )
        return None if jti is None or self.folder.is_refused(jti) else jti

    def name(self, place: int, jti: str) -> None:
        """Have the envelope at `place` go under that `jti`; on disk when this returns, and all other sendings come before it."""
        self.jtis[place:] = [jti]
        self._write(jti)

    def lose(self, jti: str) -> None:
        """Remember that the hub has that envelope with other bytes: under another `jti` it would be there twice."""
        self.lost.append(jti)
        self._write(jti)

    def receipt(self, place: int) -> Receipt | None:
        """The receipt of the envelope at `place`, if it has one. Raises FolderError."""
        jti = self.jtis[place] if place < len(self.jtis) else None
        compact = None if jti is None else self.folder.receipt(jti)
        if jti is None or compact is None:
            return None
        try:
            found = kept_receipt(compact)
        except TrustError:
            found = None
        if found is None or found.jti != jti:
            path = self.folder.path / "receipts" / f"{jti}.jws"
            raise FolderError(
                f"凭证文件已损坏：{path}；请从备份恢复",
                f"the file of a receipt is damaged: {path}; restore it from a backup",
            )
        return found

    def end(self) -> None:
        """Forget it: it is whole."""
        _change(self.folder, lambda kept: [one for one in kept if one[_CONTENT] != self.content])

    def _write(self, jti: str) -> None:
        own = {_CONTENT: self.content, _JTIS: self.jtis, _THEN: [], _LOST: self.lost}

        def changed(kept: _Kept) -> _Kept:
            return [*_followed([one for one in kept if one[_CONTENT] != self.content], jti), own]

        _change(self.folder, changed)


def precede(folder: Folder, jti: str) -> None:
    """Remember that the message `jti` comes after all sendings that are not over. Raises FolderError."""
    _change(folder, lambda kept: _followed(kept, jti))


def _followed(kept: _Kept, jti: str) -> _Kept:
    return [one | {_THEN: [*one[_THEN], *([] if jti in one[_THEN] else [jti])]} for one in kept]


def _is_past(folder: Folder, one: dict[str, Any]) -> bool:
    """Whether something that came after it has reached the hub, or will."""
    return any(map(folder.is_out, one[_THEN]))


def _read(folder: Folder) -> _Kept:
    found = folder.read_note(_FILE)
    members = {_CONTENT: str, _JTIS: list, _THEN: list, _LOST: list}
    if found is None:
        return []
    if isinstance(found, list) and all(
        isinstance(one, dict) and all(isinstance(one.get(name), kind) for name, kind in members.items())
        for one in found
    ):
        return found
    path = folder.path / _FILE
    raise FolderError(
        f"{path} 已损坏，不知道上次发到哪里；请从备份恢复，或删除它（上次没发完的文件将从头发送）",
        f"{path} is damaged, so nobody knows how far the last sending is; restore it from a backup, or remove it "
        "(a file that was sent in part is then sent from its start)",
    )


def _change(folder: Folder, change: Callable[[_Kept], _Kept]) -> None:
    """Write what `change` makes of the sendings that are not over; nobody else does meanwhile."""
    with folder.noting():
        kept = _read(folder)
        left = change([one for one in kept if not _is_past(folder, one)])
        if left:
            folder.write_note(_FILE, left)
        elif kept:
            folder.drop_note(_FILE)
