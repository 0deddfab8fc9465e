"""What an `ack+jws` says: the deliveries it names, each with the digest of what was got. Bytes in, no database."""

from uuid import UUID

from certs.digests import parse_digest
from certs.errors import JsonError
from certs.jsontext import parse_object
from hub.errors import FieldError, Refused
from hub.exchange.inbox import MAX_LIMIT


def read_deliveries(raw: bytes) -> dict[UUID, bytes]:
    """The deliveries that the payload `raw` names, with their digests (32 bytes). Raises `Refused` `malformed-payload`."""
    try:
        payload = parse_object(raw)
    except JsonError as fault:
        raise Refused(fault.zh, fault.en, slug="malformed-payload") from None
    listed = payload.get("deliveries")
    if set(payload) != {"deliveries"} or not isinstance(listed, list) or not 1 <= len(listed) <= MAX_LIMIT:
        raise _malformed(
            "/deliveries",
            f'载荷须为 {{"deliveries": [{{"id", "digest"}}]}}，1 至 {MAX_LIMIT} 项',
            f'the payload is {{"deliveries": [{{"id", "digest"}}]}} with 1 to {MAX_LIMIT} entries',
        )
    wanted: dict[UUID, bytes] = {}
    for position, entry in enumerate(listed):
        identifier, value = _delivery(entry, position)
        if identifier in wanted:
            raise _malformed(
                f"/deliveries/{position}/id",
                "同一投递出现了两次；每项只列一次",
                "this delivery is listed twice; list it once",
            )
        wanted[identifier] = value
    return wanted


def _delivery(entry: object, position: int) -> tuple[UUID, bytes]:
    if not isinstance(entry, dict) or set(entry) != {"id", "digest"}:
        raise _malformed(
            f"/deliveries/{position}",
            "每项只有 id 和 digest 两个成员",
            "each entry has the members id and digest, no others",
        )
    identifier = _identifier(entry["id"])
    if identifier is None:
        raise _malformed(
            f"/deliveries/{position}/id",
            "id 须原样使用收件箱给出的投递 uuid（小写，带连字符）",
            "id is the uuid of a delivery as the inbox gave it: lower case, with hyphens",
        )
    try:
        return identifier, parse_digest(entry["digest"])
    except (ValueError, TypeError):
        raise _malformed(
            f"/deliveries/{position}/digest",
            "digest 须为 sha-256: 加 64 位小写十六进制",
            "digest is sha-256: and 64 lower-case hex digits",
        ) from None


def _identifier(text: object) -> UUID | None:
    """The uuid in the one form that the inbox gives; evidence looks for it in the signed message by that text."""
    try:
        identifier = UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


def _malformed(pointer: str, zh: str, en: str) -> Refused:
    return Refused(zh, en, slug="malformed-payload", errors=[FieldError(pointer, zh, en)])
