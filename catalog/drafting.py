"""How a description becomes the rows of a resource and of a version, the same for one resource and for a workbook of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catalog.codes import VersionState
from catalog.items import Item
from catalog.lists import conditions_of
from catalog.metadata import Metadata
from catalog.models import Resource, ResourceVersion
from catalog.schema import derive_schema, digest_of
from catalog.sources import claims_of


def shown(metadata: Metadata) -> dict[str, Any]:
    """Return the columns of `resource` that repeat what the version shown says."""
    return {
        "name": metadata.name.strip(),
        "summary": metadata.summary.strip(),
        "share_type": metadata.share_type.value,
        "share_condition": metadata.share_condition,
        "no_share_basis": metadata.no_share_basis,
        "update_cycle": metadata.update_cycle.value,
        "is_example": metadata.is_example,
    }


def draft(resource: Resource, number: int, metadata: Metadata, items: Sequence[Item], now: datetime) -> ResourceVersion:
    """Return a new version in draft, with its schema."""
    version = ResourceVersion(
        resource_id=resource.id,
        number=number,
        description={},
        items=[],
        payload_schema={},
        schema_digest="",
        state=VersionState.DRAFT.value,
        created_at=now,
    )
    write(resource, version, metadata, items)
    return version


def write(resource: Resource, version: ResourceVersion, metadata: Metadata, items: Sequence[Item]) -> None:
    """Write into a version what it says and carries, and its schema."""
    schema = derive_schema(
        items,
        title=metadata.name.strip(),
        code=resource.code,
        version=version.number,
        conditions=conditions_of(metadata.list_type),
    )
    version.description = metadata.to_json()
    version.items = [item.to_json() for item in items]
    version.claims = claims_of(metadata, items)
    version.payload_schema, version.schema_digest = schema, digest_of(schema)
