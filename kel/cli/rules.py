"""`kel rules …`: the city's rulebook, its tests, its versions. One module a command, or a few."""

from collections.abc import Mapping
from typing import ClassVar

import click

from kel.cli import LazyGroup


class RulesGroup(LazyGroup):
    table: ClassVar[Mapping[str, tuple[str, str]]] = {
        "test": ("kel.cli.rules_test:test", "does the rulebook do what its tests say?"),
        "load": ("kel.cli.rules_load:load", "what the rulebook asks of the operators"),
        "versions": ("kel.cli.rules_versions:versions", "which rulebooks were in use, and when"),
        "show": ("kel.cli.rules_versions:show", "the text of a version"),
        "schema": ("kel.cli.rules_schema:schema", "the JSON Schema of rules.toml, for editors"),
    }


@click.group(cls=RulesGroup)
def rules() -> None:
    """The city's rulebook: its tests, its load on the operators, its versions."""
