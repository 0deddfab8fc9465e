"""Whether a log keeps what a receipt promises: that the entry with this leaf hash is in it by `seal_by`.

A tree has no clock, but its entries have times, and an entry is sealed after it was made. So the first entry that was made
after `seal_by` divides the log: whatever was sealed in time stands before it. Found before it: the promise is kept. Not
before it: the promise is broken, wherever else the entry may stand. No entry from after `seal_by`: too early to say. All
of this by the hub's own clock, for the hub wrote these times and signed the tree over them.

Bytes in, verdict out. How a copy of the log is read is for its reader (`ReadLog`), which shows every entry of the tree and
then says whether they are the tree that the log's key signed; nothing that was seen counts before that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from cryptography import x509

from certs import envelope
from certs.anchors import Anchors
from certs.digests import b64_decode
from certs.envelope import Opened
from certs.errors import CertsError, EnvelopeError, JsonError
from certs.evidence_form import Receipt, read_receipt
from certs.evidence_parts import EvidenceError
from certs.header import RECEIPT
from certs.jsontext import parse_object
from certs.members import read_moment
from certs.paths import certificate_kid, find_path, names, verifier_of
from certs.statements import Checked, Sheet, Verdict
from certs.tree import HASH_BYTES

MAX_RECEIPT_BYTES = 64 * 1024

Watch = Callable[[int, bytes, bytes | None], None]
"""Is shown every entry in order: its index, its leaf hash, and its leaf where the copy has it."""


@dataclass(frozen=True, slots=True)
class LogRead:
    """What came of reading a copy: its statements, the log's `origin`, and the index of the `first` entry shown."""

    checked: Sequence[Checked]
    origin: str = ""
    first: int = 0


ReadLog = Callable[[Watch], LogRead]
"""Reads a whole copy of a log, showing each entry; what it found wrong is its last statement."""


class PromiseError(CertsError):
    """A receipt that is not the hub's, or whose promise a log does not show to be kept."""


def verify_promise(
    compact: bytes,
    certificates: Sequence[x509.Certificate],
    anchors: Anchors,
    read_log: ReadLog,
    *,
    fetched_at: datetime | None = None,
) -> Verdict:
    """The verdict on a receipt by a copy of its log; `certificates` are the hub's, believed as far as they lead to an anchor.

    `fetched_at` (aware) is when the verifier fetched the copy, by a clock of their own: it counts where the copy has no times.

    Statements: `receipt-form`, `receipt-signer`, `receipt-signature`, those of the copy, `log`, `promise`. The last one's reasons:
    `promise-broken`, `sealed-late`, `absent-when-fetched`, `too-early`, `time-not-shown`, `log-incomplete`,
    `entry-unlike-receipt`. Never raises for what receipt and copy hold.
    """
    verdict = Sheet()
    receipt = verdict.take(*_RECEIPT_FORM, lambda: _read(compact))
    if receipt is None:
        return verdict.verdict()
    signer = verdict.take(*_RECEIPT_SIGNER, lambda: _signer(receipt, certificates, anchors))
    if signer is None or not verdict.take(*_RECEIPT_SIGNATURE, lambda: _signature(receipt.opened, signer)):
        return verdict.verdict()
    search = Search(b64_decode(receipt.says["entry"]), receipt)
    read = read_log(search.see)
    verdict.checked += read.checked
    if verdict.verdict().failed is None and verdict.take(*_LOG, lambda: _is_its_log(receipt, read)):
        verdict.take(*_PROMISE, lambda: search.judge(read.first, fetched_at))
    return verdict.verdict()


_RECEIPT_FORM = ("receipt-form", "文件是一张接收凭证", "the file is a receipt")
_RECEIPT_SIGNER = ("receipt-signer", "凭证证书可追溯到信任锚", "the receipt's certificate leads to an anchor")
_RECEIPT_SIGNATURE = ("receipt-signature", "凭证的签名有效", "the receipt's signature is valid")
_LOG = ("log", "这是凭证所指的日志", "this is the log that the receipt names")
_PROMISE = (
    "promise",
    "所承诺的条目在日志中，副本里没有作于 seal_by 之后却封在它之前的条目",
    "the promised entry is in the log, before all that the copy shows to be made after seal_by",
)


@dataclass(slots=True)
class Search:
    """Looks for one leaf hash, and for the first entry that was made after `seal_by`; memory does not grow with the log."""

    wanted: bytes
    receipt: Receipt
    found: int | None = None
    found_leaf: bytes | None = None
    passed: int | None = None
    passed_at: datetime | None = None
    latest: datetime | None = None

    def see(self, index: int, hashed: bytes, leaf: bytes | None) -> None:
        """The next entry."""
        if hashed == self.wanted and self.found is None:
            self.found, self.found_leaf = index, leaf
        if leaf is None or self.passed is not None:
            return
        time = _time_of(leaf)
        if time is None:
            return
        self.latest = time if self.latest is None else max(self.latest, time)
        if time > self.receipt.seal_by:
            self.passed, self.passed_at = index, time

    def judge(self, first: int, fetched_at: datetime | None = None) -> bool:
        """True when the promise is kept; `first` is the index from which on entries were shown. Raises PromiseError."""
        if self.found is None:
            return self._absent(first, fetched_at)
        if self.passed is not None and self.passed <= self.found:
            _break(
                "sealed-late",
                f"条目在第 {self.found} 条，但第 {self.passed} 条已作于 {self._passed_zh()}：迟封",
                f"the entry is number {self.found}, but number {self.passed} was made {self._passed_en()}: sealed late",
            )
        return self._is_of_the_receipt()

    def _absent(self, first: int, fetched_at: datetime | None) -> NoReturn:
        if first > 0:
            _break(
                "log-incomplete",
                f"副本从第 {first} 条开始，所承诺的条目可能在此之前；请用完整的日志",
                f"the copy begins at entry {first}, and the promised one may stand before; use the whole log",
            )
        if self.passed is not None:
            _break(
                "promise-broken",
                f"所承诺的条目不在日志中，而第 {self.passed} 条作于 {self._passed_zh()}：枢纽没有履行承诺",
                f"the promised entry is not in the log, but entry {self.passed} was made {self._passed_en()}: the hub broke its "
                "promise",
            )
        if fetched_at is not None and fetched_at > self.receipt.seal_by:
            _break(
                "absent-when-fetched",
                f"所承诺的条目不在日志中，而您在 {fetched_at.isoformat()} 取得副本，已过 seal_by（{self._seal_by()}）；请保存副本，交审计方",
                f"the promised entry is not in the log, and you fetched the copy at {fetched_at.isoformat()}, past seal_by "
                f"({self._seal_by()}); keep the copy for an auditor",
            )
        if self.latest is None:
            _break(
                "time-not-shown",
                "所承诺的条目不在日志中，但副本里没有条目的内容，看不出日志写到何时；请用 --fetched-at 写明何时取得，或请审计方核验",
                "the promised entry is not in the log, but the copy has no entries' contents and so no times: it cannot be said "
                "whether it is due; say when you fetched it (--fetched-at), or let an auditor check",
            )
        _break(
            "too-early",
            f"所承诺的条目不在日志中，但日志只到 {self.latest.isoformat()}，未过 seal_by（{self._seal_by()}）；请用之后的日志",
            f"the promised entry is not in the log, but the log goes to {self.latest.isoformat()}, not past seal_by "
            f"({self._seal_by()}); use a later copy",
        )

    def _seal_by(self) -> str:
        return self.receipt.seal_by.isoformat()

    def _passed_at(self) -> str:
        """In the offset of `seal_by`, to be compared by eye."""
        assert self.passed_at is not None
        try:
            return self.passed_at.astimezone(self.receipt.seal_by.tzinfo).isoformat()
        except OverflowError:  # the last hours of the year 9999
            return self.passed_at.isoformat()

    def _passed_zh(self) -> str:
        return f"{self._passed_at()}，晚于 seal_by（{self._seal_by()}）"

    def _passed_en(self) -> str:
        return f"at {self._passed_at()}, after seal_by ({self._seal_by()})"

    def _is_of_the_receipt(self) -> bool:
        """A hash was promised: where the copy shows the leaf, it must be about this exchange, made when it was accepted."""
        if self.found_leaf is None:
            return True
        leaf, says = _members(self.found_leaf), self.receipt.says
        details = leaf.get("details")
        named = details.get("envelope_digest") if isinstance(details, dict) else None
        if (leaf.get("event"), leaf.get("id"), named, _time_of(self.found_leaf)) != (
            "exchange.accepted",
            says["exchange"],
            says["envelope_digest"],
            self.receipt.accepted_at,
        ):
            _break(
                "entry-unlike-receipt",
                f"第 {self.found} 条的哈希正是所承诺的，但它记的不是这次交换",
                f"entry {self.found} has the promised hash, but is not about this exchange",
            )
        return True


def _read(compact: bytes) -> Receipt:
    try:
        opened = envelope.read(compact.strip(), max_bytes=MAX_RECEIPT_BYTES, allowed_types=frozenset({RECEIPT}))
        receipt = read_receipt(opened)
        hashed = b64_decode(receipt.says["entry"])
    except (EnvelopeError, EvidenceError) as fault:
        _break("receipt-form", f"不是接收凭证：{fault.zh}", f"no receipt: {fault.en}")
    except ValueError:
        hashed = b""
    if len(hashed) != HASH_BYTES:
        _break("receipt-form", "entry 不是 32 字节的哈希", "entry is no hash of 32 bytes")
    return receipt


def _signer(receipt: Receipt, certificates: Sequence[x509.Certificate], anchors: Anchors) -> x509.Certificate:
    header = receipt.opened.header
    found = [one for one in certificates if certificate_kid(one) == header.kid]
    if not found:
        _break(
            "certificate-missing",
            f"hub.pem 中没有凭证的证书 {header.kid}；请向枢纽的安全管理员索取",
            f"hub.pem has no certificate {header.kid}, which signed the receipt; ask the hub's officer",
        )
    others = [one for one in certificates if one != found[0]]
    find_path(found[0], others, anchors.authorities, receipt.accepted_at)
    if f"urn:shuniu:hub:{header.iss}:receipts" not in names(found[0]) or header.iss != receipt.says["hub"]:
        _break(
            "signer-mismatch",
            f"证书不是枢纽 {receipt.says['hub']} 的凭证证书",
            f"the certificate is not the one for receipts of the hub {receipt.says['hub']}",
        )
    return found[0]


def _signature(opened: Opened, signer: x509.Certificate) -> bool:
    envelope.verify(opened, verifier_of(signer))
    return True


def _is_its_log(receipt: Receipt, read: LogRead) -> bool:
    if read.origin != receipt.says["log"]:
        _break(
            "log-mismatch",
            f"凭证所指的日志是 {receipt.says['log']}，这是 {read.origin}",
            f"the receipt names the log {receipt.says['log']}, this one is {read.origin}",
        )
    return True


def _time_of(leaf: bytes) -> datetime | None:
    """When the entry was made, by its leaf; None for a leaf that does not say so."""
    try:
        return read_moment(_members(leaf).get("time"))
    except ValueError:
        return None


def _members(leaf: bytes) -> dict[str, Any]:
    try:
        return parse_object(leaf)
    except JsonError:
        return {}


def _break(reason: str, zh: str, en: str) -> NoReturn:
    raise PromiseError(reason=reason, zh=zh, en=en) from None
