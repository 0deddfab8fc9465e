"""How a resource and its versions read in the API; both halves of `/v1/resources` show them so."""

from datetime import datetime
from typing import Any

from catalog.codes import VersionState
from catalog.models import ResourceVersion, UpstreamRegistration
from hub.api.wire import present
from hub.publishing.repository import ShownResource

EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "code": "306001000001/000042",
    "name": "办事指南",
    "summary": "救助类事项的办事指南",
    "provider": {"code": "11621124MB0000000U", "name": "临洮县示例局"},
    "system": "lintao-approval",
    "share_type": 1,
    "update_cycle": 4,
    "status": "published",
    "version": 1,
    "schema_digest": "sha-256:…",
    "is_example": True,
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-02T01:30:00.000000+00:00",
    "last_data_at": "2026-03-20T06:12:41.250000+00:00",
    "expected_at": "2026-04-20T16:00:00.000000+00:00",
    "overdue": False,
}


def read(shown: ShownResource) -> dict[str, Any]:
    """A resource as the contract shows it."""
    return present(
        id=shown.id,
        code=shown.code,
        name=shown.name,
        summary=shown.summary,
        provider=present(code=shown.provider_code, name=shown.provider_name),
        system=shown.system,
        share_type=shown.share_type,
        share_condition=shown.share_condition,
        no_share_basis=shown.no_share_basis,
        update_cycle=shown.update_cycle,
        status=shown.status,
        status_reason=shown.status_reason,
        version=shown.live_version,
        schema_digest=shown.schema_digest,
        is_example=shown.is_example,
        created_at=shown.created_at,
        updated_at=shown.updated_at,
    )


def read_with_freshness(shown: ShownResource, now: datetime) -> dict[str, Any]:
    """The same with when data last came, by when they are expected, and whether they are late."""
    expected = shown.expected_at
    return read(shown) | present(
        last_data_at=shown.last_data_at,
        expected_at=expected,
        overdue=None if expected is None else expected <= now,
    )


def read_upstream(row: UpstreamRegistration) -> dict[str, Any]:
    """One state of a resource's registration with a catalogue above."""
    receipt = present(reference=row.receipt_reference, digest=row.receipt_digest, at=row.receipt_at)
    return present(
        catalogue=row.catalogue,
        number=row.number,
        state=row.state,
        upstream_code=row.upstream_code,
        receipt=receipt or None,
        recorded_at=row.recorded_at,
    )


def read_version(row: ResourceVersion, now: datetime) -> dict[str, Any]:
    """A version as the API shows it; its schema has a call of its own. One whose end has come has ended."""
    has_ended = row.state == VersionState.PUBLISHED and row.ends_at is not None and row.ends_at <= now
    return present(
        version=row.number,
        state=VersionState.ENDED.value if has_ended else row.state,
        schema_digest=row.schema_digest,
        metadata=row.description,
        items=row.items,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        published_at=row.published_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at or (row.ends_at if has_ended else None),
    )
