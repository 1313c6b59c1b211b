"""`kel rules`: its commands, and the schema that it prints."""

import json

import pytest
from click.testing import CliRunner

from kel.cli import click, kel
from kel.cli.rules import RulesGroup, rules


def test_every_command_is_told_of_and_can_be_loaded() -> None:
    done = CliRunner().invoke(kel, ["rules", "--help"])
    assert done.exit_code == 0
    assert isinstance(rules, RulesGroup)
    for name, (_, told) in rules.table.items():
        command = rules.get_command(click.Context(rules), name)
        assert command is not None and command.help and command.name == name
        assert f"  {name} " in done.stdout and told in done.stdout
    assert rules.get_command(click.Context(rules), "nothing") is None


@pytest.mark.parametrize(
    ("arguments", "title"), [([], "KEL rulebook"), (["--calendars"], "KEL calendars")]
)
def test_the_schema_is_json_on_stdout(arguments: list[str], title: str) -> None:
    done = CliRunner().invoke(kel, ["rules", "schema", *arguments])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["title"] == title
