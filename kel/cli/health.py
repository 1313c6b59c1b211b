"""`kel health PROCESS`: is a process still at its work? For the health checks of compose.yaml.

A process that has ended is noticed by whoever runs it; this notices one that stands still. The
bridge says the time every second, so that every partition moves on even on a silent night.
"""

import logging

import click

from kel.settings import Settings

MOST_S = 60.0
ASK = {
    "bridge": "SELECT extract(epoch FROM now() - max(tick)) FROM progress",
    "worker": "SELECT extract(epoch FROM now() - min(at)) FROM progress",
    "desk": "SELECT extract(epoch FROM min(tick) - (SELECT clock FROM desk)) FROM progress",
}
TOLD = {
    "bridge": "the newest time in the stream is",
    "worker": "a partition was last brought on",
    "desk": "the desk is behind the stream by",
}


@click.command()
@click.argument("process", type=click.Choice(list(ASK)))
def health(process: str) -> None:
    """Exit code 1 where PROCESS, on the machine's clock, stood still for more than 60 s."""
    from kel.store.connect import connect

    logging.getLogger().setLevel(logging.ERROR)
    with connect(Settings()) as connection:
        row = connection.execute(ASK[process]).fetchone()
    age = row[0] if row else None
    if age is None:
        raise click.ClickException(f"the {process} has not begun: nothing is in the stream yet")
    if float(age) > MOST_S:
        raise click.ClickException(f"{TOLD[process]} {float(age):.0f} s (at most {MOST_S:.0f} s)")
    click.echo(f"{process}: {TOLD[process]} {float(age):.1f} s")
