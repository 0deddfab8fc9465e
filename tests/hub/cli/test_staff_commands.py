"""Staff at their terminals against a real gateway."""

import base64
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hub.client import pki
from tests.support.commands import User
from tests.support.town import ITEMS, ORGANISATION, Town

pytestmark = pytest.mark.process


def test_lists_and_objects_are_shown_to_people_and_to_scripts(town: Town, main_job: tuple[Path, Path, str]) -> None:
    officer, res = town.user("secadmin"), main_job[2]
    for words, named in (
        (("org", "list"), ORGANISATION),
        (("org", "list", "--region", "621124"), ORGANISATION),
        (("org", "show", ORGANISATION), "11320982014392332G"),
        (("org", "show", "11320982014392332G"), ORGANISATION),
        (("system", "list"), "lintao-subsite"),
        (("system", "show", "lintao-subsite"), "active"),
        (("cert", "list", "--system", "lintao-subsite"), "ES256"),
        (("resource", "list"), res),
        (("resource", "show", res), "办事指南"),
        (("resource", "versions", res), "published"),
        (("grant", "list", "--resource", res), "lintao-subsite"),
        (("staff", "list"), "reviewer"),
        (("whoami",), "security"),
    ):
        plain = officer.types(*words)
        assert (plain.code, plain.err) == (0, ""), words
        assert named in plain.out
        assert named in json.dumps(officer.types(*words, "--json").json, ensure_ascii=False)
    assert officer.types("resource", "schema", res).json["$defs"]["record"]


def test_lists_go_over_their_pages(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.cli.api.PAGE", 1)
    officer = town.user("secadmin")
    assert len(officer.types("system", "list", "--json").json) >= 2
    assert len(officer.types("system", "list", "--limit", "1", "--json").json) == 1


def test_what_nobody_or_several_are_called_is_refused(town: Town) -> None:
    done = town.user("secadmin").types("org", "show", "没有这个机构")
    assert done.code == 1
    assert "id" in done.err


def test_an_act_that_a_role_may_not_do_is_refused(town: Town) -> None:
    done = town.user("editor").types(
        "org", "add", "x", "--region", "621124", "--parent", town.organisations[ORGANISATION]
    )
    assert done.code == 1
    assert "forbidden" in done.err


def test_a_system_is_suspended_resumed_and_retired(town: Town, anyone: User) -> None:
    folder, officer = town.partner("lintao-moves"), town.user("secadmin")
    assert officer.types("system", "suspend", "lintao-moves", "--reason", "核查", "--json").json["state"] == "suspended"
    done = anyone.types("inbox", "--partner", folder)
    assert done.code == 1
    assert officer.types("system", "resume", "lintao-moves", "--json").json["state"] == "active"
    assert anyone.types("inbox", "--partner", folder).code == 0
    assert officer.types("system", "retire", "lintao-moves", "--reason", "停用").code == 0
    assert officer.types("system", "resume", "lintao-moves").code == 1


def test_a_revoked_certificate_ends_what_it_signs(town: Town, anyone: User) -> None:
    folder, officer = town.partner("lintao-revoked"), town.user("secadmin")
    kid = pki.certificate_kid(pki.read_certificates((folder / "cert.pem").read_bytes())[0])
    assert officer.types("cert", "show", kid, "--json").json["state"] == "active"
    revoked = officer.types("cert", "revoke", kid, "--reason", "keyCompromise", "--json").json
    assert (revoked["state"], revoked["revocation_reason"]) == ("revoked", "keyCompromise")
    done = anyone.types(
        "send", "--partner", folder, "--res", "306001000001/000001", "--ver", "1", "-", stdin=b'[{"item_code": "1"}]'
    )
    assert done.code == 1
    assert "certificate-revoked" in done.err


def test_a_certificate_is_printed_where_no_file_is_named(town: Town, tmp_path: Path) -> None:
    town.partner("lintao-rotates")
    assert User(tmp_path).types("cert", "request", "--system", "lintao-rotates", "--out", tmp_path / "new").code == 0
    issued = town.user("secadmin").types(
        *("cert", "issue", "--csr", tmp_path / "new" / "request.csr", "--system", "lintao-rotates"),
        *("--days", "7", "--json"),
    )
    assert issued.json["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    (tmp_path / "no.csr").write_bytes(b"\xff\xfe")
    done = town.user("secadmin").types("cert", "issue", "--csr", tmp_path / "no.csr", "--system", "lintao-rotates")
    assert done.code == 2


def test_a_resource_goes_through_its_life(town: Town, tmp_path: Path) -> None:
    town.partner("lintao-guides")
    res = town.resource("lintao-guides", "办事指南（二）")
    editor, reviewer = town.user("editor"), town.user("reviewer")
    longer = [*ITEMS, {"field_name": "note", "name": "备注", "data_type": "C", "length": 50}]
    (tmp_path / "items.json").write_text(json.dumps({"items": longer}, ensure_ascii=False))
    assert editor.types("resource", "new-version", res).code == 0
    assert editor.types("resource", "edit", res, tmp_path / "items.json").code == 0
    assert editor.types("resource", "submit", res).code == 0
    secrecy = town.user("secrecy")
    refused = reviewer.types("resource", "return", res, "--reason", "备注太短")
    assert (refused.code, "保密审查" in refused.err) == (1, True)
    assert secrecy.types("resource", "return", res, "--reason", "备注太短").code == 0
    assert editor.types("resource", "submit", res).code == 0
    assert secrecy.types("resource", "approve", res).code == 0
    assert reviewer.types("resource", "publish", res, "--json").json["version"] == 2
    assert "note" in editor.types("resource", "schema", res).json["$defs"]["record"]["properties"]
    assert "note" not in editor.types("resource", "schema", res, "--ver", "1").json["$defs"]["record"]["properties"]
    assert editor.types("resource", "new-version", res, "--items", tmp_path / "items.json").code == 0
    assert reviewer.types("resource", "end-version", res, "1").code == 0
    assert reviewer.types("resource", "suspend", res, "--reason", "核查", "--json").json["status"] == "suspended"
    assert reviewer.types("resource", "resume", res, "--json").json["status"] == "published"
    assert reviewer.types("resource", "withdraw", res, "--reason", "机构改革", "--json").json["status"] == "withdrawn"
    (tmp_path / "items.json").write_text("{")
    assert editor.types("resource", "edit", res, tmp_path / "items.json").code == 2


def test_a_grant_is_suspended_resumed_and_revoked(town: Town) -> None:
    town.partner("lintao-grants")
    identifier = town.grant("lintao-subsite", town.resource("lintao-grants", "办事指南（三）"))
    officer, decider = town.user("secadmin"), town.user("decider")
    assert officer.types("grant", "suspend", identifier, "--reason", "核查", "--json").json["state"] == "suspended"
    assert decider.types("grant", "resume", identifier, "--json").json["state"] == "active"
    assert decider.types("grant", "revoke", identifier, "--reason", "用途终止", "--json").json["state"] == "revoked"
    assert decider.types("grant", "show", identifier, "--json").json["state"] == "revoked"


def test_an_account_is_unlocked_reset_and_disabled(town: Town) -> None:
    town.opens_account("clerk", "reviewer")
    operator = town.user("sysadmin")
    assert operator.types("staff", "unlock", "clerk").code == 0
    assert operator.types("staff", "reset", "clerk", "--json").json["state"] == "proposed"
    assert operator.types("staff", "disable", "clerk", "--json").json["state"] == "disabled"
    done = town.user("clerk").types("whoami")
    assert done.code == 1
    assert "shuniu login" in done.err


def test_the_log_is_read_by_auditors(town: Town) -> None:
    auditor = town.user("auditadmin")
    shown = auditor.types("audit", "events", "--limit", "5")
    assert (shown.code, len(shown.out.splitlines())) == (0, 6)
    found = auditor.types("audit", "events", "--event", "certificate.issued", "--json").json
    assert {entry["event"] for entry in found} == {"certificate.issued"}
    assert town.user("secadmin").types("audit", "events").code == 1


def test_a_second_factor_is_enrolled_and_asked_for(town: Town) -> None:
    town.opens_account("careful", "reviewer")
    user, password = town.user("careful"), town.base / "careful.new"
    told = user.types("second-factor", "enrol", "--password-file", password, "--json").json
    app = TOTP(base64.b32decode(told["secret"]), 6, SHA1(), 30, enforce_key_length=False)
    assert user.types("second-factor", "confirm", "abc").code == 1
    assert user.types("second-factor", "confirm", app.generate(int(time.time())).decode()).code == 0
    words = ("login", "--url", town.url, "--user", "careful", "--password-file", password)
    assert user.types(*words).code == 1
    following = app.generate(int(time.time()) + 30).decode()  # a step that was used once does not serve again
    assert user.types(*words, "--second-factor", following).code == 0


def test_who_signs_out_is_out(town: Town) -> None:
    town.opens_account("leaver", "reviewer")
    user = town.user("leaver")
    token = json.loads((user.home / "shuniu" / "session.json").read_text())["token"]
    assert user.types("logout").code == 0
    assert user.types("whoami").code == 3
    _put_session(user, town.url, token)
    assert user.types("whoami").code == 1


def _put_session(user: User, url: str, token: str) -> None:
    session = {"url": url, "user": "leaver", "token": token, "expires_at": ""}
    (user.home / "shuniu" / "session.json").write_text(json.dumps(session))


def test_a_wrong_password_is_refused_and_leaves_no_session(town: Town, anyone: User) -> None:
    done = anyone.signs_in(town.url, "editor", "wrong")
    assert done.code == 1
    assert not (anyone.home / "shuniu" / "session.json").exists()
    words = ("login", "--url", town.url, "--user", "editor")
    done = anyone.types(*words, "--second-factor", "123456", "--password-file", "-", stdin=b"wrong")
    assert done.code == 1
    done = anyone.types(*words)
    assert (done.code, "--password-file" in done.err) == (2, True)


def test_a_password_is_typed_unseen_at_a_terminal(town: Town, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", "login", "--url", town.url, "--user", "editor", "--json"],
        env=town.environment | {"XDG_CONFIG_HOME": str(tmp_path)},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = b""
    while b"password: " not in said:  # what is typed before is discarded
        said += os.read(process.stderr.fileno(), 4096)
    os.write(master, (town.base / "editor.new").read_bytes())
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert json.loads(out)["user"] == "editor"
    assert (town.base / "editor.new").read_text().strip().encode() not in out + err
    for end in (master, slave):
        os.close(end)
