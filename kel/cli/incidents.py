"""`kel incidents list | ack`: what operators do from a terminal."""

import getpass
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from psycopg import Connection
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from kel.model.ids import make_id
from kel.model.labels import SEVERITY_LABEL, STATE_LABEL
from kel.model.situation import Command
from kel.settings import Settings
from kel.store.connect import connect, query
from kel.store.desk import DeskStore

ANSWER_S = 10.0
WIDTH = 120  # where the output is no terminal
TITLE_LESS = 72  # columns that all but the title take
ATHENS = ZoneInfo("Europe/Athens")
SEVERITY_COLOUR = ("white", "cyan", "yellow", "dark_orange", "bold red")


@click.group()
def incidents() -> None:
    """What is going on, and what an operator says to it."""


@incidents.command("list")
@click.option("--all", "closed_too", is_flag=True, help="closed ones too")
@click.option("--most", default=50, show_default=True, help="how many at the most")
def list_(closed_too: bool, most: int) -> None:
    """The incidents, the gravest first."""
    from rich.console import Console

    from kel.stack.kept import some_database

    with some_database(Settings()) as settings, connect(settings) as connection:
        found = connection.execute(query("list_incidents"), [closed_too, most]).fetchall()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(_table(found, console.width - TITLE_LESS))


def _table(found: Sequence[Sequence[Any]], title_width: int) -> Table:
    table = Table(
        title=f"Συμβάντα ({len(found)})",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("Αρ.", "Σοβαρότητα", "Κατάσταση", "Άνοιξε"):
        table.add_column(name, no_wrap=True)
    table.add_column("Τίτλος", no_wrap=True, overflow="ellipsis", max_width=max(20, title_width))
    table.add_column("Εντολή", no_wrap=True)
    for number, severity, state, _, title, opened, _, alerts, requests, order in found:
        table.add_row(
            number,
            Text(SEVERITY_LABEL[severity], style=SEVERITY_COLOUR[severity]),
            STATE_LABEL[state],
            f"{opened.astimezone(ATHENS):%d/%m %H:%M}",
            f"{title} ({alerts}+{requests})",
            order or "—",
        )
    table.caption = "(ειδοποιήσεις + αιτήματα πολιτών)"
    return table


@incidents.command("ack")
@click.argument("number")
@click.option("--why", default="", help="a word to those who read the history")
def acknowledge(number: str, why: str) -> None:
    """Acknowledge incident NUMBER: somebody has seen it and looks after it."""
    from kel.stack.kept import some_database

    with some_database(Settings()) as settings, connect(settings) as connection:
        _tell(connection, number, why)


def _tell(connection: Connection, number: str, why: str) -> None:
    known = connection.execute(
        "SELECT state FROM incident WHERE number = %s", [number]
    ).fetchone()
    if known is None:
        raise LookupError(f"there is no incident {number}: see `kel incidents list`")
    if known[0] != "open":
        raise click.ClickException(f"{number} is {STATE_LABEL[known[0]]} already")
    desk = DeskStore(connection)
    at = desk.clock() or datetime.now(UTC)  # the desk's time is the time, also in a story
    who = getpass.getuser()
    desk.command(Command(make_id("command", number, at, who), at, who, "acknowledge", number, why))
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        state = connection.execute(
            "SELECT state FROM incident WHERE number = %s", [number]
        ).fetchone()
        if state and state[0] != "open":
            click.echo(f"{number}: {STATE_LABEL[state[0]]}")
            return
        time.sleep(0.2)
    click.echo(f"{number}: noted; the desk does not run now and will take it up when it does")

