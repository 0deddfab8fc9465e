"""Refusals as the client reads them."""

import ssl

import httpx
import pytest

from hub.client import ProblemError, ProblemLine
from hub.client.wire import problem_of, trusted


def test_a_page_that_is_no_problem_document_is_a_problem_still() -> None:
    found = problem_of(httpx.Response(502, content=b"<html>Bad Gateway</html>" + b"x" * 9999))
    assert (found.status, found.slug, found.title) == (502, "about:blank", "Bad Gateway")
    assert "<html>" in found.detail
    assert found.detail.count("x") < 500


def test_foreign_shapes_do_no_harm() -> None:
    found = problem_of(httpx.Response(400, json={"type": 7, "title": None, "errors": ["x", {"pointer": "/a"}]}))
    assert found.errors == (ProblemLine("/a", ""),)
    assert (found.slug, found.title) == ("7", "Bad Request")
    assert problem_of(httpx.Response(400, json=[1])).title == "Bad Request"


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("", None), ("soon", None), ("²", None)])
def test_retry_after_is_read_in_seconds(given: str, seconds: int | None) -> None:
    headers = {b"Retry-After": given.encode()}
    assert problem_of(httpx.Response(503, headers=headers)).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "slug", "final"),
    [
        (422, "schema-violation", True),
        (429, "quota-exceeded", True),
        (429, "rate-limited", False),
        (500, "about:blank", False),
        (503, "unavailable", False),
    ],
)
def test_what_is_final_is_what_the_same_bytes_would_meet_again(status: int, slug: str, *, final: bool) -> None:
    assert ProblemError(status=status, slug=slug, title="t").is_final is final


def test_a_long_list_of_faults_is_cut_with_a_word() -> None:
    lines = [ProblemLine(f"/records/{number}/a", "缺少") for number in range(25)]
    text = str(ProblemError(status=422, slug="schema-violation", title="t", detail="d", errors=lines))
    assert "/records/19/a" in text
    assert "/records/20/a" not in text
    assert "5 more" in text


def test_an_address_without_tls_reads_no_certificates_and_would_believe_none() -> None:
    assert trusted("https://hub.example") is True
    assert trusted("HTTPS://hub.example") is True
    context = trusted("http://127.0.0.1:8640")
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname, context.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])
