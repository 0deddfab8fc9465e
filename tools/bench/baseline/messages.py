"""What comes in and goes out, as pydantic models, and how it is taken apart."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certs.digests import b64u_decode
from certs.errors import JsonError
from certs.jsontext import parse_object


class EnvelopeHeader(BaseModel):
    """The protected header of an `exchange+jws`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    alg: Literal["ES256", "EdDSA"]
    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    typ: Literal["exchange+jws"]
    iss: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    aud: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    iat: int
    jti: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
    res: Annotated[str, Field(pattern=r"^[123][0-9]{5}[0-9A-Za-z]*/[0-9]+$")]
    ver: Annotated[int, Field(ge=1)]


class ExchangePayload(BaseModel):
    """What an exchange carries."""

    model_config = ConfigDict(extra="forbid")

    op: Literal["upsert", "delete", "snapshot"] = "upsert"
    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1000)]


class ReceiptPayload(BaseModel):
    """What the receipt says."""

    exchange: str
    envelope_digest: str
    sender: str
    jti: str
    res: str
    ver: int
    schema_digest: str
    accepted_at: str
    lanes: int
    hub: str
    log: str
    entry: str
    seal_by: str


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope taken apart."""

    compact: bytes
    header: EnvelopeHeader
    payload: bytes
    signed: bytes
    signature: bytes


def read(compact: bytes, limit: int) -> Posted:
    """Size and form."""
    if len(compact) > limit:
        raise HTTPException(413, "too-large")
    try:
        head, body, signature = compact.split(b".")
        header = EnvelopeHeader.model_validate(parse_object(b64u_decode(head)))
        return Posted(compact, header, b64u_decode(body), head + b"." + body, b64u_decode(signature))
    except (ValueError, ValidationError, JsonError):
        raise HTTPException(400, "malformed-envelope") from None


def read_payload(data: bytes) -> dict[str, Any]:
    """The payload's form."""
    try:
        payload = parse_object(data)
        ExchangePayload.model_validate(payload)
    except (JsonError, ValidationError):
        raise HTTPException(400, "malformed-payload") from None
    return payload
