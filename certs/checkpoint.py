"""Checkpoints: what the log's key says of the tree at one size (C2SP tlog-checkpoint, as a C2SP signed-note).

Ed25519 only (type 0x01). Knows the text, its signature and the key that somebody already trusts; not where a checkpoint is
published, nor whether the roots of two agree: that is for `certs.tree`.

Stricter than the notes' specification in three points, so that a checkpoint has as few spellings as possible: base64 is
canonical, the key's name is the origin (the specification recommends it), and a key signs a checkpoint once.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certs.digests import b64_decode
from certs.errors import CheckpointError, LogBrokenError, UnsuitableKeyError
from certs.suites import EDDSA, Signer, Verifier
from certs.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE

LONGEST_NOTE = 1_000_000
"""Bytes of a signed checkpoint that are read at all; the Go tools have the same limit."""

MOST_SIGNATURES = 100
"""Signature lines that are read; signed-note asks for 16 at least, the Go tools have this limit."""

_ED25519 = b"\x01"  # signed-note, "Signature types"
_KEY_ID_BYTES = 4
_DASH = "— "  # em dash U+2014 and a space begin a signature line
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_VERIFIER_KEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[^\n]+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log `origin` has `size` entries under `root` (32 bytes); `extensions` are lines that only their writer understands.

    Raises CheckpointError when these cannot stand in a checkpoint.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(map(_is_line, (self.origin, *self.extensions))):
            raise _malformed(
                "checkpoint-line",
                "来源或扩展行为空，或含控制字符",
                "origin or extension line is empty or has control characters",
            )
        if not 0 <= self.size <= MAX_SIZE:
            raise _malformed("checkpoint-size", "大小不在日志可能的范围内", "the size is not one that a log can have")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise _malformed(
                "checkpoint-root",
                "根不是 32 字节，或空树的根不对",
                "the root has not 32 bytes, or is not that of the empty tree",
            )

    def text(self) -> str:
        """The note's text (tlog-checkpoint, "Note text"): origin, size, root in base64, extensions, a newline after each."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A log's key as somebody trusts it: name, 4 bytes that name the key in signature lines, and the key."""

    name: str
    key_id: bytes
    verifier: Verifier = field(repr=False, compare=False)


def verifier_key(origin: str, public_key: Ed25519PublicKey) -> str:
    """The key in the text form of signed-note: `<origin>+<8 hex digits of the key id>+<base64(0x01 ‖ key)>`.

    The key id is the first four bytes of SHA-256(origin ‖ newline ‖ 0x01 ‖ key). Raises CheckpointError when `origin` cannot
    be a key's name: it is empty, or has spaces, control characters or a plus sign.
    """
    if not _is_key_name(origin):
        raise _bad_key(
            "日志来源不能作密钥名：为空，或含空白、控制字符或加号",
            "the origin is no key name: empty, or with space, control or plus",
        )
    typed = _ED25519 + public_key.public_bytes_raw()
    return f"{origin}+{_key_id(origin, typed).hex()}+{base64.b64encode(typed).decode()}"


def parse_verifier_key(text: str) -> VerifierKey:
    """The key that `verifier_key` wrote; one newline may follow. Raises CheckpointError (`verifier-key`)."""
    match = _VERIFIER_KEY.fullmatch(text.removesuffix("\n"))
    typed = _decode(match["key"]) if match else None
    if match is None or typed is None or not _is_key_name(match["name"]):
        raise _bad_key("不是 <名称>+<8 位十六进制>+<base64> 的形式", "not of the form <name>+<8 hex digits>+<base64>")
    if typed[:1] != _ED25519 or len(typed) != 1 + HASH_BYTES:
        raise _bad_key("不是 Ed25519 密钥（类型 0x01，32 字节）", "not an Ed25519 key (type 0x01, 32 bytes)")
    key_id = _key_id(match["name"], typed)
    if key_id.hex() != match["id"]:
        raise _bad_key("密钥标识与名称和密钥不符", "the key id does not belong to name and key")
    try:
        verifier = Verifier(Ed25519PublicKey.from_public_bytes(typed[1:]))
    except (ValueError, UnsuitableKeyError):
        raise _bad_key("密钥不是可用的 Ed25519 点", "the key is no Ed25519 point that can be used") from None
    return VerifierKey(match["name"], key_id, verifier)


def sign(checkpoint: Checkpoint, signer: Signer, key: VerifierKey) -> bytes:
    """The signed note: the checkpoint's text, an empty line, and one signature line; UTF-8.

    `signer` holds the private half of `key`, whose name is the checkpoint's origin. Raises CheckpointError when the name is
    another or what `signer` made is not the key's signature.
    """
    _check_origin(checkpoint, key)
    text = checkpoint.text()
    signature = signer.sign(text.encode())
    if not key.verifier.verify(signer.alg, text.encode(), signature):
        raise _bad_signature(key)
    return f"{text}\n{_DASH}{key.name} {base64.b64encode(key.key_id + signature).decode()}\n".encode()


def open_checkpoint(note: bytes, key: VerifierKey | str) -> Checkpoint:
    """The checkpoint in a signed note that carries the signature of `key` (or of the key that such a text gives).

    Signature lines of other keys are ignored, as the specification demands: nothing is known of them but their form.
    Raises CheckpointError: `not-a-note`, `not-signed` (no line of this key), `signature-repeated`, `bad-signature`,
    `checkpoint-form` and its kin, `origin-mismatch`, `verifier-key`.
    """
    key = parse_verifier_key(key) if isinstance(key, str) else key
    text, lines = _split_note(note)
    ours = [signature for name, signature in map(_signature_line, lines) if _is_by(key, name, signature)]
    if not ours:
        raise _malformed(
            "not-signed",
            f"没有密钥 {key.name} 的签名；请用该日志的密钥",
            f"there is no signature by the key {key.name}; use the key of its log",
        )
    if len(ours) > 1:
        raise _malformed(
            "signature-repeated", f"密钥 {key.name} 签了不止一次", f"the key {key.name} signed more than once"
        )
    if not key.verifier.verify(EDDSA.name, text.encode(), ours[0][_KEY_ID_BYTES:]):
        raise _bad_signature(key)
    checkpoint = parse_text(text)
    _check_origin(checkpoint, key)
    return checkpoint


def parse_text(text: str) -> Checkpoint:
    """The checkpoint that `Checkpoint.text` wrote; of a note, only once its signature holds.

    Raises CheckpointError: `checkpoint-form`, `checkpoint-size`, `checkpoint-root`, `checkpoint-line`.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise _malformed(
            "checkpoint-form", "正文少于三行，或末尾没有换行", "fewer than three lines, or no newline at the end"
        )
    origin, size, root, *extensions = lines
    if _SIZE.fullmatch(size) is None:
        raise _malformed(
            "checkpoint-size", "大小不是无前导零的十进制数", "the size is not a decimal number without leading zeros"
        )
    decoded = _decode(root)
    if decoded is None:
        raise _malformed("checkpoint-root", "根不是规范的 base64", "the root is not canonical base64")
    return Checkpoint(origin, int(size), decoded, tuple(extensions))


def check_order(older: Checkpoint, newer: Checkpoint) -> None:
    """Nothing, when both are of one log that has not become shorter. Raises LogBrokenError `another-log`, `log-shrank`."""
    if older.origin != newer.origin:
        raise LogBrokenError(
            reason="another-log",
            zh=f"旧检查点属于日志 {older.origin}，不是 {newer.origin}；请给出同一日志的检查点",
            en=f"the older checkpoint is of the log {older.origin}, not {newer.origin}; give one of this log",
        )
    if older.size > newer.size:
        raise LogBrokenError(
            reason="log-shrank",
            zh=f"旧检查点有 {older.size} 条，这里只有 {newer.size} 条：日志被截短，或这份较旧",
            en=f"the older checkpoint has {older.size} entries, this one {newer.size}: the log was cut, or this is older",
        )


def rewritten(size: int) -> LogBrokenError:
    """What is wrong with a log whose first `size` entries are not those of an older checkpoint."""
    return LogBrokenError(
        reason="log-rewritten",
        zh=f"前 {size} 条与旧检查点不符：检查点之前的历史被改写",
        en=f"the first {size} entries are not those of the older checkpoint: history was rewritten",
    )


def _split_note(note: bytes) -> tuple[str, list[str]]:
    """The text of a signed note, and its signature lines without their newlines."""
    if len(note) > LONGEST_NOTE:
        raise _not_a_note("超过长度上限", "longer than the limit")
    try:
        decoded = note.decode()
    except UnicodeDecodeError:
        raise _not_a_note("不是 UTF-8", "not UTF-8") from None
    if any(character < " " and character != "\n" for character in decoded):
        raise _not_a_note("含控制字符", "it has control characters")
    text, blank, signatures = decoded.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise _not_a_note(
            "没有空行和签名行，或末尾没有换行", "no empty line with signature lines after it, or no newline at the end"
        )
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise _not_a_note("签名行太多", "it has too many signature lines")
    return f"{text}\n", lines


def _signature_line(line: str) -> tuple[str, bytes]:
    """The name, and the key id with the signature."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signature = _decode(encoded)
    if not (line.startswith(_DASH) and _is_key_name(name)) or signature is None or len(signature) <= _KEY_ID_BYTES:
        raise _not_a_note("签名行的形式不对", "a signature line is not of its form")
    return name, signature


def _is_by(key: VerifierKey, name: str, signature: bytes) -> bool:
    return name == key.name and signature[:_KEY_ID_BYTES] == key.key_id


def _key_id(name: str, typed: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:_KEY_ID_BYTES]


def _decode(text: str) -> bytes | None:
    """The bytes of canonical base64 (RFC 4648 §4, with padding); None for anything else."""
    try:
        return b64_decode(text)
    except ValueError:
        return None


def _is_line(text: str) -> bool:
    return bool(text) and not any(character < " " or "\ud800" <= character <= "\udfff" for character in text)


def _is_key_name(text: str) -> bool:
    return _is_line(text) and "+" not in text and not any(map(str.isspace, text))


def _check_origin(checkpoint: Checkpoint, key: VerifierKey) -> None:
    if checkpoint.origin != key.name:
        raise _malformed(
            "origin-mismatch",
            f"检查点属于日志 {checkpoint.origin}，密钥属于 {key.name}；请用同一日志的密钥",
            f"the checkpoint is of the log {checkpoint.origin}, the key of {key.name}; use the key of that log",
        )


def _malformed(reason: str, zh: str, en: str) -> CheckpointError:
    return CheckpointError(reason=reason, zh=f"检查点不可信：{zh}", en=f"the checkpoint is refused: {en}")


def _not_a_note(zh: str, en: str) -> CheckpointError:
    return CheckpointError(
        reason="not-a-note",
        zh=f"不是签名文本（C2SP signed-note）：{zh}；请重新取得检查点，逐字节保存",
        en=f"not a signed note (C2SP signed-note): {en}; fetch the checkpoint again and keep its bytes as they are",
    )


def _bad_key(zh: str, en: str) -> CheckpointError:
    return CheckpointError(
        reason="verifier-key",
        zh=f"日志验证密钥无效：{zh}；请从可信处完整复制",
        en=f"the log's verifier key is invalid: {en}; copy it in full from where you trust it",
    )


def _bad_signature(key: VerifierKey) -> CheckpointError:
    return CheckpointError(
        reason="bad-signature",
        zh=f"检查点上 {key.name} 的签名无效：内容或签名被改动，或不是这把密钥签的",
        en=f"the signature of {key.name} on the checkpoint is invalid: text or signature was changed, or another key made it",
    )
