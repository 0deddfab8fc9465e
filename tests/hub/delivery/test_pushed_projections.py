"""I5 where the hub pushes: by a narrowed grant leaves what was made for it, from wherever its lane is filled."""

from typing import Any

import orjson

from certs import envelope
from certs.digests import digest
from certs.header import EXCHANGE
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.delivery import dead_letters
from hub.delivery.settling import Settled
from hub.worker.deliveries import Deliveries
from tests.hub.delivery.conftest import ACTOR, Post, confirm
from tests.hub.delivery.test_pushing import fails, rejected
from tests.support.world import HUB


async def narrow(post: Post) -> None:
    """The lane's grant lets out one item from now on."""
    await post.world.change("UPDATE access_grant SET items = '{case_no}' WHERE id = $1", post.grant)


async def mask(post: Post) -> None:
    """The lane's grant hides a name from now on, and nothing else."""
    masks = [{"item": "applicant", "op": "mask", "keep_first": 1, "keep_last": 0}]
    await post.world.change("UPDATE access_grant SET items = NULL, rows = $2 WHERE id = $1", post.grant, masks)


async def is_due(post: Post, database: Database) -> bool:
    return bool(await Deliveries(database.connect, post.pusher())._due(post.connection))


def payload(compact: str) -> Any:
    found = envelope.read(compact.encode(), max_bytes=1 << 20, allowed_types=frozenset({EXCHANGE}))
    return orjson.loads(found.payload_bytes)


async def test_a_narrowed_grant_is_pushed_its_projection(post: Post, database: Database) -> None:
    await narrow(post)
    await post.publish(2)
    assert await is_due(post, database)
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    (batch,) = post.receiver.batches
    assert [payload(item.envelope)["records"] for item in batch.items] == [
        [{"case_no": "621124-000000"}],
        [{"case_no": "621124-000001"}],
    ]
    assert [item.digest for item in batch.items] == [digest(item.envelope.encode()) for item in batch.items]
    assert await post.values("SELECT projection_id = id FROM delivered") == [True, True]


async def test_what_waits_from_a_wider_grant_is_not_pushed_by_a_narrower_one(post: Post, database: Database) -> None:
    await post.publish(2)
    await narrow(post)
    assert not await is_due(post, database)
    assert await post.pusher().push(post.lane) is None
    await post.publish(1)
    assert await is_due(post, database)
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    (batch,) = post.receiver.batches
    assert [payload(item.envelope)["records"] for item in batch.items] == [[{"case_no": "621124-000000"}]]
    assert await post.values("SELECT count(*) FROM delivery") == [2]


async def test_a_parked_letter_of_a_wider_grant_is_replayed_into_the_queue_and_stays_there(
    post: Post, database: Database
) -> None:
    await park(post)
    await narrow(post)
    await replay(post, database)
    assert not await is_due(post, database)
    assert await post.pusher().push(post.lane) is None
    assert len(post.receiver.batches) == 1


async def test_a_parked_projection_is_replayed_as_the_same_bytes(post: Post, database: Database) -> None:
    await narrow(post)
    await park(post)
    await replay(post, database)
    await post.due_now()
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    first, second = (batch.items[0] for batch in post.receiver.batches)
    assert (first.envelope, first.digest) == (second.envelope, second.digest)
    assert first.delivery != second.delivery


async def test_a_masked_text_is_pushed_and_replayed_with_its_mask(post: Post, database: Database) -> None:
    await mask(post)
    await park(post)
    await replay(post, database)
    await post.due_now()
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    shown = [payload(batch.items[0].envelope)["records"][0]["applicant"] for batch in post.receiver.batches]
    assert shown == ["示****", "示****"]


async def test_an_unmasked_letter_is_not_replayed_to_a_grant_that_masks(post: Post, database: Database) -> None:
    await park(post)
    await mask(post)
    await replay(post, database)
    assert not await is_due(post, database)
    assert await post.pusher().push(post.lane) is None


async def park(post: Post) -> None:
    """Publish one exchange, whose push the receiver refuses."""
    await post.publish(1)
    post.receiver.answer = fails(rejected())
    assert await post.pusher().push(post.lane) is Settled.PARKED


async def replay(post: Post, database: Database) -> None:
    """Queue the one dead letter again."""
    (letter,) = await post.values("SELECT id FROM dead_letter")
    async with database.session() as session, session.begin():
        await dead_letters.replay_one(session, letter, actor=ACTOR, recorder=Recorder(HUB), now=post.clock())
