"""How steps of a review and claims to the same item read in the API."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from catalog.differences import Difference
from catalog.sources import CrossClaim
from hub.api.wire import present
from hub.registry.models import Organisation
from hub.reviewing.models import Review
from hub.reviewing.repository import WaitingStep

STEP_EXAMPLE: dict[str, Any] = {
    "version": 1,
    "round": 1,
    "position": 2,
    "kind": "chain",
    "role": "reviewer",
    "organisation": {
        "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
        "code": "11621124DEM0000499",
        "name": "临洮县示例局",
    },
    "basis": "《示例办法》第十条",
    "opened_at": "2026-03-02T01:30:00.000000+00:00",
    "verdict": "approved",
    "decided_by": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739aa",
    "decided_at": "2026-03-03T02:00:00.000000+00:00",
    "opinion": "同意",
}

DIFFERENCE_EXAMPLE = {
    "field": "/share_type",
    "zh": "共享类型：有条件共享 → 无条件共享",
    "en": "share type: shared on conditions → shared unconditionally",
}

WAITING_EXAMPLE: dict[str, Any] = {
    "resource": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f", "code": "306001000001/000042", "name": "办事指南"},
    "provider": {"code": "11621124MB0000000U", "name": "临洮县示例局"},
    **{name: STEP_EXAMPLE[name] for name in ("version", "round", "position", "kind", "role", "basis", "opened_at")},
}


def read_step(step: Review, organisation: Organisation | None) -> dict[str, Any]:
    """One step of a round; `opened_at` is when its turn came, absent while earlier ones wait."""
    return present(
        version=step.version,
        round=step.round,
        position=step.position,
        kind=step.kind,
        role=step.role,
        organisation=None if organisation is None else read_organisation(organisation),
        basis=step.basis,
        opened_at=step.opened_at,
        verdict=step.verdict,
        decided_by=step.decided_by,
        decided_at=step.decided_at,
        opinion=step.opinion,
    )


def read_difference(one: Difference) -> dict[str, Any]:
    """What one version says otherwise than another."""
    return {"field": one.field, "zh": one.zh, "en": one.en}


def read_waiting(found: WaitingStep) -> dict[str, Any]:
    """A step whose turn it is, with the resource that it is about."""
    resource = found.resource
    return {
        "resource": present(id=resource.id, code=resource.code, name=resource.name),
        "provider": present(code=found.provider.code, name=found.provider.name),
        **read_step(found.step, found.organisation),
    }


def read_organisation(row: Organisation) -> dict[str, Any]:
    """An organisation as steps name it; a body without a code of its own has none."""
    return present(id=row.id, code=row.code, name=row.name)


def read_claim(claim: CrossClaim, departments: Mapping[UUID, Organisation]) -> dict[str, Any]:
    """An item that others claim too, in the words of 004 附件5."""
    return {
        "field_name": claim.field_name,
        "item": claim.item,
        "key": claim.is_key,
        "departments": [
            present(
                code=departments[other.provider_id].code,
                name=departments[other.provider_id].name,
                resource=other.code,
                resource_name=other.name,
            )
            for other in claim.others
        ],
        "zh": claim.zh,
        "en": claim.en,
    }
