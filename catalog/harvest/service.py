"""Harvesting in stages: begin, add pages, look at what would change, apply in one transaction or give up. None commits.

What a catalogue says and what people of ours write over it are kept apart, so that a harvest never overwrites a person's
words, and a person sees when the catalogue has changed beneath them (`conflicts`). What a catalogue no longer has is marked
as gone and stays. Only a harvest that has every page can be applied: those that are missing would look like deletions. Pages
name the next, the first and the last one; where they do not say their own address, as many of them as are named must be there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType, UpdateCycle
from catalog.dcat.pages import CataloguePage
from catalog.errors import InvalidResource, InvalidTransition, Violation
from catalog.harvest import repository
from catalog.harvest.models import Harvest, UpstreamResource
from catalog.identifiers import RESOURCE_PREFIX_FORM
from catalog.items import UNPRINTABLE
from catalog.rules import MAX_NAME, MAX_SUMMARY, MAX_TERM
from catalog.schema import digest_of

MAX_FAULTS: Final = 1_000  # of a harvest; a catalogue with more is not fit to be taken over
MAX_TOLD: Final = 5
"""Addresses of missing pages in a message."""
MAX_STAGED: Final = 200_000  # datasets of one harvest: the largest provincial catalogue known has a tenth of it

EDITABLE: Final[Mapping[str, int]] = {
    "name": MAX_NAME,
    "summary": MAX_SUMMARY,
    "provider_name": MAX_TERM,
    "classification": MAX_TERM,
    "note": MAX_SUMMARY,
}
"""Texts that our people may write over what the catalogue says, with their limits; `note` is theirs alone."""
_CODES: Final = {"share_type": ShareType, "update_cycle": UpdateCycle}


def begin(catalogue_id: UUID, *, harvest_id: UUID, now: datetime) -> Harvest:
    """Return a new harvest of the catalogue, with nothing staged."""
    return Harvest(
        id=harvest_id, catalogue_id=catalogue_id, state="gathering", pages=0, is_complete=False, faults=[], began_at=now
    )


async def add_page(session: AsyncSession, harvest: Harvest, page: CataloguePage) -> None:
    """Stage one page, in whatever order; the same page again changes nothing but the count. Raises InvalidTransition."""
    _require_open(harvest)
    await repository.stage(session, harvest.id, page.datasets)
    if await repository.staged_count(session, harvest.id) > MAX_STAGED:
        raise InvalidTransition(
            f"一次收割最多 {MAX_STAGED} 个数据集；请分成几个上游目录",
            f"a harvest takes at most {MAX_STAGED} datasets; part the catalogue into several",
            "/pages",
        )
    faults = [{"uri": fault.field, "zh": fault.zh, "en": fault.en} for fault in page.faults]
    known = {(fault["uri"], fault["zh"]) for fault in harvest.faults}
    fresh = [fault for fault in faults if (fault["uri"], fault["zh"]) not in known]
    if len(harvest.faults) + len(fresh) > MAX_FAULTS:
        raise InvalidTransition(
            f"有问题的数据集超过 {MAX_FAULTS} 个；请上游先更正目录",
            f"more than {MAX_FAULTS} datasets are faulty; have the catalogue corrected first",
            "/faults",
        )
    harvest.faults = [*harvest.faults, *fresh]
    harvest.pages += 1
    key = page.address or digest_of(
        [dataset.digest for dataset in page.datasets] + [list(fault.values()) for fault in faults]
    )
    named = {"address": page.address, "next": page.following, "first": page.first, "last": page.last}
    harvest.links = harvest.links | {key: {name: address for name, address in named.items() if address is not None}}
    harvest.is_complete = not missing_pages(harvest.links)


def missing_pages(links: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    """Return the addresses of pages that others name and that are not there, sorted; one empty text if the last is not there."""
    named = {link[relation] for link in links.values() for relation in ("next", "first", "last") if relation in link}
    missing = sorted(named - links.keys())
    nameless = sum("address" not in link for link in links.values())
    if nameless >= len(missing):  # each may be one of them
        missing = []
    return missing if missing or any("next" not in link for link in links.values()) else [""]


async def apply(session: AsyncSession, harvest: Harvest, *, now: datetime) -> dict[str, int]:
    """Write the harvest's findings and return their counts. Raises InvalidTransition unless it is open and complete."""
    _require_open(harvest)
    if not harvest.is_complete:
        known = [address for address in missing_pages(harvest.links) if address][:MAX_TOLD]
        zh, en = (f"（{'、'.join(known)}）", f" ({', '.join(known)})") if known else ("", "")
        raise InvalidTransition(
            f"还有页没有收到，或没有收到最后一页{zh}，未收到的会被误认为已删除；请补齐各页后再应用",
            f"pages are missing, or the last one is{en}, and what was not read would look deleted; add them first",
            "/pages",
        )
    counts = await repository.counts(session, harvest)
    await repository.apply(session, harvest, now)
    await _end(session, harvest, "applied", counts, now)
    return counts


async def abandon(session: AsyncSession, harvest: Harvest, *, now: datetime) -> None:
    """Give the harvest up; nothing of it stays but its record. Raises InvalidTransition."""
    _require_open(harvest)
    await _end(session, harvest, "abandoned", None, now)


def edit(row: UpstreamResource, edits: Mapping[str, Any], *, now: datetime) -> None:
    """Write over what the catalogue says; None takes a person's word back. Raises InvalidResource with every fault."""
    violations = [fault for field, value in edits.items() for fault in _edit_faults(field, value)]
    if violations:
        raise InvalidResource(violations)
    kept = {field: value for field, value in (row.edits | dict(edits)).items() if value is not None}
    over = {field: row.said.get(field) if field in edits else row.edited_over.get(field) for field in kept}
    row.edits, row.edited_over, row.edited_at = kept, over, now


def shown(row: UpstreamResource) -> dict[str, Any]:
    """What the resource reads as: the catalogue's words, with those of our people over them."""
    return row.said | row.edits


def conflicts(row: UpstreamResource) -> Sequence[str]:
    """Fields that a person wrote over and in which the catalogue has said something else since, sorted."""
    return sorted(field for field, was in row.edited_over.items() if row.said.get(field) != was)


def state_digest(row: UpstreamResource) -> str:
    """Return `sha-256:<hex>` over what the catalogue and our people say, for the log."""
    return digest_of({"uri": row.uri, "said": row.said, "edits": row.edits, "gone": row.gone_at is not None})


async def _end(
    session: AsyncSession, harvest: Harvest, state: str, counts: dict[str, int] | None, now: datetime
) -> None:
    await repository.clear(session, harvest.id)
    harvest.state, harvest.counts, harvest.ended_at = state, counts, now


def _require_open(harvest: Harvest) -> None:
    if harvest.state != "gathering":
        raise InvalidTransition("这次收割已结束；请重新开始一次", "this harvest has ended; begin another", "/state")


def _edit_faults(field: str, value: Any) -> list[Violation]:
    if value is None and (field in EDITABLE or field in _CODES):
        return []
    if field in _CODES:
        if isinstance(value, int) and not isinstance(value, bool) and value in set(_CODES[field]):
            return []
        known = "、".join(f"{code.value} {code.zh}" for code in _CODES[field])
        return [Violation(f"/{field}", "code-list", f"应为：{known}", "is not in the code list")]
    if field not in EDITABLE:
        names = "、".join([*EDITABLE, *_CODES])
        return [Violation(f"/{field}", "form", f"不能改这一项；可改：{names}", f"cannot be edited; these can: {names}")]
    limit = EDITABLE[field]
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= limit or UNPRINTABLE.search(value):
        return [
            Violation(
                f"/{field}",
                "text",
                f"应为 1 至 {limit} 字，不含控制字符；要恢复上游的内容请传 null",
                f"is a text of 1 to {limit} characters; null takes back the catalogue's own words",
            )
        ]
    if field == "classification" and RESOURCE_PREFIX_FORM.fullmatch(value) is None:
        return [Violation("/classification", "CODE", "应为类项目细目，如 306001", "is a classification such as 306001")]
    return []
