"""Silences from a terminal: `kel incidents silence | unsilence | silences`."""

from typing import TYPE_CHECKING

import click

from kel.cli.asking import ask, city_zone, desk_now, full_number, moment_text
from kel.model.silence import PICKS
from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from rules.incidents.hush_words import Name


@click.command("silence")
@click.option("--device", help="only of these devices (ids, with commas between)")
@click.option("--zone", help="only of these zones")
@click.option("--feeder", help="only of these feeders")
@click.option("--community", help="only of these communities")
@click.option("--rule", help="only of these rules")
@click.option("--category", help="only of these categories")
@click.option("--class", "class_", help="only of these classes of devices")
@click.option("--start", help="from then on; else from now")
@click.option(
    "--until", required=True, help="its end: 2026-10-18T09:00, 2h, 3d; 2026-10-18 is with that day"
)
@click.option("--days", help="recurring, on these days: mon,tue,…")
@click.option("--from", "since", help="recurring, from this time of day: 22:00")
@click.option("--to", help="recurring, until that time of day: 06:00")
@click.option("--why", required=True, help="why nobody is to hear of it")
@click.option("--who", default="", help="who wants it; else the user of this terminal")
def silence(
    start: str | None,
    until: str,
    days: str | None,
    since: str | None,
    to: str | None,
    why: str,
    who: str,
    class_: str | None,
    **picks: str | None,
) -> None:
    """Hide alerts for a while, such as during maintenance. All that is named must fit.

    What it hides is stored as ever and listed by `kel incidents silences NUMBER`; what is still
    active when it ends is heard then. A fire is hidden only where --device or --rule names it.
    """
    given = {**picks, "class": class_}
    if not any(given.values()):
        raise click.UsageError(f"name what it is about: --{', --'.join(PICKS)}")
    _check_rules(given["rule"])
    now, zone = desk_now(), city_zone()
    detail = {
        **given,
        "starts_at": moment_text(start, now, zone, "--start"),
        "ends_at": moment_text(until, now, zone, "--until", whole_day=True),
        "days": days,
        "since": since,
        "until": to,
    }
    ask("silence", "", why, who, detail)


def _check_rules(named: str | None) -> None:
    """A misspelt rule would hide nothing and be believed."""
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files

    if not named:
        return
    try:
        known = {rule.id for rule in load_city_files(Settings()).rulebook.rules}
    except MistakesError:
        return
    for rule in named.split(","):
        if rule.strip() not in known:
            raise click.ClickException(f"δεν υπάρχει κανόνας {rule.strip()}: δείτε rules.toml")


@click.command("unsilence")
@click.argument("number")
@click.option("--why", default="", help="a word to those who read it")
@click.option("--who", default="", help="who lifts it; else the user of this terminal")
def unsilence(number: str, why: str, who: str) -> None:
    """Lift silence NUMBER (Σ-2026-0003, 2026-0003, this year's 3): what it hides is heard now."""
    ask("unsilence", "", why, who, {"silence": whole(number)})


@click.command("silences")
@click.argument("number", required=False)
@click.option("--all", "ended_too", is_flag=True, help="ended ones too")
@click.option("--most", type=click.IntRange(1), default=50, show_default=True, help="how many")
def silences(number: str | None, ended_too: bool, most: int) -> None:
    """The silences; or what silence NUMBER (this year's also as 3) hid, and what became of it."""
    from kel.cli.database import some_connection
    from kel.cli.listing import console_of, counted
    from kel.cli.silence_table import hidden_table, one, silence_table
    from kel.store.connect import query
    from kel.store.rows import silence_of
    from kel.store.rulebook import labels

    console, zone = console_of(), city_zone()
    with some_connection() as connection:
        name = _names(connection)
        if number:
            known = connection.execute(query("silence_by_number"), [whole(number)]).fetchone()
            if known is None:
                all_ = "δείτε `kel incidents silences --all`"
                raise click.ClickException(f"δεν υπάρχει σίγαση {whole(number)}: {all_}")
            click.echo(one(silence_of(known), zone, name))
            rows = connection.execute(query("silence_hid"), [whole(number)]).fetchall()
            rules = labels(connection, {row[2] for row in rows})
            lines = hidden_table(rows, console.width, zone, rules)
        else:
            found = connection.execute(query("list_silences"), [ended_too, most + 1]).fetchall()
            told = [(silence_of(row), row[14], row[15]) for row in found[:most]]
            lines = silence_table(told, console.width, zone, name)
            if found[most:]:
                shown = counted(most, "σίγαση", "σιγάσεις")
                click.echo(f"υπάρχουν κι άλλες εκτός από {shown}: --most {2 * most}", err=True)
    for line in lines:
        console.print(line, soft_wrap=True)


def _names(connection: "Connection") -> "Name":
    """What a silence's picks are called; rules as in the newest rulebook."""
    from kel.store.connect import query
    from kel.store.rulebook import labels

    found = connection.execute(query("names")).fetchall()
    named = {(pick, known): name for pick, known, name in found}
    last = connection.execute(query("last_rulebook")).fetchall()
    named |= {("rule", i): f"«{n}»" for i, n in labels(connection, [v for (v,) in last]).items()}
    return lambda pick, value: named.get((pick, value), value)


def whole(number: str) -> str:
    """«2026-0003», «S-2026-0003», «3» of this year: «Σ-2026-0003». Not all keyboards have a Σ."""
    known = full_number(number)
    return f"Σ-{'-'.join(known.rsplit('-', 2)[-2:])}" if "-" in known else known


COMMANDS = (silence, unsilence, silences)
