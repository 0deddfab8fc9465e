"""Writes the vectors for partners' developers into docs/vectors/: `python -m tests.vectors.partner.make`.

Keys are made anew each time, so the files change as a whole; a test holds what they say against the hub's own code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from catalog.items import parse_items
from catalog.schema import derive_schema
from certs.digests import digest
from tests.vectors.partner import messages, pushes
from tests.vectors.partner.keys import HUB, NOW, REVOKED, STRANGER, SUSPENDED, SYSTEMS, Keys

FOLDER = Path(__file__).parents[3] / "docs/vectors"

ITEMS: tuple[Mapping[str, Any], ...] = (
    {"field_name": "case_no", "name": "办件编号", "data_type": "C", "length": 50, "required": True, "key": True},
    {"field_name": "limit_text", "name": "时限", "data_type": "C", "length": 5000, "required": True},
    {"field_name": "days", "name": "天数", "data_type": "I", "required": False},
)

RESOURCES = (
    (messages.RES, "lintao-approval", "published"),
    (messages.OTHERS_RES, "lintao-finance", "published"),
    (messages.CLOSED_RES, "lintao-approval", "suspended"),
)

_JSON: tuple[object, ...] = (
    {"b": 1.0, "a": -0.0, "é": "é", "\U0001f600": 1, "ﬀ": 2},
    [1e21, 1e-7, 0.1, -9007199254740991, 9007199254740991, 4.5, 2e-3],
    {"text": '引号"、反斜杠\\、换行\n、\u0001、/', "": None, "真": [True, False, {}]},
)
"""Sorting by UTF-16 units, numbers as ECMAScript writes them, the shortest escapes (RFC 8785 §3.2)."""


def made() -> dict[str, dict[str, Any]]:
    """The files by name."""
    keys = Keys.make()
    envelopes = list(messages.envelopes(keys))
    sent = envelopes[0][4]
    return {
        "keys": _keys(keys),
        "envelopes": {
            "hub": HUB,
            "now": NOW.isoformat(),
            "skew_s": messages.SKEW_S,
            "max_bytes": messages.MAX_BYTES,
            "schema": _schema(),
            "resources": [{"code": code, "system": system, "status": status} for code, system, status in RESOURCES],
            "granted_to": [messages.CONSUMER],
            "cases": [_case(*case) for case in envelopes],
        },
        "acknowledgements": {
            "hub": HUB,
            "now": NOW.isoformat(),
            "skew_s": messages.SKEW_S,
            "cases": [_case(*case) for case in messages.acknowledgements(keys)],
        },
        "receipts": {
            "hub": HUB,
            "now": NOW.isoformat(),
            "sent": sent.decode(),
            "cases": [
                {"name": name, "zh": zh, "en": en, "receipt": compact.decode(), "believed": believed}
                for name, believed, zh, en, compact in messages.receipts(keys, sent)
            ],
        },
        "pushes": {
            "hub": HUB,
            "system": pushes.CONSUMER,
            "now": NOW.isoformat(),
            "url": pushes.URL,
            "cases": [_push(*case) for case in pushes.pushes(keys)],
            "memory": pushes.memory(),
        },
        "digests": {
            "canonical": [_canonical(value) for value in _JSON],
            "schema": {"schema": _schema(), "schema_digest": digest(rfc8785.dumps(_schema()))},
            "envelope": {"envelope": sent.decode(), "digest": digest(sent)},
        },
    }


def _keys(keys: Keys) -> dict[str, Any]:
    state = {SUSPENDED: "suspended", REVOKED: "revoked", STRANGER: "not registered"}
    return {
        "note": "公开的示例密钥，切勿用于真实系统 / published keys: never use them for a real system",
        "made": datetime.now(UTC).date().isoformat(),
        "ca.pem": keys.pem("root", "issuing"),
        "hub.pem": keys.pem("receipts"),
        "push.pem": keys.pem("pushes", "issuing", "root"),
        "systems": [
            {
                "system": code,
                "alg": algorithm,
                "kid": keys.kid(code),
                "state": state.get(code, "active"),
                "key": keys.private(code),
                "certificate": keys.pem(code),
            }
            for code, (algorithm, _, _) in SYSTEMS.items()
        ],
    }


def _schema() -> dict[str, Any]:
    return dict(derive_schema(parse_items([dict(item) for item in ITEMS]), title="示例", code=messages.RES, version=1))


def _case(name: str, slug: str, zh: str, en: str, compact: bytes) -> dict[str, Any]:
    return {"name": name, "zh": zh, "en": en, "envelope": compact.decode(), "answer": slug}


def _push(
    name: str, status: int, reason: str, zh: str, en: str, method: str, fields: pushes.Fields, body: bytes
) -> dict[str, Any]:
    asked = {"method": method, "headers": [list(field) for field in fields], "body": body.decode()}
    return {"name": name, "zh": zh, "en": en, **asked, "status": status, "reason": reason}


def _canonical(value: object) -> dict[str, Any]:
    written = rfc8785.dumps(value)  # type: ignore[arg-type]
    return {"value": value, "rfc8785": written.decode(), "sha-256": hashlib.sha256(written).hexdigest()}


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for name, members in made().items():
        text = json.dumps(members, ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
