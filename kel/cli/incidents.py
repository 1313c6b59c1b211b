"""`kel incidents …`: what operators see and do from a terminal."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from kel.cli import incident_commands, silence_commands
from kel.cli.asking import city_zone, numbered
from kel.cli.incident_restated import restated

if TYPE_CHECKING:
    from psycopg import Connection

    from kel.cli.incident_table import Line
    from kel.model.incident import Incident


RULE = re.compile(r"κανόνας ([a-z0-9_-]+)")
MOST = 50  # lines of a list, where nobody says how many


@click.group()
def incidents() -> None:
    """What is going on, and what an operator says to it.

    Incidents have numbers such as 2026-0253; of this year's the last part will do: 253.
    """


for _command in (*incident_commands.COMMANDS, *silence_commands.COMMANDS, restated):
    incidents.add_command(_command)


@incidents.command("list")
@click.option("--all", "closed_too", is_flag=True, help="closed ones too")
@click.option("--most", type=click.IntRange(1), help="how many at the most; else 50, in JSON all")
@click.option("--json", "as_json", is_flag=True, help="one JSON list, times in UTC")
def list_(closed_too: bool, most: int | None, as_json: bool) -> None:
    """The incidents: what waits for somebody first, the gravest and oldest of it at the top.

    Closed ones (--all) stand apart, the newest first. As wide as the terminal, uncut where there is
    none.
    """
    from rich.console import Console

    from kel.cli.database import some_connection
    from kel.cli.incident_table import UNCUT, table

    with some_connection() as connection:
        found, known = _read(connection, closed_too, most or (None if as_json else MOST))
        zone = str(city_zone())
    if as_json:
        click.echo(json.dumps([line.as_json() for line in found], ensure_ascii=False))
        return
    console = Console(highlight=False)
    width = console.width if console.is_terminal else UNCUT
    for line in table(found, width, zone, known - len(found)):
        console.print(line, soft_wrap=True)


def _read(
    connection: "Connection", closed_too: bool, most: int | None
) -> tuple[Sequence["Line"], int]:
    """The lines, and how many there would be."""
    from kel.cli.incident_table import Line
    from kel.store.connect import query

    crews = _crews(connection)
    rows = connection.execute(query("list_incidents"), [closed_too, most]).fetchall()
    return [Line.of_row(row, crews) for _, *row in rows], rows[0][0] if rows else 0


def _crews(connection: "Connection") -> Mapping[str, str]:
    return dict(connection.execute("SELECT id, name FROM crew").fetchall())


def _incident(connection: "Connection", number: str) -> "Incident":
    from kel.store.connect import query
    from kel.store.rows import incident_of

    row = connection.execute(query("incident_by_number"), [number]).fetchone()
    if row is None:
        raise click.ClickException(f"δεν υπάρχει συμβάν {number}: δείτε `kel incidents list --all`")
    return incident_of(row)


@incidents.command("show")
@click.argument("number", callback=numbered)
@click.option("--all", "unfold", is_flag=True, help="every alert and the whole runbook heading")
def show(number: str, unfold: bool) -> None:
    """Incident NUMBER: how it stands and why, its orders, what comes next and what to do."""
    from kel.cli import incident_show
    from kel.cli.database import some_connection
    from kel.cli.incident_gather import sight_of
    from kel.cli.listing import console_of

    console, zone = console_of(), city_zone()
    with some_connection() as connection:
        sight = sight_of(connection, _incident(connection, number), zone)
    for line in incident_show.show(sight, console.width, unfold):
        console.print(line, soft_wrap=True)


@incidents.command("history")
@click.argument("number", callback=numbered)
@click.option("--all", "unfold", is_flag=True, help="every line; else the same many times is one")
def history(number: str, unfold: bool) -> None:
    """All that happened to incident NUMBER: when, what, who, why."""
    from kel.cli import incident_history
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of
    from kel.model.incident import IncidentEvent
    from kel.store.connect import query

    console, zone = console_of(), city_zone()
    with some_connection() as connection:
        incident = _incident(connection, number)
        rows = connection.execute(query("incident_history"), [incident.id]).fetchall()
        crews, rules = _crews(connection), _rules(connection, incident)
    stored = (IncidentEvent(*row) for row in rows)
    events = [replace(event, why=_labelled(event.why, rules)) for event in stored]
    for line in incident_history.lines_of(events, console.width, zone, crews, unfold=unfold):
        console.print(line, soft_wrap=True)


def _rules(connection: "Connection", incident: "Incident") -> Mapping[str, str]:
    """The labels of the rules that its alerts are of, by id."""
    from kel.store.rulebook import labels

    asked = "SELECT DISTINCT rulebook FROM alert WHERE id = ANY(%s)"
    rows = connection.execute(asked, [list(incident.alerts)]).fetchall()
    return labels(connection, [version for (version,) in rows])


def _labelled(why: str, rules: Mapping[str, str]) -> str:
    """«κανόνας zone-night-flow» by the rule's label."""
    return RULE.sub(lambda m: f"κανόνας «{rules[m[1]]}»" if m[1] in rules else m[0], why)
