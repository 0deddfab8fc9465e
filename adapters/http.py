"""`http`: pushes a batch as one signed POST (contract, "Push").

Connects only to an address that was looked up once and found inside the network that the security officer allowed; the name
in the URL stays what TLS and `Host` speak of. Follows no redirect, asks no proxy variable, keeps no cookie, unpacks nothing,
and reads of an answer no more than it keeps. Knows nothing of the receiver's software or of what the envelopes hold.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, ClassVar, NoReturn, Self

import aiohttp
import orjson
from pydantic import Field, field_validator, model_validator
from yarl import URL

from adapters.addresses import AllowedAddresses, Lookup, Network, is_inside, look_up
from adapters.errors import (
    KEPT_BYTES,
    AdapterError,
    AnswerUnusable,
    NoPlace,
    NotAllowed,
    Rejected,
    Stale,
    TimedOut,
    Unavailable,
    Unreachable,
    WrongCredentials,
)
from adapters.protocol import (
    AdapterSecrets,
    AdapterSettings,
    Batch,
    Capability,
    NoSecrets,
    Outcome,
    Pushed,
    Surroundings,
)

MEDIA_TYPE = "application/vnd.shuniu.deliveries+json"
ACKNOWLEDGED_TYPE = "application/jose"

IDLE_S = 1.0
"""An unused connection is closed after this long: before gunicorn (2 s), uvicorn (5 s) and others of short patience close it on us,
perhaps while a push is on its way."""

LONGEST_CA_PEM = 64 << 10
"""Characters: some forty certificates. They travel with every claim."""

_REFUSED = frozenset({400, 413, 422})
"""What speaks of the items. Whatever else is said with 4xx speaks of the way: a wrong path, a proxy, a receiver half installed."""

_NOT_NOW = frozenset({408, 425, 429})
_UNBELIEVED = frozenset({401, 403})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class HttpSettings(AdapterSettings):
    """Settings of `http`; the security officer allows them together."""

    url: Annotated[
        str,
        Field(
            max_length=2000,
            description="接收地址，http(s)://主机[:端口]/路径，须为规范写法 / where the receiver listens, in canonical form",
        ),
    ]
    networks: Annotated[
        tuple[Network, ...],
        Field(
            min_length=1,
            description="允许连接的网段；解析到其外的地址不连接 / the networks that may be connected to, and no address outside",
        ),
    ]
    connections: Annotated[
        int, Field(ge=1, le=64, description="同时打开的连接数上限 / the most connections open at once")
    ] = 8
    connect_s: Annotated[
        float, Field(gt=0, le=60, description="建立连接的秒数上限 / seconds that a connection may take to open")
    ] = 5.0
    ca_pem: Annotated[
        str | None,
        Field(
            max_length=LONGEST_CA_PEM,
            description="接收方 TLS 证书的签发机构（PEM）；缺省用系统的 / authorities of the receiver's TLS certificate, else the system's",
        ),
    ] = None

    @field_validator("url")
    @classmethod
    def _is_canonical(cls, value: str) -> str:
        """A URL that is signed as it stands must be the one that goes over the wire."""
        url = URL(value)
        if url.scheme not in _DEFAULT_PORTS or not url.host or url.user is not None or url.password is not None:
            raise ValueError("http(s)://主机/路径，不含用户名和口令 / no user and no password")
        if url.fragment or not value.startswith(f"{url.origin()}/") or url.explicit_port == _DEFAULT_PORTS[url.scheme]:
            raise ValueError(
                "须有路径，不含 # 和默认端口 / with a path (at least /), without a fragment or a default port"
            )
        if str(url) != value or not value.isascii():
            raise ValueError(f"请写作 / write it as {url}")
        try:
            url.host.encode("idna")  # as a look-up does
        except UnicodeError:
            raise ValueError("url 的主机不是域名 / its host is no name of a host") from None
        return value

    @field_validator("ca_pem")
    @classmethod
    def _is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ssl.create_default_context(cadata=value or "-")  # an empty text would mean the system's
            except (ssl.SSLError, ValueError, TypeError):
                raise ValueError("不是 PEM 证书，或含 ASCII 以外的字符 / no certificates in PEM, in ASCII") from None
        return value

    @model_validator(mode="after")
    def _is_inside(self) -> Self:
        """An address in the URL is never looked up, so it is judged here."""
        host = URL(self.url).host or ""
        try:
            address = ip_address(host)
        except ValueError:
            # 127.1 and 2130706433 are addresses to a socket, though to nobody who reads them.
            if host.rstrip(".").rpartition(".")[2].isdigit():
                raise ValueError(
                    "url 的主机既非域名也非规范的 IP 地址 / its host is neither a name nor an address"
                ) from None
            return self
        if not is_inside(address, self.networks):
            raise ValueError(f"url 的地址 {address} 不在 networks 之内 / its address is not in networks")
        return self


class HttpAdapter:
    """Pushes to one URL over at most `connections` connections, which are opened when needed and used again."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.PUSH})
    settings_type: ClassVar[type[AdapterSettings]] = HttpSettings
    secrets_type: ClassVar[type[AdapterSecrets]] = NoSecrets

    def __init__(self, surroundings: Surroundings[HttpSettings, NoSecrets], *, lookup: Lookup = look_up) -> None:
        self._settings = surroundings.settings
        self._signer = surroundings.signer
        self._clock = surroundings.clock
        self._limits = surroundings.limits
        self._url = URL(self._settings.url, encoded=True)
        self._addresses = AllowedAddresses(self._settings.networks, lookup)
        self._places = asyncio.Semaphore(self._settings.connections)
        self._session: aiohttp.ClientSession | None = None

    async def push(self, batch: Batch) -> Pushed:
        """POST the batch: 2xx is `transport-confirmed`, with a body of `application/jose` `acknowledged`.

        Raises AdapterError: Stale for 409 and for a lease that is over, WrongCredentials for 401 and 403, Unavailable for 408,
        425, 429 and 5xx, NotAllowed for a redirect and for addresses outside the networks, Rejected for 400, 413 and 422,
        Unavailable for the rest of 4xx, NoPlace where no connection was free for a third of the time.
        """
        began = self._clock()
        try:
            async with asyncio.timeout(self._limits.call_s / 3):
                await self._places.acquire()
        except TimeoutError:
            raise NoPlace(
                reason="no-place",
                zh=f"本枢纽到该系统的 {self._settings.connections} 个连接都在用，未发送；稍后再投",
                en=f"all {self._settings.connections} connections to this system are in use; nothing was sent, it is tried again",
            ) from None
        try:
            return await self._post(batch, self._limits.call_s - (self._clock() - began).total_seconds())
        finally:
            self._places.release()

    async def _post(self, batch: Batch, longest_s: float) -> Pushed:
        body = encode(batch)
        headers, left_s = self._signed(batch, body)
        timeout = aiohttp.ClientTimeout(
            total=min(longest_s, left_s),
            sock_connect=self._settings.connect_s,
            ceil_threshold=math.inf,  # else five seconds and more are rounded up, beyond the lease
        )
        try:
            request = self._open().post(self._url, data=body, headers=headers, allow_redirects=False, timeout=timeout)
            async with request as response:
                return await self._outcome(response)
        except aiohttp.ConnectionTimeoutError:
            _unreachable("connect-timeout", "连接超时", "no connection in time")
        except TimeoutError:
            raise TimedOut(
                reason="timed-out",
                zh=f"{timeout.total:.1f} 秒内没有完整的应答；接收方可能已收到，稍后重投",
                en=f"no whole answer within {timeout.total:.1f} s; the receiver may have it all, it is sent again later",
            ) from None
        except aiohttp.ClientSSLError:
            _unreachable("tls-failed", "TLS 握手失败或证书不可信", "TLS failed, or its certificate is not trusted")
        except aiohttp.ClientResponseError:
            raise AnswerUnusable(
                reason="answer-malformed",
                zh="应答不是 HTTP 或头部过大",
                en="the answer is no HTTP, or its head is too large",
            ) from None
        except aiohttp.ClientConnectorError:
            _unreachable("no-connection", "连接不上", "no connection")
        except aiohttp.ClientError:
            _unreachable("connection-broken", "连接中途断开", "the connection broke")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        await self._addresses.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._settings.connections,
                resolver=self._addresses,
                use_dns_cache=False,  # each connection is to an address that was checked for it
                keepalive_timeout=IDLE_S,
                ssl=ssl.create_default_context(cadata=self._settings.ca_pem) if self._url.scheme == "https" else True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session

    def _signed(self, batch: Batch, body: bytes) -> tuple[Mapping[str, str], float]:
        """The header fields, and the seconds that the lease still has. Raises Stale."""
        now = self._clock()
        if int(batch.expires.timestamp()) <= int(now.timestamp()):  # a signature's times are whole seconds
            raise Stale(
                reason="lease-over",
                zh="租约已到期，未发送；将由新的领取重投",
                en="the lease is over and nothing was sent; the next claim sends it again",
            )
        fields = {
            "content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:",
            "content-type": MEDIA_TYPE,
            "shuniu-lane": str(batch.lane),
            "shuniu-sequence": str(batch.sequence),
            "shuniu-fence": str(batch.fence),
        }
        signature = self._signer.sign_request(
            method="POST", target_uri=self._settings.url, headers=fields, created=now, expires=batch.expires
        )
        headers = {**fields, **signature, "accept-encoding": "identity", "user-agent": "shuniu"}
        return headers, (batch.expires - now).total_seconds()

    async def _outcome(self, response: aiohttp.ClientResponse) -> Pushed:
        is_confirmed = 200 <= response.status < 300
        is_acknowledged = is_confirmed and response.content_type == ACKNOWLEDGED_TYPE
        # One byte more than may be kept of an acknowledgement tells a whole one from a cut one.
        limit = self._limits.acknowledgement_bytes + 1 if is_acknowledged else KEPT_BYTES
        answer = await _read(response.content, limit)  # what is left unread closes the connection
        if not is_confirmed:
            raise refusal(response.status, answer, response.headers.get("Retry-After", ""))
        if not is_acknowledged:
            return Pushed(Outcome.TRANSPORT_CONFIRMED, answer=answer)
        if not 0 < len(answer) < limit:
            raise AnswerUnusable(
                reason="answer-too-large" if answer else "answer-malformed",
                zh=f"应答声称是签名确认，但为空或超过 {limit - 1} 字节",
                en=f"the answer says that it is an acknowledgement, but is empty or beyond {limit - 1} bytes",
                answer=answer,
            )
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=answer, answer=answer[:KEPT_BYTES])


def encode(batch: Batch) -> bytes:
    """The body of a push: `items` as in the inbox, one lane, in order."""
    return orjson.dumps({"items": [item.members() for item in batch.items]})


def refusal(status: int, answer: bytes, retry_after: str) -> AdapterError:
    """What a status other than 2xx means."""
    zh, en = f"接收方应答 {status}", f"the receiver answered {status}"
    if status == 409:
        return Stale(
            reason="stale",
            zh=f"{zh}：已过期，或该通道已有更高的栅栏号",
            en=f"{en}: expired, or a higher fence was seen in this lane",
            answer=answer,
        )
    if status in _UNBELIEVED:
        return WrongCredentials(
            reason="not-believed",
            zh=f"{zh}：不相信本枢纽的签名；请核对其信任的枢纽推送证书、接收地址和时钟",
            en=f"{en}: it does not believe the hub's signature; check its push certificate of the hub, its URL and its clock",
            answer=answer,
        )
    if status in _NOT_NOW or status >= 500:
        wait = int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10 else None
        return Unavailable(
            reason="not-now", zh=f"{zh}：暂时不能接收", en=f"{en}: not now", answer=answer, retry_after_s=wait
        )
    if status < 400:
        return NotAllowed(
            reason="redirected",
            zh=f"{zh}：要求转到别处，推送不跟随；请登记最终地址",
            en=f"{en}: it redirects, which a push does not follow; register the final URL",
            answer=answer,
        )
    if status not in _REFUSED:
        return Unavailable(
            reason="wrong-way",
            zh=f"{zh}：接收地址上没有接收推送的程序；请核对接收地址及其前面的代理",
            en=f"{en}: nothing at that URL takes pushes; check the URL and the proxy before it",
            answer=answer,
        )
    return Rejected(reason="rejected", zh=f"{zh}：拒收", en=f"{en}: it does not take this", answer=answer)


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes:
    """Up to `limit` bytes of what comes."""
    parts: list[bytes] = []
    missing = limit
    while missing > 0 and (part := await content.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _unreachable(reason: str, zh: str, en: str) -> NoReturn:
    raise Unreachable(
        reason=reason,
        zh=f"{zh}；请检查接收方是否在运行、网络是否可达",
        en=f"{en}; check that the receiver runs and the network reaches it",
    ) from None
