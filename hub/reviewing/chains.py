"""Chains of approval by list 清单审批链, as data that the authority maintains.

A change holds for what is submitted after it; rounds that are under way keep the steps that they were laid down with.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.lists import list_type as find_list_type
from certs.canonical import canonical
from certs.digests import digest
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.identity.roles import Role
from hub.registry import service as registry
from hub.registry.errors import InvalidField
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.models import Organisation
from hub.reviewing import repository
from hub.reviewing.errors import ChainMissing, UnknownChain
from hub.reviewing.models import ApprovalChainStep
from hub.reviewing.rounds import Approval

LIST_TYPE_FORM: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
MAX_STEPS: Final = 20

DEMANDED: Final[Mapping[str, str]] = {
    "power-list": "《甘肃政务服务网临洮子站建设运行管理办法（试行）》第十条（一）：权责清单由县审改办、县政府法制办审核",
    "special-funds": "《甘肃政务服务网临洮子站建设运行管理办法（试行）》第十条（二）：专项资金清单由县财政局会同项目主管部门负责",
    "poverty-projects": "《临洮县扶贫清单上网发布管理办法（试行）》第三条：经脱贫攻坚领导小组审定后发布",
    "convenience-services": "《甘肃政务服务网临洮子站建设运行管理办法（试行）》第十二条：便民服务事项由县政务服务中心牵头",
}
"""Lists that are not published without the approval of the bodies named there: without a chain nothing of them is submitted."""

POWER_CHAIN: Final = "power-list"
"""The chain of the list of powers 权责清单, in all of its layouts."""

SUSPENSION_CHAIN: Final = "power-suspension"
"""Names who decides on suspended powers, where that is not who reviews the list of powers first."""

SUSPENSION_BASIS: Final = (
    "《临洮县权责清单管理办法（试行）》第九条、第十一条：报县审改办申请暂停，经县审改办审核确认后恢复"
)

ChainStep = tuple[ApprovalChainStep, Organisation | None]


async def approvals_for(session: AsyncSession, list_type: str | None) -> Sequence[Approval]:
    """The approvals that a resource of this list needs, in order. Raises ChainMissing.

    Types of one list, such as the three layouts of 权责清单, share a chain.
    """
    if list_type is None:
        return ()
    described = find_list_type(list_type)
    chain = list_type if described is None else described.approval.chain
    steps = await repository.chain(session, chain)
    if not steps and chain in DEMANDED:
        raise ChainMissing(chain, DEMANDED[chain])
    return [Approval(Role(step.role), step.organisation_id, step.basis) for step in steps]


async def list_chains(session: AsyncSession) -> Mapping[str, Sequence[ChainStep]]:
    """All chains by list, their steps in order."""
    found: dict[str, list[ChainStep]] = {}
    for step, organisation in await repository.chains(session):
        found.setdefault(step.list_type, []).append((step, organisation))
    return found


async def find_chain(session: AsyncSession, list_type: str) -> Sequence[ChainStep]:
    """The steps of one chain, in order. Raises UnknownChain."""
    found = (await list_chains(session)).get(list_type)
    if found is None:
        raise UnknownChain(list_type)
    return found


async def reform_office(session: AsyncSession) -> Organisation | None:
    """Who decides on suspended powers 审改办: the first reviewer of that chain, or of the list's; None if neither has one."""
    known = await list_chains(session)
    steps = [*known.get(SUSPENSION_CHAIN, ()), *known.get(POWER_CHAIN, ())]
    named = (office for step, office in steps if office is not None and step.role == Role.REVIEWER)
    return next(named, None)


async def find_reform_office(session: AsyncSession) -> Organisation:
    """The same. Raises ChainMissing."""
    if (office := await reform_office(session)) is None:
        raise ChainMissing(SUSPENSION_CHAIN, SUSPENSION_BASIS)
    return office


async def replace_chain(
    session: AsyncSession,
    list_type: str,
    approvals: Sequence[Approval],
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> Sequence[ChainStep]:
    """Give a list this chain instead of the one it had. Raises InvalidField, UnknownOrganisation, OrganisationEnded.

    A list that may be published without approvals can be given none.
    """
    bases = await _checked(session, list_type, approvals)
    before = _state_of(await repository.chain(session, list_type))
    await repository.remove_chain(session, list_type)
    rows = [
        ApprovalChainStep(
            list_type=list_type,
            position=position,
            organisation_id=approval.organisation_id,
            role=approval.role.value,
            basis=basis,
        )
        for position, (approval, basis) in enumerate(zip(approvals, bases, strict=True), start=1)
    ]
    await repository.add(session, rows)
    event = Event(
        "chain.replaced",
        actor,
        "chain",
        list_type,
        before=before,
        after=_state_of(rows),
        details={"steps": len(rows)},
    )
    recorder.record(session, event, now=now)
    return (await list_chains(session)).get(list_type, ())


async def _checked(session: AsyncSession, list_type: str, approvals: Sequence[Approval]) -> Sequence[str]:
    if LIST_TYPE_FORM.fullmatch(list_type) is None:
        raise InvalidField(
            "/list_type",
            "清单类型应为小写字母、数字和连字符，以字母开头，2 至 63 位",
            "a list type is small letters, digits and hyphens, begins with a letter and has 2 to 63 characters",
        )
    if len(approvals) > MAX_STEPS or (not approvals and list_type in DEMANDED):
        least = 1 if list_type in DEMANDED else 0
        raise InvalidField(
            "/steps",
            f"该清单的审批链应有 {least} 至 {MAX_STEPS} 步",
            f"the chain of this list has {least} to {MAX_STEPS} steps",
        )
    bases = []
    for index, approval in enumerate(approvals):
        bases.append(required_text(f"/steps/{index}/basis", approval.basis, longest=LONGEST_REASON))
        if approval.organisation_id is not None:
            await registry.find_active_organisation(session, approval.organisation_id)
        if (approval.role, approval.organisation_id is None) not in _WHO:
            raise InvalidField(
                f"/steps/{index}/organisation",
                "审核员（reviewer）的步骤须写明机构；不写机构的步骤由提供方的审批人（decider）办理",
                "a reviewer's step names the organisation; one without an organisation is the provider's decider's",
            )
    return bases


_WHO: Final = {(Role.REVIEWER, False), (Role.DECIDER, False), (Role.DECIDER, True)}


def _state_of(steps: Sequence[ApprovalChainStep]) -> str:
    return digest(canonical([step.model_dump(mode="json", exclude_none=True) for step in steps]))
