"""Who calls, once credentials were checked: what guards hand to endpoints and permissions judge. Knows no request."""

from dataclasses import dataclass
from uuid import UUID

from hub.audit.entry import Actor
from hub.identity.roles import Role


@dataclass(frozen=True, slots=True)
class StaffCaller:
    """A member of staff with a live session.

    `organisation_id` is the one they edit or decide for. `must_change_password` confines the session to that change.
    """

    id: UUID
    login: str
    display_name: str
    roles: frozenset[Role]
    organisation_id: UUID | None
    session_id: UUID
    must_change_password: bool
    actor: Actor


@dataclass(frozen=True, slots=True)
class SystemCaller:
    """A partner system with an access token, active at this moment; `kid` is the certificate that obtained the token."""

    system_id: UUID
    code: str
    organisation_id: UUID
    kid: str
    actor: Actor
