"""Writing an exported log, a line at a time; `certs.export_form` has the form and reads it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from certs.canonical import canonical
from certs.digests import b64u_encode
from certs.export_form import FORMAT, MANIFEST_TYPE, Counts, Head
from certs.suites import Signer


def write_head(head: Head) -> bytes:
    """The first line."""
    members = {
        "by": head.by,
        "first": head.first,
        "format": FORMAT,
        "hub": head.hub,
        "id": head.id,
        "only": dict(head.only),
        "prefix": _texts(head.prefix),
        "requested_at": head.requested_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "until": head.until,
    }
    return canonical({"export": members}) + b"\n"


def has_line(leaf: bytes) -> bool:
    """Whether a line can hold the leaf: one object, without a newline, as every leaf is that the hub wrote."""
    return leaf[:1] == b"{" and leaf[-1:] == b"}" and b"\n" not in leaf


def write_line(index: int, hashed: bytes, leaf: bytes | None = None, *, missing: bool = False) -> bytes:
    """The line of one leaf; `leaf` is RFC 8785 JSON already, and so is the line. What is no leaf (`has_line`) is `missing`."""
    shown = b',"leaf":null' if missing else b"" if leaf is None else b',"leaf":' + leaf
    return b'{"hash":"%s","index":%d%s}\n' % (base64.b64encode(hashed), index, shown)


def write_end(note: bytes, consistency: Sequence[bytes], certificates: Sequence[bytes], counts: Counts) -> bytes:
    """The last line but one; `certificates` are DER: the signer's, and what lies between it and an anchor."""
    members = {
        "certificates": _texts(certificates),
        "checkpoint": note.decode(),
        "consistency": _texts(consistency),
        "entries": counts.entries,
        "left_out": counts.left_out,
        "missing": counts.missing,
    }
    return canonical({"end": members}) + b"\n"


def write_manifest(signer: Signer, *, hub: str, export: str, digest: str, lines: int, now: datetime) -> bytes:
    """The last line: `digest` is over all bytes before it, `lines` how many lines those are."""
    header = {
        "alg": signer.alg,
        "iat": int(now.timestamp()),
        "iss": hub,
        "jti": export,
        "kid": signer.kid,
        "typ": MANIFEST_TYPE,
    }
    payload = {"digest": digest, "export": export, "lines": lines}
    signing_input = b64u_encode(canonical(header)) + b"." + b64u_encode(canonical(payload))
    return b'{"manifest":"%s.%s"}\n' % (signing_input, b64u_encode(signer.sign(signing_input)))


def _texts(values: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(value).decode() for value in values]
