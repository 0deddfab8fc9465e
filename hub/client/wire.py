"""Calls to the hub: repeated with the same bytes while repeating can help, and refusals read as ProblemError.

Knows HTTP and nothing of envelopes. The contract makes its calls repeatable: the same signed bytes get the same answer, a
pull gets the same items. Only a client assertion is good for one attempt, so a form is made anew for each.
"""

from __future__ import annotations

import json
import random
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx

from hub.client.errors import NO_SLUG, HubUnreachable, ProblemError, ProblemLine, TrustError

ATTEMPTS = 5
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 8.0
LONGEST_WAIT_S = 60.0
"""A hub that asks to come back later than this is left to the caller."""

CONNECT_S = 5.0
ANSWER_S = 30.0

_PASSING = frozenset({408, 429, 502, 503, 504})
_MAX_TEXT = 500


class Wire:
    """A connection to one hub. `sleep` takes seconds; `attempts` is 1 for calls that must not be repeated unasked."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._sleep = sleep
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=url,
            transport=transport,
            verify=trusted(url),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            headers={"Accept-Language": "zh-CN, en;q=0.5"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        patience: float = 0.0,
        form: Callable[[], dict[str, str]] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """The hub's answer with a status below 300; `patience` adds seconds to the time that an answer may take, `form`
        makes the fields to send for each attempt.

        Raises ProblemError for a refusal, HubUnreachable when no attempt was answered.
        """
        timeout = httpx.Timeout(ANSWER_S + patience, connect=CONNECT_S)
        for attempt in range(1, self._attempts + 1):
            pause = random.uniform(0.5, 1.0) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 4 ** (attempt - 1))
            fields = form() if form is not None else None
            try:
                response = self._http.request(method, path, timeout=timeout, data=fields, **request)
            except httpx.HTTPError as fault:
                if attempt == self._attempts:
                    raise self._unreachable(fault) from None
                self._sleep(pause)
                continue
            if response.status_code < 300:
                return response
            problem = problem_of(response)
            wait = max(pause, problem.retry_after or 0)
            if problem.is_final or problem.status not in _PASSING or attempt == self._attempts or wait > LONGEST_WAIT_S:
                raise problem
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _unreachable(self, fault: httpx.HTTPError) -> HubUnreachable:
        why = f"{type(fault).__name__}: {fault}".rstrip(": ")
        return HubUnreachable(
            f"枢纽 {self._http.base_url} 没有应答（{why}）；请检查地址和网络",
            f"the hub at {self._http.base_url} does not answer ({why}); check address and network",
        )


def trusted(url: str) -> ssl.SSLContext | bool:
    """Whose certificates TLS accepts. An address without TLS has no use for any, and to read them takes a command's time over again."""
    return True if url.lower().startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def problem_of(response: httpx.Response) -> ProblemError:
    """The refusal in `response`: a problem document, an OAuth error (RFC 6749 §5.2), or whatever else stood there."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    members = body if isinstance(body, dict) else {}
    given = response.headers.get("Retry-After", "")
    retry_after = int(given) if given.isascii() and given.isdigit() else None
    request_id = members.get("request_id") or response.headers.get("X-Request-Id", "")
    if isinstance(members.get("error"), str):
        slug, title, detail = members["error"], members["error"], members.get("error_description", "")
    else:
        slug = str(members.get("type", NO_SLUG)).rsplit("/", 1)[-1]
        title = members.get("title") or response.reason_phrase
        detail = members.get("detail", "") if slug != NO_SLUG else _not_the_hubs(response)
    return ProblemError(
        status=response.status_code,
        slug=slug,
        title=str(title),
        detail=str(detail),
        errors=_lines(members.get("errors")),
        request_id=str(request_id),
        retry_after=retry_after,
    )


def _not_the_hubs(response: httpx.Response) -> str:
    """What to make of an answer that the hub did not write."""
    leads = f" → {response.headers['Location']}" if "Location" in response.headers else ""
    return (
        f"作答的不是枢纽，可能是代理，或地址不对{leads}；请核对地址 / "
        f"this is no answer of the hub but of a proxy, or the address is wrong{leads}; check it: {response.text[:_MAX_TEXT]}"
    )


def _lines(errors: object) -> list[ProblemLine]:
    entries = errors if isinstance(errors, list) else []
    return [ProblemLine(str(e.get("pointer", "")), str(e.get("detail", ""))) for e in entries if isinstance(e, dict)]


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that an answer holds. Raises TrustError."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise TrustError(
            "枢纽的回答不是 JSON 对象；请核对地址", "the hub's answer is no JSON object; check the address"
        )
    return body
