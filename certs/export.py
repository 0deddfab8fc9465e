"""The verifier of exported logs: whether a file holds what the log held, judged offline against anchors that the verifier has.

A file is read once, in constant memory, then its statements are taken in order, and the first that fails ends the verdict.
Every leaf of the part that was exported is in the file, as itself or (where a filter left it out) as its hash. With the hashes
of what stands before that part they make a root, and a proof shows that this tree is the beginning of the checkpoint's: so
nothing in the part was changed, dropped, added or moved, whoever made the file.

What a file cannot show. That a filter was applied as it says: ask for what was left out by its index. What the log holds after
`until`. That the log shown to others is the same: compare checkpoints (`older`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from cryptography import x509

from certs.anchors import Anchors
from certs.checkpoint import Checkpoint, check_order, open_checkpoint, rewritten
from certs.errors import CertsError
from certs.export_form import Exported, Head, refuse
from certs.export_reading import ExportReader, Read, Watch
from certs.paths import certificate_kid, find_path, names, verifier_of
from certs.statements import Sheet, Statement, Verdict
from certs.tree import verify_consistency

__all__ = ["STATEMENTS", "ExportVerdict", "Exported", "Head", "verify_export"]


@dataclass(frozen=True, slots=True)
class ExportVerdict(Verdict):
    """The statements that were checked; `export` is the head if there is one, `checkpoint` the one that proved the tree."""

    export: Head | None = None
    checkpoint: Checkpoint | None = None


def verify_export(
    file: BinaryIO, anchors: Anchors, *, older: bytes | None = None, watch: Watch | None = None
) -> ExportVerdict:
    """The verdict on a file; `older` is a signed checkpoint that the verifier kept from another time.

    `watch` is told of every leaf on the way: what it was told counts only if nothing `failed`. Raises what reading the file
    raises, and nothing for what the file holds.
    """
    reader = ExportReader(file)
    sheet = Sheet()
    read = sheet.take(FORM.name, FORM.zh, FORM.en, lambda: reader.read(_size_of(older, anchors), watch))
    if read is None:
        return ExportVerdict(sheet.checked, reader.head)
    case = Case(read, anchors, older)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the X.509 library's: the verdict is all there is to say
        sheet.take_all(STATEMENTS[1:], case)
    return ExportVerdict(sheet.checked, read.head, None if sheet.verdict().failed else case.checkpoint)


def _size_of(older: bytes | None, anchors: Anchors) -> int | None:
    """The size whose root is wanted on the way; what is wrong with the note is for the statement to say."""
    try:
        return None if older is None else open_checkpoint(older, anchors.log).size
    except CertsError:
        return None


@dataclass(frozen=True)
class Case:
    """What the verifier holds in its hands: a file that was read, the anchors, and perhaps an older checkpoint."""

    read: Read
    anchors: Anchors
    older: bytes | None

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint in the file, its signature that of the log we trust. Raises CheckpointError."""
        return open_checkpoint(self.read.end.checkpoint, self.anchors.log)

    @cached_property
    def signer(self) -> x509.Certificate:
        """The certificate that the manifest names. Raises ExportError `certificate-missing`."""
        kid = self.read.manifest.kid
        for certificate in self.read.end.certificates:
            if certificate_kid(certificate) == kid:
                return certificate
        return refuse("certificate-missing", f"文件中没有证书 {kid}", f"the file has no certificate {kid}")


def _checkpoint(case: Case) -> bool:
    head, checkpoint = case.read.head, case.checkpoint
    _must(
        checkpoint.origin == head.hub,
        "log-mismatch",
        "导出的日志不是这个检查点的日志",
        "the exported log is another than the checkpoint's",
    )
    return True


def _manifest_signer(case: Case) -> bool:
    manifest, signer = case.read.manifest, case.signer
    issuers = [one for one in case.read.end.certificates if one != signer]
    find_path(signer, issuers, case.anchors.authorities, manifest.signed_at)
    _must(
        f"urn:shuniu:hub:{case.read.head.hub}:receipts" in names(signer) and manifest.iss == case.read.head.hub,
        "not-the-hub",
        f"签名者不是枢纽 {case.read.head.hub}",
        f"it was not the hub {case.read.head.hub} that signed",
    )
    return True


def _manifest_signature(case: Case) -> bool:
    manifest = case.read.manifest
    good = verifier_of(case.signer).verify(manifest.alg, manifest.signing_input, manifest.signature)
    _must(good, "bad-signature", "清单的签名无效", "the manifest's signature is not valid")
    return True


def _manifest(case: Case) -> bool:
    read = case.read
    found = {"digest": read.digest, "export": read.head.id, "lines": read.lines}
    wrong = sorted(
        name for name in found.keys() | read.manifest.says.keys() if read.manifest.says.get(name) != found.get(name)
    )
    _must(
        not wrong,
        "manifest-unlike-file",
        f"文件与清单不符（{'、'.join(wrong)}）：文件被改动过",
        f"the file is not the one of its manifest ({', '.join(wrong)}): it has been changed",
    )
    return True


def _entries(case: Case) -> bool:
    read = case.read
    if read.fault is not None:
        raise read.fault
    _must(read.counts == read.end.counts, "counts", "条数与末尾所写不符", "the counts are not those of the end")
    _must(
        bool(read.head.only) or not read.counts.left_out,
        "left-out",
        f"没有筛选条件，却有 {read.counts.left_out} 条只有哈希",
        f"there is no filter, yet {read.counts.left_out} entries are left out",
    )
    return True


def _tree(case: Case) -> bool:
    read, checkpoint = case.read, case.checkpoint
    verify_consistency(read.head.until, read.tree.root(), checkpoint.size, checkpoint.root, read.end.consistency)
    return True


def _consistency(case: Case) -> bool:
    if case.older is None:
        return False
    read, checkpoint = case.read, case.checkpoint
    older = open_checkpoint(case.older, case.anchors.log)
    check_order(older, checkpoint)
    root = checkpoint.root if older.size == checkpoint.size else read.root_then
    if root is None:
        refuse(
            "checkpoint-outside-export",
            f"旧检查点的大小 {older.size} 不在导出的范围 {read.head.first} 至 {read.head.until} 之内；"
            "请导出包含它的范围，如从第 0 条起",
            f"the older checkpoint's size {older.size} is not within the export, {read.head.first} to {read.head.until}; "
            "export a part that has it, such as from entry 0 on",
        )
    if root != older.root:
        raise rewritten(older.size)
    return True


def _whole(case: Case) -> bool:
    head = case.read.head
    return head.first == 0 and head.until == case.checkpoint.size and not head.only


def _must(holds: bool, reason: str, zh: str, en: str) -> None:
    if not holds:
        refuse(reason, zh, en)


FORM: Statement[Case] = Statement(
    "form", "文件合乎格式，没有中断", "the file is of its form and not cut off", lambda _: True
)

STATEMENTS = (
    FORM,
    Statement("checkpoint", "检查点由所信任的日志密钥签名", "the trusted log key signed the checkpoint", _checkpoint),
    Statement(
        "manifest-signer", "清单证书可追溯到信任锚", "the manifest's certificate leads to an anchor", _manifest_signer
    ),
    Statement("manifest-signature", "清单的签名有效", "the manifest's signature is valid", _manifest_signature),
    Statement("manifest", "文件正是清单所签的", "the file is the one that the manifest was signed for", _manifest),
    Statement("entries", "每个条目都是封存时的样子", "every entry is what was sealed", _entries),
    Statement(
        "tree",
        "全部条目都在检查点之下，没有缺失和换位",
        "all entries are under the checkpoint, none missing or moved",
        _tree,
    ),
    Statement("consistency", "与另一检查点一致", "the log agrees with another checkpoint", _consistency),
    Statement("whole", "这是截至检查点的整个日志", "this is the whole log up to the checkpoint", _whole),
)
"""Every statement, in the order in which they are checked (docs/transparency-log.md)."""
