"""`kel incidents list | ack`: what operators do from a terminal."""

import getpass
import time
from datetime import UTC, datetime

import click
from psycopg import Connection

from kel.model.ids import make_id
from kel.model.situation import Command
from kel.settings import Settings
from kel.store.connect import connect, query
from kel.store.desk import DeskStore

SEVERITIES = ("πληροφορία", "χαμηλή", "μεσαία", "υψηλή", "κρίσιμη")
STATES = {
    "open": "ανοικτό",
    "acknowledged": "αναγνωρισμένο",
    "in_progress": "σε εξέλιξη",
    "resolved": "αποκαταστάθηκε",
    "closed": "έκλεισε",
}
ANSWER_S = 10.0


@click.group()
def incidents() -> None:
    """What is going on, and what an operator says to it."""


@incidents.command("list")
@click.option("--all", "closed_too", is_flag=True, help="closed ones too")
@click.option("--most", default=50, show_default=True, help="how many at the most")
def list_(closed_too: bool, most: int) -> None:
    """The incidents, the gravest first."""
    from rich.console import Console
    from rich.table import Table

    from kel.stack.kept import some_database

    with some_database(Settings()) as settings, connect(settings) as connection:
        found = connection.execute(query("list_incidents"), [closed_too, most]).fetchall()
    table = Table(title=f"Συμβάντα ({len(found)})", title_justify="left")
    for name in ("Αρ.", "Σοβαρότητα", "Κατάσταση", "Κοινότητα", "Τίτλος", "Άνοιξε", "Εντολή"):
        table.add_column(name)
    for number, severity, state, community, title, opened, _, alerts, requests, order in found:
        signs = f"{title} ({alerts} ειδοπ., {requests} αιτ.)"
        opened_at = f"{opened.astimezone(_zone()):%d/%m %H:%M}"
        table.add_row(
            number, SEVERITIES[severity], STATES[state], community, signs, opened_at, order or "—"
        )
    Console().print(table)


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
        raise click.ClickException(f"{number} is {STATES[known[0]]} already")
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
            click.echo(f"{number}: {STATES[state[0]]}")
            return
        time.sleep(0.2)
    click.echo(f"{number}: noted; the desk does not run now and will take it up when it does")


def _zone():  # type: ignore[no-untyped-def]
    from zoneinfo import ZoneInfo

    return ZoneInfo("Europe/Athens")
