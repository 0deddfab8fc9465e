"""What `docker/` holds, as data: the Dockerfile's instructions, the services of compose.yaml, the units of systemd."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from hub.cli.commands import root
from hub.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
SYSTEMD = DOCKER / "systemd"

SETTINGS = {f"SHUNIU_{name.upper()}" for name in Settings.model_fields}
"""Every variable that the hub reads."""

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?(?P<message>[^}]*))\}")


def variables_of(text: str) -> dict[str, str]:
    """The lines `NAME=value` of a file of variables."""
    pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


EXAMPLE = variables_of((DOCKER / "example.env").read_text(encoding="utf-8"))


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `${NAME:-default}` and `${NAME:?message}` resolved as Compose does. Raises ValueError."""

    def resolve(found: re.Match[str]) -> str:
        value = variables.get(found["name"]) or found["default"]
        if not value:
            raise ValueError(f"{found['name']}: {found['message']}")
        return value

    resolved = _VARIABLE.sub(resolve, text)
    if "${" in resolved:
        raise ValueError("a variable in another form")
    return resolved


def compose(variables: Mapping[str, str] = EXAMPLE) -> dict[str, Any]:
    """compose.yaml with these variables."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(interpolated(text, variables))
    return loaded


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile; continued lines are one."""

    word: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, in words of the shell."""
        return shlex.split(self.text)


def stages() -> list[list[Instruction]]:
    """The Dockerfile's stages, each from its FROM on; what stands before the first is the first of the list."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found: list[list[Instruction]] = [[]]
    for line in lines.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if word:
            found[-1].append(Instruction(word, " ".join(rest.split())))
    return found


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit file, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / name).read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def insist_on_command(words: list[str]) -> None:
    """Fail unless `shuniu` has this command with these options."""
    command = root.get_command(click.Context(root), words[0])
    assert command is not None, words
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("-")} <= known, words
