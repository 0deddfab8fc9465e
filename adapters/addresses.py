"""Where a connection may go: names are looked up once, and only to addresses inside the allowed networks.

Knows nothing of what is sent there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.errors import NotAllowed

Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int, socket.AddressFamily], Awaitable[Sequence[str]]]


def is_inside(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks; an IPv4 address written as IPv6 counts as what it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


async def look_up(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    """The addresses of a name, as the system resolves it. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class AllowedAddresses(AbstractResolver):
    """Resolves names to the addresses that lie in the allowed networks; the connection goes to one of these."""

    def __init__(self, networks: Sequence[Network], lookup: Lookup = look_up) -> None:
        self._networks = networks
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses. Raises NotAllowed when there is none, OSError when the name has no address at all."""
        addresses = [ip_address(text) for text in await self._lookup(host, port, family)]
        allowed = [address for address in addresses if is_inside(address, self._networks)]
        if not allowed:
            raise NotAllowed(
                reason="address-not-allowed",
                zh=f"{host} 解析到的地址都不在允许的网段内；请核对域名解析，或由安全管理员调整允许的网段",
                en=f"no address of {host} is in the allowed networks; check the name service, or have them changed",
            )
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in allowed
        ]

    async def close(self) -> None:
        """Nothing to let go of."""
