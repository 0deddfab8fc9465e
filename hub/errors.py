"""What can go wrong in the gateway, as one tree; `hub.api.problems` turns a member into a problem document with its status.

HubError
├── Refused              the caller's message or request cannot be honoured; carries the contract's slug
│   ├── Unauthenticated  nobody, or nobody we know
│   ├── Forbidden        known, but not allowed
│   ├── NotFound         no such thing, or none that this caller may know of
│   ├── Conflict         the state it finds does not allow it
│   ├── InvalidInput     a field of the request is wrong; names field, reason and cure
│   └── RateLimited      too much, too fast
├── Unavailable          cannot be done now, may be tried again
└── SetupError           something that the operator must install, set or start is missing (exit 3)

A `Refused` speaks to the caller (`zh`, `en`); `note` is for the operator's log alone. Neither may quote a payload.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in a request or payload: where (JSON pointer or field name), why and how to cure it, by which rule if it has an id."""

    pointer: str
    zh: str
    en: str
    rule: str = ""


class HubError(Exception):
    """Any failure that the gateway foresees."""

    slug = "unavailable"

    def __init__(self, zh: str, en: str, *, note: str = "") -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en
        self.note = note


class Refused(HubError):
    """A refusal with the contract's slug; `errors` name the faulty fields, `retry_after` is in seconds."""

    slug = "forbidden"

    def __init__(
        self,
        zh: str,
        en: str,
        *,
        slug: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        note: str = "",
    ) -> None:
        super().__init__(zh, en, note=note)
        if slug is not None:
            self.slug = slug
        self.errors = tuple(errors)
        self.retry_after = retry_after


class Unauthenticated(Refused):
    """No credentials, or credentials that we do not accept."""

    slug = "unauthenticated"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    slug = "forbidden"


class NotFound(Refused):
    """No such thing, or none that the caller may know of."""

    slug = "not-found"


class Conflict(Refused):
    """The present state does not allow it."""

    slug = "conflict"


class InvalidInput(Refused):
    """A field of a request is wrong; `errors` says which, why, and what to do."""

    slug = "invalid-input"


class RateLimited(Refused):
    """Too many requests; `retry_after` says when to come back."""

    slug = "rate-limited"


class Unavailable(Refused):
    """It cannot be done now; trying again later may help."""

    slug = "unavailable"


class SetupError(HubError):
    """Something needed is missing on this machine or in the settings; commands exit with 3."""

    slug = "setup"
