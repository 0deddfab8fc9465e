"""Where the registration of our resources with catalogues above 上级目录 stands, state after state.

What a catalogue above says is a receipt: it is kept, with the code that it gave, and changes nothing of ours. Catalogues
are named by the hub id, or the name, by which this hub knows them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.codes import UpstreamState
from catalog.errors import InvalidResource, InvalidTransition, UnknownResource, Violation
from catalog.items import UNPRINTABLE
from catalog.models import UpstreamRegistration
from catalog.schema import digest_of

MAX_TERM: Final = 200
_DIGEST: Final = re.compile(r"sha-256:[0-9a-f]{64}")

NEXT: Final[Mapping[UpstreamState, frozenset[UpstreamState]]] = {
    UpstreamState.NOT_REPORTED: frozenset({UpstreamState.PENDING, UpstreamState.ACCEPTED}),
    UpstreamState.PENDING: frozenset({UpstreamState.ACCEPTED, UpstreamState.REFUSED, UpstreamState.CANCELLED}),
    UpstreamState.REFUSED: frozenset({UpstreamState.PENDING}),
    UpstreamState.ACCEPTED: frozenset({UpstreamState.ACCEPTED, UpstreamState.CANCELLED}),
    UpstreamState.CANCELLED: frozenset({UpstreamState.PENDING}),
}
"""What may follow what. A resource may have been registered above before this hub was; a catalogue may give a new code."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """By what a catalogue above told us: its reference there, `sha-256:<hex>` of its bytes, when it was given."""

    reference: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Upstream:
    """A state to record; `code` is the catalogue's, for what it accepted. What waits has no receipt yet."""

    catalogue: str
    state: UpstreamState
    code: str | None = None
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class UpstreamRecorded:
    """A state that was recorded, of the resource with this code of ours; `before` and `after` are digests of the state."""

    code: str
    row: UpstreamRegistration
    before: str
    after: str


async def record_upstream(
    session: AsyncSession, resource_id: UUID, new: Upstream, *, by: str, now: datetime
) -> UpstreamRecorded:
    """Record what became of the registration of a resource above. Raises UnknownResource, InvalidResource, InvalidTransition."""
    if violations := list(_violations(new)):
        raise InvalidResource(violations)
    resource = await repository.locked_resource(session, resource_id)
    if resource is None:
        raise UnknownResource
    catalogue = new.catalogue.strip()
    last = latest(await repository.upstream(session, [resource_id])).get((resource_id, catalogue))
    present = UpstreamState.NOT_REPORTED if last is None else UpstreamState(last.state)
    if new.state not in NEXT[present]:
        raise InvalidTransition(
            f"该资源在 {catalogue} 的上报状态为{present.zh}，不能改为{new.state.zh}",
            f"its registration with {catalogue} is {present.en} and does not become {new.state.en}",
            "/state",
        )
    receipt = new.receipt
    row = UpstreamRegistration(
        resource_id=resource_id,
        catalogue=catalogue,
        number=1 if last is None else last.number + 1,
        state=new.state.value,
        # A catalogue that says nothing of its code has not taken it back.
        upstream_code=new.code or (None if last is None else last.upstream_code),
        receipt_reference=None if receipt is None else receipt.reference.strip(),
        receipt_digest=None if receipt is None else receipt.digest,
        receipt_at=None if receipt is None else receipt.at,
        recorded_by=by,
        recorded_at=now,
    )
    await repository.add(session, row)
    before = digest_of({"state": present.value}) if last is None else _state_of(last)
    return UpstreamRecorded(resource.code, row, before, _state_of(row))


def latest(rows: Sequence[UpstreamRegistration]) -> dict[tuple[UUID, str], UpstreamRegistration]:
    """Return the state that holds for each resource and catalogue; `rows` are in the order of their numbers."""
    return {(row.resource_id, row.catalogue): row for row in rows}


def _violations(new: Upstream) -> Iterator[Violation]:
    for field, text in (("/catalogue", new.catalogue), ("/upstream_code", new.code)):
        if text is not None and not _is_term(text):
            yield _fault(field, f"应为 1 至 {MAX_TERM} 字，不含控制字符", f"takes 1 to {MAX_TERM} printable characters")
    if new.state is UpstreamState.NOT_REPORTED:
        yield _fault("/state", "已上报的不能改回未上报；撤回请用已撤销", "what was reported stays so; use cancelled")
    if new.state is UpstreamState.ACCEPTED and new.code is None:
        yield _fault("/upstream_code", "通过时须填上级给的代码", "with accepted, give the code that the catalogue gave")
    if new.state in (UpstreamState.ACCEPTED, UpstreamState.REFUSED, UpstreamState.CANCELLED):
        yield from _receipt_violations(new.receipt)


def _receipt_violations(receipt: Receipt | None) -> Iterator[Violation]:
    if receipt is None:
        yield _fault(
            "/receipt",
            "请附上级的回执：编号、摘要和时间",
            "give the receipt by which the catalogue said so: its reference, digest and time",
        )
        return
    if not _is_term(receipt.reference):
        yield _fault("/receipt/reference", "请填写回执编号", "give the receipt's reference")
    if _DIGEST.fullmatch(receipt.digest) is None:
        yield _fault("/receipt/digest", "应为 sha-256: 加 64 位小写十六进制", "is sha-256: and 64 small hex digits")
    if receipt.at.tzinfo is None:
        yield _fault("/receipt/at", "缺少时区；请写成 RFC 3339", "lacks its offset; write RFC 3339")


def _is_term(text: str) -> bool:
    return 1 <= len(text.strip()) <= MAX_TERM and UNPRINTABLE.search(text) is None and "\n" not in text


def _fault(field: str, zh: str, en: str) -> Violation:
    return Violation(field, "upstream", zh, en)


def _state_of(row: UpstreamRegistration) -> str:
    return digest_of(row.model_dump(mode="json", exclude={"recorded_at", "recorded_by"}))
