"""docker/compose.yaml: what runs, what it may do, what it can reach, and what outlives it."""

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.app.gateway import GRACE_S
from hub.db.embedded import cluster
from hub.settings import Settings
from tests.docker.deployment import DOCKER, EXAMPLE, ROOT, SETTINGS, compose, insist_on_command, interpolated

COMPOSE = compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GATEWAYS = ["gateway-1", "gateway-2"]
WORKERS = ["worker-1", "worker-2"]
ONE_SHOTS = ["admin", "migrate"]
HUB = [*GATEWAYS, *WORKERS, *ONE_SHOTS]
OWN_CHECKS = {"proxy": "wget", "postgres": "pg_isready", "objects": "wget"}
"""Services that are not the hub, and a program of theirs that their check runs: Alpine has wget, PostgreSQL pg_isready."""


def seconds(duration: str) -> int:
    """`90s` or `2m` in seconds."""
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def test_there_are_two_gateways_two_workers_and_what_they_need() -> None:
    assert set(SERVICES) == {*HUB, *OWN_CHECKS}
    assert SERVICES["gateway-1"] == SERVICES["gateway-2"]
    assert SERVICES["worker-1"] == SERVICES["worker-2"]
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {"admin"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_not_root_and_can_become_nothing_more(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_only_where_it_is_said(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert all("size=" in place for place in service.get("tmpfs", []))
    for volume in service.get("volumes", []):
        source, _, target = volume.partition(":")
        assert source in COMPOSE["volumes"] or (target.endswith(":ro") and (DOCKER / source).exists()), volume


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_comes_back_and_keeps_its_log_small(name: str) -> None:
    service = SERVICES[name]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["ulimits"] == {"core": 0}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_and_named_in_the_example(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[a-z]+(/[a-z]+)?:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", image)
    assert image in EXAMPLE.values()


def test_the_defaults_are_those_of_the_example_and_what_has_none_is_asked_for() -> None:
    asked = {name: EXAMPLE[name] for name in ("SHUNIU_HUB_ID", "SHUNIU_REGION", "SHUNIU_PUBLIC_URL")}
    assert compose(asked) == COMPOSE
    for name in asked:
        with pytest.raises(ValueError, match=name):
            compose({other: value for other, value in asked.items() if other != name})
    with pytest.raises(ValueError, match="another form"):
        interpolated("${A-b}", {})


def test_the_hub_s_image_is_built_from_the_checkout_and_the_others_are_not_built() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == set(HUB)
    build = SERVICES["gateway-1"]["build"]
    assert (DOCKER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]) == DOCKER / "Dockerfile"


def test_only_the_proxy_is_published_and_only_proxy_and_workers_reach_the_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["proxy"]["ports"] == ["0.0.0.0:443:8443"]
    assert not any("network_mode" in service for service in SERVICES.values())
    outside = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}
    reaching = {name for name, service in SERVICES.items() if outside & set(service["networks"])}
    assert reaching == {"proxy", *WORKERS}
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert not {"data"} & set(SERVICES["proxy"]["networks"])


def test_gateways_believe_the_network_that_they_share_with_the_proxy_and_nobody_else() -> None:
    (given,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert {name for name, service in SERVICES.items() if "inside" in service["networks"]} == {"proxy", *GATEWAYS}
    for name in GATEWAYS:
        assert SERVICES[name]["environment"]["SHUNIU_TRUSTED_PROXIES"] == given["subnet"]


def test_the_object_store_which_nothing_uses_yet_is_connected_to_nothing() -> None:
    assert [name for name, service in SERVICES.items() if "objects" in service["networks"]] == ["objects"]


@pytest.mark.parametrize("name", HUB)
def test_a_service_of_the_hub_runs_a_command_that_exists_with_settings_that_exist(name: str) -> None:
    service = SERVICES[name]
    insist_on_command(service["command"])
    assert service["user"] == "10001:10001"
    assert "entrypoint" not in service
    environment = service["environment"]
    assert set(environment) <= SETTINGS
    Settings.model_validate({name.removeprefix("SHUNIU_").lower(): value for name, value in environment.items()})


@pytest.mark.parametrize("name", HUB)
def test_the_hub_finds_its_password_in_a_file_that_it_is_given(name: str) -> None:
    address = urlsplit(SERVICES[name]["environment"]["SHUNIU_DATABASE_URL"])
    (passfile,) = parse_qs(address.query)["passfile"]
    assert (address.hostname, address.port, address.username, address.path) == ("postgres", 5432, "shuniu", "/shuniu")
    assert address.password is None
    assert [f"/run/secrets/{secret}" for secret in SERVICES[name]["secrets"]] == [passfile]


def test_no_secret_is_an_environment_variable() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            assert "PASSWORD" not in variable or value.startswith("/run/secrets/"), name
    assert not any(re.search("PASSWORD|SECRET|KEY", variable) for variable in EXAMPLE)


def test_every_secret_is_a_file_of_its_own_that_git_ignores() -> None:
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == {
        f"./secrets/{name}" for name in COMPOSE["secrets"]
    }
    given = list(chain.from_iterable(service.get("secrets", []) for service in SERVICES.values()))
    assert set(given) == set(COMPOSE["secrets"])
    assert {"secrets/", ".env"} <= set((DOCKER / ".gitignore").read_text(encoding="utf-8").split())


def test_the_data_folder_is_shared_and_only_the_operator_s_commands_write_into_it() -> None:
    mounted = {name: SERVICES[name]["volumes"] for name in HUB}
    assert mounted.pop("admin") == ["hub-data:/var/lib/shuniu"]
    assert all(volumes == ["hub-data:/var/lib/shuniu:ro"] for volumes in mounted.values())


def test_data_outlives_the_containers() -> None:
    kept = {name: [v for v in SERVICES[name]["volumes"] if "data:" in v] for name in ("postgres", "objects")}
    assert kept == {"postgres": ["postgres-data:/var/lib/postgresql"], "objects": ["objects-data:/data"]}


def test_each_waits_for_what_it_needs() -> None:
    def waits(name: str) -> dict[str, str]:
        return {needed: how["condition"] for needed, how in SERVICES[name].get("depends_on", {}).items()}

    for name in (*GATEWAYS, *WORKERS):
        assert waits(name) == {"migrate": "service_completed_successfully"}
    for name in ONE_SHOTS:
        assert waits(name) == {"postgres": "service_healthy"}
    assert waits("proxy") == dict.fromkeys(GATEWAYS, "service_healthy")


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_checked_where_there_is_something_to_ask(name: str) -> None:
    check = SERVICES[name].get("healthcheck")
    if name in GATEWAYS:
        assert check is None  # the image's own
    elif name in HUB:
        assert check == {"disable": True}
    else:
        assert check is not None
        assert check["test"][:2] == ["CMD", OWN_CHECKS[name]]


def test_what_is_under_way_is_finished_before_a_process_is_killed() -> None:
    for name in (*GATEWAYS, *WORKERS):
        assert seconds(SERVICES[name]["stop_grace_period"]) > GRACE_S
        assert (
            SERVICES[name]["init"] is True
        )  # the first process of a container otherwise ignores what it does not handle
    assert seconds(SERVICES["proxy"]["stop_grace_period"]) > GRACE_S + 10
    assert SERVICES["postgres"]["stop_signal"] == "SIGINT"
    assert seconds(SERVICES["postgres"]["stop_grace_period"]) >= 60


def test_postgresql_is_as_safe_and_as_quiet_as_the_embedded_one() -> None:
    program, *options = SERVICES["postgres"]["command"]
    assert program == "postgres"
    given = dict(option.removeprefix("-c").split("=", 1) for option in options)
    embedded = {**cluster.NEVER_OFF, **cluster.SETTINGS}
    other = {"max_connections", "shared_buffers"}
    elsewhere = {"lc_messages", "log_line_prefix", "unix_socket_permissions"}
    assert {name: given.get(name) for name in embedded if name not in other | elsewhere} == {
        name: value for name, value in embedded.items() if name not in other | elsewhere
    }
    assert given["password_encryption"] == "scram-sha-256"
    assert int(given["max_connections"]) >= int(cluster.SETTINGS["max_connections"])


def test_the_cluster_is_made_with_checksums_and_lets_nobody_in_without_a_password() -> None:
    options = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert {"--encoding=UTF8", "--data-checksums", "--auth-host=scram-sha-256", "--auth-local=peer"} <= set(options)
    assert "POSTGRES_HOST_AUTH_METHOD" not in SERVICES["postgres"]["environment"]


@pytest.mark.process
def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets", ".env"))
    (tmp_path / "docker/.env").write_text((DOCKER / "example.env").read_text(encoding="utf-8"), encoding="utf-8")
    command = compose_command()
    done = subprocess.run(
        [*command, "config", "-q"], cwd=tmp_path / "docker", capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "docker/.env").unlink()
    asked = subprocess.run(
        [*command, "config", "-q"], cwd=tmp_path / "docker", capture_output=True, text=True, timeout=120
    )
    assert asked.returncode != 0
    assert "copy example.env to .env" in asked.stderr


def compose_command() -> list[str]:
    """`docker compose` where the plugin is, else Debian's `docker-compose`; skips where there is neither."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("neither `docker compose` nor `docker-compose` is installed (Debian: apt install docker-compose)")
