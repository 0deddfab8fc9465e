"""`docs/lists.md` has every type of list that comes with the hub, and its commands are those that there are."""

import re

import click

from catalog.lists import list_types
from catalog.lists.table import lists_table, renewed
from hub.cli.commands import root
from tests.docs.pages import page

PAGE = page("docs/lists.md")


def test_the_page_is_up_to_date() -> None:
    assert renewed(PAGE) == PAGE


def test_every_type_is_there_with_its_words_and_every_rule_says_who_checks_it() -> None:
    table = lists_table()
    for described in list_types():
        section = table.split(f"### {described.key}\n", 1)[1].split("\n### ", 1)[0]
        for basis in described.basis:
            assert basis.quote in section
        for entry in described.list_items:
            assert f"| `{entry.item.field_name}` |" in section
        for check in described.checks:
            assert check.rule.zh in section


def test_every_command_of_the_page_exists() -> None:
    named = set(re.findall(r"shuniu ([a-z-]+ [a-z-]+)", PAGE))
    assert len(named) > 10
    for words in named:
        command: click.Command = root
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found
