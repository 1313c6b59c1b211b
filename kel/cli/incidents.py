"""`kel incidents list | ack`: what operators do from a terminal."""

import getpass
import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from kel.cli.incident_table import Line

ANSWER_S = 10.0


@click.group()
def incidents() -> None:
    """What is going on, and what an operator says to it."""


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
        zone = _zone()
    if as_json:
        click.echo(json.dumps([line.as_json() for line in found], ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in table(found, console.width if console.is_terminal else UNCUT, zone):
        console.print(line, soft_wrap=True)


def _read(connection: "Connection", closed_too: bool, most: int) -> Sequence["Line"]:
    from kel.cli.incident_table import Line
    from kel.store.connect import query

    crews: dict[str, str] = dict(connection.execute("SELECT id, name FROM crew").fetchall())
    rows = connection.execute(query("list_incidents"), [closed_too, most]).fetchall()
    return [Line.of_row(row, crews) for row in rows]


def _zone() -> str:
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files

    try:
        return load_city_files(Settings()).city.timezone
    except MistakesError:
        return "UTC"  # a list must be had also while somebody edits the folder


@incidents.command("ack")
@click.argument("number")
@click.option("--why", default="", help="a word to those who read the history")
@click.option("--who", default="", help="who has seen it; else the user of this terminal")
def acknowledge(number: str, why: str, who: str) -> None:
    """Acknowledge incident NUMBER: somebody has seen it and looks after it.

    The history keeps who, when and why. It is the desk that does it: without a running one the
    word waits for it.
    """
    from kel.stack.kept import running_database
    from kel.store.connect import connect

    settings = running_database(Settings())
    if settings is None:
        raise click.ClickException(
            "nothing runs here: set KEL_DATABASE, or start `kel up` or `kel demo` "
            "(the incidents of a demo that has ended are history)"
        )
    with connect(settings) as connection:
        _tell(connection, number, why, who or user())


def user() -> str:
    """Who sits at this terminal, also behind sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _tell(connection: "Connection", number: str, why: str, who: str) -> None:
    from kel.model.ids import make_id
    from kel.model.situation import Command
    from kel.store.desk import DeskStore

    problem = unacknowledgeable(number, _state(connection, number), ZoneInfo(_zone()))
    if problem:
        raise click.ClickException(problem)
    desk = DeskStore(connection)
    at = desk.clock() or datetime.now(UTC)  # the desk's time is the time, also in a story
    desk.command(Command(make_id("command", number, at, who), at, who, "acknowledge", number, why))
    if not _desk_runs(connection):
        click.echo(f"{number}: noted; no desk runs now, the next one will take it up")
        return
    if not _wait_for_answer(connection, number):
        raise click.ClickException(
            f"{number}: noted, but the desk has not taken it up within {ANSWER_S:.0f} s: "
            "see `kel doctor`"
        )
    click.echo(f"{number}: αναγνωρίστηκε ({who})")


def unacknowledgeable(
    number: str, state: tuple[str, datetime | None] | None, zone: tzinfo
) -> str | None:
    """Why an incident in that state, acknowledged then, cannot be acknowledged now, or None."""
    from kel.model.labels import STATE_LABEL

    if state is None:
        return f"there is no incident {number}: see `kel incidents list`"
    name, acknowledged_at = state
    if name == "closed":
        return f"{number}: {STATE_LABEL[name]}"  # type: ignore[index]
    if name != "open" and acknowledged_at is not None:
        return f"{number}: αναγνωρίστηκε ήδη, {acknowledged_at.astimezone(zone):%d/%m %H:%M}"
    return None


def _state(connection: "Connection", number: str) -> tuple[str, datetime | None] | None:
    row: Any = connection.execute(
        "SELECT state, acknowledged_at FROM incident WHERE number = %s", [number]
    ).fetchone()
    return row and (row[0], row[1])


def _desk_runs(connection: "Connection") -> bool:
    """Whether somebody holds the lock of the active desk in this database."""
    from kel.store.desk import LOCK

    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND (classid::bigint << 32 | objid::bigint) = %s",
        [LOCK],
    ).fetchone()
    return bool(row and row[0])


def _wait_for_answer(connection: "Connection", number: str) -> bool:
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        state = _state(connection, number)
        if state and state[0] != "open" and state[1] is not None:
            return True
        time.sleep(0.1)
    return False
