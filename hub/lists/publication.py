"""Lists as the public reads them on the sub-site 清单上网发布 (000-C 七至九条, 000-D 三、四、七条). Nothing here commits.

Who is responsible publishes and explains (谁负责、谁公开、谁解释): the provider declares each publication, the whole list or a
change of it, and every one but the first says what changed and why. The data travel as every exchange does; the declaration
names the exchange that carries them. The sub-site's system says that it loaded that publication and, when the public can
read it, at which address. A whole publication opens a period, a year for the lists whose documents say so.

What a list's type says is owed is owed from the declaration on (L6, L7, L8), and done when the sub-site confirms. The yearly
renewal (L9) is owed from the end of the year that a whole publication is for, and done by one for the year that it is due in.
"""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository as catalogue
from hub.access.texts import open_text
from hub.db.ids import new_id
from hub.duties.calendar import beijing_date
from hub.duties.service import Subject
from hub.duties.terms import EARLIEST, LATEST
from hub.lists import owing, repository
from hub.lists.act import Act
from hub.lists.carrying import named_exchange
from hub.lists.errors import (
    NotDelivered,
    NothingToLoad,
    NotLoaded,
    Superseded,
    UnknownList,
    UnknownPublication,
)
from hub.lists.models import ListLoading, ListPublication
from hub.lists.repository import ListRecord
from hub.publishing import service as publishing
from hub.registry.errors import InvalidField
from hub.registry.fields import required_text
from hub.registry.recording import fingerprint, record_change

WHOLE, CHANGE = "whole", "change"
KINDS = (WHOLE, CHANGE)

LONGEST_EXPLANATION = 1_000
LONGEST_URL = 500


@dataclass(frozen=True, slots=True)
class NewPublication:
    """What a provider declares; what is None is today, the type's period, or named later."""

    kind: str
    explanation: str | None = None
    occurred_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    exchange_id: UUID | None = None


def subject_of(record: ListRecord) -> Subject:
    """What is owed about a list is owed about this."""
    return Subject("list", record.resource.code)


async def find_list(session: AsyncSession, reference: str) -> ListRecord:
    """The published list of that resource id or code. Raises NotFound, UnknownList."""
    resource = (await publishing.find_resource(session, reference)).resource
    found = await repository.list_of(session, resource.id)
    if found is None:
        raise UnknownList
    return found


async def declare(
    session: AsyncSession,
    record: ListRecord,
    new: NewPublication,
    act: Act,
) -> ListPublication:
    """Declare a publication; what its type says is owed from `occurred_on` on is owed. Raises InvalidField, UnknownList."""
    today = beijing_date(act.now)
    _check_days(new)
    await catalogue.locked_resource(session, record.resource.id)  # numbers have no gap and no twin
    if await repository.list_of(session, record.resource.id) is None:
        raise UnknownList  # it ended meanwhile
    last = (await repository.newest_publications(session, [record.resource.id])).get(record.resource.id)
    occurred_on = new.occurred_on or today
    if occurred_on > today:
        raise InvalidField("/occurred_on", "发生日期不能晚于今天；请更正", "what happened lies not ahead; correct it")
    if last is None and new.kind == CHANGE:
        raise InvalidField("/kind", "首次发布须为整体发布 whole", "the first publication is of the whole list")
    begins, ends = _period(record, new, last, today)
    if new.exchange_id is not None:
        await named_exchange(session, new.exchange_id, record.resource.id)
    row = ListPublication(
        id=new_id(act.now),
        resource_id=record.resource.id,
        number=1 if last is None else last.number + 1,
        kind=new.kind,
        explanation=_explanation(new.explanation, needed=last is not None),
        occurred_on=occurred_on,
        period_from=begins,
        period_to=ends,
        exchange_id=new.exchange_id,
        declared_by=act.staff_id,
        declared_at=act.now,
    )
    session.add(row)
    await session.flush()
    _record(session, "list.declared", record, row, "", act)
    if (duty := record.list_type.publication.duties.get(new.kind)) is not None:
        await owing.owe_from(session, duty, subject_of(record), record.resource.provider_id, occurred_on, act)
    return row


async def name_exchange(
    session: AsyncSession,
    record: ListRecord,
    number: int,
    exchange_id: UUID,
    act: Act,
) -> ListPublication:
    """Say which exchange carries the publication; what was loaded of another one counts no more.

    Raises UnknownPublication, InvalidField (`/exchange`), Superseded.
    """
    row = await _hold(session, record, number)
    before = fingerprint(row)
    await named_exchange(session, exchange_id, record.resource.id)
    if row.exchange_id != exchange_id:
        await repository.forget_loadings(session, row.id)
    row.exchange_id = exchange_id
    await session.flush()
    _record(session, "list.exchange-named", record, row, before, act)
    return row


async def mark_loaded(
    session: AsyncSession,
    record: ListRecord,
    number: int,
    system_id: UUID,
    act: Act,
) -> ListPublication:
    """The system says that it loaded the publication; saying so again changes nothing.

    Raises UnknownPublication, Superseded, NothingToLoad, NotDelivered.
    """
    row = await _hold(session, record, number)
    if row.exchange_id is None:
        raise NothingToLoad(number)
    if not await repository.delivered_to(session, system_id, [row.exchange_id]):
        raise NotDelivered
    loading = ListLoading(publication_id=row.id, system_id=system_id, loaded_at=act.now)
    if await repository.add_loading(session, loading):
        _record(session, "list.loaded", record, row, "", act, loading)
    return row


async def confirm_online(
    session: AsyncSession,
    record: ListRecord,
    number: int,
    system_id: UUID,
    url: str,
    act: Act,
) -> ListPublication:
    """The system says at which address the public reads the publication; what was owed for it is done.

    Raises UnknownPublication, Superseded, NotLoaded, InvalidField (`/url`).
    """
    address = _checked_url(url)
    row = await _hold(session, record, number)
    loading = await repository.loading(session, row.id, system_id)
    if loading is None:
        raise NotLoaded
    if loading.url == address:
        return row
    before = fingerprint(loading)
    loading.online_at, loading.url = loading.online_at or act.now, address
    await session.flush()
    _record(session, "list.online-confirmed", record, row, before, act, loading)
    await _settle(session, record, row, act)
    return row


_ONLINE = "online"


async def _settle(session: AsyncSession, record: ListRecord, row: ListPublication, act: Act) -> None:
    """End what was owed for this publication and those that it superseded, and have the next renewal owed."""
    subject, owed = subject_of(record), record.list_type.publication.duties
    for duty in {duty for kind, duty in owed.items() if kind != _ONLINE}:
        await owing.settle(session, duty, subject, act)
    renewal = owed.get(_ONLINE)
    if renewal is None or (row.kind != WHOLE and await owing.is_owed(session, renewal, subject)):
        return
    if await owing.is_due_by(session, renewal, subject, row.period_from.year):
        await owing.settle(session, renewal, subject, act)
    end_of_year = date(row.period_from.year, 12, 31)
    await owing.owe_from(session, renewal, subject, record.resource.provider_id, end_of_year, act)


async def _hold(session: AsyncSession, record: ListRecord, number: int) -> ListPublication:
    """The list's last publication, held against other acts."""
    row = await repository.locked_publication(session, record.resource.id, number)
    if row is None:
        raise UnknownPublication(number)
    newest = (await repository.newest_publications(session, [record.resource.id]))[record.resource.id]
    if newest.number != number:
        raise Superseded(newest.number)
    return row


def _explanation(given: str | None, *, needed: bool) -> str | None:
    if given is None and not needed:
        return None
    if given is None:
        raise InvalidField(
            "/explanation",
            "再次发布必须说明变更了什么、为什么；请填写",
            "every publication after the first says what changed and why; fill it in",
        )
    return open_text("/explanation", given, longest=LONGEST_EXPLANATION)


def _check_days(new: NewPublication) -> None:
    """Raises InvalidField for a day that no period or deadline can be counted from."""
    days = {"/occurred_on": new.occurred_on, "/period_from": new.period_from, "/period_to": new.period_to}
    for pointer, day in days.items():
        if day is not None and not EARLIEST.year < day.year < LATEST.year:
            raise InvalidField(
                pointer,
                f"日期应在 {EARLIEST.year + 1} 年至 {LATEST.year - 1} 年之间；请更正",
                f"the day lies between {EARLIEST.year + 1} and {LATEST.year - 1}; correct it",
            )


def _period(
    record: ListRecord, new: NewPublication, last: ListPublication | None, today: date
) -> tuple[date, date | None]:
    """From when to when the publication stands: a change stands as long as the whole that it changes."""
    if new.kind == CHANGE:
        if new.period_from is not None or new.period_to is not None:
            raise InvalidField(
                "/period_from",
                "变更沿用原公告期，不另填；整体更新请用 whole",
                "a change keeps the period; a new period is opened by a whole publication",
            )
        assert last is not None
        return last.period_from, last.period_to
    begins = new.period_from or today
    ends = new.period_to
    if ends is None and (years := record.list_type.publication.years) is not None:
        ends = _years_later(begins, years)
    if ends is not None and ends <= begins:
        raise InvalidField(
            "/period_to", "公告期的截止应晚于起始；请更正", "the period ends before it begins; correct it"
        )
    return begins, ends


def _years_later(day: date, years: int) -> date:
    """The same day that many years later; 28 February for the one that the year lacks."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _checked_url(url: str) -> str:
    address = required_text("/url", url, longest=LONGEST_URL)
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        sound = False
    if not sound:
        raise InvalidField(
            "/url",
            "应为公众可访问的网址，以 http:// 或 https:// 开头；请更正",
            "is the address at which the public reads the list, beginning with http:// or https://; correct it",
        )
    return address


def _record(
    session: AsyncSession,
    event: str,
    record: ListRecord,
    row: ListPublication,
    before: str,
    act: Act,
    loading: ListLoading | None = None,
) -> None:
    details: dict[str, object] = {"publication": row.number, "kind": row.kind, "list_type": record.list_type.key}
    if row.exchange_id is not None:
        details["exchange"] = str(row.exchange_id)
    record_change(
        session,
        event,
        record.resource.code,
        row if loading is None else loading,
        actor=act.actor,
        recorder=act.recorder,
        now=act.now,
        before=before,
        details=details,
    )
