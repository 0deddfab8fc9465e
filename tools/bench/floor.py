"""The floor: what the same libraries cost when they are called directly, without HTTP and without a database.

As many processes as there are gateways do nothing but this, for a few seconds of the same run. A ratio to the floor says
how much of a machine's speed the hub keeps, and bears a noisy or slow machine better than the figures themselves.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import orjson

from adapters.http import encode
from adapters.protocol import Batch, Item
from catalog.compiler import PayloadValidator, compile_schema
from catalog.items import parse_items
from catalog.schema import derive_schema
from certs import envelope
from certs.digests import digest, parse_digest
from certs.header import ACK, RECEIPT
from certs.http_signature import HttpSigner, content_digest
from certs.jsontext import parse_object
from certs.keys import generate_key
from certs.suites import KeySigner, Verifier
from certs.tree import leaf_hash
from tools.bench.plan import GATEWAYS, PULL_LIMIT, PUSH_BATCH
from tools.bench.records import ITEMS
from tools.bench.requests import MAX_ENVELOPE_BYTES, Sending, read

START_DELAY_S = 1.0
"""Time for the processes of the pool to have everything at hand, so that they measure at the same time."""

LEAF = b"x" * 800
"""The leaf of an acceptance has about so many bytes."""

ROUNDS = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does from `begin` (seconds of the monotonic clock, one for all processes) on."""

    sending: Sending
    envelopes: Sequence[bytes]
    begin: float
    seconds: float


Step = Callable[[bytes], object]


def accept_floor(pool: Executor, sending: Sending, envelopes: Sequence[bytes], seconds: float) -> float:
    """Envelopes a second, all processes together: verify, parse, schema, hash, sign."""
    return _measure(pool, _accept, sending, envelopes, seconds)


def pull_floor(pool: Executor, sending: Sending, envelopes: Sequence[bytes], seconds: float) -> float:
    """Deliveries a second, all processes together: write the items, verify and parse their acknowledgement, hash."""
    return _measure(pool, _pull, sending, envelopes, seconds) * PULL_LIMIT


def push_floor(pool: Executor, sending: Sending, envelopes: Sequence[bytes], seconds: float) -> float:
    """Deliveries a second, all processes together: write a batch as the body of a push, hash and sign it."""
    return _measure(pool, _push, sending, envelopes, seconds) * PUSH_BATCH


def _measure(
    pool: Executor,
    run: Callable[[Task], float],
    sending: Sending,
    envelopes: Sequence[bytes],
    seconds: float,
) -> float:
    task = Task(sending, envelopes, time.monotonic() + START_DELAY_S, seconds)
    return sum(pool.map(run, [task] * GATEWAYS))


def _repeat(task: Task, step: Step) -> float:
    """How often a second `step` gets through the envelopes, one after the other, again and again."""
    for compact in task.envelopes[:PULL_LIMIT]:
        step(compact)
    time.sleep(max(0.0, task.begin - time.monotonic()))
    began = time.perf_counter()
    done = 0
    while (elapsed := time.perf_counter() - began) < task.seconds or not done:
        for compact in task.envelopes[done % len(task.envelopes) :][:PULL_LIMIT]:
            step(compact)
            done += 1
    return done / elapsed


@dataclass(slots=True)
class Acceptance:
    """The libraries' share of one acceptance, call by call."""

    verifier: Verifier
    validator: PayloadValidator
    receipts: KeySigner

    @classmethod
    def of(cls, sending: Sending) -> "Acceptance":
        """For the messages of that provider."""
        schema = derive_schema(parse_items(ITEMS), title="示例", code=sending.resource, version=1)
        return cls(sending.verifier(), compile_schema(schema), KeySigner(generate_key("ES256"), sending.kid))

    def step(self, compact: bytes) -> None:
        """One acceptance. Raises EnvelopeError, AssertionError for what the hub would refuse."""
        opened = read(compact)
        envelope.verify(opened, self.verifier)
        if not self.validator.is_valid(parse_object(opened.payload_bytes)):
            raise AssertionError("the floor's payload breaks its schema")
        leaf_hash(LEAF)
        self.sign(opened)

    def sign(self, opened: envelope.Opened) -> bytes:
        """A receipt like the hub's."""
        return envelope.seal_members(self.receipts, _receipt_header(opened), orjson.dumps(_receipt(opened)))


def _accept(task: Task) -> float:
    """Runs in a process of the pool."""
    return _repeat(task, Acceptance.of(task.sending).step)


def parts(pool: Executor, sending: Sending, envelopes: Sequence[bytes]) -> Mapping[str, float]:
    """Microseconds of processor time that each library call of one acceptance takes, in a process that does only that."""
    return pool.submit(_parts, Task(sending, envelopes, 0.0, 0.0)).result()


def _parts(task: Task) -> Mapping[str, float]:
    """Runs in a process of the pool."""
    acceptance = Acceptance.of(task.sending)
    opened = [read(compact) for compact in task.envelopes]
    payloads = [parse_object(message.payload_bytes) for message in opened]
    return {
        "read": _each(read, task.envelopes),
        "verify": _each(lambda message: envelope.verify(message, acceptance.verifier), opened),
        "parse": _each(lambda message: parse_object(message.payload_bytes), opened),
        "schema": _each(acceptance.validator.is_valid, payloads),
        "hash": _each(lambda _: leaf_hash(LEAF), opened),
        "sign": _each(acceptance.sign, opened),
    }


def _each(call: Callable[[T], object], arguments: Sequence[T]) -> float:
    """Microseconds of processor time for one call: the best of three rounds, for noise only ever adds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for argument in arguments:
            call(argument)
        rounds.append((time.process_time() - began) / len(arguments) * 1e6)
    return min(rounds)


def _receipt_header(opened: envelope.Opened) -> Mapping[str, Any]:
    header = opened.header
    return {
        "alg": header.alg,
        "kid": header.kid,
        "typ": RECEIPT,
        "iss": header.aud,
        "aud": header.iss,
        "iat": header.iat,
        "jti": header.jti,
        "res": header.res,
        "ver": header.ver,
        "ref": header.jti,
    }


def _receipt(opened: envelope.Opened) -> Mapping[str, Any]:
    header = opened.header
    return {
        "exchange": header.jti,
        "envelope_digest": opened.digest,
        "sender": header.iss,
        "jti": header.jti,
        "res": header.res,
        "ver": header.ver,
        "schema_digest": opened.digest,
        "accepted_at": "2026-01-01T00:00:00.000000+00:00",
        "lanes": 2,
        "hub": header.aud,
        "log": header.aud,
        "entry": opened.digest,
        "seal_by": "2026-01-01T00:01:00.000000+00:00",
    }


def _pull(task: Task) -> float:
    """Runs in a process of the pool; a step is one pull of `PULL_LIMIT` items with its acknowledgement."""
    signer = task.sending.signer()
    verifier = task.sending.verifier()
    items = [_item(compact) for compact in (list(task.envelopes) * PULL_LIMIT)[:PULL_LIMIT]]
    body = {"deliveries": [{"id": item["delivery"], "digest": item["digest"]} for item in items]}
    ack = envelope.seal(
        signer,
        typ=ACK,
        iss=task.sending.system,
        aud=task.sending.hub,
        iat=int(time.time()),
        jti=uuid4().hex,
        payload=orjson.dumps(body),
    )

    def step(_: bytes) -> None:
        orjson.dumps({"items": items})
        opened = envelope.read(ack, max_bytes=MAX_ENVELOPE_BYTES, allowed_types=frozenset({ACK}))
        envelope.verify(opened, verifier)
        for entry in parse_object(opened.payload_bytes)["deliveries"]:
            UUID(entry["id"])
            parse_digest(entry["digest"])
        leaf_hash(LEAF)

    return _repeat(task, step)


def _item(compact: bytes) -> Mapping[str, Any]:
    return {
        "delivery": str(uuid4()),
        "exchange": str(uuid4()),
        "res": "306001000001/000001",
        "ver": 1,
        "lane": str(uuid4()),
        "sequence": 1,
        "digest": digest(compact),
        "envelope": compact.decode(),
        "accepted_at": "2026-01-01T00:00:00.000000+00:00",
    }


def _push(task: Task) -> float:
    """Runs in a process of the pool; a step is one push of `PUSH_BATCH` items."""
    signer = HttpSigner(task.sending.signer())
    lane = uuid4()
    now = datetime.now(UTC)
    items = [
        Item(
            delivery=uuid4(),
            exchange=uuid4(),
            res=task.sending.resource,
            ver=1,
            lane=lane,
            sequence=number,
            digest=digest(compact),
            envelope=compact.decode(),
            accepted_at=now,
        )
        for number, compact in enumerate((list(task.envelopes) * PUSH_BATCH)[:PUSH_BATCH])
    ]
    batch = Batch(lane, tuple(items), 1, now + timedelta(seconds=45))

    def step(_: bytes) -> None:
        body = encode(batch)
        headers = {
            "content-type": "application/vnd.shuniu.deliveries+json",
            "content-digest": content_digest(body),
            "shuniu-lane": str(lane),
            "shuniu-sequence": "0",
            "shuniu-fence": "1",
        }
        signer.sign_request(
            method="POST", target_uri="http://127.0.0.1/push", headers=headers, created=now, expires=batch.expires
        )

    return _repeat(task, step)
