"""What can go wrong on a partner's side.

ClientError
├── FolderError       the partner's folder, or the trust beside it, is missing something or is damaged
├── HubUnreachable    no answer from the hub; what was signed lies in the outbox and `Partner.resume()` sends it again
├── ProblemError      the hub answered that it will not: status, slug and the faulty places
└── TrustError        the hub answered, and the answer cannot be believed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NO_SLUG = "about:blank"
"""In place of a slug where an answer has none (RFC 9457 §4.2.1): it did not come from the hub but from a proxy, or from elsewhere."""

_SHOWN_LINES = 20
_TOO_LARGE = 413


class ClientError(Exception):
    """Any failure that this client foresees; `zh` and `en` are one sentence each for people."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en


class FolderError(ClientError):
    """Something in the partner's folder is missing or damaged; names the file and the cure."""


class HubUnreachable(ClientError):
    """The hub gave no answer within the attempts allowed; it may or may not have accepted."""


class TrustError(ClientError):
    """A receipt, an envelope or a certificate that cannot be believed; nothing was acknowledged because of it."""


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One faulty place: a JSON pointer into the payload or the name of a field, and what is wrong there."""

    pointer: str
    detail: str


class ProblemError(ClientError):
    """The hub's refusal (RFC 9457): printing it shows title, detail, every faulty place and the request's id."""

    def __init__(
        self,
        *,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        errors: Sequence[ProblemLine] = (),
        request_id: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(title, slug)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.request_id = request_id
        self.retry_after = retry_after

    def of_earlier(self, jti: str) -> ProblemError:
        """The same, where it is said when something else was to be sent."""
        return ProblemError(
            status=self.status,
            slug=self.slug,
            title=f"上次的 {jti} 被拒绝，已移到 refused；本次还没有发送 / "
            f"the earlier message {jti} was refused and set aside, nothing of this was sent yet: {self.title}",
            detail=self.detail,
            errors=self.errors,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )

    @property
    def is_final(self) -> bool:
        """Whether the same bytes would be refused again: False means that trying again may help.

        Only the hub judges what was sent: what a proxy answers in its place is final for too many bytes alone.
        """
        if self.slug == NO_SLUG:
            return self.status == _TOO_LARGE
        return self.status < 500 and (self.status != 429 or self.slug == "quota-exceeded")

    def __str__(self) -> str:
        """The refusal in one print."""
        lines = [f"{self.title} [{self.slug}, HTTP {self.status}]"]
        if self.detail and self.detail not in {self.title, *(line.detail for line in self.errors)}:
            lines.append(f"  {self.detail}")
        lines.extend(f"  {line.pointer}: {line.detail}" for line in self.errors[:_SHOWN_LINES])
        if len(self.errors) > _SHOWN_LINES:
            lines.append(f"  … 另有 {len(self.errors) - _SHOWN_LINES} 处 / {len(self.errors) - _SHOWN_LINES} more")
        if self.request_id:
            lines.append(f"  request_id: {self.request_id}")
        return "\n".join(lines)
