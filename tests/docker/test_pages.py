"""What docs/operations.md and the comments of `docker/` tell the operator to type names files and services that exist."""

import re

import pytest

from tests.docker.deployment import DOCKER, ROOT, SETTINGS, SYSTEMD, compose

PAGES = ["docs/operations.md", "docs/decisions/0013-container-layout.md", "docker/compose.yaml", "docker/Dockerfile"]
MADE_LATER = {"docker/.env", "docker/secrets/"}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_docker_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"docker/[\w./-]*\w/?|docker/\.env", (ROOT / page).read_text(encoding="utf-8")))
    assert not [path for path in named - MADE_LATER if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", ["docs/operations.md", "docker/compose.yaml"])
def test_every_service_that_the_operator_is_told_to_use_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"docker compose -f docker/compose\.yaml (build|run|restart|logs) ([^\n`]*)", text)
    assert lines
    for verb, rest in lines:
        words = [word for word in rest.split() if word[0] != "-" and word != "tar"]
        assert words[0] in compose()["services"], (verb, rest)


def test_every_unit_that_the_page_names_exists() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(shuniu(?:-\w+)?(?:@\w+)?(?:\.service|\.target)?)`", text))
    units = {path.name for path in SYSTEMD.iterdir()}
    named_units = {name for name in named if "." in name or "@" in name}
    assert named_units
    for name in named_units:
        template = re.sub(r"@\w+", "@", name)
        assert (template if "." in template else f"{template}.service") in units, name


def test_the_accounts_of_the_images_are_the_same_on_every_page() -> None:
    text = (DOCKER / "prepare.sh").read_text(encoding="utf-8")
    numbers = {int(number) for number in re.findall(r"\b[A-Z]+=(\d+)", text)}
    services = compose()["services"].values()
    assert numbers == {int(service["user"].partition(":")[0]) for service in services}
    page = (ROOT / "docs/decisions/0013-container-layout.md").read_text(encoding="utf-8")
    assert f"({', '.join(map(str, sorted(numbers)))})" in page


def test_every_variable_of_ours_in_docker_is_a_setting_of_the_hub() -> None:
    files = [
        path for path in DOCKER.rglob("*") if path.is_file() and "secrets" not in path.parts and path.suffix != ".pyc"
    ]
    used = {name for path in files for name in re.findall(r"SHUNIU_[A-Z_]+\w", path.read_text(encoding="utf-8"))}
    assert len(used) > 5
    assert used <= SETTINGS
