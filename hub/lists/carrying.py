"""The exchange that a provider names as carrying what it published: found, theirs, late enough, and read if need be.

Payloads are not looked into when they are accepted, nor afterwards by anybody's wish but their provider's, who names the
exchange and asks the hub to see for itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from certs.envelope import read
from certs.header import EXCHANGE
from certs.jsontext import parse_object
from hub.ledger.models import Exchange
from hub.lists import repository
from hub.registry.errors import InvalidField

POINTER = "/exchange"


async def named_exchange(
    session: AsyncSession, identifier: UUID, resource_id: UUID, *, since: datetime | None = None
) -> Exchange:
    """The accepted exchange of that resource. Raises InvalidField (`/exchange`) for another one, or one from before `since`."""
    found = await repository.exchange(session, identifier)
    if found is None or found.resource_id != resource_id:
        raise InvalidField(
            POINTER,
            "本资源没有这次交换；请填写发送数据后凭证上的交换编号",
            "the resource has no such exchange; name the one on the receipt that you got for the data",
        )
    if since is not None and found.accepted_at < since:
        raise InvalidField(
            POINTER,
            "这次交换早于所办理的决定；请先按决定发送新的记录",
            "this exchange is older than the decision; send the record as decided, then name that exchange",
        )
    return found


def payload_of(exchange: Exchange) -> Mapping[str, Any]:
    """What the envelope carries, as it was judged when it was accepted."""
    opened = read(exchange.envelope, max_bytes=len(exchange.envelope), allowed_types=frozenset({EXCHANGE}))
    return parse_object(opened.payload_bytes)
