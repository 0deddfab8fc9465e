"""The Lintao example set up through the API: staff, organisations, systems with keys, resources, grants."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from certs import envelope
from certs.authority import make_csr
from certs.header import EXCHANGE
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.cli import demo_data
from hub.cli.demo.narrator import Narrator
from hub.cli.failures import Refused
from hub.client import Partner

DAYS = 365


@dataclass(slots=True)
class County:
    """What the demo has made so far; every method acts through the API and tells what it did."""

    http: httpx.Client
    data: Path
    hub_id: str
    narrator: Narrator
    passwords: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    staff_of: dict[str, str] = field(default_factory=dict)
    reviewers: dict[str, str] = field(default_factory=dict)
    """Who reviews for an organisation, by its key."""
    deciders: dict[str, str] = field(default_factory=dict)
    """Who decides for a provider what its editor described, by its key."""
    partners: dict[str, Partner] = field(default_factory=dict)
    kids: dict[str, str] = field(default_factory=dict)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)

    def seal(self, system: str, res: str, payload: Mapping[str, Any], *, hub: str = "") -> bytes:
        """An envelope signed by a system's key, as its client would make it, for showing what is refused."""
        folder = self.data / "partners" / system
        key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return envelope.seal(
            KeySigner(key, self.kids[system]),
            typ=EXCHANGE,
            iss=system,
            aud=hub or self.hub_id,
            iat=int(datetime.now(UTC).timestamp()),
            jti=secrets.token_hex(12),
            payload=json.dumps(payload, ensure_ascii=False).encode(),
            res=res,
            ver=1,
        )

    def call(self, user: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One API call in the name of a member of staff. Raises `Refused` with the problem's text."""
        answer = self.http.request(
            method, path, json=body, headers={"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        )
        if answer.is_error:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def fetch(self, user: str, path: str) -> bytes:
        """The bytes at `path`, in the name of a member of staff. Raises `Refused`."""
        answer = self.http.get(path, headers={"Authorization": f"Bearer {self.tokens[user]}"})
        if answer.is_error:
            raise Refused(f"GET {path}: {answer.status_code} {answer.text}")
        return answer.content

    def sign_in(self, user: str, one_time: str) -> None:
        """First sign-in: the one-time password is changed, as every account must."""
        self.tokens[user] = self._open(user, one_time)
        password = f"{secrets.token_urlsafe(12)}-Aa1"
        changed = self.call(user, "POST", "/v1/session/password", {"password": one_time, "new_password": password})
        self.passwords[user] = password
        self.tokens[user] = changed["token"]

    def _open(self, user: str, password: str) -> str:
        opened = self.call("", "POST", "/v1/session", {"user": user, "password": password})
        self.roles[user] = list(opened["roles"])
        token: str = opened["token"]
        return token

    def add_staff(self, login: str, name: str, roles: list[str], organisation: str | None = None) -> None:
        """An account proposed by the operator, approved by the security officer, and signed in for the first time."""
        body = {"login": login, "display_name": name, "roles": roles, "organisation": organisation}
        proposed = self.call("sysadmin", "POST", "/v1/staff", body)
        approved = self.call("secadmin", "POST", f"/v1/staff/{proposed['id']}/approve")
        self.sign_in(login, approved["one_time_password"])

    def register(self, organisation: demo_data.Organisation) -> None:
        """One organisation."""
        body = {
            "name": organisation.name,
            "name_en": organisation.name_en,
            "region": organisation.region,
            "code": organisation.code,
            "parent": self.organisations[organisation.parent] if organisation.parent else None,
            "is_example": organisation.is_example,
        }
        self.organisations[organisation.key] = self.call("secadmin", "POST", "/v1/organisations", body)["id"]

    def connect(self, system: demo_data.System) -> None:
        """One partner system: registered, with a key of its own and a certificate, and its folder under `partners/`."""
        self.call(
            "secadmin",
            "POST",
            "/v1/systems",
            {
                "code": system.code,
                "organisation": self.organisations[system.organisation],
                "name": system.name,
                "name_en": system.name_en,
            },
        )
        self.certify(system.code)

    def certify(self, system: str) -> None:
        """A new key and certificate for a system, laid into its folder."""
        key = generate_key("ES256")
        issued = self.call(
            "secadmin",
            "POST",
            "/v1/certificates",
            {"system": system, "csr": make_csr(key, system).decode(), "days": DAYS},
        )
        folder = self.data / "partners" / system
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(folder / "key.pem", pem)
        _write(folder / "cert.pem", issued["certificate"].encode())
        url = str(self.http.base_url).rstrip("/")
        profile = {
            "hub": self.hub_id,
            "url": url,
            "system": system,
            "kid": issued["kid"],
            "token_endpoint": f"{url}/oauth/token",
        }
        _write(folder / "partner.json", json.dumps(profile, indent=1).encode() + b"\n")
        if system in self.partners:
            self.partners[system].close()
        self.partners[system] = Partner.load(folder)
        self.kids[system] = issued["kid"]

    def classify(self, found: demo_data.Class) -> None:
        """One class of the classification."""
        self.call("reviewer", "POST", "/v1/classifications", {"code": found.code, "name": found.name})

    def chain(self, chain: demo_data.Chain) -> None:
        """The approvals that one list needs."""
        steps = [
            {"basis": step.basis}
            | ({} if step.organisation is None else {"organisation": self.organisations[step.organisation]})
            for step in chain.steps
        ]
        self.call("reviewer", "PUT", f"/v1/approval-chains/{chain.list_type}", {"steps": steps})

    def publish(self, resource: demo_data.Resource) -> list[str]:
        """One resource: registered and submitted by its provider's editor, reviewed step by step, published by the authority.

        Returns who took the steps.
        """
        editor = self.staff_of[resource.provider]
        body = {
            **resource.metadata,
            "name": resource.name,
            "summary": resource.summary,
            "system": resource.system,
            "share_type": resource.share_type,
            "update_cycle": resource.update_cycle,
            "share_condition": resource.share_condition,
            "no_share_basis": resource.no_share_basis,
            "classification": resource.category,
            "is_example": any(item.field_name == "is_example" for item in resource.items),
            "items": [{k: v for k, v in vars(item).items() if v is not None} for item in resource.items],
        }
        at = f"/v1/resources/{self.call(editor, 'POST', '/v1/resources', body)['id']}"
        self.call(editor, "POST", f"{at}/submit")
        hands = [
            self._holder(step, resource.provider) for step in self.call("reviewer", "GET", f"{at}/reviews")["items"]
        ]
        for hand in hands[:-1]:
            self.call(hand, "POST", f"{at}/approve", {"opinion": "示例：同意"})
        self.resources[resource.key] = self.call(hands[-1], "POST", f"{at}/publish")
        return hands

    def _holder(self, step: Mapping[str, Any], provider: str) -> str:
        """The login of whoever takes a step of a review."""
        if step["role"] == "secrecy":
            return "secrecy"
        if step["role"] == "decider":
            return self.deciders[provider]
        if "organisation" not in step:
            return "reviewer"
        keys = {identifier: key for key, identifier in self.organisations.items()}
        return self.reviewers[keys[step["organisation"]["id"]]]

    def grant(self, grant: demo_data.Grant, provider: str) -> dict[str, Any]:
        """One grant, decided by the provider."""
        return self.call(
            self.staff_of[provider],
            "POST",
            "/v1/grants",
            {
                "consumer": grant.consumer,
                "resource": self.resources[grant.resource]["code"],
                "purpose": grant.purpose,
                "basis": grant.basis,
                "mode": grant.mode,
                "valid_to": (datetime.now(UTC) + timedelta(days=DAYS)).isoformat(),
            },
        )

    def write_staff(self) -> None:
        """Names and passwords of the example's accounts."""
        accounts = [
            {"user": user, "password": password, "roles": self.roles.get(user, [])}
            for user, password in self.passwords.items()
        ]
        _write(self.data / "staff.json", json.dumps(accounts, ensure_ascii=False, indent=1).encode() + b"\n")


def _write(path: Path, content: bytes) -> None:
    """A file that only its owner reads."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
