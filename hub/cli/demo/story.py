"""The main job: departments publish signed data, the sub-site and the city pull and acknowledge it, faults are refused."""

from collections.abc import Callable
from typing import Any

import httpx

from certs.digests import b64u_encode
from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.client import ProblemError
from hub.client.partner import batches

EDITORS = {
    "lintao-government-office": "gov-editor",
    "lintao-service-centre": "service-editor",
    "lintao-reform-office": "reform-editor",
    "lintao-finance-bureau": "finance-editor",
    "lintao-poverty-relief-office": "poverty-editor",
}
"""Who edits and decides for each provider."""

REVIEWERS = {
    "lintao-reform-office": "reform-reviewer",
    "lintao-legal-office": "legal-reviewer",
    "lintao-finance-bureau": "finance-reviewer",
    "lintao-poverty-group": "poverty-reviewer",
}
"""Who approves for each body that the chains of the example's lists name."""

DECIDERS = {"lintao-finance-bureau": "finance-decider"}
"""Who decides for a provider what its editor has described: somebody else than the editor."""

CONSUMERS = ("lintao-subsite", "dingxi-exchange")


def tell(county: County) -> None:
    """The whole story, in order."""
    _people(county)
    _partners(county)
    _catalogue(county)
    _grants(county)
    _publishing(county)
    _pulling(county)
    _refusals(county)
    _revocation(county)
    _log(county)


def _people(county: County) -> None:
    county.narrator.step(
        "工作人员：系统管理员提出，安全管理员批准，首次登录改口令",
        "staff: the operator proposes, the security officer approves, the first sign-in changes the password",
    )
    for user, password in list(county.passwords.items()):
        county.sign_in(user, password)
    for organisation in demo_data.load_organisations():
        county.register(organisation)
    county.add_staff("reviewer", "目录审核（主管部门）", ["reviewer"])
    county.add_staff("secrecy", "保密审查", ["secrecy"])
    for key, login in EDITORS.items():
        county.add_staff(login, f"编目与审批 {login}", ["editor", "decider"], county.organisations[key])
        county.staff_of[key] = login
    for logins, role, held in ((REVIEWERS, "reviewer", county.reviewers), (DECIDERS, "decider", county.deciders)):
        for key, login in logins.items():
            county.add_staff(login, f"清单审批 {login}", [role], county.organisations[key])
            held[key] = login
    county.narrator.done(f"{len(county.passwords)} 个账户 / accounts: {', '.join(county.passwords)}")
    county.narrator.same("shuniu login --url … --user sysadmin; shuniu staff propose …; shuniu staff approve …")


def _partners(county: County) -> None:
    county.narrator.step(
        "机构与系统：登记、各自生成密钥、签发证书",
        "organisations and systems: registered, each with a key of its own and a certificate",
    )
    for system in demo_data.load_systems():
        county.connect(system)
        county.narrator.done(f"{system.code:22} {county.kids[system.code][:16]}…  {system.name}")
    county.narrator.same("shuniu system add …; shuniu cert request --system …; shuniu cert issue --csr … --system …")


def _catalogue(county: County) -> None:
    county.narrator.step(
        "目录：提供部门编目、送审，保密审查和清单审批由不同的人逐步通过，主管部门发布",
        "the catalogue: providers describe and submit; secrecy review and the list's approvals, each by somebody else; "
        "the authority publishes",
    )
    classes, chains = demo_data.load_classes(), demo_data.load_chains()
    for found in classes:
        county.classify(found)
    for chain in chains:
        county.chain(chain)
    county.narrator.done(f"{len(classes)} 个分类 / classes，{len(chains)} 条审批链 / chains of approval")
    for resource in demo_data.load_resources():
        hands = county.publish(resource)
        made = county.resources[resource.key]
        county.narrator.done(f"{made['code']}  v{made['version']}  {resource.name}（{len(resource.items)} 信息项）")
        county.narrator.detail(" → ".join([county.staff_of[resource.provider], *hands]))
    county.narrator.same(
        "shuniu resource add FILE; shuniu resource submit ID; shuniu resource approve ID; shuniu resource publish ID"
    )


def _grants(county: County) -> None:
    county.narrator.step(
        "授权：写明用途与依据，由提供方决定", "grants: with purpose and basis, decided by the provider"
    )
    providers = {resource.key: resource.provider for resource in demo_data.load_resources()}
    grants = demo_data.load_grants()
    for grant in grants:
        county.grant(grant, providers[grant.resource])
    county.narrator.done(f"{len(grants)} 项授权 / grants")
    first = grants[0]
    county.narrator.detail(f"例 / such as: {first.consumer} ← {first.resource}，{first.purpose}：{first.basis[:60]}…")
    county.narrator.same("shuniu grant add …")


def _publishing(county: County) -> None:
    county.narrator.step(
        "发布：每个系统用自己的密钥签名，枢纽校验、落库、回签接收凭证",
        "publishing: each system signs with its key; the hub checks, commits, and answers with a signed receipt",
    )
    for resource in demo_data.load_resources():
        partner = county.partners[resource.system]
        code = county.resources[resource.key]["code"]
        records = demo_data.load_records(resource.key)
        for part in batches(records):
            receipt = partner.publish(code, part)
        county.narrator.done(
            f"{resource.name:　<8} {len(records):>3} 条 / records  exchange {receipt.exchange}  → {receipt.lanes} 通道 / lanes"
        )
    county.narrator.same("shuniu send --partner DIR --res CODE records.json   (POST /v1/exchanges)")


def _pulling(county: County) -> None:
    county.narrator.step(
        "取数与确认：子站和市平台按序取走，逐条核对，签名确认",
        "pulling: the sub-site and the city take everything in order, check it, and acknowledge with a signature",
    )
    for code in CONSUMERS:
        partner = county.partners[code]
        items = partner.inbox(limit=500)
        records = sum(len(item.records) for item in items)
        acknowledged = partner.acknowledge(items)
        county.narrator.done(
            f"{code}: {len(items)} 封 / envelopes, {records} 条 / records, 确认 / acknowledged {acknowledged}"
        )
        left = partner.inbox()
        county.narrator.detail(f"收件箱余 / left in the inbox: {len(left)}")
    county.narrator.same("shuniu inbox --partner DIR --ack   (GET /v1/inbox, POST /v1/inbox/acks)")


def _refusals(county: County) -> None:
    county.narrator.step(
        "该拒的拒：改动、发错枢纽、无授权、不合模式、密级", "refused: tampered, wrong hub, no grant, schema, classified"
    )
    partner = county.partners["lintao-finance"]
    code = county.resources["special_funds"]["code"]
    good = demo_data.load_records("special_funds")[0]

    def tampered() -> None:
        head, _, signature = county.seal("lintao-finance", code, {"records": [good]}).split(b".")
        _post(county, b".".join([head, b64u_encode(b'{"records":[{"fund_code":"X"}]}'), signature]))

    _refuse(county, "内容被改动 / tampered", tampered)
    _refuse(
        county,
        "发给别的枢纽 / wrong audience",
        lambda: _post(county, county.seal("lintao-finance", code, {"records": [good]}, hub="dingxi-hub")),
    )
    _refuse(county, "指定的系统无授权 / no grant", lambda: partner.publish(code, [good], to=["gansu-supervision"]))
    _refuse(
        county,
        "金额格式不对 / breaks the schema",
        lambda: partner.publish(code, [good, {**good, "fund_code": "SF-X", "budget_amount": "一百万"}]),
    )
    _refuse(
        county,
        "带密级标志 / classified",
        lambda: partner.publish(code, [{**good, "management_rules": "机密★10年"}]),
    )
    county.narrator.same("shuniu send --partner DIR --res CODE [--to SYS] records.json   (POST /v1/exchanges)")


def _revocation(county: County) -> None:
    county.narrator.step(
        "吊销：密钥泄露即吊销，下一封即被拒；换新证书后继续",
        "revocation: a compromised key is revoked and its next envelope refused; a new certificate goes on",
    )
    system, code = "lintao-finance", county.resources["special_funds"]["code"]
    good = demo_data.load_records("special_funds")
    old, old_kid = county.partners.pop(system), county.kids[system]
    county.call("secadmin", "POST", f"/v1/certificates/{old_kid}/revoke", {"reason": "keyCompromise"})
    county.narrator.done(f"{system} 的证书 {old_kid[:16]}… 已吊销 / revoked (keyCompromise)")
    county.narrator.same(f"shuniu cert revoke {old_kid[:16]}… --reason keyCompromise")
    _refuse(county, "旧密钥签名 / signed with the old key", lambda: old.publish(code, good))
    old.close()
    county.certify(system)
    receipt = county.partners[system].publish(code, good)
    county.narrator.done(f"新证书 / new certificate {county.kids[system][:16]}…  exchange {receipt.exchange}")


def _log(county: County) -> None:
    county.narrator.step(
        "共享日志：每一步都有条目，只存摘要与承诺",
        "the sharing log: an entry for every step, digests and commitments only",
    )
    events: dict[str, int] = {}
    cursor: str | None = None
    while True:
        query = f"?limit=500&cursor={cursor}" if cursor else "?limit=500"
        page = county.call("auditadmin", "GET", f"/v1/audit/events{query}")
        for item in page["items"]:
            events[item["event"]] = events.get(item["event"], 0) + 1
        cursor = page["next"]
        if cursor is None:
            break
    shown = "，".join(f"{event} {count}" for event, count in sorted(events.items()))
    county.narrator.done(f"{sum(events.values())} 条 / entries: {shown}")
    county.narrator.same("shuniu audit events   (GET /v1/audit/events)")


def _refuse(county: County, what: str, act: Callable[[], Any]) -> None:
    """Do what must be refused, and show the refusal."""
    try:
        act()
    except ProblemError as problem:
        county.narrator.refused(f"{what} → {problem.status} {problem.slug}")
        for line in problem.errors[:3]:
            county.narrator.detail(f"{line.pointer}: {line.detail}")
        return
    raise AssertionError(f"accepted, but must be refused: {what}")


def _post(county: County, envelope: bytes) -> None:
    """Post bytes as they are, as a broken or hostile sender would."""
    answer: httpx.Response = county.http.post(
        "/v1/exchanges", content=envelope, headers={"Content-Type": "application/jose"}
    )
    if answer.is_error:
        body = answer.json()
        slug = body["type"].rsplit("/", 1)[-1]
        raise ProblemError(status=answer.status_code, slug=slug, title=body["title"], detail=body["detail"])
