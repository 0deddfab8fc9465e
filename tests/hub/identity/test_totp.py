"""The second factor's arithmetic: RFC 6238's vectors, skew, and no step twice."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from hub.identity.totp import code_at, matching_step, new_secret, provisioning_uri, secret_text, step_of

RFC_SECRET = b"12345678901234567890"
NOW = datetime(2026, 3, 2, 1, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    assert code_at(RFC_SECRET, step_of(moment)) == code[-6:]


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_one_step_off_and_no_more(steps: int, accepted: bool) -> None:
    code = code_at(RFC_SECRET, step_of(NOW) + steps)
    step = matching_step(RFC_SECRET, code, now=NOW, after=None)
    assert step == (step_of(NOW) + steps if accepted else None)


def test_a_step_serves_once_and_with_it_all_before() -> None:
    here = step_of(NOW)
    for step in (here - 1, here):
        assert matching_step(RFC_SECRET, code_at(RFC_SECRET, step), now=NOW, after=here) is None
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, here + 1), now=NOW, after=here) == here + 1


@pytest.mark.parametrize("wrong", ["", "000000", "12345", "１２３４５６"])
def test_anything_else_is_no_code(wrong: str) -> None:
    assert matching_step(RFC_SECRET, wrong, now=NOW + timedelta(days=1), after=None) is None


def test_an_app_reads_the_secret_from_the_address() -> None:
    secret = new_secret()
    assert len(secret) == 20
    assert secret != new_secret()
    uri = urlsplit(provisioning_uri(secret, login="zhang.san", issuer="lintao-hub"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/lintao-hub:zhang.san")
    query = parse_qs(uri.query)
    assert query == {"secret": [secret_text(secret)], "issuer": ["lintao-hub"], "digits": ["6"], "period": ["30"]}
