"""docker/prepare.sh and the script that makes the hub's role: secrets that each belong to who reads them."""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.docker.deployment import DOCKER, compose

pytestmark = pytest.mark.process

SCRIPTS = ["prepare.sh", "postgres/10-shuniu.sh"]
COMPOSE = compose()


def prepare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a copy of `docker/` in `folder`."""
    copy = folder / "docker"
    if not copy.exists():
        copy.mkdir()
        shutil.copy(DOCKER / "prepare.sh", copy)
        shutil.copy(DOCKER / "example.env", copy / ".env")
    return subprocess.run(
        ["sh", copy / "prepare.sh", *arguments], capture_output=True, text=True, timeout=60, cwd=folder
    )


def readers() -> dict[str, int]:
    """Each secret's account: the one that the services run as that are given it."""
    found: dict[str, set[int]] = {}
    for service in COMPOSE["services"].values():
        for name in service.get("secrets", []):
            found.setdefault(name, set()).add(int(service["user"].split(":")[0]))
    return {name: uid for name, (uid,) in found.items()}


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="files can be given to other accounts by root only")


@root_only
def test_every_secret_of_compose_is_made_and_only_its_reader_can_read_it(tmp_path: Path) -> None:
    done = prepare(tmp_path)
    assert done.returncode == 0, done.stderr
    secrets = tmp_path / "docker/secrets"
    assert {path.name for path in secrets.iterdir()} == set(COMPOSE["secrets"])
    for name, uid in readers().items():
        status = (secrets / name).stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (uid, uid, 0o400), name
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o711
    contents = {path.read_text(encoding="utf-8").strip() for path in secrets.iterdir()}
    assert not any(len(line) >= 20 and line in done.stdout + done.stderr for text in contents for line in text.split())


@root_only
def test_the_password_is_the_same_for_the_server_and_for_the_hub(tmp_path: Path) -> None:
    assert prepare(tmp_path).returncode == 0
    secrets = tmp_path / "docker/secrets"
    password = (secrets / "postgres-shuniu").read_text().strip()
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert (secrets / "pgpass").read_text() == f"postgres:5432:shuniu:shuniu:{password}\n"
    assert (secrets / "postgres-superuser").read_text().strip() != password
    (identity,) = json.loads((secrets / "s3.json").read_text())["identities"]
    assert {len(identity["credentials"][0]["secretKey"]), identity["name"]} == {64, "shuniu"}


@root_only
def test_a_second_run_changes_nothing_and_a_half_run_is_completed(tmp_path: Path) -> None:
    assert prepare(tmp_path).returncode == 0
    secrets = tmp_path / "docker/secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert prepare(tmp_path).stdout == ""
    (secrets / "pgpass").unlink()
    assert prepare(tmp_path).returncode == 0
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


@root_only
def test_without_a_certificate_one_is_made_for_the_public_address_and_a_given_one_takes_its_place(
    tmp_path: Path,
) -> None:
    assert prepare(tmp_path).returncode == 0
    tls = tmp_path / "docker/secrets/tls.pem"
    shown = subprocess.run(
        ["openssl", "x509", "-in", tls, "-noout", "-ext", "subjectAltName"], capture_output=True, text=True, timeout=30
    )
    assert "DNS:hub.county.example" in shown.stdout
    one, other = (make_certificate(tmp_path, name) for name in ("one", "other"))
    assert prepare(tmp_path, "--tls", str(one[0]), str(other[1])).returncode == 1
    assert prepare(tmp_path, "--tls", str(one[0]), str(one[1])).returncode == 0
    assert tls.read_bytes() == one[0].read_bytes() + one[1].read_bytes()
    assert stat.S_IMODE(tls.stat().st_mode) == 0o400


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key, in files."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    subprocess.run(
        [*command, "-subj", f"/CN={name}", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return certificate, key


def test_wrong_use_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    assert prepare(tmp_path, "--tls", "one.pem").returncode == 2
    assert not (tmp_path / "docker/secrets").exists()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run_and_shellcheck_finds_nothing(name: str) -> None:
    assert os.access(DOCKER / name, os.X_OK)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (Debian: apt install shellcheck)")
    done = subprocess.run(["shellcheck", DOCKER / name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_role_of_the_hub_is_no_superuser_and_owns_its_database() -> None:
    text = (DOCKER / "postgres/10-shuniu.sh").read_text(encoding="utf-8")
    (role,) = re.findall(r"^CREATE ROLE shuniu (.*);$", text, re.MULTILINE)
    assert role == "LOGIN PASSWORD :'password'"
    assert "CREATE DATABASE shuniu OWNER shuniu;" in text
    (secret,) = re.findall(r"cat (/run/secrets/[\w-]+)", text)
    assert Path(secret).name in COMPOSE["services"]["postgres"]["secrets"]
