"""Why an adapter could not do what it was asked.

    AdapterError
    ├── Unreachable        no connection, or it broke before the whole answer was there
    ├── TimedOut           the time for the call, or the lease, was over first
    ├── NotAllowed         the way leads outside the network that the security officer allowed
    ├── WrongCredentials   the other side does not know or believe us
    ├── Rejected           the other side says no to what was sent
    ├── Unavailable        the other side says: not now
    ├── NoPlace            we have no place for the call now: nothing was sent
    ├── Stale              the claim is over: expired, or a higher fence was seen in its lane
    ├── AnswerUnusable     what came back is larger than its bound, or not of its form
    └── SetupError         the adapter cannot be made
        ├── UnknownAdapter     nobody offers an adapter of that name
        ├── DriverMissing      the adapter needs a package that is not installed
        └── SettingsInvalid    settings or secrets that the adapter does not take

Every error carries a stable machine word (`reason`), one sentence each in Chinese and English, and whether trying the same
items again later may help (`retryable`). None of them holds a secret or any part of an envelope.
"""

from __future__ import annotations

from typing import ClassVar

KEPT_BYTES = 512
"""The most that is kept of an answer (contract, "Push")."""


class AdapterError(Exception):
    """Something that an adapter could not do.

    `retryable` speaks of the items: True when they may get through later as they are, even if somebody has to repair the
    way first; False when the other side will not take them. `answer` is what came back, cut to `KEPT_BYTES`.
    """

    retryable: ClassVar[bool] = True

    def __init__(self, *, reason: str, zh: str, en: str, answer: bytes = b"") -> None:
        super().__init__(f"{zh} / {en}")
        self.reason = reason
        self.zh = zh
        self.en = en
        self.answer = answer[:KEPT_BYTES]


class Unreachable(AdapterError):
    """No connection, or it broke before the whole answer was there: the other side may have got everything."""


class TimedOut(AdapterError):
    """No whole answer in time: the other side may have got everything."""


class NotAllowed(AdapterError):
    """The way leads where nobody allowed: no address of the target is in its network, or it redirects. Nothing went there."""


class WrongCredentials(AdapterError):
    """The other side does not know or believe us: nothing is wrong with the items, and somebody must act."""


class Rejected(AdapterError):
    """The other side says no to what was sent, and would again."""

    retryable = False


class Unavailable(AdapterError):
    """The other side says: not now. `retry_after_s` is when it wants to be asked again, None if it does not say."""

    def __init__(self, *, reason: str, zh: str, en: str, answer: bytes = b"", retry_after_s: int | None = None) -> None:
        super().__init__(reason=reason, zh=zh, en=en, answer=answer)
        self.retry_after_s = retry_after_s


class NoPlace(AdapterError):
    """All that may go to this target at once is under way: nothing was sent, and nothing is said of the other side."""


class Stale(AdapterError):
    """The claim is over: it has expired, or the receiver has seen a higher fence in its lane. A new claim may go through."""


class AnswerUnusable(AdapterError):
    """What came back is larger than its bound or not of its form; the other side may have got everything."""


class SetupError(AdapterError):
    """The adapter cannot be made."""

    retryable = False


class UnknownAdapter(SetupError):
    """Nobody offers an adapter of that name."""


class DriverMissing(SetupError):
    """The adapter needs a package that is not installed; the message names it."""


class SettingsInvalid(SetupError):
    """Settings or secrets that the adapter does not take; the message names the fields and shows no secret."""
