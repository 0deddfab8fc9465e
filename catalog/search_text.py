"""The words by which a resource is found: how texts and queries are folded and cut. Pure; knows no table.

Text and query are folded alike: NFKC, small letters, Traditional characters to Simplified one by one (so that lengths and
neighbours stay), and whatever is neither letter nor digit parts words. A folded run of n characters is kept as its n − 1
bigrams and its last character; the bigrams of a query's word, all together, find every text that holds it and few others,
and `LIKE` on the folded text decides. So a word is found where its characters stand side by side, in any script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from catalog.errors import InvalidQuery

MAX_QUERY: Final = 64  # characters; the longest name of a catalogue seen has half of them

_SEPARATORS: Final = re.compile(r"[\W_]+")
_INITIALS: Final = re.compile(r"(?=[0-9]*[a-z])[a-z0-9]{2,}")
_NO_INITIAL: Final = re.compile(r"[^a-z0-9]")
_CODE: Final = re.compile(r"[123][0-9A-Za-z]*(?:/[0-9]*)?")

INITIALS_MARK: Final = "~"
"""Stands before bigrams of pinyin initials: no character of a folded text, so the two never meet."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A resource's texts as they are kept: folded for `LIKE`, and cut into tokens for the index.

    `name` and `body` have one text on each line; `body` begins with `name`. `initials`: a line for each reading.
    """

    name: str
    initials: str
    body: str
    name_tokens: frozenset[str]
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query: the text to find, and whether it may be pinyin initials as well."""

    text: str
    is_initials: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What a query asks for: all of its words; `code` is the code's beginning that it may be instead, else None."""

    words: tuple[Word, ...]
    code: str | None


def fold(text: str) -> str:
    """Return the text as it is compared: folded words with one blank between them."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _SEPARATORS.sub(" ", plain.translate(_simplified())).strip()


def word_resource(names: Iterable[str], others: Iterable[str]) -> Wording:
    """Return what is kept of a resource's names and of its other texts (provider, items, summary)."""
    name_lines = _lines(names)
    lines = _lines((*name_lines, *others))
    initials = tuple(dict.fromkeys(reading for line in name_lines for reading in _readings(line)))
    marked = {INITIALS_MARK + pair for reading in initials for pair in _bigrams(reading)}
    name_tokens = marked.union(*map(_cut, name_lines))
    return Wording(
        name="\n".join(name_lines),
        initials="\n".join(initials),
        body="\n".join(lines),
        name_tokens=frozenset(name_tokens),
        tokens=frozenset(name_tokens.union(*map(_cut, lines))),
    )


def read_query(query: str) -> Words:
    """Return what the query asks for; no words if it holds neither letter nor digit. Raises InvalidQuery."""
    if not 1 <= len(query) <= MAX_QUERY:
        raise InvalidQuery(MAX_QUERY)
    texts = dict.fromkeys(fold(query).split())
    typed = unicodedata.normalize("NFKC", query).strip()
    return Words(
        tuple(Word(text, _INITIALS.fullmatch(text) is not None) for text in texts),
        typed if _CODE.fullmatch(typed) else None,
    )


def tokens_of(word: str) -> Sequence[str]:
    """Return the tokens that every text with this word has; a token of one character is meant as a prefix."""
    return list(dict.fromkeys(_bigrams(word))) or [word]


def _cut(line: str) -> Iterator[str]:
    """Yield the tokens of a folded line: what a prefix of one character finds is the first of a bigram or a last one."""
    for run in line.split(" "):
        yield from _bigrams(run)
        yield run[-1:]


def _bigrams(run: str) -> Iterator[str]:
    return (run[place : place + 2] for place in range(len(run) - 1))


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in map(fold, texts) if line))


def _readings(line: str) -> Iterator[str]:
    """Yield the pinyin initials of a folded name, read as phrases and, where that differs, character by character."""
    from pypinyin import Style, lazy_pinyin  # 50 MB and 0.15 s, which only whoever writes the index pays

    run = line.replace(" ", "")
    for reading in (lazy_pinyin(run, style=Style.FIRST_LETTER), map(_initial, run)):
        yield _NO_INITIAL.sub("", "".join(reading).lower())


@lru_cache(maxsize=20_000)
def _initial(character: str) -> str:
    from pypinyin import Style, lazy_pinyin

    return str(lazy_pinyin(character, style=Style.FIRST_LETTER)[0])


class _Simplified(dict[int, str]):
    """The Simplified form of each character, looked up once."""

    def __init__(self) -> None:
        from opencc import OpenCC  # loaded where texts are folded, not with the catalogue

        super().__init__()
        self._convert = OpenCC("t2s").convert

    def __missing__(self, code: int) -> str:
        character = chr(code)
        # One character (薴) has a form that has another; both sides must end at the same.
        while (simpler := self._convert(character)) != character:
            character = simpler
        self[code] = character
        return character


@cache
def _simplified() -> _Simplified:
    return _Simplified()
