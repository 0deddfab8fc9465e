"""The floor: what the same libraries cost when they are called directly, without HTTP and without a database.

As many processes as there are gateways do nothing but this, for a few seconds of the same run. A ratio to the floor says
how much of a machine's speed the hub keeps, and bears a noisy or slow machine better than the figures themselves.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson

from catalog.compiler import compile_schema
from catalog.items import parse_items
from catalog.schema import derive_schema
from certs import envelope
from certs.digests import digest, parse_digest
from certs.header import ACK, RECEIPT
from certs.jsontext import parse_object
from certs.keys import generate_key
from certs.suites import KeySigner
from certs.tree import leaf_hash
from tools.bench.plan import GATEWAYS, PULL_LIMIT
from tools.bench.records import ITEMS
from tools.bench.requests import MAX_ENVELOPE_BYTES, Sending, read

START_DELAY_S = 1.0
"""Time for the processes of the pool to have everything at hand, so that they measure at the same time."""

LEAF_BYTES = 800
"""The leaf of an acceptance has about so many."""


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
    while (elapsed := time.perf_counter() - began) < task.seconds:
        for compact in task.envelopes[done % len(task.envelopes) :][:PULL_LIMIT]:
            step(compact)
            done += 1
    return done / elapsed


def _accept(task: Task) -> float:
    """Runs in a process of the pool."""
    verifier = task.sending.verifier()
    schema = derive_schema(parse_items(ITEMS), title="示例", code=task.sending.resource, version=1)
    validator = compile_schema(schema)
    receipts = KeySigner(generate_key("ES256"), task.sending.kid)
    leaf = b"x" * LEAF_BYTES

    def step(compact: bytes) -> None:
        opened = read(compact)
        envelope.verify(opened, verifier)
        if not validator.is_valid(parse_object(opened.payload_bytes)):
            raise AssertionError("the floor's payload breaks its schema")
        hashed = leaf_hash(leaf)
        envelope.seal_members(receipts, _receipt_header(opened), orjson.dumps(_receipt(opened, hashed)))

    return _repeat(task, step)


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


def _receipt(opened: envelope.Opened, hashed: bytes) -> Mapping[str, Any]:
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
        "entry": hashed.hex(),
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
        leaf_hash(b"x" * LEAF_BYTES)

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
