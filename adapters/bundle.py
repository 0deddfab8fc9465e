"""`bundle`: signed files into and out of a pair of folders, for a one-way gateway 网闸 that carries files and nothing else.

A push writes the batch as numbered bundles and is over when they lie in the outgoing folder: nobody has them yet, so the outcome
is `handed-over`, and the items stay in the queue until the consumer's signed acknowledgement comes back as a bundle, or until it
is time to write them again. Blocking calls of the file system run in two threads of the adapter's own, one for each direction:
a mount that hangs holds up this target and nobody else. The form of a file, the numbers and what comes in stand in
`bundle_container`, `bundle_numbers` and `bundle_incoming`.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar

import orjson
from pydantic import AfterValidator, Field, model_validator

from adapters.bundle_container import Part, certificates_part, manifest_members, size, split, write
from adapters.bundle_incoming import Incoming
from adapters.bundle_numbers import Abandoned, GatewayBehind, NumbersDamaged, Outgoing, OutOfStep
from adapters.errors import (
    KEPT_BYTES,
    AdapterError,
    Rejected,
    SettingsInvalid,
    Stale,
    TimedOut,
    Unavailable,
    Unreachable,
    WrongCredentials,
)
from adapters.protocol import (
    AdapterSecrets,
    AdapterSettings,
    Batch,
    Capability,
    NoSecrets,
    Notary,
    Outcome,
    Pushed,
    Surroundings,
)

_ResultT = TypeVar("_ResultT")

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _is_plain(value: str) -> str:
    """A folder's path that means one place wherever it is read."""
    path = Path(value)
    if not path.is_absolute() or "\0" in value or ".." in path.parts or str(path) != value:
        raise ValueError("须为规范的绝对路径 / an absolute path in its plain form")
    return value


Folder = Annotated[str, Field(max_length=500), AfterValidator(_is_plain)]


class BundleSettings(AdapterSettings):
    """Settings of `bundle`. The folders are made by the operator; `state` lies on the file system of `outgoing`."""

    outgoing: Annotated[Folder, Field(description="网闸取走文件的目录 / the folder that the gateway takes files from")]
    incoming: Annotated[Folder, Field(description="网闸送来确认的目录 / the folder that acknowledgements arrive in")]
    state: Annotated[
        Folder,
        Field(
            description="网闸不扫描的状态目录，与 outgoing 在同一文件系统 / numbers and what is being written; not scanned"
        ),
    ]
    prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="文件名开头 / the beginning of each file's name")
    ] = "SHUNIU_"
    extension: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9]{1,8}$", description="文件扩展名；内容为 ASCII 文本 / the extension")
    ] = "txt"
    max_bytes: Annotated[
        int, Field(ge=64 << 10, le=1 << 30, description="一个文件的字节数上限 / the most bytes of one file")
    ] = 16 << 20
    acknowledged_within_s: Annotated[
        float,
        Field(
            ge=1,
            le=30 * 86400,
            description="多少秒没有确认就再次装包 / seconds without acknowledgement until it goes again",
        ),
    ] = 3600.0
    waiting_limit: Annotated[
        int,
        Field(
            ge=1, le=100_000, description="目录中等待网闸的文件数上限 / the most files that may wait for the gateway"
        ),
    ] = 1000
    patience_s: Annotated[
        float,
        Field(
            ge=1,
            le=86400,
            description="不完整的文件多少秒没有变化就移出 / seconds until what is not whole is set aside",
        ),
    ] = 600.0

    @model_validator(mode="after")
    def _are_apart(self) -> Self:
        """The gateway must never meet in one folder what belongs into another."""
        folders = [Path(folder) for folder in (self.outgoing, self.incoming, self.state)]
        for folder in folders:
            if (
                any(folder != other and folder.is_relative_to(other) for other in folders[:2])
                or folders.count(folder) > 1
            ):
                raise ValueError("三个目录须互不相同、互不包含 / three folders, none of them inside another")
        return self


class BundleAdapter:
    """Writes to one folder and reads from another. What it needs there exists already, or the target is unreachable."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.PUSH, Capability.POLL})
    settings_type: ClassVar[type[AdapterSettings]] = BundleSettings
    secrets_type: ClassVar[type[AdapterSecrets]] = NoSecrets

    def __init__(self, surroundings: Surroundings[BundleSettings, NoSecrets]) -> None:
        settings = surroundings.settings
        if surroundings.notary is None or not surroundings.system:
            raise SettingsInvalid(
                reason="no-notary",
                zh="bundle 需要枢纽签署清单；请由枢纽创建它",
                en="bundle needs a hub that signs manifests, and a system that they are for",
            )
        self._settings = settings
        self._notary: Notary = surroundings.notary
        self._system = surroundings.system
        self._clock = surroundings.clock
        self._limits = surroundings.limits
        self._outgoing = Outgoing(
            Path(settings.outgoing), Path(settings.state), settings.prefix, settings.extension, settings.waiting_limit
        )
        self._incoming = Incoming(
            Path(settings.incoming), surroundings.limits.acknowledgement_bytes, settings.patience_s
        )
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="bundles out")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="bundles in")

    async def push(self, batch: Batch) -> Pushed:
        """Write the batch as one bundle, or as several where one would be too large: `handed-over`.

        Raises AdapterError: Stale when the lease is over or a higher fence was written, Unreachable when a folder is not there or
        full, WrongCredentials when it may not be written to, Unavailable while too many files wait, Rejected for an item that fits
        into no file, TimedOut.
        """
        left_s = (batch.expires - self._clock()).total_seconds()
        if left_s <= 0:
            raise Stale(
                reason="lease-over",
                zh="租约已到期，未写出；将由新的领取重写",
                en="the lease is over and nothing was written; the next claim writes it",
            )
        call_s = min(self._limits.call_s, left_s)
        given_up = threading.Event()
        try:
            async with asyncio.timeout(call_s):
                certificates = await self._notary.certificates_of([item.envelope for item in batch.items])
                contents = self._contents(batch, certificates_part(certificates))
                put = partial(
                    self._outgoing.put,
                    str(batch.lane),
                    batch.fence,
                    contents,
                    go_on=lambda: not given_up.is_set() and self._clock() < batch.expires,
                )
                names = await self._run(self._writer, put)
        except TimeoutError:
            raise TimedOut(
                reason="timed-out",
                zh=f"{call_s:.1f} 秒内没有写完；目录可能挂死，或正被另一进程占用，稍后重写",
                en=f"not written within {call_s:.1f} s: the folder hangs, or another process holds it; it is written again later",
            ) from None
        finally:
            given_up.set()
        return Pushed(
            Outcome.HANDED_OVER,
            answer=" ".join(names).encode("ascii")[:KEPT_BYTES],
            again_after_s=self._settings.acknowledged_within_s,
        )

    async def poll(self, *, limit: int) -> Sequence[bytes]:
        """The acknowledgements that lie in the incoming folder, whole ones only. Raises AdapterError."""
        return await self._read(lambda: self._incoming.collect(limit, self._clock()))

    async def put_away(self, acknowledgement: bytes, *, refused: str = "") -> None:
        """Remove its file, or set it aside with the reason. Raises AdapterError."""
        await self._read(lambda: self._incoming.put_away(acknowledgement, refused))

    async def close(self) -> None:
        """Wait for nobody: what is being written ends or is found by the next."""
        for threads in (self._writer, self._reader):
            threads.shutdown(wait=False, cancel_futures=True)

    def _contents(self, batch: Batch, certificates: Part) -> list[Callable[[str, int], bytes]]:
        """One function for each bundle, which makes it once its number is known. Raises Rejected."""
        items = [Part("item", orjson.dumps(item.members())) for item in batch.items]
        planned = list(split(items, certificates, self._settings.max_bytes))
        largest = max(map(size, planned))
        if largest > self._settings.max_bytes:
            raise Rejected(
                reason="item-too-large",
                zh=f"有一项需要 {largest} 字节的文件，网闸上限为 {self._settings.max_bytes}；请改大 max_bytes 或改用别的通道",
                en=f"an item needs a file of {largest} bytes, the limit is {self._settings.max_bytes}; raise max_bytes",
            )
        numbers: list[int] = []
        return [partial(self._bundle, batch, numbers, parts) for parts in planned]

    def _bundle(self, batch: Batch, numbers: list[int], parts: Sequence[Part], series: str, number: int) -> bytes:
        """The bytes of the batch's next bundle; `numbers` are those that its bundles have got so far."""
        numbers.append(number)
        members = manifest_members(
            parts,
            hub=self._notary.hub,
            system=self._system,
            series=series,
            number=number,
            first=numbers[0],
            made_at=self._clock(),
            lane=batch.lane,
            fence=batch.fence,
        )
        return write(self._notary.sign_manifest(members), parts)

    async def _read(self, act: Callable[[], _ResultT]) -> _ResultT:
        try:
            async with asyncio.timeout(self._limits.call_s):
                return await self._run(self._reader, act)
        except TimeoutError:
            raise TimedOut(
                reason="timed-out",
                zh="目录没有及时应答；挂载可能挂死",
                en="the folder did not answer in time; its mount may hang",
            ) from None

    async def _run(self, threads: ThreadPoolExecutor, act: Callable[[], _ResultT]) -> _ResultT:
        """What `act` returns, from a thread; what it raises as an AdapterError, or TimeoutError where nobody waits any more."""
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, act)
        except Abandoned:
            raise TimeoutError from None
        except OutOfStep:
            raise Stale(
                reason="stale",
                zh="该通道已写过更高的栅栏号，未写出",
                en="a higher fence of this lane was written before; nothing was written",
            ) from None
        except GatewayBehind:
            raise Unavailable(
                reason="gateway-behind",
                zh=f"已有 {self._settings.waiting_limit} 个文件等待网闸取走；请检查网闸是否在运行",
                en=f"{self._settings.waiting_limit} files wait for the gateway; check that it runs",
            ) from None
        except NumbersDamaged:
            raise Unreachable(
                reason="numbers-damaged",
                zh=f"{self._settings.state}/numbers.json 已损坏；移走它即开始新的编号系列",
                en=f"{self._settings.state}/numbers.json is damaged; moved away, a new series begins",
            ) from None
        except OSError as fault:
            raise _file_fault(fault) from None


def _file_fault(fault: OSError) -> AdapterError:
    """What the file system answered, without its paths."""
    told = fault.strerror or type(fault).__name__
    if fault.errno in _DENIED:
        return WrongCredentials(
            reason="folder-denied",
            zh=f"没有读写目录的权限（{told}）；请核对目录属主和挂载选项",
            en=f"the folder may not be read or written ({told}); check its owner and mount options",
        )
    if fault.errno in _FULL:
        return Unreachable(
            reason="folder-full", zh=f"目录写不下（{told}）；请清理磁盘", en=f"the folder is full ({told}); make room"
        )
    if fault.errno == errno.EXDEV:
        return Unreachable(
            reason="other-file-system",
            zh="state 与 outgoing 不在同一文件系统，或有一个没有挂载",
            en="state and outgoing are not on one file system, or one of them is not mounted",
        )
    return Unreachable(
        reason="folder-missing",
        zh=f"目录不可用（{told}）；请检查挂载，三个目录须已存在",
        en=f"a folder is not usable ({told}); check the mounts, the three folders must exist",
    )
