"""`kel incidents …`: what operators see and do from a terminal."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kel.cli import incident_commands, silence_commands
from kel.cli.asking import city_zone
from kel.cli.incident_restated import restated

if TYPE_CHECKING:
    from psycopg import Connection

    from kel.cli.incident_table import Line
    from kel.model.incident import Incident


@click.group()
def incidents() -> None:
    """What is going on, and what an operator says to it."""


for _command in (*incident_commands.COMMANDS, *silence_commands.COMMANDS, restated):
    incidents.add_command(_command)


@incidents.command("list")
@click.option("--all", "closed_too", is_flag=True, help="closed ones too")
@click.option("--most", default=50, show_default=True, help="how many at the most")
@click.option("--json", "as_json", is_flag=True, help="one JSON list, times in UTC")
def list_(closed_too: bool, most: int, as_json: bool) -> None:
    """The incidents, the gravest first; as wide as the terminal, uncut where there is none."""
    from rich.console import Console

    from kel.cli.database import some_connection
    from kel.cli.incident_table import UNCUT, table

    with some_connection() as connection:
        found = _read(connection, closed_too, most)
        zone = str(city_zone())
    if as_json:
        click.echo(json.dumps([line.as_json() for line in found], ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in table(found, console.width if console.is_terminal else UNCUT, zone):
        console.print(line, soft_wrap=True)


def _read(connection: "Connection", closed_too: bool, most: int) -> Sequence["Line"]:
    from kel.cli.incident_table import Line
    from kel.store.connect import query

    crews = _crews(connection)
    rows = connection.execute(query("list_incidents"), [closed_too, most]).fetchall()
    return [Line.of_row(row, crews) for row in rows]


def _crews(connection: "Connection") -> dict[str, str]:
    return dict(connection.execute("SELECT id, name FROM crew").fetchall())


def _incident(connection: "Connection", number: str) -> "Incident":
    from kel.store.connect import query
    from kel.store.rows import incident_of

    row = connection.execute(query("incident_by_number"), [number]).fetchone()
    if row is None:
        raise click.ClickException(f"there is no incident {number}: see `kel incidents list`")
    return incident_of(row)


@incidents.command("show")
@click.argument("number")
def show(number: str) -> None:
    """Incident NUMBER: how it stands, its alerts and requests, its orders."""
    from kel.cli import incident_show
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of
    from kel.store.connect import query

    console, zone = console_of(), city_zone()
    with some_connection() as connection:
        incident, crews = _incident(connection, number), _crews(connection)
        alerts = connection.execute(query("incident_alerts"), [list(incident.alerts)]).fetchall()
        asked = [list(incident.requests)]
        requests = connection.execute(query("incident_requests"), asked).fetchall()
        orders = connection.execute(query("incident_orders"), [incident.id]).fetchall()
    lines = incident_show.head(incident, crews, zone)
    lines += incident_show.members(alerts, requests, console.width, zone)
    if orders:
        lines += incident_show.orders(orders, crews, console.width, zone)
    for line in lines:
        console.print(line, soft_wrap=True)


@incidents.command("history")
@click.argument("number")
def history(number: str) -> None:
    """All that happened to incident NUMBER: when, what, who, why."""
    from kel.cli import incident_show
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of
    from kel.model.incident import IncidentEvent
    from kel.store.connect import query

    console, zone = console_of(), city_zone()
    with some_connection() as connection:
        incident = _incident(connection, number)
        rows = connection.execute(query("incident_history"), [incident.id]).fetchall()
    for line in incident_show.history([IncidentEvent(*r) for r in rows], console.width, zone):
        console.print(line, soft_wrap=True)
