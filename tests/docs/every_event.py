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
from datetime import UTC, datetime, timedelta
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
from hub.identity import totp
from hub.identity.proof import MAX_FAILURES
from tests.docs.running_demo import RunningDemo, running_demo
from tests.support.publishing import METADATA

HUB = Path(__file__).parents[2] / "hub"

_EVENT = re.compile(
    r"(?:hub|audit|organisation|system|certificate|resource|grant|staff|session|token|exchange|delivery|lane|target|message)\.[a-z-]+"
)

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

BLOCKED_WITHIN_S = 20.0

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


def perform_the_rest(demo: RunningDemo) -> None:
    """Do everything that the demo's story leaves out."""
    with httpx.Client(base_url=demo.url, timeout=30) as http:
        staff = Staff(http, demo.passwords())
        _systems(staff, demo)
        _resources_and_grants(staff)
        _accounts(staff)
        _pushes(staff, demo)
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


def _resources_and_grants(staff: Staff) -> None:
    editor = PROVIDER_EDITOR
    items = [
        {"field_name": "item_code", "name": "编码", "data_type": "C", "length": 32, "required": True, "key": True},
        {"field_name": "item_name", "name": "名称", "data_type": "C", "length": 64, "required": True},
    ]
    description = {**METADATA, "name": "示例名录", "system": PROVIDER}
    new = description | {"classification": "306009000001", "is_example": True, "items": items}
    code = staff.call(editor, "POST", "/v1/resources", new)["code"]
    at = f"/v1/resources/{code}"
    staff.call(editor, "PUT", f"{at}/draft", {"items": items})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("reviewer", "POST", f"{at}/return", {"reason": "示例"})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("reviewer", "POST", f"{at}/publish")
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    asked = {"consumer": CONSUMER, "resource": code, "purpose": "工作参考", "basis": "示例依据", "valid_to": until}
    grant = f"/v1/grants/{staff.call(editor, 'POST', '/v1/grants', asked)['id']}"
    staff.call("secadmin", "POST", f"{grant}/suspend", {"reason": "示例"})
    staff.call(editor, "POST", f"{grant}/resume")
    staff.call(editor, "POST", f"{at}/versions", {})
    staff.call(editor, "POST", f"{at}/submit")
    staff.call("reviewer", "POST", f"{at}/publish")
    staff.call("reviewer", "POST", f"{at}/versions/1/end")
    staff.call("reviewer", "POST", f"{at}/suspend", {"reason": "示例"})
    staff.call("reviewer", "POST", f"{at}/resume")
    staff.call(editor, "POST", f"{grant}/revoke", {"reason": "示例"})
    staff.call("reviewer", "POST", f"{at}/withdraw", {"reason": "示例"})
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
