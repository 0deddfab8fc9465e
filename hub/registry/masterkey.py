"""The master key: 32 random bytes in one file of the operator's, under which every secret in the database is wrapped.

Who has a copy of the database has no key of the hub; who has the file and no database has nothing either. Keep a copy of
the file apart from the backups: without it the hub's keys are lost.
"""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import SetupError

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"
"""AES-256-GCM, then the nonce, then ciphertext and tag."""


class MasterKeyError(SetupError):
    """The master key is missing, open to others, malformed, or not the one that wrapped this database's secrets."""

    slug = "master-key"


class MasterKey:
    """Wraps and unwraps secrets. `label` binds a wrapped secret to its place: moved elsewhere, it does not open."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError unless `secret` is 32 bytes."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(secret)

    def wrap(self, secret: bytes, label: bytes) -> bytes:
        """`secret` encrypted, and authenticated together with `label`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, secret, label)

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The secret that was wrapped with `label`. Raises MasterKeyError."""
        nonce, body = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            if wrapped[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
                raise InvalidTag
            return self._cipher.decrypt(nonce, body, label)
        except InvalidTag:
            place = label.decode(errors="backslashreplace")
            raise MasterKeyError(
                f"主密钥打不开 {place}：主密钥文件与此数据库不配套，或数据被改动；请放回原来的主密钥文件",
                f"the master key does not open {place}: it belongs to another database, or the data was "
                "changed; put the original file back",
            ) from None


def create_master_key(path: Path) -> MasterKey:
    """Make a new master key in a file that only its owner may read. Raises MasterKeyError if the file exists or cannot be written."""
    secret = secrets.token_bytes(KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise MasterKeyError(
            f"主密钥文件 {path} 已存在，不会覆盖；数据库中没有它的密钥；若确是另一枢纽的或作废的，请移走并妥善保存后再初始化",
            f"the master key file {path} exists and is not overwritten; the database has no keys of it; "
            "move it away and keep it if it is of another hub",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(base64.b64encode(secret) + b"\n")
            file.flush()
            os.fsync(descriptor)
    except BaseException as fault:
        path.unlink()  # half a key opens nothing, and stands in the way of a whole one
        if isinstance(fault, OSError):
            raise MasterKeyError(
                f"写不了主密钥文件 {path}（{fault.strerror}）；请检查磁盘空间，再运行一次",
                f"cannot write the master key file {path} ({fault.strerror}): see to the disk's space, then run this again",
            ) from None
        raise
    return MasterKey(secret)


def load_master_key(path: Path) -> MasterKey:
    """The master key in the file at `path`. Raises MasterKeyError if it is missing, malformed, or others may read it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1024)
    except OSError as error:
        raise MasterKeyError(
            f"读不到主密钥文件 {path}（{error.strerror}）；请先运行 shuniu init，或放回备份的主密钥文件",
            f"cannot read the master key file {path} ({error.strerror}); run shuniu init first, or put its copy back",
        ) from None
    if mode & 0o077:
        raise MasterKeyError(
            f"主密钥文件 {path} 的权限 {mode:04o} 过宽；请执行 chmod 600 {path}",
            f"the master key file {path} has mode {mode:04o}, open to others; run chmod 600 {path}",
        )
    try:
        return MasterKey(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise MasterKeyError(
            f"主密钥文件 {path} 的内容不是 32 字节的 base64；请放回备份的主密钥文件",
            f"the master key file {path} does not hold 32 bytes in base64; put its copy back",
        ) from None
