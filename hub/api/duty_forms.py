"""How duties are written in requests and answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field

from hub.api.wire import Body, present
from hub.audit.entry import instant
from hub.duties import service
from hub.duties.calendar import last_day_of
from hub.duties.models import Duty
from hub.duties.repository import OwedRecord
from hub.duties.rule import CAVEAT

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "duty": "answer-conditional",
    "title": {
        "zh": "答复有条件共享申请，不同意的说明理由",
        "en": "answer a request for data shared on conditions, a refusal with its reason",
    },
    "state": "open",
    "standing": "due-soon",
    "subject": {"kind": "access-request", "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990"},
    "debtor": {
        "role": "provider",
        "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073991", "name": "临洮县示例局"},
    },
    "declared": False,
    "anchored_at": "2026-02-10T02:00:00.000000+00:00",
    "due_at": "2026-03-02T16:00:00.000000+00:00",
    "due_on": "2026-03-02",
    "soon_at": "2026-02-27T16:00:00.000000+00:00",
    "provisional": False,
    "rule": {
        "code": "D2",
        "version": 1,
        "issuer": "国务院",
        "basis": {
            "document": "政务数据共享条例（国务院令第809号）",
            "text": "有条件共享申请：10个工作日内答复，不同意的说明理由",
        },
        "verified": False,
        "caveat": CAVEAT,
    },
    "created_at": "2026-02-10T02:00:00.000000+00:00",
}


class Named(Body):
    """What a duty is about."""

    kind: Annotated[str, Field(description="事项类别 / kind of subject", examples=["resource"])]
    id: Annotated[str, Field(description="事项编号 / its id", examples=["306001000001/000042"])]


class Declaration(Body):
    """An event that the hub does not see, declared by a person."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "catalogue.outdated",
                    "subject": {"kind": "resource", "id": "306001000001/000042"},
                    "at": "2026-02-10T10:00:00+08:00",
                    "organisation": "11621124MB0000000U",
                }
            ]
        }
    )

    event: Annotated[
        str, Field(description="触发事件 / the event that rules wait for", examples=["catalogue.outdated"])
    ]
    subject: Named
    at: Annotated[
        AwareDatetime | None,
        Field(description="发生时间，缺省为现在 / when, now if left out", examples=["2026-02-10T10:00:00+08:00"]),
    ] = None
    organisation: Annotated[
        str | None,
        Field(
            pattern="^[0-9A-Za-z-]{1,64}$",
            description="承担机构：统一社会信用代码或 id / the body that owes it: its code or id",
            examples=["11621124MB0000000U"],
        ),
    ] = None
    duty: Annotated[str | None, Field(description="只起算这一项 / only this duty", examples=["update-catalogue"])] = (
        None
    )


class ExtensionAsked(Body):
    """An extension that the authority approves."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"basis": "经主管部门批准，机构职能调整尚未完成", "amount": 5}]}
    )

    basis: Annotated[
        str, Field(description="批准依据 / on what basis", examples=["经主管部门批准，机构职能调整尚未完成"])
    ]
    amount: Annotated[
        int | None, Field(description="延长多少，缺省为规则允许的最多 / by how much, by default what the rule allows")
    ] = None


def read(found: OwedRecord, now: datetime) -> dict[str, Any]:
    """A duty as the API shows it; `standing` while it is open."""
    row, terms = found.duty, found.rule.terms
    rule = {"code": found.rule.code, "version": found.rule.version}
    rule |= {name: terms[name] for name in ("issuer", "basis", "verified")}
    return present(
        id=row.id,
        duty=row.duty,
        title=terms["title"],
        state=row.state,
        standing=str(service.standing(row, now)) if row.state == service.OPEN else None,
        subject={"kind": row.subject_kind, "id": row.subject_id},
        debtor=_debtor(found),
        declared=row.declared,
        anchored_at=row.anchored_at,
        due_at=row.due_at,
        due_on=last_day_of(row.due_at).isoformat(),
        soon_at=row.soon_at,
        provisional=row.provisional,
        extension=_extension(row),
        rule=rule if terms["verified"] else rule | {"caveat": CAVEAT},
        closed_at=row.closed_at,
        closed_late=None if row.closed_at is None else row.closed_at > row.due_at,
        closed_reason=row.closed_reason,
        created_at=row.created_at,
    )


def _debtor(found: OwedRecord) -> dict[str, Any]:
    row = found.duty
    organisation = None if found.debtor is None else {"id": str(row.debtor_organisation_id), "name": found.debtor}
    return present(role=row.debtor_role, organisation=organisation, staff=row.debtor_staff_id)


def _extension(row: Duty) -> dict[str, Any] | None:
    if row.extended_at is None:
        return None
    return {
        "at": instant(row.extended_at),
        "amount": row.extended_amount,
        "basis": row.extension_basis,
        "first_due_at": instant(row.first_due_at),
    }
