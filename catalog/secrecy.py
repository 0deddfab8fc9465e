"""Invariant I8: finds what is marked 国家秘密 or 工作秘密, without keeping any of it.

A marking is what somebody put on a document to say how secret it is: `机密★10年`, `密级：秘密`, a file named
`（机密）方案.docx`, an item 密级 that is filled in. Texts that speak of secrets (保密审查, 涉密信息不得上网, 商业秘密) carry none.
The answer is a JSON pointer made of names that the schema has; a property name that the schema does not have is content,
and the pointer ends before it. Every marking holds the character 密, also in Traditional writing: whoever finds none
in the raw bytes need not look further, unless the resource has items that state a level in a code of their own.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

# The names of frame and file object (contract, "Envelope"); all others must be given as `field_names`.
FRAME_NAMES: Final = frozenset({"op", "records", "file", "digest", "size", "name", "media_type"})

_MARK: Final = "密"
_MARK_UTF8: Final = _MARK.encode()
_ESCAPED_MARK: Final = re.compile(rb"\\u5[bB][cC]6")

_SIMPLIFIED: Final = str.maketrans("機絕絶祕級國長啟啓個週無開標識", "机绝绝秘级国长启启个周无开标识")
# Zero-width and other invisible characters, which part a word for a machine and not for an eye.
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0]"
)
# Most texts that hold 密 hold no level; one look at the text as it came spares them the rest.
_LEVEL_SPELT: Final = re.compile(r"[绝絕絶机機秘祕㊙][^\u3400-\u9fff㊙]*密")
_BLANKS: Final = re.compile(r"\s+")
_INNER_BLANKS: Final = re.compile(r"[^\S\n]+")

# Repetitions are bounded, so that no text costs more than linear time.
_LEVEL: Final = r"(?:绝密|机密|秘密)"
_SORT: Final = r"(?:国家秘密|工作秘密)"
_GRADE: Final = (
    rf"(?:{_SORT}[(·:、/-]?{_LEVEL}级?\)?|{_LEVEL}级?{_SORT}|{_SORT}"
    rf"|{_LEVEL}级?(?:事项|文件|资料|材料|信息|数据|件)?)"
)
_NUMBER: Final = r"(?:[0-9]{1,3}|[一二三四五六七八九十两]{1,4}|[xX×_-]{1,4})?"
_PERIOD: Final = (
    rf"(?:长期|永久|启[用封]前?|{_NUMBER}年{_NUMBER}个?月|{_NUMBER}个?[年月日天周]"
    r"|[0-9]{4}[年./-][0-9]{1,2}(?:[月./-](?:[0-9]{1,2}日?)?)?)"
)
_STAR: Final = r"[★☆⭐✩✭✮]"
_ANY_STAR: Final = r"[★☆⭐✩✭✮*※]"  # the last two are footnote signs as well
_OPEN: Final = r"[\[({<〔【《「『〖“‘\"']"
_CLOSE: Final = r"[\])}>〕】》」』〗”’\"']"
_LABEL: Final = r"(?:密级(?:[和及与]保密期限)?|(?:保密|秘密|涉密)等级)(?:标识)?"
_MARKING: Final = re.compile(
    rf"{_OPEN}{{0,3}}(?:{_LABEL}{_CLOSE}{{0,3}}[:=是为]?{_OPEN}{{0,3}})?{_GRADE}{_CLOSE}{{0,3}}"
    rf"(?:{_ANY_STAR}{{0,5}}[(·:/-]{{0,3}}(?:保密期限:?)?{_PERIOD}|{_ANY_STAR}{{1,5}})?{_CLOSE}{{0,3}}[。.;,!]?"
)
# Within a text: a level and its star; level, star and period with blanks between; the label 密级 with one level.
_TIGHT_STAR: Final = re.compile(rf"(?:{_LEVEL}|{_SORT})级?{_STAR}")
_STARRED: Final = re.compile(rf"{_LEVEL}级?(?:{_ANY_STAR}{{1,5}}{_PERIOD}|{_STAR}{{1,5}}$)", re.MULTILINE)
_LABELLED: Final = re.compile(
    rf"{_LABEL}{_CLOSE}{{0,3}}[:=]{_OPEN}{{0,3}}(?:{_SORT}|{_LEVEL})"
    rf"(?!级?{_CLOSE}{{0,3}}[、,/或和及与]{_OPEN}{{0,3}}(?:{_SORT}|{_LEVEL}))"
)
_HEAD_LINES: Final = 3  # GB/T 9704: 份号, 密级和保密期限, 紧急程度 stand in the first three lines, in this order

_FILE_NAME: Final = re.compile(r"[^\n]{1,250}\.[A-Za-z0-9]{1,5}")
_FILE_NAME_PARTS: Final = re.compile(r"[\s\-_.,·+&@#~、，。/\\:;|()\[\]{}<>〔〕【】《》「」『』“”‘’\"'=—–]+")

_UNMARKED: Final = frozenset({"", "无", "无密级", "非密", "非涉密", "不涉密", "公开", "none"})


def may_hold_marking(raw: bytes, secrecy_fields: frozenset[str] = frozenset()) -> bool:
    """Return False only if `find_marking` could find nothing in the payload with these raw JSON bytes (UTF-8).

    A resource whose items state a level (`items.secrecy_fields`) must always be looked at: the level may be a code.
    """
    if secrecy_fields or _MARK_UTF8 in raw:
        return True
    return b"\\u5" in raw and _ESCAPED_MARK.search(raw) is not None


def find_marking(
    payload: object, *, secrecy_fields: frozenset[str] = frozenset(), field_names: frozenset[str] = frozenset()
) -> str | None:
    """Return the JSON pointer of the first place that is marked as a secret, or None.

    `secrecy_fields` are the items that state a level (`items.secrecy_fields`), `field_names` all items of the resource.
    The pointer names these, the frame's names and list indexes; it ends before any other name.
    """
    known = FRAME_NAMES | secrecy_fields | field_names
    for path, value, kind in _candidates(payload, (), secrecy_fields):
        if _is_level(value) if kind is _Kind.LEVEL else _is_marked(value, is_file_name=kind is _Kind.FILE_NAME):
            return _pointer(path, known)
    return None


_Path = tuple[str | int, ...]


class _Kind(Enum):
    TEXT = auto()
    FILE_NAME = auto()  # the name in a file object
    LEVEL = auto()  # whatever an item that states a level holds


def _candidates(node: object, path: _Path, secrecy_fields: frozenset[str]) -> Iterator[tuple[_Path, object, _Kind]]:
    """Yield what can carry a marking, in document order: names, texts, and whatever stands in an item of secrecy."""
    if isinstance(node, dict):
        is_file = "file" in node and "digest" in node
        for name, value in node.items():
            if _MARK in name:
                yield (*path, name), name, _Kind.TEXT
            if name in secrecy_fields:
                yield (*path, name), value, _Kind.LEVEL
            elif is_file and name == "name" and isinstance(value, str):
                yield (*path, name), value, _Kind.FILE_NAME
            else:
                yield from _candidates(value, (*path, name), secrecy_fields)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _candidates(value, (*path, index), secrecy_fields)
    elif isinstance(node, str) and _MARK in node:
        yield path, node, _Kind.TEXT


def _pointer(path: _Path, known: frozenset[str]) -> str:
    pointer = ""
    for token in path:
        if isinstance(token, str) and token not in known:
            break
        pointer += f"/{token}"
    return pointer


def _is_level(value: object) -> bool:
    """True if what stands in an item 密级 states a level: anything but nothing and the words for none."""
    if isinstance(value, str):
        return _BLANKS.sub("", _plain(value)).casefold() not in _UNMARKED
    return value not in (None, False, [], {})


def _is_marked(value: object, *, is_file_name: bool) -> bool:
    if not isinstance(value, str) or _LEVEL_SPELT.search(value) is None:
        return False
    text = _plain(value)
    tight = _INNER_BLANKS.sub("", text)
    if _TIGHT_STAR.search(text) or _STARRED.search(tight) or _LABELLED.search(tight):
        return True
    lines = [line for line in tight.split("\n") if line]
    if _MARKING.fullmatch("".join(lines)) or any(_MARKING.fullmatch(line) for line in lines[:_HEAD_LINES]):
        return True
    return (is_file_name or _FILE_NAME.fullmatch(text) is not None) and (_names_level(text) or _names_level(tight))


def _names_level(file_name: str) -> bool:
    return any(_MARKING.fullmatch(part) for part in _FILE_NAME_PARTS.split(file_name) if _MARK in part)


def _plain(text: str) -> str:
    """Return the text in half-width, Simplified characters without invisible ones."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_SIMPLIFIED)
