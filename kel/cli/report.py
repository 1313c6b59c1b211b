"""`kel report`: the mayor's page of a week."""

import logging
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from kel.settings import Settings


@click.command()
@click.option("--week", help="year and ISO week, e.g. 2026-W43; else the week that it is now")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="another folder")
def report(week: str | None, out: Path | None) -> None:
    """Write the mayor's page of a week as HTML and PDF, and print where they are."""
    from kel.cli.database import some_connection
    from kel.run.cityfiles import load_city_files
    from kel.run.weekly import data_clock, week_named, write_pages
    from kel.store.load import numbered

    logging.getLogger().setLevel(logging.WARNING)  # weasyprint tells every step
    settings = Settings()
    files = load_city_files(settings)
    zone = ZoneInfo(files.city.timezone)
    wanted = datetime.combine(week_named(week), time(12), zone) if week else None
    with some_connection() as connection:
        numbered(connection, files.city)  # says what to do where the city is not loaded
        now = data_clock(connection) - timedelta(microseconds=1)  # Sunday's midnight is Sunday's
        moment = (wanted or now).astimezone(UTC)
        pages = write_pages(connection, files.city, moment, out or settings.reports, files.rulebook)
    click.echo(f"{pages.html}\n{pages.pdf}")
