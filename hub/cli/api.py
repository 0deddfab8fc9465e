"""The one way in which staff commands speak to the hub: a call with the session's token, and lists by their pages."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from hub.cli import session as sessions
from hub.cli.failures import Missing, Refused
from hub.cli.session import Session
from hub.client.errors import ClientError, FolderError, HubUnreachable, ProblemError
from hub.client.wire import Wire

PAGE = 500
"""The most that the hub gives at once."""

MAKING_S = 120.0
"""Beyond an ordinary answer: a workbook of the whole catalogue is made in a tenth of that."""

UPLOAD_S = 60.0
"""Beyond an ordinary answer: 8 MiB take so long at 1 Mbit/s."""


def call(
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    content: tuple[str, bytes] | None = None,
    query: Mapping[str, Any] | None = None,
    session: Session | None = None,
) -> Any:
    """The hub's answer, read as JSON; None for an answer without content. Raises `Refused` and `Missing`.

    `content` is a media type and bytes, instead of a `body` in JSON; `session` is the one on file unless given.
    Members of `query` that are None are left out.
    """
    held = session or sessions.load()
    parameters = {name: value for name, value in (query or {}).items() if value is not None}
    with failures(), _wire(held.url) as wire:
        headers = {"Authorization": f"Bearer {held.token}"} if held.token else {}
        if content is not None:
            headers["Content-Type"] = content[0]
            return _read(wire.call(method, path, content=content[1], params=parameters, headers=headers))
        return _read(wire.call(method, path, json=body, params=parameters, headers=headers))


def upload(path: str, data: bytes, media_type: str, *, query: Mapping[str, Any]) -> Any:
    """The hub's answer, read as JSON, to bytes that are posted as they are. Raises as `call` does."""
    held = sessions.load()
    parameters = {name: value for name, value in query.items() if value is not None}
    with failures(), _wire(held.url) as wire:
        headers = {"Authorization": f"Bearer {held.token}", "Content-Type": media_type}
        return _read(wire.call("POST", path, content=data, params=parameters, headers=headers, patience=UPLOAD_S))


def download(path: str, *, query: Mapping[str, Any] | None = None) -> bytes:
    """The bytes that the hub makes at a path, which may take it a while. Raises as `call` does."""
    held = sessions.load()
    parameters = {name: value for name, value in (query or {}).items() if value is not None}
    with failures(), _wire(held.url) as wire:
        headers = {"Authorization": f"Bearer {held.token}"}
        return wire.call("GET", path, params=parameters, headers=headers, patience=MAKING_S).content


@contextmanager
def reading() -> Iterator[Callable[[str], bytes]]:
    """A function that gives the bytes at a path, as they are, over one connection; reading is repeated where it fails.

    Raises as `call` does.
    """
    held = sessions.load()
    wire = Wire(held.url)

    def fetch(path: str) -> bytes:
        with failures():
            return wire.call("GET", path, headers={"Authorization": f"Bearer {held.token}"}).content

    try:
        yield fetch
    finally:
        wire.close()


def items(path: str, *, limit: int | None = None, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The items of a list, page after page, up to `limit`. Raises as `call` does."""
    return islice(_all_items(path, PAGE if limit is None else min(limit, PAGE), query or {}), limit)


def _all_items(path: str, size: int, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = call("GET", path, query={**query, "limit": size, "cursor": cursor})
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise _no_hub()
        yield from page["items"]
        cursor = page.get("next")
        if cursor is None:
            return


def identify(path: str, named: str, *fields: str) -> str:
    """The id of the item of the list at `path` that `named` is the id of, or one of these fields' value. Raises `Refused`."""
    try:
        return str(UUID(named))
    except ValueError:
        pass
    found = [item["id"] for item in items(path) if named in (item.get(field) for field in fields)]
    if len(found) != 1:
        raise Refused(
            f"按 {'、'.join(fields)} 找到 {len(found)} 个“{named}”；请改用 id / "
            f"{len(found)} found with {', '.join(fields)} = {named}; use the id"
        )
    return str(found[0])


def segment(value: str) -> str:
    """`value` as one segment of a path."""
    return quote(value, safe="")


@contextmanager
def failures() -> Iterator[None]:
    """Turn what the client and its HTTP library raise into the failures of commands."""
    try:
        yield
    except (FolderError, HubUnreachable) as error:
        raise Missing(str(error)) from None
    except ProblemError as problem:
        hint = "\n请重新运行 shuniu login / run shuniu login again" if problem.slug == "unauthenticated" else ""
        raise Refused(f"{problem}{hint}") from None
    except ClientError as error:
        raise Refused(str(error)) from None
    except httpx.InvalidURL as error:
        raise Missing(f"地址不合格式 / not an address: {error}") from None


def _read(response: httpx.Response) -> Any:
    """The JSON that an answer holds, None for no content. Raises `Refused`."""
    try:
        return response.json() if response.content else None
    except ValueError:
        raise _no_hub() from None


def _no_hub() -> Refused:
    return Refused("该地址的回答不是枢纽的格式，请核对地址 / what answers at this address is no hub; check the address")


@contextmanager
def _wire(url: str) -> Iterator[Wire]:
    # one attempt: an act is not repeated unless its author says so
    wire = Wire(url, attempts=1)
    try:
        yield wire
    finally:
        wire.close()
