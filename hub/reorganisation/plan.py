"""A plan: every move that a change of organisations makes, what stands in its way, and a digest of it all. Pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from certs.canonical import canonical
from certs.digests import digest
from hub.errors import FieldError
from hub.reorganisation.change import Change
from hub.reorganisation.models import What
from hub.reorganisation.situation import Body, HeldCertificate

PROPOSED_ANEW = "proposed"
"""An account that acts for its organisation and moves: a security officer opens it again."""

DISABLED = "disabled"
"""An account that acts for an organisation which ends, and was not assigned."""

DETACHED = "detached"
"""An account that acts for no organisation, and belonged to one that ends without a successor."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing on its way; columns as in `OrganisationChangeMove`."""

    what: What
    object_id: str
    from_id: UUID
    to_id: UUID | None
    before: str | None = None
    after: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plans, answers and digests write it; absent means absent."""
        whole = {
            "what": self.what.value,
            "object": self.object_id,
            "from": str(self.from_id),
            "to": None if self.to_id is None else str(self.to_id),
            "before": self.before,
            "after": self.after,
        }
        return {name: value for name, value in whole.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Plan:
    """Every move, in the order in which they are made, the certificates that will name a body of before, all blockers."""

    change: Change
    bodies: tuple[Body, ...]
    moves: tuple[Move, ...]
    certificates: tuple[HeldCertificate, ...]
    blockers: tuple[FieldError, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the RFC 8785 form of what was asked, the bodies, the moves and the certificates."""
        return digest(
            canonical(
                {
                    "change": self.change.to_json(),
                    "bodies": [[str(b.id), b.code or "", b.name, b.name_en, b.active] for b in self.bodies],
                    "moves": [move.to_json() for move in self.moves],
                    "certificates": [[held.kid, held.system] for held in self.certificates],
                }
            )
        )

    def counts(self) -> dict[str, int]:
        """How many of each kind move."""
        return dict(sorted(Counter(move.what.value for move in self.moves).items()))
