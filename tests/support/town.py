"""A county run from the command line: a real database, a real gateway process, staff and partners at their terminals."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from hub.db.engine import Database
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from tests.support.commands import User
from tests.support.publishing import METADATA

READY_S = STOP_S = 60.0
CHEAP_PASSWORDS = {"PASSES": 1, "MEMORY_KIB": 64, "LANES": 1}
"""Real argon2id that takes no time: what it costs is tried elsewhere."""

ORGANISATION = "临洮县示例局"
OTHER_ORGANISATION = "定西市示例局"
ITEMS = [
    {"field_name": "item_code", "name": "事项编码", "data_type": "C", "length": 31, "required": True, "key": True},
    {"field_name": "item_name", "name": "事项名称", "data_type": "C", "length": 200, "required": True},
]


def cheap_hub(*words: str) -> list[str]:
    """The command line of `shuniu` with these words, in which passwords cost little."""
    changes = ";".join(f"hub.identity.passwords.{name}={value}" for name, value in CHEAP_PASSWORDS.items())
    return [sys.executable, "-c", "from tests.support.nursery import boot; boot()", changes, *words]


@dataclass
class Town:
    """A hub that runs, its staff signed in, and the folders of partners."""

    base: Path
    url: str
    environment: dict[str, str]
    passwords: dict[str, str]
    users: dict[str, User] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)

    def user(self, login: str) -> User:
        """The terminal of that person."""
        return self.users.setdefault(login, User(self.base / "config" / login))

    def signs_in(self, login: str, told: str) -> None:
        """First sign-in: the one-time password is changed."""
        user = self.user(login)
        first = user.signs_in(self.url, login, told)
        assert first.json["must_change_password"] is True
        assert "shuniu password" in first.err
        before, after = self.base / f"{login}.old", self.base / f"{login}.new"
        before.write_text(told + "\n")
        after.write_text(f"{told[::-1]}-2026\n")
        changed = user.types("password", "--password-file", before, "--new-password-file", after, "--json")
        assert changed.json["must_change_password"] is False

    def opens_account(self, login: str, *roles: str, org: str | None = None) -> None:
        """Proposed by the operator, approved by security, first sign-in done."""
        words = [word for role in roles for word in ("--role", role)]
        if org is not None:
            words += ["--org", org]
        self.user("sysadmin").types("staff", "propose", login, "--name", f"示例 {login}", *words, "--json").json["id"]
        told = self.user("sysadmin").types("staff", "list", "--json").json
        assert login in [account["login"] for account in told]
        identifier = next(account["id"] for account in told if account["login"] == login)
        approved = self.user("secadmin").types("staff", "approve", identifier, "--json").json
        self.signs_in(login, approved["one_time_password"])

    def partner(self, code: str, organisation: str = ORGANISATION) -> Path:
        """A registered system with a certificate, its folder complete."""
        officer = self.user("secadmin")
        officer.types("system", "add", code, "--org", organisation, "--name", f"示例 {code}", "--json").json["id"]
        folder = self.base / "partners" / code
        assert User(self.base / "config" / code).types("cert", "request", "--system", code, "--out", folder).code == 0
        issued = officer.types(
            "cert", "issue", "--csr", folder / "request.csr", "--system", code, "--out", folder / "cert.pem", "--json"
        ).json
        assert "certificate" not in issued
        profile = {
            "hub": "lintao-hub",
            "url": self.url,
            "system": code,
            "kid": issued["kid"],
            "token_endpoint": f"{self.url}/oauth/token",
        }
        (folder / "partner.json").write_text(json.dumps(profile))
        return folder

    def resource(self, system: str, name: str) -> str:
        """A published resource of that system; returns its code."""
        form = self.base / f"{system}.resource.json"
        description = {
            **METADATA,
            "name": name,
            "system": system,
            "classification": "306001000001",
            "items": ITEMS,
        }
        form.write_text(json.dumps(description, ensure_ascii=False))
        code: str = self.user("editor").types("resource", "add", form, "--json").json["code"]
        assert self.user("editor").types("resource", "submit", code, "--json").json["status"] == "submitted"
        assert self.user("secrecy").types("resource", "approve", code, "--json").json["verdict"] == "approved"
        assert self.user("reviewer").types("resource", "publish", code, "--json").json["status"] == "published"
        return code

    def grant(self, consumer: str, resource: str) -> str:
        """An active grant; returns its id."""
        made = self.user("decider").types(
            *("grant", "add", "--consumer", consumer, "--resource", resource, "--purpose", "办事指南展示"),
            *("--basis", "甘肃省政务数据共享管理办法", "--valid-to", "2099-12-31T00:00:00+08:00", "--json"),
        )
        identifier: str = made.json["id"]
        return identifier

    @contextlib.contextmanager
    def gateway(self) -> Iterator["subprocess.Popen[bytes]"]:
        """One gateway process, ready; ended with SIGTERM."""
        process = subprocess.Popen(cheap_hub("gateway"), env=self.environment)
        try:
            await_ready(self.url, process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_S)
        assert code == 0


def await_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Return when the gateway at `url` is ready; fails when its process ends or takes too long."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        assert process.poll() is None, "the gateway ended"
        try:
            with urlopen(f"{url}/readyz", timeout=10) as answer:
                if answer.status == 200:
                    return
        except OSError:  # nobody listens yet, it is not ready yet, or it took longer to say so
            time.sleep(0.05)
    raise AssertionError("the gateway did not become ready")


def staff_the_town(town: Town) -> None:
    """Officers, editors, a reviewer, a secrecy officer, a decider, two partners and the anchors that are handed out."""
    for login, told in town.passwords.items():
        town.signs_in(login, told)
    for name, code in ((ORGANISATION, "11320982014392332G"), (OTHER_ORGANISATION, None)):
        words = ["org", "add", name, "--region", "621124", "--example", "--json"]
        words += ["--code", code] if code else ["--parent", ORGANISATION]
        town.organisations[name] = town.user("secadmin").types(*words).json["id"]
    owner = town.organisations[ORGANISATION]
    town.opens_account("editor", "editor", org=owner)
    town.opens_account("decider", "decider", org=owner)
    town.opens_account("reviewer", "reviewer")
    town.opens_account("secrecy", "secrecy")
    town.partner("lintao-approval")
    town.partner("lintao-subsite")
    _keep_anchors(town)


def _keep_anchors(town: Town) -> None:
    """`trust/` as an officer hands it out: the authority, and the certificate that the first receipt names."""
    trust = town.base / "trust"
    trust.mkdir()
    (trust / "ca.pem").write_bytes(_get(f"{town.url}/pki/ca.pem"))
    (trust / "hub.pem").write_bytes(_receipt_certificate(town))


def _receipt_certificate(town: Town) -> bytes:
    async def read() -> bytes:
        database = Database(town.environment["SHUNIU_DATABASE_URL"])
        async with database.session() as session:
            keyring = await KeyRing.load(session, load_master_key(town.base / "data" / "master.key"))
        await database.dispose()
        return keyring.receipt_certificate_pem()

    return asyncio.run(read())


def _get(url: str) -> bytes:
    with urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body
