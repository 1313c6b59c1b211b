"""`kel check | load`: the city's folder."""

from datetime import UTC, datetime
from pathlib import Path

import click

from kel.settings import Settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
def check(folder: Path | None) -> None:
    """Name every mistake in a city's FOLDER (else KEL_CITY), as `file:line: field: what`.

    Reads files alone: no broker, no stream and no database is needed. Exit code 1 where there are
    mistakes.
    """
    from kel.run.cityfiles import RULES, mistakes_of

    where = folder or Settings().city
    mistakes = mistakes_of(where)
    for mistake in mistakes:
        click.echo(str(mistake))
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
        click.echo(
            f"{count}: nothing takes the folder like this, what runs keeps running", err=True
        )
        if not any(Path(mistake.file).name == RULES for mistake in mistakes):
            click.echo(f"{RULES} is looked at once all other files are right", err=True)
        raise click.exceptions.Exit(1)
    click.echo(f"{where}: no mistakes")


@click.command()
def load() -> None:
    """Bring the city's folder into the database (after `kel migrate`, and after every change)."""
    from kel.run.cityfiles import fingerprint, load_city_files
    from kel.store.connect import connect
    from kel.store.load import load as load_into
    from kel.store.rulebook import Edition, keep

    settings = Settings()
    version = fingerprint(settings.city)
    files = load_city_files(settings)
    with connect(settings) as connection:
        city = load_into(connection, files.city, datetime.now(UTC), version)
        edition = Edition(files.rulebook.version, files.source, files.calendars)
        keep(connection, edition, version)
    click.echo(f"{city.name}: {len(city.devices)} devices, {len(files.rulebook.rules)} rules")
