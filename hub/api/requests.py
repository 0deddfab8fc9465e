"""What every door asks of a request: its id, its language, its address, and its body within a limit of size and time."""

import asyncio
import os
import re
from collections.abc import Iterable

from starlette.types import Receive, Scope

from hub.api.problems import wants_english
from hub.errors import Refused

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

BODY_TIMEOUT_S = 30.0
"""A body that has not arrived by then is a fault or an attack; 4 MiB take 8 s on a 4 Mbit/s line."""


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The value of the first header of this (lower-case) name, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def request_id_from(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's `X-Request-Id` if it is of a safe form, else a new one of ours."""
    given = header(headers, b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


def request_id_of(scope: Scope) -> str:
    """The request's id, the same however often it is asked for."""
    found: str | None = scope.get("shuniu.request_id")
    if found is None:
        found = scope["shuniu.request_id"] = request_id_from(scope["headers"])
    return found


def english_wanted(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the caller prefers English."""
    return wants_english(header(headers, b"accept-language").decode("latin-1"))


def address_of(scope: Scope) -> str:
    """The address that the connection comes from."""
    client = scope.get("client")
    return client[0] if client else ""


def too_large(limit: int) -> Refused:
    """The refusal of a body beyond `limit` bytes."""
    return Refused(
        f"请求体超过上限 {limit} 字节；请分成几份提交（信封分成多个，表格分成几个）",
        f"the body exceeds the limit of {limit} bytes; send it in parts: several envelopes, or several workbooks",
        slug="too-large",
    )


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body, refused (`too-large`) as soon as it is known to exceed `limit` bytes, or `BODY_TIMEOUT_S` has passed."""
    declared = header(scope["headers"], b"content-length")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionResetError("the client went away")
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > limit:
                    raise too_large(limit)
                if not message.get("more_body"):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError:
        raise Refused(
            f"请求体未在 {BODY_TIMEOUT_S:.0f} 秒内到齐；请检查网络后重发",
            f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s; check the network and send again",
            slug="malformed-envelope",
        ) from None
