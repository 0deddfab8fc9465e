"""How access requests are written in requests and answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from certs.digests import b64_decode
from hub.access.requests.asked import LARGEST_ATTACHMENT, MEDIA_TYPES, Asked, Attachment
from hub.access.requests.codes import RefusalCode
from hub.access.requests.models import AccessRequest, AccessRequestStep
from hub.access.requests.repository import AttachmentLine, RequestRecord
from hub.api import duty_forms
from hub.api.scope_forms import AskedScope, ExpectedFrequency, shown_frequency, shown_scope
from hub.api.wire import Body, present
from hub.audit.entry import instant
from hub.duties.repository import OwedRecord
from hub.registry.errors import InvalidField

_ASKED: dict[str, Any] = {
    "basis": "甘肃省政务数据共享管理办法",
    "scene": "政务服务网办事指南页面，每日更新",
    "purpose": "办事指南展示",
    "mode": "inbox",
    "valid_from": "2026-03-02T00:00:00+08:00",
    "valid_to": "2027-03-02T00:00:00+08:00",
    "frequency": {"average": 100, "peak": 2000},
}
ASKED_EXAMPLE = _ASKED | {
    "attachment": {"name": "申请函.pdf", "media_type": "application/pdf", "content": "JVBERi0xLjcK"},
}
NEW_EXAMPLE = {"consumer": "lintao-subsite", "resource": "306001000001/000042"} | ASKED_EXAMPLE

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "state": "with-provider",
    "consumer": "lintao-subsite",
    "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073992", "name": "临洮县人民政府办公室"},
    "resource": {"code": "306001000001/000042", "name": "办事指南", "share_type": 2, "version": 1},
    "provider": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073991", "name": "临洮县政务服务中心"},
    **_ASKED,
    "valid_from": "2026-03-01T16:00:00.000000+00:00",
    "valid_to": "2027-03-01T16:00:00.000000+00:00",
    "attachment": {"name": "申请函.pdf", "media_type": "application/pdf", "size": 9, "digest": "sha-256:…"},
    "steps": [
        {
            "act": "submitted",
            "state": "in-review",
            "staff": "0198f0c2-6a00-7cc3-98c4-dc0c0c073995",
            "role": "editor",
            "at": "2026-03-02T01:30:00.000000+00:00",
        },
        {
            "act": "forwarded",
            "state": "with-provider",
            "staff": "0198f0c2-6a00-7cc3-98c4-dc0c0c073996",
            "role": "reviewer",
            "opinion": "材料齐全，用途明确",
            "at": "2026-03-03T01:30:00.000000+00:00",
        },
    ],
    "duties": [duty_forms.EXAMPLE],
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-03T01:30:00.000000+00:00",
}
LINE_EXAMPLE = {name: value for name, value in EXAMPLE.items() if name not in ("attachment", "steps", "duties")}
GRANTED_EXAMPLE = EXAMPLE | {
    "state": "granted",
    "grant": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073993", "state": "active"},
}
REFUSED_EXAMPLE = EXAMPLE | {
    "state": "refused",
    "refusal": {
        "code": 2,
        "label": {"zh": "数据不在本部门", "en": "the data are not with this department"},
        "text": "该数据由市级部门采集",
    },
}


class AttachedFile(Body):
    """A file that comes with the request."""

    name: Annotated[str, Field(description="文件名 / file name", examples=["申请函.pdf"])]
    media_type: Annotated[
        str, Field(description=f"类型 / media type: {', '.join(MEDIA_TYPES)}", examples=["application/pdf"])
    ]
    content: Annotated[
        str,
        Field(
            description=f"内容，base64，解码后最多 {LARGEST_ATTACHMENT} 字节 / base64, at most so many bytes decoded",
            examples=["JVBERi0xLjcK"],
        ),
    ]

    def attachment(self) -> Attachment:
        """The file, decoded. Raises InvalidField."""
        try:
            return Attachment(self.name, self.media_type, b64_decode(self.content))
        except ValueError:
            raise InvalidField(
                "/attachment/content",
                "内容须为规范的 base64（带填充，无换行）；请重新编码",
                "content is canonical base64, padded and without line breaks; encode it again",
            ) from None


class AskedBody(Body):
    """What is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [ASKED_EXAMPLE]})

    basis: Annotated[str, Field(description="使用依据 / legal basis")]
    scene: Annotated[str, Field(description="应用场景 / scene of use")]
    purpose: Annotated[str, Field(description="用途 / purpose")]
    mode: Annotated[
        Literal["inbox", "push"], Field(description="方式：自取或推送 / the consumer pulls, or the hub pushes")
    ] = "inbox"
    valid_from: Annotated[AwareDatetime | None, Field(description="起始，缺省为现在 / from, now if left out")] = None
    valid_to: Annotated[AwareDatetime, Field(description="截止 / until")]
    scope: Annotated[AskedScope, Field(description="使用范围，缺省为全部 / scope, all if left out")] = AskedScope()
    frequency: Annotated[ExpectedFrequency | None, Field(description="预计频次 / expected frequency")] = None
    attachment: Annotated[AttachedFile | None, Field(description="附件 / attachment")] = None

    def asked(self, now: datetime) -> Asked:
        """The same as the service takes it."""
        file, often = self.attachment, self.frequency
        return Asked(
            basis=self.basis,
            scene=self.scene,
            purpose=self.purpose,
            valid_from=self.valid_from or now,
            valid_to=self.valid_to,
            mode=self.mode,
            scope=self.scope.scope(),
            frequency=None if often is None else often.frequency(),
            attachment=None if file is None else file.attachment(),
        )


class NewRequest(AskedBody):
    """A request: who asks, of what, and what is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEW_EXAMPLE]})

    consumer: Annotated[str, Field(description="使用方系统代码 / code of the consuming system")]
    resource: Annotated[str, Field(description="资源代码 / code of the resource")]


class Review(Body):
    """The authority's compliance review 符合性审查."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "pass", "opinion": "材料齐全，用途明确"}]})

    verdict: Annotated[Literal["pass", "return"], Field(description="转提供部门，或退回补正 / pass on, or return")]
    opinion: Annotated[str | None, Field(description="意见，退回时必填 / required for a return")] = None


class Decision(Body):
    """The provider's decision."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"verdict": "grant", "opinion": "同意"},
                {"verdict": "refuse", "code": 2, "text": "该数据由市级部门采集"},
            ]
        }
    )

    verdict: Annotated[Literal["grant", "refuse"], Field(description="同意，或不同意 / grant, or refuse")]
    opinion: Annotated[str | None, Field(description="同意时的意见 / with a grant")] = None
    code: Annotated[
        int | None,
        Field(
            description="不同意的原因 / reason of a refusal: "
            + "；".join(f"{one.value} {one.zh} {one.en}" for one in RefusalCode)
        ),
    ] = None
    text: Annotated[str | None, Field(description="不同意的说明 / text of a refusal")] = None


def read_line(record: RequestRecord) -> dict[str, Any]:
    """A request as lists show it."""
    row = record.request
    resource = record.resource
    return present(
        id=row.id,
        state=row.state,
        consumer=record.consumer,
        organisation={"id": str(row.organisation_id), "name": record.organisation},
        resource={
            "code": resource.code,
            "name": resource.name,
            "share_type": resource.share_type,
            "version": row.version,
        },
        provider={"id": str(record.provider_id), "name": record.provider},
        basis=row.basis,
        scene=row.scene,
        purpose=row.purpose,
        scope=shown_scope(row),
        mode=row.mode,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        frequency=shown_frequency(row),
        grant=_shown_grant(record),
        refusal=_shown_refusal(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
    )


def read(
    record: RequestRecord,
    steps: Sequence[AccessRequestStep],
    attachment: AttachmentLine | None,
    duties: Sequence[OwedRecord],
    now: datetime,
) -> dict[str, Any]:
    """A request as a whole."""
    shown = read_line(record)
    if attachment is not None:
        shown["attachment"] = {
            "name": attachment.name,
            "media_type": attachment.media_type,
            "size": attachment.size,
            "digest": attachment.digest,
        }
    shown["steps"] = [
        present(act=step.act, state=step.state, staff=step.staff_id, role=step.role, opinion=step.opinion, at=step.at)
        for step in steps
    ]
    shown["duties"] = [duty_forms.read(one, now) for one in duties]
    return shown


def _shown_grant(record: RequestRecord) -> dict[str, Any] | None:
    if record.request.grant_id is None:
        return None
    return present(id=record.request.grant_id, state=record.grant_state)


def _shown_refusal(row: AccessRequest) -> dict[str, Any] | None:
    if row.refusal_code is None:
        return None
    code = RefusalCode(row.refusal_code)
    label = {"zh": code.zh, "en": code.en}
    return present(code=code.value, label=label, text=row.refusal_text, at=row.closed_at and instant(row.closed_at))
