"""`kel trace [ENTRY]`: from a euro back to the readings."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from kel.settings import Settings


@click.command()
@click.argument("entry", required=False)
@click.option("--json", "as_json_", is_flag=True, help="one JSON object (all readings, not some)")
def trace(entry: str | None, as_json_: bool) -> None:
    """The way from a cost entry back to order, incident, rules and readings.

    ENTRY is the beginning of a cost entry's id, or `largest`: the largest of the last day. An
    incident's number lists its entries; without ENTRY the ten largest of the last day are listed.
    """
    from kel.cli.database import some_connection
    from kel.reports.trace import render
    from kel.reports.traced import as_json
    from kel.store.trace import INCIDENT, find_entry, largest, of_incident, trace_entry

    with some_connection() as connection:
        if entry is None:
            _list(largest(connection), "Οι μεγαλύτερες εγγραφές της τελευταίας ημέρας", as_json_)
            return
        if INCIDENT.fullmatch(entry):
            _list(of_incident(connection, entry), f"Εγγραφές του συμβάντος {entry}", as_json_)
            return
        traced = trace_entry(connection, find_entry(connection, entry))
    if as_json_:
        _dump(as_json(traced))
    else:
        _print(lambda city: render(traced, city))


def _list(lines: Sequence[Any], title: str, as_json_: bool) -> None:
    from kel.reports.trace import render_lines
    from kel.reports.traced import as_json

    if as_json_:
        _dump({"entries": as_json(lines)})
    elif lines:
        _print(lambda city: render_lines(lines, city, title))
    else:
        raise LookupError("there is no cost entry yet")


def _dump(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _print(rendered: Callable[[Any], Any]) -> None:
    """On stdout, as wide as a trace is where nobody says otherwise."""
    from rich.console import Console

    from kel.reports.trace import WIDTH
    from kel.run.cityfiles import load_city_files

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    console.print(rendered(load_city_files(Settings()).city))
