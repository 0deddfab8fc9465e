"""I5: what a grant does not name never leaves, while rights change under load and whatever waits in the lane from before."""

import base64
import os
import random
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests.invariants.county import RES, County
from tests.support.decoded import all_in
from tests.support.load import Load
from tests.support.puller import Puller
from tests.support.wire import Connection
from tests.support.world import new_jti, record

pytestmark = [pytest.mark.process, pytest.mark.chaos]

CHANGES = 25
SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))

ITEMS = ("case_no", "applicant", "accepted_on", "days", "note")
ROWS = 40
"""Keys that the provider's records have."""

SUCCEED = """
INSERT INTO access_grant (id, lane_id, consumer_id, resource_id, purpose, basis, mode, valid_from, valid_to, state,
                          created_at, updated_at, items, rows)
SELECT $2, lane_id, consumer_id, resource_id, purpose, basis, mode, valid_from, valid_to, 'active', created_at, updated_at, $3, $4
FROM access_grant WHERE id = $1
"""


def canary(key: int, item: str) -> str:
    """A value that only this item of this row has."""
    return f"金丝雀-{key:03d}-{item}-完"


def hidden(key: int, item: str) -> str:
    """The same as the masks of this test let it out."""
    whole = canary(key, item)
    return whole[:4] + "*" * (len(whole) - 6) + whole[-2:]


def envelopes(found: County) -> Callable[[], bytes]:
    """One envelope after another, each of four rows; even its `jti` tells which rows are in it."""
    numbers, moments = count(1), random.Random(SEED)

    def make() -> bytes:
        keys = moments.sample(range(ROWS), 4)
        rows = [record(key, applicant=canary(key, "applicant"), note=canary(key, "note")) for key in keys]
        told = "-".join(f"{key:03d}" for key in keys)
        return found.provider.exchange(RES, rows, jti=f"rows.{told}.{next(numbers)}.{new_jti()[:8]}")

    return make


class Right:
    """What the consumer's present grant names: of five in turn the first is whole, the second masked, the others as chance has it."""

    def __init__(self, moments: random.Random, turn: int) -> None:
        names = [item for item in ITEMS[1:] if moments.random() < 0.4]
        self.items = moments.choice([None, ["case_no", *names]])
        self.hidden = {
            item for item in ("applicant", "note") if moments.random() < 0.4 and item in (self.items or ITEMS)
        }
        keys = moments.sample(range(ROWS), 5)
        self.keys = moments.choice([None, {f"621124-{key:06d}" for key in keys}])
        if turn % 5 < 2:
            self.items, self.keys, self.hidden = None, None, {"applicant", "note"} if turn % 5 else set()

    @property
    def is_whole(self) -> bool:
        return self.items is None and self.keys is None and not self.hidden

    @property
    def rows(self) -> list[Mapping[str, Any]] | None:
        """As the column has them: the condition and the masks, which keep the ends that all canaries have."""
        condition = [] if self.keys is None else [{"item": "case_no", "op": "in", "values": sorted(self.keys)}]
        masks = [{"item": item, "op": "mask", "keep_first": 4, "keep_last": 2} for item in sorted(self.hidden)]
        return [*condition, *masks] or None

    def names(self, row: Mapping[str, Any]) -> bool:
        """Whether all of this may leave."""
        key = int(row["case_no"][-6:])
        masked = all(row.get(item) in (None, hidden(key, item)) for item in self.hidden)
        named = self.items is None or set(row) <= {*self.items}
        return masked and named and (self.keys is None or row["case_no"] in self.keys)


async def succeed(found: County, grant: UUID, right: Right) -> UUID:
    """The grant ends and another takes its lane, in one act."""
    new = uuid4()
    async with found.connection.transaction():
        await found.world.change("UPDATE access_grant SET state = 'revoked' WHERE id = $1", grant)
        await found.world.change(SUCCEED, grant, new, right.items, right.rows)
        await found.world.change(
            "INSERT INTO grant_version SELECT $2, version, schema_digest FROM grant_version WHERE grant_id = $1",
            grant,
            new,
        )
    return new


def payload(item: Mapping[str, Any]) -> Any:
    part = item["envelope"].split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def leaks(said: Any, item: Mapping[str, Any]) -> Iterator[str]:
    """What of the provider's rows is in an answer and was not in what was delivered."""
    found, delivered = b"\n".join(all_in(said)), orjson.dumps(payload(item))
    for key in range(ROWS):
        for name in ("applicant", "note"):
            value = canary(key, name).encode()
            if value in found and value not in delivered:
                yield canary(key, name)
    if b"rows." in found:
        yield "the provider's jti"


async def test_what_a_grant_does_not_name_never_leaves_while_grants_change_under_load(calm: County) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it")
    moments, puller, grant = random.Random(SEED), Puller(calm.consumers[0]), calm.grants[0]
    seen = {"whole": 0, "narrowed": 0, "masked": 0}
    async with Load(calm.hub.ports, envelopes(calm), connections=6, pause_s=0.02) as load:
        for turn in range(CHANGES):
            right = Right(moments, turn)
            grant = await succeed(calm, grant, right)
            await load.flows(10)
            async with Connection(moments.choice(calm.hub.ports)) as connection:
                answer = await puller.pull(connection, limit=40)
                assert answer.status == 200, answer.body
                items = answer.json()["items"]
                for item in items:
                    assert all(right.names(row) for row in payload(item)["records"]), (
                        right.items,
                        right.keys,
                        payload(item),
                    )
                    seen["whole" if right.is_whole else "narrowed"] += 1
                    seen["masked"] += bool(right.hidden)
                kept = items[: len(items) // 2]
                if kept:
                    assert (await puller.acknowledge(connection, kept)).status == 200
                if items and not right.is_whole:
                    await look_elsewhere(puller, connection, items[0])
    assert not load.refused
    assert min(seen.values()) > 20, seen


async def look_elsewhere(puller: Puller, connection: Connection, item: Mapping[str, Any]) -> None:
    """What else the hub says of the exchange tells no more than the delivery did."""
    headers = {"authorization": f"Bearer {puller.token}"}
    answer = await connection.request("GET", f"/v1/exchanges/{item['exchange']}", headers=headers)
    assert answer.status == 200
    assert list(leaks(answer.json(), item)) == []
