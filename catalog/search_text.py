"""The words by which a resource is found: how texts and queries are folded and cut. Pure; knows no table.

Text and query are folded alike: NFKC, small letters, Traditional characters to Simplified one by one (so that lengths and
neighbours stay), and whatever is neither letter nor digit parts words. The pinyin initials of a name are further lines of
it. A folded run of n characters is kept as its n − 1 bigrams and its last character, and by its trigrams where it is
ASCII, for pairs of letters are too few to tell anything apart. The tokens of a query's word, all together, find every
text that holds it and few others, and the folded text decides. So a word is found where its characters stand side by
side, in any script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from catalog.errors import InvalidQuery

MAX_QUERY: Final = 64  # characters; the longest names of real catalogues have about half of them
MAX_WORDS: Final = 8  # each frequent one costs milliseconds, and more than a few say nothing new

_SEPARATORS: Final = re.compile(r"[\W_]+")
_NO_INITIAL: Final = re.compile(r"[^a-z0-9]")
_ASCII: Final = re.compile(r"[\x00-\x7f]{3,}")
_CODE: Final = re.compile(r"[123][0-9A-Za-z]*(?:/[0-9]*)?")
_KNOWN_CHARACTERS: Final = 20_000  # whose readings are kept: about as many as one font has


@dataclass(frozen=True, slots=True)
class Wording:
    """A resource's texts as they are kept, one on each line: folded to be compared, and cut into tokens for the index.

    `name`: names and their pinyin initials. `others`: all else that it is found by. `tokens` are of both.
    """

    name: str
    others: str
    name_tokens: frozenset[str]
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Words:
    """What a query asks for: all of its words; `code` is the beginning of a code that it may be instead, else None."""

    words: tuple[str, ...]
    code: str | None


def fold(text: str) -> str:
    """Return the text as it is compared: folded words with one blank between them."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _SEPARATORS.sub(" ", plain.translate(_simplified())).strip()


def word_resource(names: Iterable[str], others: Iterable[str]) -> Wording:
    """Return what is kept of a resource's names and of its other texts (provider, items, summary)."""
    folded = _lines(names)
    name_lines = tuple(dict.fromkeys((*folded, *(reading for line in folded for reading in _readings(line)))))
    other_lines = _lines(others)
    name_tokens = frozenset(token for line in name_lines for token in _cut(line))
    return Wording(
        name="\n".join(name_lines),
        others="\n".join(other_lines),
        name_tokens=name_tokens,
        tokens=name_tokens.union(token for line in other_lines for token in _cut(line)),
    )


def read_query(query: str) -> Words:
    """Return what the query asks for; no words if it holds neither letter nor digit. Raises InvalidQuery."""
    typed = unicodedata.normalize("NFKC", query).strip()
    words = tuple(dict.fromkeys(fold(query).split()))
    if not 1 <= len(typed) <= MAX_QUERY or len(words) > MAX_WORDS:
        raise InvalidQuery(MAX_QUERY, MAX_WORDS)
    return Words(words, typed if _CODE.fullmatch(typed) else None)


def match(words: Sequence[str], alternatives: Iterable[Sequence[str]] = ()) -> str:
    """Return the `tsquery` of what has all the words and one token of each of `alternatives`; "" asks for nothing."""
    parts = [_lexeme(token) for word in words for token in _tokens_of(word)]
    parts += [f"{_lexeme(word)}:*" for word in words if len(word) == 1]
    parts += [f"({' | '.join(map(_lexeme, tokens))})" for tokens in alternatives]
    return " & ".join(dict.fromkeys(parts))


def _lexeme(token: str) -> str:
    return f"'{token}'"  # a token holds letters, digits and what `catalog.facets` puts before them: nothing to escape


def _cut(line: str) -> Iterator[str]:
    """Yield the tokens of a folded line; any character begins one of them, so a prefix of one character finds it."""
    for run in line.split(" "):
        yield from _grams(run, 2)
        yield run[-1:]
        for letters in _ASCII.findall(run):
            yield from _grams(letters, 3)


def _tokens_of(word: str) -> Iterator[str]:
    """Yield tokens that every text with this word has, as few as tell it from others; none of one character."""
    return _grams(word, 3 if len(word) > 2 and word.isascii() else 2)


def _grams(run: str, length: int) -> Iterator[str]:
    return (run[place : place + length] for place in range(len(run) - length + 1))


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in map(fold, texts) if line))


def _readings(line: str) -> Iterator[str]:
    """Yield the pinyin initials of a folded name, read as phrases and, where that differs, character by character."""
    from pypinyin import Style, lazy_pinyin  # 50 MB and 0.15 s, which only whoever writes the index pays

    run = line.replace(" ", "")
    for initials in (lazy_pinyin(run, style=Style.FIRST_LETTER), map(_initial, run)):
        if reading := _NO_INITIAL.sub("", "".join(initials).lower()):
            yield reading


@lru_cache(maxsize=_KNOWN_CHARACTERS)
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
