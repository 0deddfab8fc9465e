"""Pages of `docs/` as their readers use them: code blocks in order, each with what the page says it prints."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
"""Every page, by its path from the top of the checkout."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r'"request_id":"[^"]*"'), '"request_id":"<id>"'),
)
"""What differs from run to run."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and its text, with the end of its last line."""

    language: str
    text: str


def page(name: str) -> str:
    """The text of a page, by its path from the top of the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(language, body) for language, body in _FENCED.findall(text)]


def steady(text: str) -> str:
    """`text` with what differs from run to run replaced by its name."""
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text.strip()
