"""`kel migrate | maintain`: the database."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

DAYS = click.IntRange(min=1)


@click.command()
def migrate() -> None:
    """Bring the database's schema to this version of KEL."""
    from kel.store.connect import connect
    from kel.store.migrate import let_reader_in
    from kel.store.migrate import migrate as bring_up

    settings = Settings()
    with connect(settings) as connection:
        applied = bring_up(connection)
        let_reader_in(connection, settings)
    click.echo("\n".join(applied) or "up to date")


@click.command()
@click.option(
    "--keep-days",
    default=400,
    show_default=True,
    type=DAYS,
    help="readings are kept for so long, at least 30; their hours stay for good",
)
@click.option(
    "--keep-rejects-days",
    default=90,
    show_default=True,
    type=DAYS,
    help="refused messages, whose bytes may hold names",
)
@click.option(
    "--keep-contacts-days",
    default=365,
    show_default=True,
    type=DAYS,
    help="citizens' names and phones, from when their incident was closed",
)
def maintain(keep_days: int, keep_rejects_days: int, keep_contacts_days: int) -> None:
    """Roll readings up by the hour, and drop what is older than its retention.

    Costs of lost water and energy that late readings change are corrected.

    For every night (cron, a systemd timer). Safe to repeat, and while everything runs. Incidents,
    orders, stock and costs are never dropped.
    """
    from kel.store.connect import connect
    from kel.store.health import forget_gauges
    from kel.store.maintain import alone, drop_old, forget_contacts, forget_rejects, roll_up
    from kel.store.restate import waits

    with connect(Settings()) as connection, alone(connection):
        rolled = roll_up(connection)
        dropped = drop_old(connection, keep_days)
        rejects = forget_rejects(connection, keep_rejects_days)
        contacts = forget_contacts(connection, keep_contacts_days)
        forget_gauges(connection, datetime.now(UTC))
        # last: it alone needs the city's folder, and a mistake there is no reason to keep names
        restated = _restate(connection, keep_days) if waits(connection) else 0
    click.echo(
        f"{rolled} hours rolled up, {restated} costs restated, {dropped} chunks dropped, "
        f"{rejects} rejects and {contacts} contacts forgotten"
    )


def _restate(connection: "Connection", keep_days: int) -> int:
    from kel.run.cityfiles import load_city_files
    from kel.store.load import numbered
    from kel.store.restate import restate

    city = numbered(connection, load_city_files(Settings()).city)
    return restate(connection, city, timedelta(days=keep_days))
