"""`kel doctor`: one line a problem, each with what to do."""

import logging

import click

from kel.settings import Settings


@click.command()
@click.option(
    "--forget-topic",
    is_flag=True,
    help="forget how far Kafka's topic was followed (after it was lost or made anew on purpose)",
)
def doctor(forget_topic: bool) -> None:
    """Look for what is wrong with this installation; exit code 1 where something is."""
    from kel.run.doctor import problems

    logging.getLogger().setLevel(logging.ERROR)
    settings = Settings()
    if forget_topic:
        _forget(settings)
    found = list(problems(settings))
    for problem in found:
        click.echo(f"✗ {problem}")
    if found:
        raise click.exceptions.Exit(1)
    click.echo("✓ nothing is wrong")


def _forget(settings: Settings) -> None:
    from kel.store.connect import connect
    from kel.topics import RAW

    with connect(settings) as connection:
        connection.execute("DELETE FROM progress WHERE topic = %s", [RAW])
        connection.execute("DELETE FROM snapshot WHERE topic = %s", [RAW])
    click.echo(f"forgot how far {RAW} was followed")
