"""`kel rules versions | show`: every rulebook that was in use, and what each changed."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import TYPE_CHECKING

import click

from kel.cli.asking import city_zone

if TYPE_CHECKING:
    from kel.store.rulebook import Taken
    from rules.book.editions import Edit


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object a version, times in UTC")
def versions(as_json: bool) -> None:
    """Which rulebooks were in use from when on, the newest last, and what each changed.

    An alert names the version that raised it. Of the first one it is told how much it says; then
    + added, ~ changed, - removed: rules, overrides (`rule at place`) and calendars. Times are the
    city's; `load` is the folder that it came with, and who loaded that.
    """
    from kel.cli.database import some_connection
    from kel.store.rulebook import taken

    with some_connection() as connection:
        found = taken(connection)
    for one, changes in _edits(found):
        first = one is found[0]
        click.echo(_json(one, changes) if as_json else _line(one, changes, first=first))
    if not found and not as_json:
        click.echo("no rulebook was taken yet: run `kel load`", err=True)


@click.command()
@click.argument("version", required=False)
def show(version: str | None) -> None:
    """Print the text of a rulebook's VERSION, or its beginning; else of the one that is in use."""
    from kel.cli.database import some_connection
    from kel.store.rulebook import edition, taken

    with some_connection() as connection:
        if version is None:
            all_taken = taken(connection)
            if not all_taken:
                raise LookupError("no rulebook was taken yet: run `kel load`")
            version = all_taken[-1].edition.version
        at, found = edition(connection, version)
    click.echo(f"# version {found.version}, kept since {at.astimezone(UTC).isoformat()}")
    for name, text in found.texts.items():
        click.echo(f"# {name}.toml\n{text.rstrip()}\n")


def _edits(found: "Iterable[Taken]") -> "Iterator[tuple[Taken, Edit]]":
    from rules.book.editions import edit

    before = None
    for one in found:
        now = one.edition.texts
        yield one, edit(before, now)
        before = now


def _json(one: "Taken", changes: "Edit") -> str:
    told = {
        "version": one.edition.version,
        "at": one.at.astimezone(UTC).isoformat(),
        "city": one.city,
        "who": one.who,
        "added": changes.added,
        "changed": changes.changed,
        "removed": changes.removed,
    }
    return json.dumps(told, ensure_ascii=False)


def _line(one: "Taken", changes: "Edit", *, first: bool) -> str:
    from rules.book.editions import sizes

    at = one.at.astimezone(city_zone()).strftime("%Y-%m-%d %H:%M")
    load = f"load {one.city[:12]}" if one.city else "load unknown"
    by = f" by {one.who}" if one.who else ""
    said = f"the first: {sizes(one.edition.texts)}" if first else str(changes)
    return f"{one.edition.version}  {at}  {load}{by}  {said}"
