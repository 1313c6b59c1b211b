"""`kel rules schema`: for editors."""

import json

import click


@click.command()
@click.option("--calendars", is_flag=True, help="that of calendars.toml instead")
def schema(calendars: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of rules.toml.

    An editor that knows TOML takes it from the file's first line, `#:schema PATH`.
    """
    from kel.city.schema import calendars_schema
    from rules.book.schema import rulebook_schema

    found = calendars_schema() if calendars else rulebook_schema()
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
