"""How the JSON doors write and read what several of them share: absent means absent, times in UTC, no unknown fields."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hub.audit.entry import instant
from hub.delivery.draining import Draining

SCHEMA_TYPE = "application/schema+json"


class Body(BaseModel):
    """The body of a request; a field that we do not know is a mistake, not an extension."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reason(Body):
    """Why; kept with the object, shown to those concerned."""

    reason: Annotated[
        str, Field(description="原因 / why", examples=["证书疑似泄露，待核查 / suspected leak, being examined"])
    ]


def example(value: object, status: int = 200, *, described: str = "") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: what it answers, by an example; `described` where the summary does not tell."""
    found: dict[str, Any] = {"content": {"application/json": {"example": value}}}
    return {status: found | {"description": described} if described else found}


def answers(media_type: str, text: str | None = None, *, described: str = "") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that does not answer JSON: text by an example, bytes by their media type alone."""
    shown: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    if text is not None:
        shown = {"schema": {"type": "string"}, "example": text}
    found: dict[str, Any] = {"content": {media_type: shown}}
    return {200: found | {"description": described} if described else found}


def present(**members: Any) -> dict[str, Any]:
    """The members that there are, ids as text, times as RFC 3339 in UTC."""
    return {name: _written(value) for name, value in members.items() if value is not None}


def shown_draining(found: Draining | None) -> dict[str, Any]:
    """`{"draining": {"attempts", "until"}}` while attempts that started before rights were narrowed are open, else nothing."""
    return {} if found is None else {"draining": {"attempts": found.attempts, "until": instant(found.until)}}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, UUID):
        return str(value)
    return value
