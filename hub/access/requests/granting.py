"""From a request to its grant: what was asked for, no less and no more. The caller holds the barrier and bumps the epoch."""

from hub.access import repository as grants
from hub.access import service as access
from hub.access.requests.codes import Act, State
from hub.access.requests.errors import PeriodOver
from hub.access.requests.moving import Move
from hub.access.requests.repository import RequestRecord
from hub.access.scope import scope_of
from hub.access.service import NewGrant
from hub.access.terms import Frequency


async def give(move: Move, record: RequestRecord, *, opinion: str | None = None) -> None:
    """Make the grant of the request; end what the provider owed as an answer and begin what it owes as data.

    Decided by a person where the request is with the provider, by rule otherwise. Raises PeriodOver, NotShared,
    NothingPublished, ConsumerRetired, ScopeRefused, GrantExists.
    """
    row = move.row
    if row.valid_to <= move.now:
        raise PeriodOver(row.id)
    by_rule = row.state != State.WITH_PROVIDER
    new = NewGrant(
        consumer=record.consumer,
        resource=record.resource.code,
        purpose=row.purpose,
        basis=row.basis,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        mode=row.mode,
        scope=scope_of(row.items, row.rows),
        frequency=_frequency(row.frequency_average, row.frequency_peak),
        request=row.id,
    )
    granted = await access.add_grant(move.session, new, actor=move.actor, recorder=move.recorder, now=move.now)
    row.grant_id = granted.grant.id
    row.first_sequence = await grants.next_sequence(move.session, granted.grant.lane_id)
    told = {"grant": str(granted.grant.id), "grant_state": granted.grant.state}
    if by_rule:
        await move.settle(Act.GRANT, record, **told)
    else:
        await move.take(Act.GRANT, record, opinion=opinion, **told)
    deadlines = move.deadlines(record.provider_id)
    await deadlines.end_answer()
    await deadlines.begin_providing()
    await move.tell(record.provider_id if by_rule else row.organisation_id, "access-request-granted", record, **told)


def _frequency(average: int | None, peak: int | None) -> Frequency | None:
    return None if average is None or peak is None else Frequency(average, peak)
