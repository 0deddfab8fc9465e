"""Walking a whole log from its first entry: every leaf against its tile, and the tree they make against checkpoints.

The caller fetches; here is only what must hold. Walking needs every entry and no trust in whoever keeps them: a row that was
changed, dropped, added or moved since an older checkpoint was signed makes another tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from certs.checkpoint import Checkpoint, check_order, rewritten
from certs.errors import LogBrokenError
from certs.tree import HASH_BYTES, Frontier, leaf_hash


@dataclass(slots=True)
class LogWalk:
    """One walk to `checkpoint`, past `older` if there is one; feed it bundles in order, then `finish`."""

    checkpoint: Checkpoint
    older: Checkpoint | None = None
    _tree: Frontier = field(default_factory=Frontier)

    def __post_init__(self) -> None:
        """Raises LogBrokenError `log-shrank`, `another-log`."""
        if self.older is None:
            return
        check_order(self.older, self.checkpoint)
        self._pass_older()

    @property
    def size(self) -> int:
        """How many entries have been walked."""
        return self._tree.size

    def feed(self, leaves: Sequence[bytes], hashes: bytes) -> None:
        """The next entries, and the hashes that the tree's lowest tile has for them (32 bytes each, as many).

        Raises LogBrokenError `entry-unlike-tile` with the index of the entry, `tile-unlike-entries`, `log-rewritten`.
        """
        if len(hashes) != len(leaves) * HASH_BYTES:
            raise LogBrokenError(
                reason="tile-unlike-entries",
                zh=f"第 {self.size} 条起，条目有 {len(leaves)} 条，哈希块有 {len(hashes)} 字节：有条目缺失或多出",
                en=f"from entry {self.size} on there are {len(leaves)} entries and {len(hashes)} bytes of hashes: some are "
                "missing or too many",
            )
        found = [leaf_hash(leaf) for leaf in leaves]
        for place, hashed in enumerate(found):
            if hashed != hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]:
                raise LogBrokenError(
                    reason="entry-unlike-tile",
                    zh=f"第 {self.size + place} 条与封存时的哈希不符：该条目被改动过",
                    en=f"entry {self.size + place} is not what was sealed: it has been changed",
                )
        before = max(0, self.older.size - self.size) if self.older else 0
        self._tree = self._tree.extend(found[:before])
        self._pass_older()
        self._tree = self._tree.extend(found[before:])

    def finish(self) -> None:
        """Nothing, when the entries walked are exactly the tree of the checkpoint. Raises LogBrokenError."""
        if self.size != self.checkpoint.size or self._tree.root() != self.checkpoint.root:
            raise LogBrokenError(
                reason="root-unlike-checkpoint",
                zh=f"{self.size} 条条目算出的根与检查点（{self.checkpoint.size} 条）不符：条目或哈希块被改动过",
                en=f"the root of the {self.size} entries is not that of the checkpoint ({self.checkpoint.size} entries): "
                "entries or tiles have been changed",
            )

    def _pass_older(self) -> None:
        """At the size of the older checkpoint, its root must be ours."""
        if self.older is None or self.size != self.older.size:
            return
        if self._tree.root() != self.older.root:
            raise rewritten(self.size)
