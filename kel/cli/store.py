"""`kel migrate | maintain`: the database."""

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from kel.model.city import City
    from kel.store.rulebook import Edition
    from rules.book.rulebook import Rulebook

log = logging.getLogger("kel.maintain")

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
    type=DAYS,
    help="readings are kept for so long, at least 30, else as city.toml says (`keep`), which rules "
    "are checked by; their hours stay for good",
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
def maintain(keep_days: int | None, keep_rejects_days: int, keep_contacts_days: int) -> None:
    """Roll readings up by the hour, and drop what is older than its retention.

    Costs of lost water and energy that late readings change are corrected; alerts that they would
    have changed are told beside what was decided.

    For every night (cron, a systemd timer). Safe to repeat, and while everything runs. Incidents,
    orders, stock and costs are never dropped.
    """
    from kel.store import restate, restate_alerts
    from kel.store.connect import connect
    from kel.store.health import forget_gauges
    from kel.store.maintain import alone, drop_old, forget_contacts, forget_rejects, roll_up

    with connect(Settings()) as connection, alone(connection):
        rolled = roll_up(connection)
        keep_days = keep_days or _kept()
        dropped = drop_old(connection, keep_days) if keep_days else 0
        rejects = forget_rejects(connection, keep_rejects_days)
        contacts = forget_contacts(connection, keep_contacts_days)
        forget_gauges(connection, datetime.now(UTC))
        # last, since it needs the city's folder: a mistake there is no reason to keep names
        waits = restate.waits(connection) or restate_alerts.waits(connection)
        costs, alerts = _restate(connection, keep_days) if waits else (0, 0)
    click.echo(
        f"{rolled} hours rolled up, {costs} costs and {alerts} alerts restated, "
        f"{dropped} chunks dropped, "
        f"{rejects} rejects and {contacts} contacts forgotten"
    )


def _kept() -> int | None:
    """For how many days the city keeps readings; None where its folder does not tell: no reading
    is dropped then."""
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files

    try:
        return load_city_files(Settings()).city.keep.days
    except (MistakesError, OSError) as error:
        log.warning("no reading is dropped: the city's folder does not say how long: %s", error)
        return None


def _restate(connection: "Connection", keep_days: int | None) -> tuple[int, int]:
    from kel.run.cityfiles import load_city_files
    from kel.run.editions import read_edition
    from kel.store.load import numbered
    from kel.store.restate import restate
    from kel.store.restate_alerts import restate_alerts

    settings = Settings()
    files = load_city_files(settings)
    city = numbered(connection, files.city)
    kept = timedelta(days=keep_days) if keep_days else files.city.keep

    def read(edition: "Edition") -> "tuple[City, Rulebook]":
        then = read_edition(settings.city, edition, settings.lamps_per_feeder)
        return numbered(connection, then.city), then.rulebook

    alerts = restate_alerts(connection, city, files.rulebook, kept, read)
    return restate(connection, city, kept), alerts
