"""Lists by pages, as the contract has them: `{"items": […], "next": "…" | null}` with an opaque cursor, limit ≤ 500.

A cursor is the sort key of the page's last row; rows that come or go between two pages move no other row. It is not
signed: whoever makes one up sees no more than the list shows anyway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query

from certs.digests import b64u_decode, b64u_encode
from hub.audit.entry import instant
from hub.errors import FieldError, InvalidInput

Row = TypeVar("Row")

MAX_LIMIT = 500
DEFAULT_LIMIT = 100

LONGEST_NUMBER = 9
"""Digits that PostgreSQL's integer always holds."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page the caller asks for."""

    limit: int
    cursor: str | None

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than the page, to know whether there is another page."""
        return self.limit + 1

    def after_text(self) -> str | None:
        """The cursor as one text, or None for the first page. Raises InvalidInput."""
        return None if self.cursor is None else _parts(self.cursor, 1)[0]

    def after_id(self) -> UUID | None:
        """The cursor as one id, or None for the first page. Raises InvalidInput."""
        try:
            return None if self.cursor is None else UUID(_parts(self.cursor, 1)[0])
        except ValueError:
            raise _foreign() from None

    def after_number(self) -> int:
        """The cursor as one whole number from 0 on, which is also the first page's. Raises InvalidInput."""
        text = self.after_text()
        if text is None:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
            raise _foreign()
        return int(text)

    def after_moment(self) -> tuple[datetime, str] | None:
        """The cursor as a moment and a text that tells apart what happened then, or None. Raises InvalidInput."""
        if self.cursor is None:
            return None
        moment, text = _parts(self.cursor, 2)
        try:
            parsed = datetime.fromisoformat(moment)
            if parsed.tzinfo is None:
                raise _foreign()
            return parsed.astimezone(UTC), text
        except (ValueError, OverflowError):
            raise _foreign() from None

    def after_moment_and_id(self) -> tuple[datetime, UUID] | None:
        """The cursor as a moment and the id of what happened then, or None for the first page. Raises InvalidInput."""
        found = self.after_moment()
        try:
            return None if found is None else (found[0], UUID(found[1]))
        except ValueError:
            raise _foreign() from None

    def page(
        self, rows: Sequence[Row], read: Callable[[Row], dict[str, Any]], key: Callable[[Row], tuple[object, ...]]
    ) -> dict[str, Any]:
        """The reply: `rows` (as many as `fetch` or fewer) read as items, and the cursor that `key` of the last one gives."""
        shown = rows[: self.limit]
        following = _cursor(key(shown[-1])) if len(rows) > self.limit else None
        return {"items": [read(row) for row in shown], "next": following}


def paging(
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="每页最多项数 / items in a page at most")
    ] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="上一页的 next / the `next` of the page before")
    ] = None,
) -> Paging:
    """The page that the query string asks for."""
    return Paging(limit, cursor)


Page = Annotated[Paging, Depends(paging)]


def _cursor(key: tuple[object, ...]) -> str:
    parts = [instant(part) if isinstance(part, datetime) else str(part) for part in key]
    return b64u_encode(orjson.dumps(parts)).decode()


def _parts(cursor: str, count: int) -> list[str]:
    try:
        parts = orjson.loads(b64u_decode(cursor.encode()))
    except ValueError:
        raise _foreign() from None
    if not (isinstance(parts, list) and len(parts) == count and all(map(_is_text, parts))):
        raise _foreign()
    return parts


def _is_text(part: object) -> bool:
    # PostgreSQL's text takes no NUL; a cursor of ours never holds one.
    return isinstance(part, str) and "\0" not in part


def _foreign() -> InvalidInput:
    zh = "cursor 不是本列表给出的；请去掉 cursor 从第一页开始"
    en = "the cursor is not one that this list gave; leave it out to start from the first page"
    return InvalidInput(zh, en, errors=[FieldError("cursor", zh, en)])
