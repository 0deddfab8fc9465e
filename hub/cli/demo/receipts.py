"""What a partner of the example has sent, from the receipts in its folder."""

from dataclasses import dataclass

from certs.envelope import read
from certs.header import RECEIPT
from certs.jsontext import parse_object
from hub.cli import demo_data
from hub.cli.demo.county import County


@dataclass(frozen=True, slots=True)
class Sent:
    """One accepted message: the `jti` that its sender gave it, and the exchange that it became."""

    jti: str
    exchange: str


def last_sent(county: County, resource: str) -> Sent:
    """The last message of that resource (by its key in the example) that its system got a receipt for."""
    described = described_as(resource)
    code = county.resources[resource]["code"]
    found = []
    for path in (county.data / "partners" / described.system / "receipts").glob("*.jws"):
        compact = path.read_bytes()
        payload = parse_object(read(compact, max_bytes=len(compact), allowed_types=frozenset({RECEIPT})).payload_bytes)
        if payload["res"] == code:
            found.append((payload["accepted_at"], payload["jti"], payload["exchange"]))
    _, jti, exchange = max(found)
    return Sent(jti, exchange)


def described_as(resource: str) -> demo_data.Resource:
    """The resource of that key as the example describes it."""
    return next(one for one in demo_data.load_resources() if one.key == resource)
