"""Who calls, where reverse proxies stand in front: the address that a proxy we were told of has seen.

Anybody may write `X-Forwarded-For`, so it counts only on connections that come from a proxy named in the settings, and only
what such proxies have written: it is read from its end, over proxies of ours, to the first address that is none of them. What
stands before that, the caller may have made up. The log records this address (GB/T 22239 8.1.4.3), so nothing else may get in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

FORWARDED_FOR = b"x-forwarded-for"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """The networks in which reverse proxies of ours stand; none by default, and then no header is believed."""

    networks: tuple[Network, ...] = ()

    def trust(self, address: str) -> bool:
        """Whether a connection from there is a proxy's."""
        found = _address(address)
        return found is not None and self._hold(found)

    def caller(self, proxy: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The caller's address, for a request that came from `proxy`; its own where it names none that can be read.

        `headers`: names in lower case, in the order of the request.
        """
        named = [part for name, value in headers if name == FORWARDED_FOR for part in value.split(b",")]
        nearest = proxy
        for part in reversed(named):
            address = _address(part.decode("latin-1").strip())
            if address is None:
                break
            nearest = str(address)
            if not self._hold(address):
                break
        return nearest

    def _hold(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, an IPv4 one that is written as IPv6 by its own name; None for anything else."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or found
    return found
