"""What the registry refuses, and how refusals of the catalogue's room become the gateway's.

Refused
├── NotFound
│   ├── UnknownOrganisation, UnknownSystem, UnknownCertificate
├── Conflict
│   ├── OrganisationTaken, SystemTaken    code, or name within a region, belongs to another
│   ├── OrganisationEnded                 the body was merged, split up or abolished
│   ├── WrongState                        the step does not start from the present state
│   ├── AuthorityEnded                    the issuing certificate issues no more
│   └── KeyCompromised                    the key in a CSR was given up as compromised
└── InvalidInput
    ├── InvalidField                      one field, its reason and its cure
    └── CsrRefused                        the certificate signing request, or what it asks for, is not acceptable
"""

from datetime import datetime

from catalog.errors import (
    CatalogError,
    InvalidTransition,
    UnknownClass,
    UnknownResource,
    UnknownVersion,
)
from certs.errors import CertsError
from hub.errors import Conflict, FieldError, InvalidInput, NotFound, Refused


class UnknownOrganisation(NotFound):
    """No organisation has that code or id."""

    def __init__(self, which: str) -> None:
        super().__init__(
            f"没有登记过机构 {which}；请先查询机构列表",
            f"no organisation {which} is registered; list organisations first",
        )


class UnknownSystem(NotFound):
    """No system has that code."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"没有登记过系统 {code}；请先查询系统列表", f"no system {code} is registered; list systems first"
        )
        self.code = code


class UnknownCertificate(NotFound):
    """No certificate has that kid."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"没有签发过证书 {kid}；请核对 kid", f"no certificate {kid} was issued here; check the kid")
        self.kid = kid


class OrganisationTaken(Conflict):
    """The code, or the name within the region, is registered already."""

    def __init__(self, field: str, holder: str) -> None:
        super().__init__(
            f"已有机构登记了相同的 {field}（{holder}）；请改用该机构，或更正后再登记",
            f"an organisation with the same {field} is registered ({holder}); use that one, or correct and try again",
        )


class OrganisationEnded(Conflict):
    """The body was merged, split up or abolished, and takes part no more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"机构 {name} 已合并、分设或撤销；请改用其承接机构（GET /v1/organisations/机构id 的 successors）",
            f"the organisation {name} was merged, split up or abolished; use its successor (`successors` of"
            " GET /v1/organisations/ID)",
        )


class SystemTaken(Conflict):
    """The system code is registered already."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"系统代码 {code} 已被登记；代码不得重复使用，请另取一个",
            f"the system code {code} is registered; codes are never reused, choose another",
        )
        self.code = code


class WrongState(Conflict):
    """The step does not start from the present state of the object."""

    def __init__(self, what: str, state: str, allowed: str) -> None:
        super().__init__(
            f"{what} 当前状态为 {state}，此操作只能从 {allowed} 状态进行",
            f"{what} is {state}; this step starts from {allowed} only",
        )
        self.state = state


class KeyCompromised(Conflict):
    """The CSR brings a key back that was given up as compromised."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"CSR 中的公钥属于因私钥泄露而吊销的证书 {kid}；请生成新密钥后重新申请",
            f"the public key of this CSR belonged to certificate {kid}, revoked for key compromise; make a new key",
        )


class AuthorityEnded(Conflict):
    """The authority's issuing certificate has ended, or does within a day."""

    def __init__(self, ends: datetime) -> None:
        day = ends.date().isoformat()
        super().__init__(
            f"枢纽的签发证书 {day} 到期，不再签发；请系统管理员检查时钟。若时钟无误，须建立新的枢纽（本版本不能更换签发证书）",
            f"the hub's issuing certificate ends on {day}, and issues no more: have an operator check the clock; if it is right, a "
            "new hub is needed, for this release cannot replace the issuing certificate",
        )


class InvalidField(InvalidInput):
    """One field of the request is wrong."""

    def __init__(self, pointer: str, zh: str, en: str) -> None:
        super().__init__(zh, en, errors=[FieldError(pointer, zh, en)])


class CsrRefused(InvalidField):
    """The certificate signing request, or what it asks for, is not acceptable."""

    def __init__(self, error: CertsError) -> None:
        super().__init__("/csr", error.zh, error.en)
        self.reason = error.reason


def from_catalog(error: CatalogError) -> Refused:
    """The gateway's refusal for one of the catalogue's, with every field it names."""
    if isinstance(error, UnknownResource | UnknownVersion | UnknownClass):
        return NotFound(error.zh, error.en)
    if isinstance(error, InvalidTransition):
        return Conflict(error.zh, error.en)
    errors = [FieldError(violation.field, violation.zh, violation.en, violation.rule) for violation in error.violations]
    if not errors and error.field is not None:
        errors = [FieldError(error.field, error.zh, error.en)]
    return InvalidInput(error.zh, error.en, errors=errors)
