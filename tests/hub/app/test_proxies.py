"""Whose address a request has when it came through a reverse proxy."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.app.proxies import Proxies
from hub.settings import Settings

OURS = Proxies((ip_network("10.0.0.0/28"), ip_network("fd00::/64")))
PROXY = "10.0.0.2"

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


def forwarded(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"hub"), *[(b"x-forwarded-for", line.encode()) for line in lines]]


@pytest.mark.parametrize(
    ("lines", "caller"),
    [
        ([], PROXY),
        (["192.0.2.7"], "192.0.2.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.0.0.3"], "192.0.2.7"),
        (["192.0.2.7,10.0.0.3,fd00::5"], "192.0.2.7"),
        (["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
        (["192.0.2.7, unknown"], PROXY),
        (["192.0.2.7, 10.0.0.3:80, 10.0.0.4"], "10.0.0.4"),
        ([""], PROXY),
        (["\xff"], PROXY),
    ],
)
def test_the_caller_is_the_last_address_that_no_proxy_of_ours_has(lines: list[str], caller: str) -> None:
    assert OURS.caller(PROXY, forwarded(*lines)) == caller


@given(st.text(max_size=60), addresses)
def test_nothing_that_the_caller_sends_changes_its_address(claimed: str, seen: str) -> None:
    address = ip_address(seen)
    mapped = getattr(address, "ipv4_mapped", None) or address
    if OURS.trust(seen):
        return
    assert OURS.caller(PROXY, forwarded(f"{claimed}, {seen}")) == str(mapped)


def test_only_proxies_that_were_named_are_trusted() -> None:
    assert [OURS.trust(a) for a in ("10.0.0.15", "::ffff:10.0.0.1", "fd00::1")] == [True, True, True]
    assert [OURS.trust(a) for a in ("10.0.0.16", "fd00:0:0:1::", "", "proxy")] == [False] * 4
    assert not Proxies().trust("127.0.0.1")


def test_proxies_are_named_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUNIU_TRUSTED_PROXIES", "127.0.0.1, 10.1.0.0/16 ,::1, ,")
    assert Settings().trusted_proxies == (ip_network("127.0.0.1"), ip_network("10.1.0.0/16"), ip_network("::1"))
    monkeypatch.setenv("SHUNIU_TRUSTED_PROXIES", "")
    assert Settings().trusted_proxies == ()


@pytest.mark.parametrize("given", ["10.1.2.3/16", "proxy.example", "127.0.0.1;::1"])
def test_what_is_no_network_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SHUNIU_TRUSTED_PROXIES", given)
    with pytest.raises(ValueError, match=r"trusted_proxies(.|\n)*如 10\.1\.0\.0/16") as refused:
        Settings()
    assert given in str(refused.value)
    assert Settings(trusted_proxies=["10.1.0.0/16"]).trusted_proxies == (ip_network("10.1.0.0/16"),)  # type: ignore[arg-type]
