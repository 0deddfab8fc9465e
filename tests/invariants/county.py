"""What the invariants are tried on: a hub that runs, one provider with a resource, two consumers with a lane each."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import asyncpg

from hub.db.engine import Database
from tests.support.harness import Hub
from tests.support.world import TestSystem, World, record

RES = "306001000001/000001"

_ON_THE_LOG = """
DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('log_entry')
        UNION ALL SELECT unnest('{log_pending, sealed_entry, log_tile, tree_head}'::regclass[]) LOOP
        EXECUTE format('ALTER TABLE %s %s TRIGGER USER', part, '<act>');
    END LOOP;
END $$;
"""

CLEAR = f"""
LOCK TABLE tree_head IN ACCESS EXCLUSIVE MODE;
{_ON_THE_LOG.replace("<act>", "DISABLE")}
TRUNCATE organisation, system, certificate, resource, resource_version, lane, access_grant, grant_version, acceptance,
         exchange, projection, delivery, delivered, dead_letter, acknowledgement, log_entry, refusal_count, client_assertion,
         log_pending, sealed_entry, log_tile, tree_head CASCADE;
INSERT INTO tree_head (size, root, sealed_at, checkpoint_size) VALUES (0, sha256(''), now(), 0);
{_ON_THE_LOG.replace("<act>", "ENABLE")}
"""
"""One statement to the server, so that a sealer at work sees the tree before or the empty one, and nothing between.

It takes first what a sealer takes first: neither waits for the other with something in hand.
"""


@dataclass(slots=True)
class County:
    """The hub and who takes part."""

    hub: Hub
    world: World
    connection: asyncpg.Connection
    provider: TestSystem
    consumers: list[TestSystem]
    lanes: list[UUID]
    grants: list[UUID]

    def envelopes(self, sender: TestSystem | None = None, res: str = RES) -> Callable[[], bytes]:
        """A function that signs one distinct envelope of `sender` (the provider) after another."""
        numbers = count(1)
        who = sender or self.provider
        return lambda: who.exchange(res, [record(next(numbers))])


@asynccontextmanager
async def county_in(hub: Hub) -> AsyncIterator[County]:
    """A county in a hub that runs, whatever was in it before."""
    connection = await Database(hub.dsn, application="test").connect()
    try:
        await connection.execute(CLEAR)
        world = await World.make(connection)
        provider = await world.system("provider-a")
        consumers = [await world.system("consumer-b"), await world.system("consumer-c")]
        resource = await world.resource(RES, provider)
        made = [await world.grant(consumer, resource) for consumer in consumers]
        lanes, grants = [lane for _, lane in made], [grant for grant, _ in made]
        await hub.ready()
        yield County(hub, world, connection, provider, consumers, lanes, grants)
    except BaseException:
        print(*hub.exceptions(), sep="\n")
        raise
    finally:
        connection.terminate()
