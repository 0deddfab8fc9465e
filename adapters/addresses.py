"""Where a connection may go: names are looked up once, and only to addresses inside the allowed networks.

Knows nothing of what is sent there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.errors import NotAllowed, Unreachable

Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int, socket.AddressFamily], Awaitable[Sequence[str]]]

LOOKUP_S = 10.0
"""Longer than a resolver takes to give up a name server that is silent (5 s) and to ask the next."""

MOST_LOOKUPS = 64
"""Names looked up at once by one process. One whose servers are silent keeps a thread for as long as the system is patient."""

_THREADS = ThreadPoolExecutor(MOST_LOOKUPS, thread_name_prefix="names")


def is_inside(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks; an IPv4 address written as IPv6 counts as what it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


async def look_up(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    """The addresses of a name, as the system resolves it. Raises OSError."""
    # Not the event loop's own look-up: its threads are few and everybody's.
    ask = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_THREADS, ask)
    return [str(address[0]) for *_, address in found]


class AllowedAddresses(AbstractResolver):
    """Resolves names to the addresses that lie in the allowed networks; the connection goes to one of these.

    Whoever asks for a name that is being looked up waits for that answer: a name that nobody answers for costs one thread.
    """

    def __init__(self, networks: Sequence[Network], lookup: Lookup = look_up) -> None:
        self._networks = networks
        self._lookup = lookup
        self._asking: dict[tuple[str, int, socket.AddressFamily], asyncio.Future[Sequence[str]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses. Raises NotAllowed when there is none, OSError when the name has no address at all.

        Raises Unreachable when nobody says within `LOOKUP_S`.
        """
        addresses = [ip_address(text) for text in await self._ask(host, port, family)]
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

    async def _ask(self, host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        key = (host, port, family)
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._lookup(host, port, family))
            asking.add_done_callback(lambda answered: self._answered(key, answered))
        try:
            async with asyncio.timeout(LOOKUP_S):
                return await asyncio.shield(asking)
        except TimeoutError:
            raise Unreachable(
                reason="no-address",
                zh=f"{LOOKUP_S:.0f} 秒内没有查到 {host} 的地址；请检查域名服务器",
                en=f"no address of {host} was found within {LOOKUP_S:.0f} s; check the name servers",
            ) from None

    def _answered(self, key: tuple[str, int, socket.AddressFamily], answered: asyncio.Future[Sequence[str]]) -> None:
        del self._asking[key]
        if not answered.cancelled():
            answered.exception()  # perhaps nobody waits for it any more

    async def close(self) -> None:
        """Wait for no name any more."""
        for asking in self._asking.values():
            asking.cancel()
