"""`kel rules load`: what the rulebook asks of the operators."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from rules.alarm_load import AlarmLoad, Call, Standing

# Events after which an operator has to look at an incident (again).
CALLS = [
    "opened",
    "reopened",
    "still_active",
    "raised",
    "spoke",
    "called",
    "ask_again",
    "overdue",
]


MARK = {True: "✓", False: "✗", None: "·"}  # kept, not kept, not judged


@click.command("load")
@click.option("--from", "since", type=click.DateTime(), help="local time; else the first incident")
@click.option("--to", "until", type=click.DateTime(), help="local time; else what is known")
@click.option("--operators", default=1, show_default=True, type=click.IntRange(1, 99))
@click.option("--json", "as_json", is_flag=True, help="one JSON object, times in UTC")
def load(since: datetime | None, until: datetime | None, operators: int, as_json: bool) -> None:
    """How many alarms an operator gets, against EEMUA 191 and ISA-18.2.

    What an operator looks at is an incident that opens, reopens, rises or rings because nobody has
    acknowledged it; alerts that join an incident make nobody look.
    Exit code 1 where a limit is not kept. A period of less than an hour has no rate an hour, and
    less than a day keeps no limit of a day: that is told, not judged.
    """
    from kel.cli.database import some_connection
    from rules.alarm_load import alarm_load

    zone = ZoneInfo(_timezone())
    with some_connection() as connection:
        first, last = _period(connection)
        begin = since.replace(tzinfo=zone).astimezone(UTC) if since else first
        end = until.replace(tzinfo=zone).astimezone(UTC) if until else last
        calls, alerts = _read(connection, begin, end)
    found = alarm_load(calls, alerts, begin, end, operators)
    click.echo(_json(found) if as_json else _text(found, zone))
    if False in found.keeps.values():
        raise click.exceptions.Exit(1)


def _timezone() -> str:
    from kel.run.cityfiles import load_city_files

    return load_city_files(Settings()).city.timezone


def _period(connection: "Connection") -> tuple[datetime, datetime]:
    from kel.store.connect import query

    row = connection.execute(query("load_period")).fetchone()
    clock = connection.execute(query("desk_clock")).fetchone()
    if row is None or row[0] is None:
        raise click.ClickException("no incident was ever opened here: there is no load to tell")
    return row[0], (clock[0] if clock and clock[0] else row[1])


def _read(
    connection: "Connection", since: datetime, until: datetime
) -> "tuple[list[Call], list[Standing]]":
    from kel.model.alert import Severity
    from kel.store.connect import query
    from rules.alarm_load import Call, Standing

    period = {"since": since, "until": until, "words": CALLS}
    calls = connection.execute(query("load_calls"), period).fetchall()
    alerts = connection.execute(query("load_alerts"), period).fetchall()
    return (
        [Call(at, Severity(severity)) for at, severity in calls],
        [Standing(source, detected, cleared) for source, detected, cleared in alerts],
    )


def _json(found: "AlarmLoad") -> str:
    told = {**asdict(found), "keeps": found.keeps}
    return json.dumps(told, default=lambda moment: moment.isoformat())


def _text(found: "AlarmLoad", zone: ZoneInfo) -> str:
    from kel.cli.listing import number
    from kel.reports.greek import number as rounded
    from kel.reports.greek import percent
    from rules.alarm_load import FLOOD, MOST_A_DAY, MOST_AN_HOUR, MOST_STALE, Priority

    def line(name: str, value: str, limit: str, key: str, least: str = "") -> str:
        kept = found.keeps[key]
        if kept is None:
            limit += f"· δεν κρίνεται σε λιγότερο από {least}"
        return f"{MARK[kept]} {name:<42}{value:>9}   {limit}"

    begin, end = (m.astimezone(zone) for m in (found.since, found.until))
    shares = {p: percent(share) for p, share in found.shares.items()}
    rate = "–" if found.keeps["per_hour"] is None else rounded(found.per_hour, 2)
    lines = [
        f"Φόρτος χειριστών, {begin:%d/%m/%Y %H:%M} – {end:%d/%m/%Y %H:%M}, χειριστές: "
        f"{found.operators}",
        f"  ειδοποιήσεις {number(found.alerts)}, όσα κοίταξε ο χειριστής {number(found.calls)}",
        line("κοίταξε την ώρα", rate, f"έως {MOST_AN_HOUR:.0f}", "per_hour", "μία ώρα"),
        line(
            "το πολύ την ημέρα",
            number(found.most_a_day),
            f"έως {MOST_A_DAY}",
            "most_a_day",
            "μία ημέρα",
        ),
        line(
            "δεκάλεπτα με καταιγισμό",
            number(found.floods),
            f"0 (πάνω από {FLOOD} σε 10 λεπτά· το πολύ {number(found.most_in_ten_minutes)})",
            "floods",
        ),
        line(
            "ενεργές πάνω από 24 ώρες",
            number(found.stale),
            f"έως {MOST_STALE} κάθε μέρα",
            "stale",
        ),
        line("ειδοποιήσεις που τρεμοπαίζουν", f"{len(found.chattering)}", "0", "chattering"),
        f"  προτεραιότητες: χαμηλή {shares[Priority.LOW]}, μεσαία {shares[Priority.MEDIUM]}, "
        f"υψηλή {shares[Priority.HIGH]} (οδηγός 80/15/5)",
        *(f"    {source}" for source in found.chattering),
    ]
    return "\n".join(lines)
