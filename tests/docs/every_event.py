"""Makes a running demo's log hold every type of event, and reads the log: what docs/log-leaf.md shows comes from here.

`python -m tests.docs.every_event` runs a demo of its own and prints an example of each type as the page has it.
"""

import ast
import base64
import json
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.csr import make_csr
from certs.digests import b64u_encode
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.cli.demo_data import load_records
from hub.client import Partner
from hub.duties.calendar import announced
from hub.duties.notices import ALWAYS_OFF
from hub.identity import totp
from hub.identity.proof import MAX_FAILURES
from tests.docs.running_demo import RunningDemo, running_demo
from tests.support.publishing import METADATA
from tests.support.registry import example_code
from tests.support.workbooks import RESOURCE, filled

HUB = Path(__file__).parents[2] / "hub"

_OBJECTS = (
    "hub",
    "audit",
    "organisation",
    "system",
    "certificate",
    "resource",
    "grant",
    "staff",
    "session",
    "token",
    "exchange",
    "delivery",
    "lane",
    "target",
    "message",
    "harvest",
    "upstream-catalogue",
    "upstream-resource",
    "duty",
    "duty-rule",
    "holiday-notice",
    "reorganisation",
    "person",
    "review",
    "chain",
    "class",
    "upstream",
    "notice",
    "access-request",
    "objection",
    "correction",
    "list",
    "power-item",
    "import",
)
"""What events are about."""

_EVENT = re.compile("(?:" + "|".join(_OBJECTS) + r")\.[a-z-]+")

_OTHER_NAMES = re.compile(r".*\.(?:id|pem)")
"""Columns and files that look like an event."""

_FLOORS_WITHOUT_EVENTS = ("cli", "client", "db")

CONSUMER = "dingxi-subsite"
ONE_LANE = "gansu-power-items"
"""A consumer that the story leaves alone, with one lane and something in it."""

WITH_OPENINGS = "session.opened"
"""The type whose example the page shows with the openings of its commitments."""

FINANCE, FINANCE_EDITOR = "lintao-finance", "finance-editor"
"""Whose data is pushed to where nobody listens."""

BLOCKED_WITHIN_S = 60.0

POWERS_EDITOR, POWERS_REVIEWER, RELIEF_EDITOR = "reform-editor", "reform-reviewer", "poverty-editor"
"""Who edits the list of powers and the list of poverty relief."""

PROVIDER, PROVIDER_EDITOR = "lintao-office", "gov-editor"
"""Whose system and editor the acts on a resource are done with."""


def types_in_code() -> set[str]:
    """Every type of event that the gateway's source names."""
    found: set[str] = set()
    for path in HUB.rglob("*.py"):
        if path.relative_to(HUB).parts[0] not in _FLOORS_WITHOUT_EVENTS:
            found |= set(_texts(ast.parse(path.read_text(encoding="utf-8"))))
    return {text for text in found if _EVENT.fullmatch(text) and not _OTHER_NAMES.fullmatch(text)}


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text in the source but the names of loggers."""
    loggers = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "getLogger"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loggers:
            yield node.value


@dataclass(slots=True)
class Staff:
    """Members of staff of a demo, who act through the API."""

    http: httpx.Client
    passwords: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def sign_in(self, login: str, password: str | None = None, code: str | None = None) -> httpx.Response:
        """One attempt to sign in; its token is kept."""
        body = {"user": login, "password": password or self.passwords[login]}
        answer = self.http.post("/v1/session", json=body | ({"second_factor": code} if code else {}))
        if answer.is_success:
            self.tokens[login] = answer.json()["token"]
        return answer

    def call(self, login: str, method: str, path: str, body: Any = None) -> Any:
        """One act, which must succeed; its answer."""
        if login not in self.tokens:
            assert self.sign_in(login).is_success
        headers = {"Authorization": f"Bearer {self.tokens[login]}"}
        answer = self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def send(self, login: str, path: str, media_type: str, content: bytes) -> Any:
        """One document sent, which must be taken; its answer."""
        headers = {"Authorization": f"Bearer {self.tokens[login]}", "Content-Type": media_type}
        answer = self.http.post(path, content=content, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


def perform_the_rest(demo: RunningDemo) -> None:
    """Do everything that the demo's story leaves out."""
    with httpx.Client(base_url=demo.url, timeout=30) as http:
        staff = Staff(http, demo.passwords())
        _systems(staff, demo)
        _resources_and_grants(staff)
        _organisations(staff)
        _accounts(staff)
        _lists(staff)
        _pushes(staff, demo)
        _duties(staff)
        _sharing(staff, demo)
        staff.call("auditadmin", "POST", "/v1/audit/exports", {})


def _pushes(staff: Staff, demo: RunningDemo) -> None:
    """A target where nobody listens, a lane that blocks, and what an operator does about it."""
    target = f"/v1/systems/{CONSUMER}/push-target"
    settings = {"url": "http://127.0.0.1:1/nobody", "networks": ["127.0.0.0/8"]}
    for attempts in (3, 1):
        body = {"settings": settings, "policy": "block", "max_attempts": attempts}
        staff.call("secadmin", "PUT", target, body)
    staff.call("sysadmin", "POST", f"{target}/pause", {"reason": "示例"})
    staff.call("sysadmin", "POST", f"{target}/resume")
    code = staff.call(FINANCE_EDITOR, "GET", "/v1/resources?limit=500")
    res = next(item["code"] for item in code["items"] if item["system"] == FINANCE and item["status"] == "published")
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    asked = {"consumer": CONSUMER, "resource": res, "purpose": "推送示例", "basis": "示例依据", "valid_to": until}
    lane = staff.call(FINANCE_EDITOR, "POST", "/v1/grants", asked | {"mode": "push"})["lane"]
    with Partner.load(demo.data / "partners" / FINANCE) as partner:
        partner.publish(res, load_records("special_funds"))
    deadline = time.monotonic() + BLOCKED_WITHIN_S
    while not any(item["id"] == lane and item["state"] == "blocked" for item in _lanes(staff)):
        assert time.monotonic() < deadline, "the lane does not block"
        time.sleep(0.1)
    staff.call("sysadmin", "POST", f"/v1/lanes/{lane}/pause", {"reason": "示例"})
    staff.call("sysadmin", "POST", f"{target}/pause", {"reason": "示例"})
    staff.call("sysadmin", "POST", f"/v1/lanes/{lane}/resume")


def _duties(staff: Staff) -> None:
    """Rules set and adopted, events declared, a deadline put off, another one moved by a notice."""
    staff.call("reviewer", "POST", "/v1/duty-rules/D9/adopt", {})
    owner = staff.call("secadmin", "GET", f"/v1/systems/{PROVIDER}")["organisation"]["id"]
    owed = [_declare(staff, owner, f"example-{number}") for number in range(2)]
    day = date.fromisoformat(owed[0]["due_on"])
    off = sorted(
        {one for one in announced().off if one.year == day.year} | {date(day.year, *one) for one in ALWAYS_OFF} | {day}
    )
    worked = sorted(one for one in announced().worked if one.year == day.year and one != day)
    notice = {"days_off": [f"{one}" for one in off], "days_worked": [f"{one}" for one in worked], "basis": "示例通知"}
    staff.call("sysadmin", "POST", "/v1/holiday-notices", notice | {"year": day.year})
    staff.call("reviewer", "POST", f"/v1/duties/{owed[0]['id']}/extend", {"basis": "示例"})
    staff.call("reviewer", "POST", f"/v1/duties/{owed[0]['id']}/done")
    staff.call("reviewer", "POST", f"/v1/duties/{owed[1]['id']}/cancel", {"reason": "示例"})


def _declare(staff: Staff, owner: str, identifier: str) -> dict[str, Any]:
    event = {"event": "catalogue.outdated", "subject": {"kind": "resource", "id": identifier}, "organisation": owner}
    found: list[dict[str, Any]] = staff.call("reviewer", "POST", "/v1/duties/declare", event)["items"]
    return found[0]


def _sharing(staff: Staff, demo: RunningDemo) -> None:
    """Requests, objections and corrections, each step of each; a grant that is renewed, and revoked before data came."""
    res = next(
        item["code"]
        for item in staff.call(PROVIDER_EDITOR, "GET", "/v1/resources?limit=500")["items"]
        if item["system"] == PROVIDER and item["share_type"] == 2 and item["status"] == "published"
    )
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    terms = {"basis": "示例依据", "scene": "示例场景", "valid_to": until}
    asked = []
    for purpose in ("甲用途", "乙用途", "丙用途"):
        new = {"consumer": FINANCE, "resource": res, "purpose": purpose, **terms}
        asked.append(f"/v1/access-requests/{staff.call(FINANCE_EDITOR, 'POST', '/v1/access-requests', new)['id']}")
    granted, refused, withdrawn = asked
    staff.call("reviewer", "POST", f"{granted}/review", {"verdict": "return", "opinion": "示例"})
    staff.call(FINANCE_EDITOR, "PUT", granted, {"purpose": "甲用途", **terms})
    for one in (granted, refused):
        staff.call("reviewer", "POST", f"{one}/review", {"verdict": "pass"})
    staff.call(PROVIDER_EDITOR, "POST", f"{refused}/decide", {"verdict": "refuse", "code": 4, "text": "示例"})
    staff.call(FINANCE_EDITOR, "POST", f"{withdrawn}/withdraw", {"reason": "示例"})
    grant = staff.call(PROVIDER_EDITOR, "POST", f"{granted}/decide", {"verdict": "grant"})["grant"]["id"]
    longer = {"valid_to": (datetime.now(UTC) + timedelta(days=60)).isoformat(), "reason": "示例"}
    staff.call(PROVIDER_EDITOR, "POST", f"/v1/grants/{grant}/renew", longer)
    _objections(staff, grant)
    _corrections(staff, demo, res)


def _objections(staff: Staff, grant: str) -> None:
    new = {"kind": "use", "detail": "other", "about": {"kind": "grant", "id": grant}, "text": "示例"}
    rated, withdrawn = [
        f"/v1/objections/{staff.call(FINANCE_EDITOR, 'POST', '/v1/objections', new)['id']}" for _ in range(2)
    ]
    staff.call(PROVIDER_EDITOR, "POST", f"{rated}/take")
    staff.call(PROVIDER_EDITOR, "POST", f"{rated}/answer", {"answer": "示例"})
    staff.call(FINANCE_EDITOR, "POST", f"{rated}/rate", {"rating": 3})
    staff.call(FINANCE_EDITOR, "POST", f"{withdrawn}/withdraw")


def _corrections(staff: Staff, demo: RunningDemo, res: str) -> None:
    """One report is withdrawn, one rejected, one leads to a correction."""
    records = load_records("supervision_tasks")[:1]
    with (
        Partner.load(demo.data / "partners" / PROVIDER) as provider,
        Partner.load(demo.data / "partners" / FINANCE) as consumer,
    ):
        wrong = provider.publish(res, records)
        consumer.acknowledge(consumer.inbox(limit=500))
        right = provider.publish(res, records, ref=wrong.jti)
        consumer.acknowledge(consumer.inbox(limit=500))
    new = {"exchange": wrong.exchange, "pointers": ["/records/0"], "believed": "示例"}
    for ends in ("withdraw", "reject", "correct"):
        at = f"/v1/corrections/{staff.call(FINANCE_EDITOR, 'POST', '/v1/corrections', new)['id']}"
        if ends == "withdraw":
            staff.call(FINANCE_EDITOR, "POST", f"{at}/withdraw")
            continue
        staff.call(PROVIDER_EDITOR, "POST", f"{at}/take")
        body = {"reason": "示例"} if ends == "reject" else {"exchange": right.exchange}
        staff.call(PROVIDER_EDITOR, "POST", f"{at}/{ends}", body)


def _lanes(staff: Staff) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = staff.call("sysadmin", "GET", "/v1/lanes?limit=500")["items"]
    return found


def _systems(staff: Staff, demo: RunningDemo) -> None:
    owner = staff.call("secadmin", "GET", f"/v1/systems/{PROVIDER}")["organisation"]["id"]
    code = f"example-{secrets.token_hex(4)}"
    staff.call("secadmin", "POST", "/v1/systems", {"code": code, "organisation": owner, "name": "示例系统"})
    csr = make_csr(generate_key("EdDSA"), code).decode()
    staff.call("secadmin", "POST", "/v1/certificates", {"system": code, "csr": csr})
    for step, body in (("suspend", {"reason": "示例"}), ("resume", None), ("retire", {"reason": "示例"})):
        staff.call("secadmin", "POST", f"/v1/systems/{code}/{step}", body)
    with Partner.load(demo.data / "partners" / ONE_LANE) as partner:
        assert partner.inbox()
    refused = staff.http.post("/oauth/token", data=_assertion_for_another_hub(demo.data / "partners" / CONSUMER))
    assert refused.json()["error"] == "invalid_client"


def _assertion_for_another_hub(folder: Path) -> dict[str, str]:
    profile = json.loads((folder / "partner.json").read_text(encoding="utf-8"))
    key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    signer = KeySigner(key, profile["kid"])  # type: ignore[arg-type]
    who = profile["system"]
    claims = {"iss": who, "sub": who, "aud": "https://elsewhere.example/oauth/token", "exp": int(time.time()) + 60}
    parts = ({"alg": signer.alg, "kid": signer.kid}, claims | {"jti": secrets.token_hex(8)})
    signed = b".".join(b64u_encode(json.dumps(part).encode()) for part in parts)
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": (signed + b"." + b64u_encode(signer.sign(signed))).decode(),
    }


def _import(staff: Staff) -> None:
    """A workbook is uploaded, judged by the worker, ordered to be written, and written by it."""
    described = RESOURCE | {"信息资源分类": "306009000001", "发布系统": PROVIDER}
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    tried = staff.send(PROVIDER_EDITOR, "/v1/resources/imports", media_type, filled([described]))
    at = f"/v1/resources/imports/{tried['id']}"
    _await_state(staff, at, "judged")
    staff.call(PROVIDER_EDITOR, "POST", f"{at}/commit", {})
    _await_state(staff, at, "committed")
    again = staff.send(PROVIDER_EDITOR, "/v1/resources/imports", media_type, filled([described]))
    staff.call(PROVIDER_EDITOR, "POST", f"/v1/resources/imports/{again['id']}/cancel")


def _await_state(staff: Staff, at: str, state: str) -> None:
    until = time.monotonic() + 60
    while (found := staff.call(PROVIDER_EDITOR, "GET", at))["state"] != state:
        assert time.monotonic() < until, found
        time.sleep(0.2)


def _harvest(staff: Staff) -> None:
    staff.call("reviewer", "POST", "/v1/upstream-catalogues", {"name": "dingxi", "title": "示例上游目录"})
    at = "/v1/upstream-catalogues/dingxi/harvests"
    given_up = staff.call("reviewer", "POST", at)["id"]
    staff.call("reviewer", "POST", f"/v1/harvests/{given_up}/abandon")
    harvest = staff.call("reviewer", "POST", at)["id"]
    page = '<urn:example:1> a <http://www.w3.org/ns/dcat#Dataset> ; <http://purl.org/dc/terms/title> "示例" .'.encode()
    staff.send("reviewer", f"/v1/harvests/{harvest}/pages", "text/turtle", page)
    staff.call("reviewer", "POST", f"/v1/harvests/{harvest}/apply")
    [found] = staff.call("reviewer", "GET", "/v1/upstream-resources?catalogue=dingxi")["items"]
    staff.call("reviewer", "POST", f"/v1/upstream-resources/{found['id']}/edit", {"edits": {"note": "示例"}})


def _resources_and_grants(staff: Staff) -> None:
    editor = PROVIDER_EDITOR
    items = [
        {"field_name": "item_code", "name": "编码", "data_type": "C", "length": 32, "required": True, "key": True},
        {"field_name": "item_name", "name": "名称", "data_type": "C", "length": 64, "required": True},
    ]
    description = {**METADATA, "name": "示例名录", "system": PROVIDER}
    for at_level in ("306009", "306009000001"):
        staff.call("reviewer", "POST", "/v1/classifications", {"code": at_level, "name": "示例分类"})
    new = description | {"classification": "306009000001", "is_example": True, "items": items}
    code = staff.call(editor, "POST", "/v1/resources", new)["code"]
    at = f"/v1/resources/{code}"
    staff.call(editor, "PUT", f"{at}/draft", {"items": items})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("secrecy", "POST", f"{at}/return", {"reason": "示例"})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("secrecy", "POST", f"{at}/approve")
    staff.call("reviewer", "POST", f"{at}/publish")
    _harvest(staff)
    _import(staff)
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    asked = {"consumer": CONSUMER, "resource": code, "purpose": "工作参考", "basis": "示例依据", "valid_to": until}
    grant = f"/v1/grants/{staff.call(editor, 'POST', '/v1/grants', asked)['id']}"
    staff.call("secadmin", "POST", f"{grant}/suspend", {"reason": "示例"})
    staff.call(editor, "POST", f"{grant}/resume")
    staff.call(editor, "POST", f"{at}/versions", {})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("secrecy", "POST", f"{at}/approve")
    staff.call("reviewer", "POST", f"{at}/publish")
    staff.call("reviewer", "POST", f"{at}/versions/1/end")
    told = staff.call(editor, "GET", "/v1/notices?unread=true")["items"]
    staff.call(editor, "POST", f"/v1/notices/{told[0]['id']}/read")
    staff.call("reviewer", "POST", f"{at}/upstream", {"catalogue": "gansu-catalogue", "state": "pending"})
    staff.call("reviewer", "POST", f"{at}/suspend", {"reason": "示例"})
    staff.call("reviewer", "POST", f"{at}/resume")
    staff.call(editor, "POST", f"{grant}/revoke", {"reason": "示例"})
    staff.call("reviewer", "POST", f"{at}/withdraw", {"reason": "示例"})
    last = "/v1/classifications/306009000001"
    staff.call("reviewer", "PUT", last, {"name": "示例分类（改名）"})
    for step in ("end", "reopen"):
        staff.call("reviewer", "POST", f"{last}/{step}")


def _organisations(staff: Staff) -> None:
    """Bodies of the story's own that are renamed, merged and given a duty of another's, and people who answer for them."""
    numbers = [secrets.randbelow(10**8) + number * 10**8 for number in range(2)]
    old, heir = [
        staff.call(
            "secadmin",
            "POST",
            "/v1/organisations",
            {"name": f"示例机构{number}", "region": "621124", "code": example_code(number), "is_example": True},
        )["id"]
        for number in numbers
    ]
    child = {"name": f"示例下属{numbers[0]}", "region": "621124", "parent": old, "is_example": True}
    staff.call("secadmin", "POST", "/v1/organisations", child)
    system = f"example-{secrets.token_hex(4)}"
    staff.call("secadmin", "POST", "/v1/systems", {"code": system, "organisation": old, "name": "示例系统"})
    account = {"login": f"example-{secrets.token_hex(4)}", "display_name": "示例人员", "roles": ["editor"]}
    editor = staff.call("sysadmin", "POST", "/v1/staff", account | {"organisation": old})["id"]
    _people(staff, f"/v1/organisations/{old}/people")
    today = datetime.now(UTC).date().isoformat()
    grounds = {"basis": "示例文件", "effective_on": today}
    renaming = grounds | {"kind": "renaming", "from": [old], "name": f"示例机构{numbers[0]}（更名）"}
    for step, who in (("refuse", "reviewer"), ("withdraw", "secadmin")):
        dropped = staff.call("secadmin", "POST", "/v1/organisation-changes", renaming)["id"]
        staff.call(who, "POST", f"/v1/organisation-changes/{dropped}/{step}", {"reason": "示例"})
    _change(staff, renaming)
    _change(staff, grounds | {"kind": "merger", "from": [old], "to": [heir], "staff": {editor: heir}})
    staff.call("secadmin", "POST", f"/v1/staff/{editor}/disable")
    _transfer_a_draft(staff, grounds, heir, system)


def _people(staff: Staff, path: str) -> None:
    first = staff.call("secadmin", "POST", path, {"role": "dedicated", "name": "示例人员甲"})["id"]
    after = staff.call("secadmin", "POST", f"{path}/{first}/handover", {"name": "示例人员乙", "note": "示例"})["id"]
    staff.call("secadmin", "POST", f"{path}/{after}/end", {"note": "示例"})


def _change(staff: Staff, asked: dict[str, Any]) -> None:
    proposed = staff.call("secadmin", "POST", "/v1/organisation-changes", asked)
    confirmation = {"plan": proposed["plan"]}
    staff.call("reviewer", "POST", f"/v1/organisation-changes/{proposed['id']}/confirm", confirmation)


def _transfer_a_draft(staff: Staff, grounds: dict[str, str], heir: str, publisher: str) -> None:
    """A resource that the example's editor has only begun goes to another provider, with its publisher."""
    owner = staff.call("secadmin", "GET", f"/v1/systems/{PROVIDER}")["organisation"]["id"]
    description = {**METADATA, "name": "示例名录二", "system": PROVIDER}
    items = [{"field_name": "item_code", "name": "编码", "data_type": "C", "length": 32, "key": True}]
    new = description | {"classification": "306009000001", "is_example": True, "items": items}
    code = staff.call(PROVIDER_EDITOR, "POST", "/v1/resources", new)["code"]
    asked = {"kind": "transfer", "from": [owner], "to": [heir], "resources": {code: heir}}
    _change(staff, {**grounds, **asked, "publishers": {code: publisher}})


def _lists(staff: Staff) -> None:
    """What the story leaves out of suspended powers and published lists: refusals, and data that follow their declaration."""
    resources = staff.call(POWERS_EDITOR, "GET", "/v1/resources?limit=500")["items"]
    powers = next(one["code"] for one in resources if one["name"] == "权责清单")
    asked = {"resource": powers, "power_code": "SL-QZ-0003", "ground": "no-case-for-three-years"}
    at = f"/v1/power-suspensions/{staff.call(POWERS_EDITOR, 'POST', '/v1/power-suspensions', asked)['id']}"
    staff.call(POWERS_REVIEWER, "POST", f"{at}/refuse", {"reason": "示例"})
    at = f"/v1/power-suspensions/{staff.call(POWERS_EDITOR, 'POST', '/v1/power-suspensions', asked)['id']}"
    staff.call(POWERS_REVIEWER, "POST", f"{at}/approve", {"document": "示例"})
    staff.call(POWERS_EDITOR, "POST", f"{at}/resume", {"reason": "示例"})
    staff.call(POWERS_REVIEWER, "POST", f"{at}/decline", {"reason": "示例"})
    (relief,) = [one for one in staff.call(RELIEF_EDITOR, "GET", "/v1/lists")["items"] if "publication" in one]
    carried = {"exchange": relief["publication"]["exchange"]["id"]}
    path = f"/v1/lists/{relief['code']}/publications"
    number = staff.call(RELIEF_EDITOR, "POST", path, {"kind": "change", "explanation": "示例"})["number"]
    staff.call(RELIEF_EDITOR, "POST", f"{path}/{number}/exchange", carried)
    staff.call("sysadmin", "POST", "/v1/resources/reindex", {})


def _accounts(staff: Staff) -> None:
    login = f"example-{secrets.token_hex(4)}"
    proposed = staff.call(
        "sysadmin", "POST", "/v1/staff", {"login": login, "display_name": "示例人员", "roles": ["inspector"]}
    )
    account = f"/v1/staff/{proposed['id']}"
    one_time = staff.call("secadmin", "POST", f"{account}/approve")["one_time_password"]
    for _ in range(MAX_FAILURES):
        assert staff.sign_in(login, "wrong-password").is_client_error
    staff.call("secadmin", "POST", f"{account}/unlock")
    assert staff.sign_in(login, one_time).is_success
    own = secrets.token_urlsafe(12) + "-Aa1"
    staff.tokens[login] = staff.call(
        login, "POST", "/v1/session/password", {"password": one_time, "new_password": own}
    )["token"]
    secret = staff.call(login, "POST", "/v1/session/second-factor", {"password": own})["secret"]
    code = totp.code_at(base64.b32decode(secret), totp.step_of(datetime.now(UTC)))
    staff.call(login, "PUT", "/v1/session/second-factor", {"code": code})
    staff.call(login, "DELETE", "/v1/session")
    staff.call("sysadmin", "POST", f"{account}/reset")
    staff.call("secadmin", "POST", f"{account}/disable")


def read_log(demo: RunningDemo) -> list[dict[str, Any]]:
    """Every entry of the demo's log, newest first, as an auditor gets them."""
    with httpx.Client(base_url=demo.url, timeout=30) as http:
        staff = Staff(http, demo.passwords())
        entries: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"&cursor={cursor}" if cursor else ""
            page = staff.call("auditadmin", "GET", f"/v1/audit/events?limit=500{query}")
            entries += page["items"]
            cursor = page["next"]
    return entries


def shortest_of_each_type(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each type of event the entry with the shortest leaf, by type."""
    by_length = sorted(entries, key=lambda entry: -len(json.dumps(entry["leaf"])))
    return [entry for _, entry in sorted({entry["event"]: entry for entry in by_length}.items())]


def example(entry: dict[str, Any]) -> str:
    """An entry as the page shows it: its leaf, indented, with its hash; openings where the page has them."""
    shown = f"<!-- leaf: {entry['event']} {entry['leaf_hash']} -->\n{_json(entry['leaf'])}"
    if entry["event"] == WITH_OPENINGS:
        shown += f"\n<!-- openings: {entry['event']} -->\n{_json(entry['openings'])}"
    return shown


def _json(value: object) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=1)}\n```\n"


def main() -> None:
    """Print an example of each type, for the page."""
    with tempfile.TemporaryDirectory() as home, running_demo(Path(home)) as demo:
        perform_the_rest(demo)
        for entry in shortest_of_each_type(read_log(demo)):
            print(example(entry))


if __name__ == "__main__":
    main()
