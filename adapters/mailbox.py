"""`mailbox`: what is to be delivered stays where it is, and the consumer fetches it from its inbox (`GET /v1/inbox`).

For a consumer that cannot be reached, or not now: its lanes that push are shown in the inbox beside the others, under the same
deliveries and sequences. Nothing is called, so there is nothing to set and nothing to close.
"""

from typing import Any, ClassVar

from adapters.protocol import AdapterSecrets, AdapterSettings, Capability, NoSecrets, Surroundings


class MailboxSettings(AdapterSettings):
    """A mailbox has no settings."""


class MailboxAdapter:
    """Holds, and does nothing."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.HOLD})
    settings_type: ClassVar[type[AdapterSettings]] = MailboxSettings
    secrets_type: ClassVar[type[AdapterSecrets]] = NoSecrets

    def __init__(self, surroundings: Surroundings[Any, Any]) -> None:
        """There is nothing to keep of the surroundings."""

    async def close(self) -> None:
        """There is nothing to let go of."""
