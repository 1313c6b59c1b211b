"""`kel health PROCESS`: is a process still at its work? For the health checks of compose.yaml.

A process that has ended is noticed by whoever runs it; this notices one that stands still.

Laws:
- with `KEL_METRICS_PORT` the process of this machine (or container) is asked itself: when did it
  last go round its work? Then one that stands still is told, and no other for its sake;
- without it the database is asked, which knows the processes only together. The bridge says the
  time every second, so that every partition moves on even on a silent night.
"""

import logging
import time
from http.client import HTTPConnection, HTTPException

import click

from kel.settings import Settings

MOST_S = 60.0
ANSWER_S = 5.0
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
ITSELF = "it last went round its work"


@click.command()
@click.argument("process", type=click.Choice(list(ASK)))
def health(process: str) -> None:
    """Exit code 1 where PROCESS, on the machine's clock, stood still for more than 60 s."""
    logging.getLogger().setLevel(logging.ERROR)
    settings = Settings()
    told, age = _itself(settings) if settings.metrics_port else _stored(settings, process)
    if age is None:
        raise click.ClickException(f"the {process} has not begun: nothing is in the stream yet")
    if age > MOST_S:
        raise click.ClickException(f"{told} {age:.0f} s (at most {MOST_S:.0f} s)")
    click.echo(f"{process}: {told} {age:.1f} s")


def _itself(settings: Settings) -> tuple[str, float]:
    from kel.metrics import read
    from kel.run.expose import TURN

    host = settings.metrics_host.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - asked, not bound
    connection = HTTPConnection(host, settings.metrics_port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/metrics")
        values = read(connection.getresponse().read().decode())
    except (OSError, HTTPException, ValueError) as error:
        raise click.ClickException(
            f"no figures on KEL_METRICS_PORT={settings.metrics_port} ({error}): is it running?"
        ) from None
    finally:
        connection.close()
    if TURN not in values:
        raise click.ClickException(f"what listens on port {settings.metrics_port} is not KEL")
    return ITSELF, max(0.0, time.time() - values[TURN])


def _stored(settings: Settings, process: str) -> tuple[str, float | None]:
    from kel.store.connect import connect

    with connect(settings) as connection:
        row = connection.execute(ASK[process].encode()).fetchone()
    return TOLD[process], None if row is None or row[0] is None else float(row[0])
