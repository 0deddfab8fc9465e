"""Reading an exported log once, from its first line to its last, in constant memory: form, hashes, counts and the tree they make.

What is read here is compared only with itself. A file that was cut off, has lines too many or lines out of place does not
come to its end; whether what it says is to be believed is for `certs.export`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from certs.digests import digest_text
from certs.export_form import (
    LONGEST_LINE,
    Counts,
    End,
    Exported,
    ExportError,
    Head,
    Manifest,
    read_end,
    read_head,
    read_line,
    read_manifest,
    refuse,
)
from certs.tree import Frontier, leaf_hash

Watch = Callable[[Exported], None]
"""Told of every leaf as it is read; what it was told counts only if the file holds."""

_AT_ONCE = 1024
"""Hashes gathered before they go into the tree."""


@dataclass(frozen=True, slots=True)
class Read:
    """A file read to its end.

    `digest` and `lines` are over what stands above the manifest; `tree` is that of the leaves up to `until`; `root_then`
    the root at the size that was asked for, None if the file does not pass it; `fault` what was wrong with a leaf, at first.
    """

    head: Head
    end: End
    manifest: Manifest
    digest: str
    lines: int
    counts: Counts
    tree: Frontier
    root_then: bytes | None
    fault: ExportError | None


def read_export(file: BinaryIO, *, then: int | None = None, watch: Watch | None = None) -> Read:
    """The file, read from where it stands; `then` is a size whose root is wanted. Raises ExportError when it is not of its form."""
    return ExportReader(file).read(then, watch)


@dataclass(slots=True)
class ExportReader:
    """One reading of one file; `head` is None until its first line was read."""

    file: BinaryIO
    head: Head | None = None
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _lines: int = 0

    def read(self, then: int | None = None, watch: Watch | None = None) -> Read:
        """As `read_export`."""
        self.head = head = read_head(self._line())
        leaves = _Leaves(Frontier(head.first, tuple(head.prefix)), head.until, then, watch)
        while leaves.size < head.until:
            leaves.take(read_line(self._line()), self._lines)
        end = read_end(self._line())
        digest, lines = digest_text(self._digest.digest()), self._lines
        manifest = read_manifest(self._line())
        if self.file.read(1):
            refuse("lines-too-many", "清单之后还有内容", "there is something after the manifest")
        counts = Counts(leaves.entries, leaves.left_out, leaves.missing)
        return Read(head, end, manifest, digest, lines, counts, leaves.tree(), leaves.root_then, leaves.fault)

    def _line(self) -> bytes:
        line = self.file.readline(LONGEST_LINE + 1)
        if not line.endswith(b"\n"):
            if len(line) > LONGEST_LINE:
                refuse("line-too-long", f"第 {self._lines + 1} 行过长", f"line {self._lines + 1} is too long")
            refuse(
                "truncated",
                f"文件不完整：在第 {self._lines + 1} 行处中断；请续传或重新导出",
                f"the file is cut off in line {self._lines + 1}; resume the export or make it again",
            )
        self._digest.update(line)
        self._lines += 1
        return line


@dataclass(slots=True)
class _Leaves:
    """The tree that grows with every line."""

    _grown: Frontier
    _until: int
    _then: int | None
    _watch: Watch | None
    _waiting: list[bytes] = field(default_factory=list)
    size: int = field(init=False)
    root_then: bytes | None = None
    entries: int = 0
    left_out: int = 0
    missing: int = 0
    fault: ExportError | None = None

    def __post_init__(self) -> None:
        self.size = self._grown.size
        self._pass()

    def take(self, one: Exported | None, line: int) -> None:
        """The next leaf. Raises ExportError `line-form`, `out-of-order`."""
        if one is None:
            refuse(
                "line-form",
                f"第 {line} 行应是第 {self.size} 条，形式不对：条目缺失或被改动",
                f"line {line} should be entry {self.size} and is not of its form: entries are missing or were changed",
            )
        if one.index != self.size:
            refuse(
                "out-of-order",
                f"第 {line} 行应是第 {self.size} 条，却是第 {one.index} 条：条目缺失、多出或换位",
                f"line {line} should be entry {self.size} and is {one.index}: entries are missing, too many or moved",
            )
        self._judge(one)
        if self._watch is not None:
            self._watch(one)
        self._waiting.append(one.hashed)
        self.size += 1
        if len(self._waiting) == _AT_ONCE or self.size == self._then:
            self._pass()

    def tree(self) -> Frontier:
        """The tree of all leaves so far."""
        self._grown, self._waiting = self._grown.extend(self._waiting), []
        return self._grown

    def _pass(self) -> None:
        tree = self.tree()
        if self.size == self._then:
            self.root_then = tree.root()

    def _judge(self, one: Exported) -> None:
        if one.leaf is not None:
            self.entries += 1
            if leaf_hash(one.leaf) != one.hashed:
                self._note(
                    "entry-unlike-hash",
                    f"第 {one.index} 条与封存时的哈希不符：该条目被改动过",
                    f"entry {one.index} is not what was sealed: it has been changed",
                )
        elif one.missing:
            self.missing += 1
            self._note(
                "entry-missing",
                f"第 {one.index} 条已封存，枢纽却拿不出它的叶：该条目被删除，或那里的不是日志叶",
                f"entry {one.index} was sealed and the hub has no leaf of it: it has been removed, or what is there is none",
            )
        else:
            self.left_out += 1

    def _note(self, reason: str, zh: str, en: str) -> None:
        self.fault = self.fault or ExportError(reason=reason, zh=zh, en=en)
