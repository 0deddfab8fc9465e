"""Examples of what the log answers: entries, rows, exports, a checkpoint. Hashes, commitments and the signature hold."""

from typing import Any

from certs.canonical import canonical

LEAF_EXAMPLE: dict[str, Any] = {
    "v": 1,
    "hub": "lintao-hub",
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739c1",
    "time": "2026-03-02T09:30:00.000000+08:00",
    "event": "system.suspended",
    "actor": {
        "kind": "staff",
        "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739b1",
        "role": "security",
        "login": "hmac-sha-256:a5ea0e5db74303edb9085c7a7571d2ca54e7f38ed305f462ade88da507a1c95f",
        "name": "hmac-sha-256:8672507fddbb800baf6c4df1826137591c93e6b59dc2721137ddb883a6903b3d",
        "address": "hmac-sha-256:92c8c6f92e51ffd8cac693ed43bb53907b0cd32d50e988c55ce4e6ede28cd6f5",
        "terminal": "hmac-sha-256:4c3366e374177820e5d940cc0b76c6d677fc943f0b3565f34936a6ee8d972db6",
    },
    "object": {"type": "system", "id": "lintao-subsite"},
    "result": "success",
    "region": "621124",
    "before": "sha-256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
    "after": "sha-256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    "request": "f92567a34d51e357",
}

LEAF_HASH = "lHGx32Jx8m6TfbyGx7Qz0qDrIca2T7oswLOdyNsQxsY="

ENTRY_EXAMPLE: dict[str, Any] = {
    "id": LEAF_EXAMPLE["id"],
    "event": "system.suspended",
    "outcome": "success",
    "occurred_at": "2026-03-02T01:30:00.000000+00:00",
    "leaf": LEAF_EXAMPLE,
    "leaf_hash": LEAF_HASH,
    "leaf_index": 1286,
    "openings": {
        "login": {"salt": "dddb154ee70eebc41f5dc5f883e92000", "value": "example-security"},
        "name": {"salt": "186712daf20d66c9c189de0ac7050526", "value": "示例人员甲"},
        "address": {"salt": "02800a2bfd880ce30d8cf0d26ab3ec89", "value": "192.0.2.10"},
        "terminal": {"salt": "65bbc64325b442e1f1cecb224a5ba768", "value": "Mozilla/5.0"},
    },
}

SEALED_EXAMPLE: dict[str, Any] = {
    "leaf_index": 1286,
    "id": LEAF_EXAMPLE["id"],
    "event": "system.suspended",
    "outcome": "success",
    "actor": LEAF_EXAMPLE["actor"]["id"],
    "object_type": "system",
    "object_id": "lintao-subsite",
    "occurred_at": "2026-03-02T01:30:00.000000+00:00",
    "leaf_hash": LEAF_HASH,
}

UNSEALED_EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739c2",
    "event": "system.resumed",
    "pending": True,
    "age_s": 0.4,
}

NEW_EXPORT_EXAMPLE: dict[str, Any] = {"first": 0, "event": "system.suspended", "since": "2026-03-01T00:00:00+08:00"}

EXPORT_EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739d1",
    "first": 0,
    "until": 1287,
    "only": {"event": "system.suspended", "since": "2026-02-28T16:00:00.000000+00:00"},
    "requested_at": "2026-03-02T01:35:00.000000+00:00",
}

CHECKPOINT_EXAMPLE = (
    "lintao-hub\n"
    "1287\n"
    "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
    "\n"
    "— lintao-hub A8lJQELrsxWxqAaC7dsE1tkRy0+4RG8gh8+pxg+bMlJ0hwGcIGUT6QZgEdbUFFBfRcYqBGUiP0IVCHVuldz/5ZP8JAY=\n"
)
"""Signed by `CHECKPOINT_KEY`."""

CHECKPOINT_KEY = "lintao-hub+03c94940+ATcjKwYfZlheM5JCRMukUcoq74xoeFjAE8J8vEx8AiR9"
"""A key of no hub, in the form of C2SP signed-note."""

LINES_EXAMPLE = (
    '{"export":{"by":"0198f0c2-6a00-7cc3-98c4-dc0c0c0739b2","first":0,"format":"shuniu-log-export/1","hub":"lintao-hub",'
    '"id":"0198f0c2-6a00-7cc3-98c4-dc0c0c0739d1","only":{"event":"system.suspended"},"prefix":[],'
    '"requested_at":"2026-03-02T01:35:00.000000+00:00","until":1287}}\n'
    '{"hash":"LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=","index":0}\n'
    f'{{"hash":"{LEAF_HASH}","index":1286,"leaf":{canonical(LEAF_EXAMPLE).decode()}}}\n'
    '{"end":{"certificates":["MIIB…"],"checkpoint":"lintao-hub\\n1287\\n…","consistency":[],"entries":1,'
    '"left_out":1286,"missing":0}}\n'
    '{"manifest":"eyJhbGciOiJFUzI1NiIsImlh….eyJkaWdlc3QiOiJzaGEtMjU2….c2lnbmF0dXJl…"}\n'
)
"""First line, two of the leaves, of which the filter leaves out the first, end and manifest."""
