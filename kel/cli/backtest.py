"""`kel backtest`: history through the rules, from a file, an exported folder, or the database."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from kel.cli.backtest_progress import Progress
    from kel.model.alert import Alert
    from kel.model.city import City
    from kel.run.cityfiles import CityFiles

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--city", "folder", type=FOLDER, help="the city's folder; else KEL_CITY")
@click.option("--rules", type=FILE, help="another rulebook for that city")
@click.option("--from", "since", type=click.DateTime(), help="local time; the database's history")
@click.option("--to", "until", type=click.DateTime(), help="local time, not included")
@click.option(
    "--export",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="write the stored readings there, as Parquet",
)
@click.option("--json", "as_json", is_flag=True, help="one JSON line an alert; of a comparison one")
@click.option("--progress", is_flag=True, help="on stderr, also where that is no terminal")
def backtest(
    source: Path | None,
    folder: Path | None,
    rules: Path | None,
    since: datetime | None,
    until: datetime | None,
    target: Path | None,
    as_json: bool,
    progress: bool,
) -> None:
    """What rules make of history, through the very code that runs live.

    SOURCE is a CSV (.gz too) or Parquet file with the columns time, device, and one a metric, or a
    folder that --export made: its alerts are listed. With --from and --to it is the database's
    history, and --rules or --city is the changed rulebook: what would have been different, in
    incidents, hours, m³ and euros, beside the rulebook of KEL_CITY.
    """
    from kel.cli.backtest_progress import Progress

    shown = Progress(progress)
    if target is not None:
        if source or rules or folder:
            raise click.UsageError("--export takes --from and --to alone")
        _export(target, since, until, shown)
    elif source is not None:
        if since or until:
            raise click.UsageError("--from and --to are for the database's history, not for a file")
        _from_file(source, folder, rules, as_json, shown)
    elif since is not None and until is not None:
        _from_database(since, until, folder, rules, as_json, shown)
    else:
        raise click.UsageError("name a file or a folder, or --from and --to")


def _from_file(
    source: Path, folder: Path | None, rules: Path | None, as_json: bool, shown: "Progress"
) -> None:
    from kel.run.backtest import read_past, run

    files = _files(folder or Settings().city, rules)
    shown.say(f"reading {source}")
    past = read_past(source, files.city)
    with shown:
        alerts = run(past, files, shown.heard)
    _tell(past.notes)
    _print(alerts, files.city, as_json)


def _from_database(
    since: datetime,
    until: datetime,
    folder: Path | None,
    rules: Path | None,
    as_json: bool,
    shown: "Progress",
) -> None:
    from kel.backtest.outcome import outcome_json
    from kel.cli.backtest_table import render
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of
    from kel.run.backtest_history import alerts_of, compare

    running = _files(Settings().city, None)
    span = _utc(since, running.city), _utc(until, running.city)
    shown.say("asking the database how much it keeps of these days, and how densely")
    if folder is None and rules is None:
        with some_connection() as connection, shown:
            alerts, notes = alerts_of(connection, running, span, shown.heard)
        _tell(notes)
        _print(alerts, running.city, as_json)
        return
    changed = _files(folder or Settings().city, rules)
    with some_connection() as connection, shown:
        outcome = compare(connection, running, changed, span, shown.heard)
    if as_json:
        click.echo(json.dumps(outcome_json(outcome), ensure_ascii=False))
        return
    console = console_of()
    for line in render(outcome, console.width):
        console.print(line, soft_wrap=True)


def _export(
    target: Path, since: datetime | None, until: datetime | None, shown: "Progress"
) -> None:
    from kel.cli.database import some_connection
    from kel.run.backtest_export import export

    city = _files(Settings().city, None).city
    with some_connection() as connection, shown:
        rows = export(
            connection,
            city,
            target,
            _utc(since, city) if since else None,
            _utc(until, city) if until else None,
            shown.heard,
        )
    for cls, count in rows.items():
        click.echo(f"{target / cls}: {count:,} rows")


def _files(folder: Path, rules: Path | None) -> "CityFiles":
    """The folder, with the rulebook of another file where one is named."""
    from dataclasses import replace

    from kel.model.mistake import MistakesError
    from kel.run.backtest import rulebook_of
    from kel.run.cityfiles import read_folder

    try:
        files = read_folder(folder, Settings().lamps_per_feeder)
        if rules is not None:
            files = replace(files, rulebook=rulebook_of(rules, files.city))
    except MistakesError as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        raise click.ClickException(f"{rules or folder}: has mistakes") from None
    return files


def _utc(local: datetime, city: "City") -> datetime:
    return local.replace(tzinfo=ZoneInfo(city.timezone)).astimezone(UTC)


def _tell(notes: list[str]) -> None:
    for note in notes:
        click.echo(f"kel backtest: {note}", err=True)


def _print(alerts: "list[Alert]", city: "City", as_json: bool) -> None:
    from kel.backtest.outcome import alert_json

    if as_json:
        for alert in alerts:
            click.echo(json.dumps(alert_json(alert), ensure_ascii=False))
        return
    from kel.cli.backtest_table import alert_lines
    from kel.cli.listing import console_of

    console = console_of()
    for line in alert_lines(alerts, city, console.width):
        console.print(line, soft_wrap=True)
