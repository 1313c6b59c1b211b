"""`kel demo`: the main job, end to end, on this machine. `kel up`: the same parts, on real time."""

import json
import logging
import time

import click

from kel.settings import Settings

STARTED = time.monotonic()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object as the last line")
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="how long the whole day takes, at the least",
)
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 24),
    default=24.0,
    show_default=True,
    help="how much of the day to play",
)
@click.option("--lamps-per-feeder", type=int, help="e.g. 250: 12,000 lamps instead of 2,400")
@click.option("--prepare", is_flag=True, help="only compute the weeks before, and keep them")
def demo(
    as_json: bool, seconds: float, hours: float, lamps_per_feeder: int | None, prepare: bool
) -> None:
    """Play a day of the example city through the whole line, on real parts."""
    from kel.cli.screen import Screen
    from kel.run.demo import Demo, Options, prepare_history

    logging.getLogger().setLevel(logging.WARNING)
    settings = Settings()
    options = Options(settings.city, settings.reports, lamps_per_feeder, seconds, hours)
    if prepare:
        prepare_history(options)
        return
    screen = Screen(quiet=as_json)
    with screen:
        result = Demo(options, STARTED, screen.tell, screen.show).run()
    screen.end(result)
    if as_json:
        click.echo(json.dumps(result.summary(), ensure_ascii=False))


@click.command()
def up() -> None:
    """Start the parts and the processes on this machine's clock, until Ctrl-C.

    For trying devices of your own: it prints where to publish, with which login.
    """
    from kel.run.up import run_up

    run_up(Settings(), lambda line: click.echo(line))
