"""Examples of what the doors of the exchange answer: receipt, state, evidence, inbox. Of signed text the beginnings are shown."""

from typing import Any

from hub.api.audit_examples import CHECKPOINT_EXAMPLE

ENVELOPE_EXAMPLE = "eyJhbGciOiJFUzI1NiIsImtp….eyJvcCI6InVwc2VydCIsInJl….hWdEdVAF1SVpzW5KF7HuJZOM…"
"""Whole ones are in `docs/vectors/envelopes.json`."""

RECEIPT_EXAMPLE = "eyJhbGciOiJFUzI1NiIsImtp….eyJleGNoYW5nZSI6IjAxOWFh….vT6rhz1NuLIAj-vVSGYTAGKh…"
"""Whole ones are in `docs/vectors/receipts.json`."""

ACKNOWLEDGEMENT_EXAMPLE = "eyJhbGciOiJFUzI1NiIsImtp….eyJkZWxpdmVyaWVzIjpbeyJp….J_HApImVBTZr8tPtSL3csNF_…"
"""Whole ones are in `docs/vectors/acknowledgements.json`."""

EXCHANGE_ID = "019aa8c0-0000-7000-8000-000000000001"
DELIVERY_ID = "019aa8c0-0000-7000-8000-000000000002"
DIGEST = "sha-256:1fcb8bf8ce233f2d42b242b87f706d79e2953ce322165387f2c8dd32f71190f5"

STATE_EXAMPLE: dict[str, Any] = {
    "id": EXCHANGE_ID,
    "sender": "lintao-approval",
    "jti": "019aa8c0-0000-7000-8000-00000000000a",
    "res": "306001000002/000001",
    "ver": 1,
    "envelope_digest": DIGEST,
    "schema_digest": "sha-256:df0ad6e43880f09c90ebf95f19110178aba6890df0010ebda7485029e2b543b4",
    "accepted_at": "2026-11-22T01:00:00.250000+00:00",
    "lanes": 1,
    "state": "closed",
    "deliveries": [
        {
            "id": DELIVERY_ID,
            "consumer": "lintao-subsite",
            "state": "acknowledged",
            "sequence": 7,
            "claimed_at": "2026-11-22T01:00:04.000000+00:00",
            "ended_at": "2026-11-22T01:00:05.000000+00:00",
        }
    ],
}

ACCEPTED_LEAF: dict[str, Any] = {
    "v": 1,
    "hub": "lintao-hub",
    "id": EXCHANGE_ID,
    "time": "2026-11-22T09:00:00.250000+08:00",
    "event": "exchange.accepted",
    "actor": {
        "kind": "system",
        "id": "lintao-approval",
        "organisation": "11621124MB0000000U",
        "address": "hmac-sha-256:92c8c6f92e51ffd8cac693ed43bb53907b0cd32d50e988c55ce4e6ede28cd6f5",
    },
    "object": {"type": "exchange", "id": EXCHANGE_ID},
    "result": "success",
    "region": "621124",
    "request": "107857a3a5c094cb",
    "rows": 1,
    "details": {
        "envelope_digest": DIGEST,
        "grants": ["0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"],
        "jti": STATE_EXAMPLE["jti"],
        "kid": "CZoobdwMw7HMm6mWu1a-zAksyU8d1E-sN3EtceBPcmU",
        "res": STATE_EXAMPLE["res"],
        "schema_digest": STATE_EXAMPLE["schema_digest"],
        "ver": 1,
    },
}

EVIDENCE_EXAMPLE: dict[str, Any] = {
    "format": "shuniu-evidence/1",
    "envelope": ENVELOPE_EXAMPLE,
    "receipt": RECEIPT_EXAMPLE,
    "deliveries": [{"id": DELIVERY_ID, "acknowledgement": ACKNOWLEDGEMENT_EXAMPLE}],
    "certificates": ["MIIB…"],
    "revocation_list": "MIIB…",
    "schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "示例", "type": "object"},
    "entries": [
        {"index": 1286, "leaf": ACCEPTED_LEAF, "proof": ["LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="]},
    ],
    "checkpoint": CHECKPOINT_EXAMPLE,
}
"""Of certificates, schema, entries and proofs a piece each."""

INBOX_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "delivery": DELIVERY_ID,
            "exchange": EXCHANGE_ID,
            "res": "306001000002/000001",
            "ver": 1,
            "lane": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
            "sequence": 7,
            "digest": DIGEST,
            "envelope": ENVELOPE_EXAMPLE,
            "accepted_at": "2026-11-22T01:00:00.250000+00:00",
        }
    ]
}
