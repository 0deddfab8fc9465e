"""A consumer's side over HTTP: gets a token, pulls its inbox, acknowledges with a signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from tests.support.oauth import claims, form, sign
from tests.support.wire import Answer, Connection
from tests.support.world import TestSystem

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Puller:
    """One consumer; may speak to any gateway, one request at a time. Requests raise `OSError` when a connection breaks."""

    system: TestSystem
    token: str = ""

    async def get_token(self, connection: Connection) -> None:
        """Get an access token."""
        answer = await self.ask_for_token(connection)
        if answer.status == 200:
            self.token = answer.json()["access_token"]
        else:
            assert answer.status == 503, answer.body

    async def ask_for_token(self, connection: Connection) -> Answer:
        """Ask as RFC 7523 says."""
        assertion = sign(self.system.key, self.system.kid, claims(self.system.code, now=datetime.now(UTC)))
        body = urlencode(form(assertion)).encode()
        return await connection.request("POST", "/oauth/token", body, {"content-type": FORM})

    async def pull(self, connection: Connection, *, limit: int = 100, wait: float = 0.0) -> Answer:
        """One look into the inbox."""
        if not self.token:
            await self.get_token(connection)
        path = f"/v1/inbox?limit={limit}&wait={wait}"
        return await connection.request("GET", path, headers={"authorization": f"Bearer {self.token}"})

    async def acknowledge(self, connection: Connection, items: Sequence[dict[str, Any]]) -> Answer:
        """Acknowledge these items."""
        signed = self.system.ack([(item["delivery"], item["digest"]) for item in items])
        return await connection.post(signed, "/v1/inbox/acks")
