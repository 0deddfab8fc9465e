"""What an adapter 适配器 is: what it declares, what it is given, what it is handed and what it hands back.

An adapter declares its capabilities and has the methods of each:

    push     hand a batch of a lane to the consumer's system          `Pushing`
    pull     take what a provider's system has laid out for us        `Pulling`
    answer   have a provider's system answer a query                  `Answering`
    poll     fetch acknowledgements that come back by themselves      `Polling`
    hold     leave what is to be delivered where the consumer fetches it; nothing is called

Envelopes, queries and acknowledgements pass through as the bytes that somebody signed. An adapter neither opens nor believes
them; it holds no key (a request is signed by the signer that it is given), reads no clock of its own, and knows neither
the database nor the gateway.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from adapters.errors import KEPT_BYTES


class Capability(StrEnum):
    """What an adapter can do."""

    PUSH = "push"
    PULL = "pull"
    ANSWER = "answer"
    POLL = "poll"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery, with the names of an inbox item (contract, "HTTP").

    `digest` is the contract's digest of the envelope, `envelope` the compact serialization, `accepted_at` aware.
    """

    delivery: UUID
    exchange: UUID
    res: str
    ver: int
    lane: UUID
    sequence: int
    digest: str
    envelope: str
    accepted_at: datetime

    def members(self) -> dict[str, str | int]:
        """The item as JSON has it; the time in UTC, to the microsecond."""
        return {
            "delivery": str(self.delivery),
            "exchange": str(self.exchange),
            "res": self.res,
            "ver": self.ver,
            "lane": str(self.lane),
            "sequence": self.sequence,
            "digest": self.digest,
            "envelope": self.envelope,
            "accepted_at": self.accepted_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one lane under one claim, in order; a retry repeats them with the same sequences under a higher fence.

    `fence` grows with each claim of the lane; `expires` (aware) is the lease's end, after which the batch must not be sent.
    """

    lane: UUID
    items: tuple[Item, ...]
    fence: int
    expires: datetime

    def __post_init__(self) -> None:
        """Raises ValueError for a batch that is empty, of several lanes, out of order, or without an offset to its time."""
        sequences = [item.sequence for item in self.items]
        if not sequences or any(item.lane != self.lane for item in self.items):
            raise ValueError("a batch holds at least one item, and items of its own lane only")
        if any(later <= earlier for earlier, later in itertools.pairwise(sequences)):
            raise ValueError("the sequences of a batch grow from item to item")
        if self.expires.tzinfo is None:
            raise ValueError("the end of a lease has an offset")

    @property
    def sequence(self) -> int:
        """The first item's sequence."""
        return self.items[0].sequence


class Outcome(StrEnum):
    """What is known of a batch that got through.

    `handed-over`: to something that carries it on and says nothing of the other side, such as a one-way gateway. Nobody has it
    yet: it stays in the queue until its acknowledgement comes back, or until it is time to hand it over again.
    """

    TRANSPORT_CONFIRMED = "transport-confirmed"
    ACKNOWLEDGED = "acknowledged"
    HANDED_OVER = "handed-over"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A batch that got through, all of it. Whatever did not get through as a whole is an AdapterError.

    `acknowledgement` is the compact `ack+jws` when the outcome is `acknowledged`, not yet believed: the caller verifies its
    signature and which deliveries it names. `answer` is what is kept of the answer, at most `KEPT_BYTES`. `again_after_s` are
    the seconds after which a batch that was handed over goes again, under a higher fence, unless it was acknowledged.
    """

    outcome: Outcome
    acknowledgement: bytes = b""
    answer: bytes = b""
    again_after_s: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError when more is kept than may be, or the outcome and what comes with it do not fit each other."""
        if len(self.answer) > KEPT_BYTES:
            raise ValueError(f"of an answer at most {KEPT_BYTES} bytes are kept")
        if (self.outcome is Outcome.ACKNOWLEDGED) != bool(self.acknowledgement):
            raise ValueError("an acknowledged batch comes with its acknowledgement, and no other does")
        if (self.outcome is Outcome.HANDED_OVER) != (self.again_after_s > 0):
            raise ValueError("a batch that was handed over says when it goes again, and no other does")


class RequestSigner(Protocol):
    """Signs HTTP requests in the hub's name (RFC 9421) without handing out the key."""

    def sign_request(
        self, *, method: str, target_uri: str, headers: Mapping[str, str], created: datetime, expires: datetime
    ) -> Mapping[str, str]:
        """The fields `signature-input` and `signature` to be added to a request with these `headers`, named in lower case.

        `created` and `expires` are aware; a nonce is drawn for each call.
        """


class Notary(Protocol):
    """Vouches, in the hub's name, for files that leave it, without handing out the key."""

    @property
    def hub(self) -> str:
        """The hub's id."""

    def sign_manifest(self, members: Mapping[str, Any]) -> bytes:
        """The signed manifest of a file, one line of ASCII (docs/adapters.md, `bundle`). Called from any thread."""

    async def certificates_of(self, envelopes: Sequence[str]) -> bytes:
        """The certificates that these envelopes' signatures are checked with, and their issuers, in PEM.

        For receivers that cannot ask the hub for them.
        """


class AdapterSettings(BaseModel):
    """Settings of an adapter: typed, each field described, none of them secret; a field not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdapterSecrets(BaseModel):
    """Secrets of an adapter, apart from its settings: no value is ever shown by `repr`, `str` or an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """The names of the fields: all that `repr`, `str` and whatever else shows a model have to show."""
        return [(name, "…") for name in type(self).model_fields]


class NoSecrets(AdapterSecrets):
    """For an adapter that needs none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: seconds from its beginning to the end of the answer, and bytes of an acknowledgement."""

    call_s: float = 30.0
    acknowledgement_bytes: int = 64 * 1024


SettingsT = TypeVar("SettingsT", bound=AdapterSettings, covariant=True)
SecretsT = TypeVar("SecretsT", bound=AdapterSecrets, covariant=True)


@dataclass(frozen=True, slots=True)
class Surroundings(Generic[SettingsT, SecretsT]):
    """All that an adapter is given. `clock` returns the present time, aware, in UTC; `system` is the code of the system reached.

    A gateway gives every adapter a notary and a system; None and "" are for tests of adapters that need neither.
    """

    settings: SettingsT
    secrets: SecretsT
    signer: RequestSigner
    clock: Callable[[], datetime]
    limits: Limits = Limits()
    notary: Notary | None = None
    system: str = ""


class Adapter(Protocol):
    """An adapter for one target. Made with its `Surroundings`; makes its connections when first used."""

    capabilities: ClassVar[frozenset[Capability]]
    settings_type: ClassVar[type[AdapterSettings]]
    secrets_type: ClassVar[type[AdapterSecrets]]

    def __init__(self, surroundings: Surroundings[Any, Any]) -> None:
        """Raises SettingsInvalid."""

    async def close(self) -> None:
        """Let go of connections; harmless when repeated. The adapter is not used afterwards."""


@runtime_checkable
class Pushing(Protocol):
    """Can push. Several calls may be open at once, one for each lane."""

    async def push(self, batch: Batch) -> Pushed:
        """Hand the batch over as a whole and in order, and say what is known of it.

        Raises AdapterError. Cancelled or failed, the batch may have arrived in part or as a whole: the caller sends it again,
        and the receiver knows what it had by the delivery ids. Nothing is sent once `batch.expires` has come.
        """


@runtime_checkable
class Pulling(Protocol):
    """Can pull."""

    async def pull(self, *, limit: int) -> Sequence[bytes]:
        """Up to `limit` envelopes that were laid out for us, oldest first; the same again until settled. Raises AdapterError."""

    async def settle(self, digests: Sequence[str]) -> None:
        """Take these envelopes, named by the contract's digest, off the table: we have receipts. Raises AdapterError."""


@runtime_checkable
class Answering(Protocol):
    """Can have queries answered."""

    async def answer(self, query: bytes, *, expires: datetime) -> bytes:
        """The provider's `answer+jws` to a `query+jws`, not yet believed; nobody waits after `expires`. Raises AdapterError."""


@runtime_checkable
class Polling(Protocol):
    """Can fetch acknowledgements that come later, and by another way than the answer to a push."""

    async def poll(self, *, limit: int) -> Sequence[bytes]:
        """Up to `limit` `ack+jws`, not yet believed, oldest first; the same again until put away. Raises AdapterError."""

    async def put_away(self, acknowledgement: bytes, *, refused: str = "") -> None:
        """Take what `poll` returned off the table: it was counted, or `refused` for good, for this reason. Raises AdapterError."""


@runtime_checkable
class Holding(Protocol):
    """Holds: consumers fetch what is theirs from the inbox."""


METHODS_OF: dict[Capability, type[Any]] = {
    Capability.PUSH: Pushing,
    Capability.PULL: Pulling,
    Capability.ANSWER: Answering,
    Capability.POLL: Polling,
    Capability.HOLD: Holding,
}
"""The methods that a declared capability obliges an adapter to have."""
