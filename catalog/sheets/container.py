"""The zip around a workbook: opened only within limits, its parts found by the relations that lead to them.

Nothing is unpacked to disk, nothing is fetched, and no part is read beyond the size that the zip declares for it.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.limits import (
    MAX_FILE_BYTES,
    MAX_PARTS,
    MAX_RATIO,
    MAX_UNZIPPED_BYTES,
    RATIO_FROM_BYTES,
)
from catalog.sheets.markup import attribute, elements

_COMPOUND_FILE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, .et, and every workbook with a password
_CHUNK: Final = 1 << 16
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1


class Container:
    """The parts of one workbook by name, with what has been read of them counted."""

    def __init__(self, data: bytes) -> None:
        """Raise WorkbookRefused unless `data` is a zip within the limits and without macros."""
        self._zip = _opened(data)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            _check_entry(info)
            name = info.filename.replace("\\", "/").lstrip("/")
            if name.casefold() in self._infos:
                raise _broken("工作簿中有重名的部件", "two parts of the workbook have one name")
            self._infos[name.casefold()] = info
        declared = sum(info.file_size for info in self._infos.values())
        if declared > MAX_UNZIPPED_BYTES:
            raise _too_large(declared)
        if any(name.endswith("vbaproject.bin") for name in self._infos):
            raise WorkbookRefused(
                "sheet-macros",
                "工作簿含有宏；请另存为不含宏的 .xlsx 后再上传",
                "the workbook holds macros; save it as .xlsx without macros and upload that",
            )

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._infos

    def read(self, name: str) -> bytes:
        """Return a part. Raises WorkbookRefused if it is not there or does not unzip."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a part piece by piece, never more than the size that was declared: what exceeds it is cut off by `zipfile`."""
        info = self._infos.get(name.casefold())
        if info is None:
            raise _broken("工作簿缺少必需的部件", "the workbook lacks one of its parts")
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise _broken("工作簿已损坏，无法解压", "the workbook is damaged and cannot be unzipped") from error

    def related(self, part: str) -> Mapping[str, tuple[str, str]]:
        """Return the parts that `part` refers to: by relation id the last word of the relation's type and the part's name."""
        folder, name = posixpath.split(part)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, tuple[str, str]] = {}
        if relations not in self:
            return found
        for tag, attributes in elements(self.chunks(relations)):
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attribute(attributes, "Target").replace("\\", "/")
                path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = attribute(attributes, "Type").rpartition("/")[2]
                found[attribute(attributes, "Id")] = (kind, posixpath.normpath(path))
        return found

    def rewritten(self, changed: Mapping[str, bytes]) -> bytes:
        """Return the workbook with these parts in place of its own, or beside them; all others as they are."""
        replaced = {name.casefold(): content for name, content in changed.items()}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, info in self._infos.items():
                content = replaced.pop(name, None)
                copied = zipfile.ZipInfo(info.filename, info.date_time)
                made.writestr(copied, self.read(name) if content is None else content, zipfile.ZIP_DEFLATED)
            for name, content in changed.items():
                if name.casefold() in replaced:
                    made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()


def _opened(data: bytes) -> zipfile.ZipFile:
    if len(data) > MAX_FILE_BYTES:
        raise WorkbookRefused(
            "sheet-size",
            f"文件超过 {MAX_FILE_BYTES >> 20} MiB；请拆成几个工作簿",
            f"the file exceeds {MAX_FILE_BYTES >> 20} MiB; split it into several workbooks",
        )
    if data.startswith(_COMPOUND_FILE):
        raise WorkbookRefused(
            "sheet-form",
            "文件设有密码，或是旧格式（.xls、.et）；请另存为没有密码的 .xlsx",
            "the file has a password or is of an old format (.xls, .et); save it as .xlsx without a password",
        )
    try:
        opened = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError) as error:
        raise WorkbookRefused(
            "sheet-form",
            "文件不是 .xlsx 工作簿；请用模板或另存为 .xlsx",
            "the file is no .xlsx workbook; save it as one",
        ) from error
    if len(opened.infolist()) > MAX_PARTS:
        raise WorkbookRefused(
            "sheet-size",
            f"工作簿的部件超过 {MAX_PARTS} 个；请删去图片和多余的工作表",
            f"the workbook has more than {MAX_PARTS} parts; remove pictures and sheets",
        )
    return opened


def _check_entry(info: zipfile.ZipInfo) -> None:
    if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
        raise _broken("工作簿的压缩方式不受支持", "the workbook is zipped in a way that we do not read")
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        raise WorkbookRefused(
            "sheet-size",
            "工作簿的压缩比异常，可能是压缩炸弹；请用表格软件重新保存",
            "parts of the workbook are compressed beyond what sheets reach; save it again with a spreadsheet program",
        )


def _too_large(size: int) -> WorkbookRefused:
    limit = MAX_UNZIPPED_BYTES >> 20
    return WorkbookRefused(
        "sheet-size",
        f"工作簿解压后超过 {limit} MiB；请删去多余的工作表、格式和空行，或拆成几个",
        f"unzipped, the workbook exceeds {limit} MiB ({size >> 20} and more); remove what is not needed or split it",
    )


def _broken(zh: str, en: str) -> WorkbookRefused:
    return WorkbookRefused(
        "sheet-form", f"{zh}；请用表格软件重新保存", f"{en}; save it again with a spreadsheet program"
    )
