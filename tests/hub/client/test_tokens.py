"""Access tokens: proved by the partner's key, kept until shortly before they end. The hub double reads the assertion with
a library that is not ours.
"""

from typing import Any

import httpx
import pytest

from hub.client import ProblemError, TrustError
from tests.support.client_side import Desk, problem


def tokens_asked(desk: Desk) -> int:
    return sum(request.url.path == "/oauth/token" for request in desk.hub.requests)


def test_one_token_serves_until_shortly_before_it_ends(desk: Desk, later: Any) -> None:
    for seconds, asked in ((0, 1), (1, 1), (279, 1), (280, 2), (281, 2)):
        desk.clock.now = later(seconds=seconds)
        desk.partner.inbox()
        assert tokens_asked(desk) == asked


def test_a_short_token_is_used_for_half_its_life(desk: Desk, later: Any) -> None:
    answer = httpx.Response(200, json={"access_token": "token-s", "expires_in": 30})
    desk.hub.faults.append(lambda request: answer if request.url.path == "/oauth/token" else None)
    for seconds, asked in ((0, 1), (14, 1), (15, 2)):
        desk.clock.now = later(seconds=seconds)
        desk.partner.inbox()
        assert tokens_asked(desk) == asked


def test_a_lost_answer_is_followed_by_a_new_assertion(desk: Desk) -> None:
    """The `jti` of an assertion is good for once: the same assertion again would be refused."""
    lost: list[httpx.Request] = []

    def lose_first(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/oauth/token" and not lost:
            lost.append(request)
            desk.hub._token(request)
            raise httpx.ReadError("cut")
        return None

    desk.hub.faults.append(lose_first)
    assert desk.partner.inbox() == []
    assert len(desk.hub.assertions) == 2


def test_a_token_that_the_hub_takes_no_more_is_renewed_once(desk: Desk) -> None:
    desk.partner.inbox()
    desk.hub.faults.append(
        lambda request: (
            problem(401, "unauthenticated") if request.headers.get("Authorization") == "Bearer token-1" else None
        )
    )
    assert desk.partner.inbox() == []
    assert tokens_asked(desk) == 2


def test_a_hub_that_takes_no_token_at_all_is_not_asked_for_ever(desk: Desk) -> None:
    desk.hub.faults.append(lambda request: problem(401, "unauthenticated") if request.url.path == "/v1/inbox" else None)
    with pytest.raises(ProblemError):
        desk.partner.inbox()
    assert tokens_asked(desk) == 2


def test_an_oauth_error_is_a_problem(desk: Desk) -> None:
    refusal = httpx.Response(401, json={"error": "invalid_client", "error_description": "证书已吊销 / revoked"})
    desk.hub.faults.append(lambda request: refusal if request.url.path == "/oauth/token" else None)
    with pytest.raises(ProblemError) as caught:
        desk.partner.inbox()
    assert (caught.value.status, caught.value.slug, caught.value.detail) == (
        401,
        "invalid_client",
        "证书已吊销 / revoked",
    )


@pytest.mark.parametrize("answer", [{}, {"access_token": 1, "expires_in": 300}, {"access_token": "t"}])
def test_an_answer_without_token_is_not_believed(desk: Desk, answer: dict[str, Any]) -> None:
    reply = httpx.Response(200, json=answer)
    desk.hub.faults.append(lambda request: reply if request.url.path == "/oauth/token" else None)
    with pytest.raises(TrustError):
        desk.partner.inbox()
