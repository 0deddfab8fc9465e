"""How changes of organisations are asked for and how they read in the API."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from hub.api.organisations import named, read_name
from hub.api.wire import Body, present
from hub.errors import FieldError
from hub.reorganisation.change import Change
from hub.reorganisation.history import Owner, ToRenew
from hub.reorganisation.models import Kind, OrganisationChange, OrganisationChangeMove
from hub.reorganisation.plan import Plan

A, B, C = (f"0198f0c2-6a00-7cc3-98c4-dc0c0c07399{last}" for last in range(3))
CHANGE = "0198f0c2-6a00-7cc3-98c4-dc0c0c0739a1"
DIGEST = "sha-256:…"

ASKED_EXAMPLE = {
    "kind": "merger",
    "basis": "临机编发〔2026〕12号",
    "effective_on": "2026-09-01",
    "from": [A, B],
    "to": [C],
    "staff": {"0198f0c2-6a00-7cc3-98c4-dc0c0c0739b1": C},
}

MOVES_EXAMPLE = [
    {"what": "system", "object": "lintao-approval", "from": A, "to": C},
    {"what": "certificate", "object": "Ft8WD9pTgXgLpCmnRxLWnaoDoAtHmRV0VjSdTBMwv5c", "from": A, "to": C},
    {
        "what": "resource",
        "object": "306001000001/000042",
        "from": A,
        "to": C,
        "before": "lintao-approval",
        "after": "lintao-approval",
    },
    {"what": "grant-given", "object": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739c1", "from": A, "to": C},
    {
        "what": "staff",
        "object": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739b1",
        "from": A,
        "to": C,
        "before": "active",
        "after": "proposed",
    },
]

PLAN_EXAMPLE = {
    "digest": DIGEST,
    "kind": "merger",
    "ends": [A, B],
    "moves": MOVES_EXAMPLE,
    "certificates": [
        {
            "kid": "Ft8WD9pTgXgLpCmnRxLWnaoDoAtHmRV0VjSdTBMwv5c",
            "system": "lintao-approval",
            "not_after": "2027-03-02T01:30:00.000000+00:00",
        }
    ],
    "blockers": [],
}

EXAMPLE = {
    "id": CHANGE,
    "kind": "merger",
    "basis": "临机编发〔2026〕12号",
    "effective_on": "2026-09-01",
    "from": [A, B],
    "to": [C],
    "request": ASKED_EXAMPLE,
    "plan": DIGEST,
    "state": "proposed",
    "proposed_by": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739d1",
    "proposed_at": "2026-08-28T01:30:00.000000+00:00",
}

CONFIRMED_EXAMPLE = EXAMPLE | {
    "state": "confirmed",
    "decided_by": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739d2",
    "decided_at": "2026-09-01T02:00:00.000000+00:00",
}

OWNER_EXAMPLE = {
    "what": "resource",
    "object": "306001000001/000042",
    "at": "2026-08-01T00:00:00.000000+00:00",
    "organisation": {"id": A, "code": "11621124MB0000000U", "name": "临洮县示例局"},
    "named": {"name": "临洮县示例局", "code": "11621124MB0000000U", "from": "2026-03-02T01:30:00.000000+00:00"},
}

RENEWALS_EXAMPLE = {
    "items": [
        {
            "kid": "Ft8WD9pTgXgLpCmnRxLWnaoDoAtHmRV0VjSdTBMwv5c",
            "system": "lintao-approval",
            "subject": "CN=lintao-approval,O=临洮县示例局,C=CN",
            "organisation": "临洮县示例二局",
            "not_after": "2027-03-02T01:30:00.000000+00:00",
            "renew_by": "2026-11-30T02:00:00.000000+00:00",
            "overdue": False,
        }
    ]
}

_OF_TARGETS = "各分给 to 中的哪个机构 / which body of `to` gets it"


class Asked(Body):
    """A change of organisations: a renaming, a merger, a split, a transfer of duties, an abolition."""

    kind: Annotated[Kind, Field(description="、".join(f"{kind.value} {kind.zh}" for kind in Kind), examples=["merger"])]
    basis: Annotated[str, Field(description="依据文件及文号 / the document, by its number")]
    effective_on: Annotated[date, Field(description="文件规定的生效日 / the day from which it is effective")]
    sources: Annotated[
        list[UUID], Field(alias="from", min_length=1, max_length=100, description="变更的机构 / of whom")
    ]
    targets: Annotated[
        list[UUID], Field(default_factory=list, alias="to", max_length=100, description="承接的机构 / to whom")
    ]
    name: Annotated[str | None, Field(description="更名：新名称 / of a renaming: the new name")] = None
    name_en: Annotated[str | None, Field(description="更名：新英文名称 / the new name in English")] = None
    code: Annotated[str | None, Field(description="更名：新统一社会信用代码 / the new code")] = None
    resources: Annotated[dict[str, UUID], Field(default_factory=dict, description=f"资源代码 code：{_OF_TARGETS}")]
    systems: Annotated[dict[str, UUID], Field(default_factory=dict, description=f"系统代码 code：{_OF_TARGETS}")]
    children: Annotated[dict[UUID, UUID], Field(default_factory=dict, description=f"下级机构 id：{_OF_TARGETS}")]
    staff: Annotated[dict[UUID, UUID], Field(default_factory=dict, description=f"账户 id：{_OF_TARGETS}")]
    people: Annotated[dict[UUID, UUID], Field(default_factory=dict, description=f"责任人 id：{_OF_TARGETS}")]
    publishers: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="资源代码：此后由哪个系统发布 / code of a resource: code of the system that publishes it then",
        ),
    ]

    def change(self) -> Change:
        """What is asked, for the service."""
        return Change(
            **self.model_dump(exclude={"sources", "targets"}), sources=tuple(self.sources), targets=tuple(self.targets)
        )


class Confirmation(Body):
    """Which plan is confirmed."""

    plan: Annotated[str, Field(description="所看过的计划的摘要 / digest of the plan that was read", examples=[DIGEST])]


def read(row: OrganisationChange) -> dict[str, Any]:
    """A change as the API shows it."""
    return present(
        id=row.id,
        kind=row.kind,
        basis=row.basis,
        effective_on=row.effective_on.isoformat(),
        **{"from": row.request["from"], "to": row.request.get("to", [])},
        request=row.request,
        plan=row.plan_digest,
        state=row.state,
        state_reason=row.state_reason,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def read_plan(plan: Plan, *, english: bool) -> dict[str, Any]:
    """A plan as the API shows it; one that is blocked has no digest, for nobody can confirm it."""
    return present(
        digest=None if plan.blockers else plan.digest,
        kind=plan.change.kind.value,
        ends=[str(one) for one in sorted(plan.change.ends)],
        moves=[move.to_json() for move in plan.moves],
        certificates=[
            present(kid=held.kid, system=held.system, not_after=held.not_after) for held in plan.certificates
        ],
        blockers=[_read_blocker(blocker, english=english) for blocker in plan.blockers],
    )


def _read_blocker(blocker: FieldError, *, english: bool) -> dict[str, str]:
    return {"pointer": blocker.pointer, "detail": blocker.en if english else blocker.zh}


def read_move(row: OrganisationChangeMove) -> dict[str, Any]:
    """A move that was made."""
    return present(
        number=row.number,
        what=row.what,
        object=row.object_id,
        **{"from": row.from_id, "to": row.to_id},
        before=row.before,
        after=row.after,
    )


def read_owner(owner: Owner) -> dict[str, Any]:
    """Whose something was."""
    return present(
        organisation=named(owner.organisation),
        named=None if owner.named is None else read_name(owner.named),
        change=owner.change,
    )


def read_renewal(one: ToRenew) -> dict[str, Any]:
    """A certificate that is to be replaced."""
    return present(
        kid=one.kid,
        system=one.system,
        subject=one.subject,
        organisation=one.organisation,
        not_after=one.not_after,
        renew_by=one.renew_by,
        overdue=one.overdue,
    )
