"""`kel migrate | maintain`: the database."""

import click

from kel.settings import Settings


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
@click.option("--keep-days", default=400, show_default=True, help="days that readings are kept")
def maintain(keep_days: int) -> None:
    """Roll readings up by the hour, and drop what is older than the retention."""
    from kel.store.connect import connect
    from kel.store.maintain import drop_old, roll_up

    with connect(Settings()) as connection:
        rolled = roll_up(connection)
        dropped = drop_old(connection, keep_days)
    click.echo(f"{rolled} hours rolled up, {dropped} chunks dropped")
