"""A sending: payloads that are sent one after the other as one thing, and gone on with where it stopped.

Who was killed, or refused half-way, comes again with the same file. What was sent then must not become a second exchange, and what
was not must not stay behind. So `sending.json` in the partner's folder has the sending by the digest of all that it says, and the
`jti` of each of its envelopes up to now, each written before its envelope is signed. Begun again, the envelopes that have receipts
are left as they are; the next one is signed under the `jti` that stands there. When the last has its receipt the file goes, so that
the same content may be sent again on purpose; and it goes when anything else is published, which the older content must not
seem to be newer than.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from certs.digests import digest
from hub.client.folder import Folder

_FILE = "sending.json"


@dataclass(slots=True)
class Sending:
    """`content` is the digest of what is sent as a whole, `jtis` those of its envelopes so far, in order."""

    folder: Folder
    content: str
    jtis: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, folder: Folder, about: Sequence[object], bodies: Sequence[bytes]) -> Sending:
        """The sending of these payloads to what `about` says (JSON), as far as it is."""
        told = json.dumps([*about, *map(digest, bodies)], ensure_ascii=False)
        found = cls(folder, digest(told.encode()))
        kept = folder.read_note(_FILE)
        if kept.get("content") == found.content:
            found.jtis = list(kept.get("jtis", ()))
        return found

    def name(self, place: int, new_jti: str) -> str:
        """The `jti` of the envelope at `place` (from 0), on disk: the one that stands there, unless the hub refused it for good."""
        if place < len(self.jtis) and not self.folder.is_refused(self.jtis[place]):
            return self.jtis[place]
        self.jtis[place:] = [new_jti]
        self.folder.write_note(_FILE, {"content": self.content, "jtis": self.jtis})
        return new_jti

    def receipt(self, place: int) -> bytes | None:
        """The receipt of the envelope at `place`, if it has one."""
        return self.folder.receipt(self.jtis[place]) if place < len(self.jtis) else None

    @staticmethod
    def over(folder: Folder) -> None:
        """Forget the sending that was under way: it is whole, or something else was sent."""
        folder.drop_note(_FILE)
