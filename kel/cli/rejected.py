"""`kel rejected list | show | retry`: what was refused, and giving it to the stream again."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kel.run.retry import Retried
    from kel.store.retries import Like

MOST = 50
PATIENCE_S = 15.0


def _which(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """The options that say which rejects are meant."""
    for option in reversed(
        (
            click.option("--reason", help="only of this reason, e.g. unknown_device"),
            click.option("--device", help="only of this device"),
            click.option("--source", help="only in this format"),
            click.option("--address", help="only of this sender, as its format calls it"),
            click.option("--since", help="only after this: 2026-10-18T09:00, or 2h, 7d ago"),
        )
    ):
        command = option(command)
    return command


@click.group()
def rejected() -> None:
    """What was refused: why, from whom, and giving it to the stream again once that is mended."""


@rejected.command("list", short_help="by reason and sender, and what to do about it")
@_which
@click.option("--most", default=MOST, show_default=True, help="how many groups at the most")
@click.option("--json", "as_json", is_flag=True, help="one JSON list, times in UTC")
def list_(most: int, as_json: bool, **which: str | None) -> None:
    """Refused messages by reason and sender, the most frequent first, and what to do about them."""
    from kel.cli.database import some_connection
    from kel.cli.listing import as_json as json_of
    from kel.cli.listing import console_of
    from kel.cli.reject_table import group_table, remedy
    from kel.store import retries

    with some_connection() as connection:
        like = _like(which)
        groups = retries.groups(connection, like, most)
        totals = retries.totals(connection)
    if as_json:
        click.echo(json_of({**asdict(g), "remedy": remedy(g.reason)} for g in groups))
        return
    console = console_of()
    for line in group_table(groups, totals, _zone(), console.width):
        console.print(line)


@rejected.command(short_help="one of them, with what it said")
@click.argument("id_", metavar="[ID]", required=False)
@_which
@click.option("--most", default=1, show_default=True, help="how many, the newest first")
def show(id_: str | None, most: int, **which: str | None) -> None:
    """Show a refused message: ID (its beginning is enough), or the newest of some.

    Bytes that are no text are shown in hexadecimal.
    """
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of
    from kel.cli.reject_table import shown
    from kel.store import retries

    with some_connection() as connection:
        found = retries.stored(connection, _like(which, id_), most)
    if not found:
        raise LookupError("there is no such reject: see `kel rejected list`")
    console = console_of()
    for n, reject in enumerate(found):
        if n:
            console.print()
        for line in shown(reject, _zone()):
            console.print(line)


@rejected.command(short_help="give them to the stream again")
@click.argument("id_", metavar="[ID]", required=False)
@_which
@click.option("--all", "all_", is_flag=True, help="everything that was refused")
@click.option("--dry-run", is_flag=True, help="only tell how many would be given")
def retry(id_: str | None, all_: bool, dry_run: bool, **which: str | None) -> None:
    """Give refused messages to the stream again, after a mapping or the registry was corrected.

    They run through the same decoders and rules as any message, at the time of their arrival. What
    is taken leaves the rejects, what is refused again stays. Doing it twice changes nothing.

    Left alone: messages whose bytes were cut or, of cameras, never kept, and those of Sparkplug,
    which say something only in their order: their edge nodes are asked for a rebirth instead.
    """
    from kel.cli.listing import number
    from kel.cli.reject_table import left_alone
    from kel.run.cityfiles import load_city_files
    from kel.run.retry import await_outcome, look
    from kel.run.retry import retry as give
    from kel.stack.kept import running_database
    from kel.store.connect import connect

    like = _like(which, id_)
    if not all_ and not id_ and not any(which.values()):
        raise click.UsageError("say which: --reason, --device, --address, --since, an ID, or --all")
    settings = running_database(Settings())
    if settings is None:
        raise click.ClickException("nothing runs here: set KEL_DATABASE, or start `kel up`")
    city = load_city_files(settings).city
    with connect(settings) as connection:
        if dry_run:
            told = look(connection, like)
            click.echo(f"Θα δίνονταν ξανά στη ροή: {number(len(told.ids))}")
        else:
            told = await_outcome(connection, give(settings, connection, city, like), PATIENCE_S)
            for line in outcome(told):
                click.echo(line)
    for why, count in told.left.most_common():
        click.echo(left_alone(why, count))


def outcome(told: "Retried") -> list[str]:
    """What a retry came to, in words."""
    if not told.ids and not told.taken:
        return ["Τίποτε να δοθεί ξανά"]
    lines = [f"Δεκτά: {told.taken}"]
    if told.partly:
        lines.append(f"Δεκτά εν μέρει: {told.partly}, για το υπόλοιπο μένουν στις απορρίψεις")
    if told.refused:
        lines.append(f"Απορρίφθηκαν ξανά: {told.refused} (kel rejected list)")
    if told.waiting:
        lines.append(f"Περιμένουν στον Kafka: {told.waiting}· δεν δουλεύει κανένας worker;")
    return lines


def _like(which: dict[str, str | None], id_: str | None = None) -> "Like":
    from kel.store.retries import Like

    since = which.pop("since", None)
    return Like(id=id_, since=_moment(since) if since else None, **which)


def _moment(text: str) -> datetime:
    """A moment in the city's time, or so long ago."""
    from zoneinfo import ZoneInfo

    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdigit() and text[-1:] in units:
        return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a time (2026-10-18T09:00) nor a span (30m, 2h, 7d)",
            param_hint="--since",
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(_zone()))


def _zone() -> str:
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files

    try:
        return load_city_files(Settings()).city.timezone
    except MistakesError:
        return "UTC"  # a list must be had also while somebody edits the folder
