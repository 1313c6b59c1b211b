"""`kel check | load`: the city's folder."""

from pathlib import Path

import click

from kel.settings import Settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
def check(folder: Path | None) -> None:
    """Name every mistake in a city's FOLDER (else KEL_CITY), as `file:line: field: what`.

    Reads files alone: no broker, no stream and no database is needed. Where a file has a mistake,
    the others are told only what is certain without it. Exit code 1 where there are mistakes.
    """
    from kel.run.cityfiles import mistakes_of

    where = folder or Settings().city
    mistakes = mistakes_of(where)
    for mistake in mistakes:
        click.echo(str(mistake))
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
        click.echo(
            f"{count}: nothing takes the folder like this, what runs keeps running", err=True
        )
        raise click.exceptions.Exit(1)
    click.echo(f"{where}: no mistakes")


@click.command()
def load() -> None:
    """Bring the city's folder into the database (after `kel migrate`, and after every change)."""
    from kel.cli.asking import user
    from kel.run.cityfolder import edition_of
    from kel.run.loading import bring, read_loadable
    from kel.store.connect import connect
    from kel.store.rulebook import taken
    from rules.book.editions import taken_up

    settings = Settings()
    found = read_loadable(settings)
    with connect(settings) as connection:
        last = taken(connection)[-1:]
        files = bring(connection, found, user())
    city, now = files.city, edition_of(files)
    before = (last[0].edition.version, last[0].edition.texts) if last else None
    click.echo(f"{city.name}: {len(city.devices)} devices, {len(files.rulebook.rules)} rules")
    click.echo(taken_up(now.version, now.texts, before, None))
