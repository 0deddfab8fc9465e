"""Commands that pages and the demo tell to type: which they are, and whether they exist."""

import re
import shlex

import click

from hub.cli.commands import root

_TYPED = re.compile(r"(?:^\$ |^|`)(shuniu [a-z][^`\n|;#>]*)", re.MULTILINE)


def commands_of(text: str) -> list[list[str]]:
    """Every `shuniu …` that a text tells to type, in words."""
    return [shlex.split(command)[1:] for command in _TYPED.findall(text.replace("\\\n", " "))]


def assert_exists(words: list[str]) -> None:
    """Fail when there is no such command, or it has not one of these options."""
    command: click.Command = root
    rest = words
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        assert found, words
        command, rest = found, rest[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in rest if word.startswith("--")} <= known, words
