"""The register of suspended powers 权力事项的暂停与恢复 (《临洮县权责清单管理办法(试行)》第九条、第十一条). Nothing here commits.

    applied ──→ suspended ──→ resuming ──→ confirmed ──→ restored
       └→ refused    └←──────────┘

The department applies, on one of four grounds; the reform office 审改办 approves with a document or refuses: a reviewer of the
organisation that the chains of approval name (`hub.reviewing.chains.find_reform_office`). The resumption is applied for and
confirmed the same way, and from the confirmation on the provider owes the restoration (rule L5, two working days). The record
itself stays published all the while: it is the provider's, who sends it with its new state and then names the exchange; the hub
opens that exchange and looks. That is how `restored` is reached, and how the duty ends.

Nothing is stopped by a suspension, so no act holds the barrier of rights; its transaction shares it, so that nobody ends meanwhile.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository as catalogue
from catalog.codes import ResourceStatus
from catalog.lists.power_state import DOCUMENT, EXERCISED, GROUND, STATUS, SUSPENDED, SuspensionGround, power_in
from hub.access.texts import open_text
from hub.db.ids import new_id
from hub.duties.service import Subject
from hub.lists import owing, repository
from hub.lists.act import Act
from hub.lists.carrying import POINTER, named_exchange, payload_of
from hub.lists.errors import NoPowers, OwnApplication, SuspensionOpen, UnknownSuspension
from hub.lists.models import PowerSuspension
from hub.lists.repository import ListRecord, SuspensionRecord
from hub.notices import service as notices
from hub.registry.errors import InvalidField, WrongState
from hub.registry.fields import LONGEST_NAME, LONGEST_REASON
from hub.registry.recording import fingerprint, record_change
from hub.reviewing import chains

RESTORE = "restore-power-item"
"""The duty of rule L5."""

LONGEST_CODE = 64

STATES = ("applied", "refused", "suspended", "resuming", "confirmed", "restored")


def subject_of(row: PowerSuspension) -> Subject:
    """What is owed about a suspension is owed about this."""
    return Subject("power-suspension", str(row.id))


async def find_suspension(session: AsyncSession, identifier: UUID) -> SuspensionRecord:
    """The suspension of that id. Raises UnknownSuspension."""
    found = await repository.suspension(session, identifier)
    if found is None:
        raise UnknownSuspension(identifier)
    return found


async def apply_for_suspension(
    session: AsyncSession, record: ListRecord, power_code: str, ground: SuspensionGround, reason: str, act: Act
) -> SuspensionRecord:
    """Apply for the suspension of one power of the list. Raises NoPowers, InvalidField, SuspensionOpen."""
    if not record.list_type.registers_powers:
        raise NoPowers(record.resource.code)
    said = open_text("/reason", reason, longest=LONGEST_REASON) if reason.strip() else ""
    if ground is SuspensionGround.OTHER and not said:
        raise InvalidField("/reason", "情形为其他原因时必须写明理由", "the ground is another reason: say which")
    row = PowerSuspension(
        id=new_id(act.now),
        resource_id=record.resource.id,
        power_code=open_text("/power_code", power_code, longest=LONGEST_CODE),
        ground=ground.value,
        reason=said or None,
        state="applied",
        applied_by=act.staff_id,
        applied_at=act.now,
    )
    while not await repository.add_suspension(session, row):
        if (there := await repository.open_suspension(session, row.resource_id, row.power_code)) is not None:
            raise SuspensionOpen(there)
    made = await find_suspension(session, row.id)
    _record(session, "power-item.suspension-requested", made, "", act)
    await _tell_office(session, "power-suspension-requested", made, act)
    return made


async def approve_suspension(session: AsyncSession, identifier: UUID, document: str, act: Act) -> SuspensionRecord:
    """Approve with the number of the approving document. Raises UnknownSuspension, WrongState, OwnApplication, InvalidField."""
    number = open_text("/document", document, longest=LONGEST_NAME)
    found = await _hold(session, identifier, "applied")
    row, before = found.suspension, fingerprint(found.suspension)
    _check_not_own(row.applied_by, act)
    row.state, row.document = "suspended", number
    row.decided_by, row.decided_at = act.staff_id, act.now
    await session.flush()
    _record(session, "power-item.suspended", found, before, act)
    await _tell_provider(session, "power-suspension-approved", found, act)
    return found


async def refuse_suspension(session: AsyncSession, identifier: UUID, reason: str, act: Act) -> SuspensionRecord:
    """Refuse, with the reason. Raises UnknownSuspension, WrongState, OwnApplication, InvalidField."""
    why = open_text("/reason", reason, longest=LONGEST_REASON)
    found = await _hold(session, identifier, "applied")
    row, before = found.suspension, fingerprint(found.suspension)
    _check_not_own(row.applied_by, act)
    row.state, row.refusal = "refused", why
    row.decided_by, row.decided_at = act.staff_id, act.now
    await session.flush()
    _record(session, "power-item.suspension-refused", found, before, act)
    await _tell_provider(session, "power-suspension-refused", found, act)
    return found


async def apply_for_resumption(session: AsyncSession, identifier: UUID, reason: str, act: Act) -> SuspensionRecord:
    """Apply for the power to be exercised again. Raises UnknownSuspension, WrongState, InvalidField."""
    why = open_text("/reason", reason, longest=LONGEST_REASON)
    found = await _hold(session, identifier, "suspended")
    row, before = found.suspension, fingerprint(found.suspension)
    row.state, row.refusal, row.resumption_reason = "resuming", None, why
    row.resumption_by, row.resumption_at = act.staff_id, act.now
    await session.flush()
    _record(session, "power-item.restoration-requested", found, before, act)
    await _tell_office(session, "power-resumption-requested", found, act)
    return found


async def confirm_resumption(session: AsyncSession, identifier: UUID, document: str, act: Act) -> SuspensionRecord:
    """Confirm: from now on the provider owes the restoration, unless its list is withdrawn.

    Raises UnknownSuspension, WrongState, OwnApplication, InvalidField.
    """
    number = open_text("/document", document, longest=LONGEST_NAME)
    found = await _hold(session, identifier, "resuming")
    row, before = found.suspension, fingerprint(found.suspension)
    assert row.resumption_by is not None
    _check_not_own(row.resumption_by, act)
    row.state, row.confirmation = "confirmed", number
    row.confirmed_by, row.confirmed_at = act.staff_id, act.now
    await session.flush()
    _record(session, "power-item.restoration-confirmed", found, before, act)
    await _tell_provider(session, "power-resumption-confirmed", found, act)
    resource = await catalogue.locked_resource(session, row.resource_id)
    if resource is not None and resource.status != ResourceStatus.WITHDRAWN:
        await owing.owe_from(session, RESTORE, subject_of(row), found.provider_id, act.now, act)
    return found


async def refuse_resumption(session: AsyncSession, identifier: UUID, reason: str, act: Act) -> SuspensionRecord:
    """Leave it suspended, with the reason. Raises UnknownSuspension, WrongState, OwnApplication, InvalidField."""
    why = open_text("/reason", reason, longest=LONGEST_REASON)
    found = await _hold(session, identifier, "resuming")
    row, before = found.suspension, fingerprint(found.suspension)
    assert row.resumption_by is not None
    _check_not_own(row.resumption_by, act)
    row.state, row.refusal = "suspended", why
    await session.flush()
    _record(session, "power-item.restoration-refused", found, before, act)
    await _tell_provider(session, "power-resumption-declined", found, act)
    return found


async def name_exchange(session: AsyncSession, identifier: UUID, exchange_id: UUID, act: Act) -> SuspensionRecord:
    """Say which exchange carries the record as decided; the hub looks. What was confirmed is restored by it, its duty done.

    Raises UnknownSuspension, WrongState, and InvalidField (`/exchange`) if it carries no such record in that state.
    """
    found = await _hold(session, identifier, "suspended", "resuming", "confirmed")
    row, before = found.suspension, fingerprint(found.suspension)
    restoring = row.state == "confirmed"
    since = row.confirmed_at if restoring else row.decided_at
    exchange = await named_exchange(session, exchange_id, row.resource_id, since=since)
    wanted = {STATUS: EXERCISED} if restoring else _suspended_as(row)
    _check_state(power_in(payload_of(exchange), row.power_code), row, wanted)
    if restoring:
        row.state, row.restored_in, row.restored_at = "restored", exchange_id, act.now
    else:
        row.suspended_in = exchange_id
    await session.flush()
    event = "power-item.restored" if restoring else "power-item.state-published"
    _record(session, event, found, before, act, exchange=exchange_id)
    if restoring:
        await owing.settle(session, RESTORE, subject_of(row), act)
    return found


def _suspended_as(row: PowerSuspension) -> dict[str, str]:
    """What a record of the suspended power says of itself."""
    assert row.document is not None
    return {STATUS: SUSPENDED, GROUND: SuspensionGround(row.ground).zh, DOCUMENT: row.document}


def _check_state(record: Mapping[str, Any] | None, row: PowerSuspension, wanted: Mapping[str, str]) -> None:
    if record is None:
        raise InvalidField(
            POINTER,
            f"这次交换没有职权编码为 {row.power_code} 的记录；请填写载有该记录的交换编号",
            f"the exchange carries no record of power {row.power_code}; name the one that does",
        )
    wrong = [name for name, value in wanted.items() if record.get(name) != value]
    if wrong:
        asked = "，".join(f"{name}={wanted[name]}" for name in wrong)
        raise InvalidField(
            POINTER,
            f"该记录与登记不符，应为 {asked}；请更正后重新发送，再填写新的交换编号",
            f"the record is not as registered: {asked} is expected; correct and send it, then name the new exchange",
        )


async def _hold(session: AsyncSession, identifier: UUID, *states: str) -> SuspensionRecord:
    found = await repository.suspension(session, identifier, hold=True)
    if found is None:
        raise UnknownSuspension(identifier)
    if found.suspension.state not in states:
        raise WrongState(f"暂停登记 suspension {identifier}", found.suspension.state, "、".join(states))
    return found


def _check_not_own(applicant: UUID, act: Act) -> None:
    if applicant == act.staff_id:
        raise OwnApplication


async def _tell_office(session: AsyncSession, kind: str, found: SuspensionRecord, act: Act) -> None:
    """Tell the reform office that it is asked; where no chain names one yet, nobody can be told."""
    if (office := await chains.reform_office(session)) is not None:
        await _tell(session, office.id, kind, found, act)


async def _tell_provider(session: AsyncSession, kind: str, found: SuspensionRecord, act: Act) -> None:
    await _tell(session, found.provider_id, kind, found, act)


async def _tell(session: AsyncSession, whom: UUID, kind: str, found: SuspensionRecord, act: Act) -> None:
    row = found.suspension
    details = {"resource": found.resource, "power_code": row.power_code, "state": row.state}
    await notices.tell(session, whom, kind, str(row.id), details, act.now)


def _record(
    session: AsyncSession, event: str, found: SuspensionRecord, before: str, act: Act, exchange: UUID | None = None
) -> None:
    details = {"resource": found.resource, "ground": found.suspension.ground}
    if exchange is not None:
        details["exchange"] = str(exchange)
    row = found.suspension
    record_change(
        session,
        event,
        str(row.id),
        row,
        actor=act.actor,
        recorder=act.recorder,
        now=act.now,
        before=before,
        details=details,
    )
