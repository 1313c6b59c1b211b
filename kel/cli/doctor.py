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
    """Look for what is wrong with this installation; exit code 1 where something is.

    Asks the parts that the KEL_… variables name, changes nothing, and takes 15 seconds at the most.
    """
    from kel.run.doctor import problems

    logging.disable(logging.CRITICAL)  # the clients' own complaints: the lines below say it better
    settings = Settings()
    if forget_topic:
        _forget(settings)
        return
    found = problems(settings)
    for problem in found:
        click.echo(f"✗ {problem}")
    if found:
        raise click.exceptions.Exit(1)
    click.echo("✓ nothing is wrong")


def _forget(settings: Settings) -> None:
    from kel.store.connect import connect
    from kel.topics import RAW

    with connect(settings) as connection, connection.transaction():
        forgotten = connection.execute("DELETE FROM progress WHERE topic = %s", [RAW]).rowcount
        connection.execute("DELETE FROM snapshot WHERE topic = %s", [RAW])
    told = "1 partition" if forgotten == 1 else f"{forgotten} partitions"
    click.echo(f"forgot how far {told} of {RAW} had been followed")
