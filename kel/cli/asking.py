"""What an operator asks of the desk, from a terminal: the command goes out, its answer is told.

Laws:
- the desk's time is the time, also in a story;
- a refusal is one line and exit code 1; without a running desk the word waits for the next one.
"""

import getpass
import os
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from kel.model.situation import Command

ANSWER_S = 10.0
WITHOUT_INCIDENT = {"silence": "σίγαση", "unsilence": "άρση σίγασης"}


def ask(
    what: str, incident: str, why: str, who: str, detail: Mapping[str, str | None] | None = None
) -> None:
    """Give the desk a command and print what became of it."""
    from kel.stack.kept import running_database
    from kel.store.connect import connect

    settings = running_database(Settings())
    if settings is None:
        raise click.ClickException(
            "δεν τρέχει τίποτα εδώ: ορίστε KEL_DATABASE, ή ξεκινήστε `kel up` ή `kel demo` "
            "(τα συμβάντα ενός demo που τελείωσε είναι ιστορία)"
        )
    said = {name: value for name, value in (detail or {}).items() if value}
    with connect(settings) as connection:
        problem = _unknown(connection, incident) if incident else None
        if problem is None and what == "acknowledge":
            problem = unacknowledgeable(incident, _state(connection, incident), city_zone())
        if problem:
            raise click.ClickException(problem)
        _tell(connection, what, incident, why, who or user(), said)


def user() -> str:
    """Who sits at this terminal, also behind sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def city_zone() -> tzinfo:
    """The city's time zone, which `city.toml` alone tells: also while the rest is being edited.

    Raises click.ClickException where it cannot be read: no time is better than a wrong one.
    """
    import tomllib
    from zoneinfo import ZoneInfo

    file = Settings().city / "city.toml"
    try:
        return ZoneInfo(tomllib.loads(file.read_text("utf-8-sig"))["timezone"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise click.ClickException(
            f"{file} does not tell the city's time zone ({error}): set KEL_CITY to its folder"
        ) from None


def moment_text(
    text: str | None, now: datetime, zone: tzinfo, option: str, *, whole_day: bool = False
) -> str | None:
    """«2026-10-18T09:00» by the city's clock, «2026-10-18», «2h», «3d»: ISO 8601 with its offset.

    A day alone is its beginning; with `whole_day` its end. Raises click.BadParameter for what is
    neither, with the name of the option.
    """
    if not text:
        return None
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1])
    if unit and text[:-1].isdecimal() and len(text) < 6:
        return (now + timedelta(**{unit: int(text[:-1])})).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: write 2026-10-18T09:00, 2026-10-18, 2h or 3d", param_hint=option
        ) from None
    if whole_day and _is_day(text) and moment.date() < date.max:
        moment += timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def full_number(text: str) -> str:
    """«253» and «0253» are this year's by the city's clock: «2026-0253»."""
    if not (text.isascii() and text.isdecimal()):
        return text
    return f"{desk_now().astimezone(city_zone()).year}-{int(text):04d}"


def numbered(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """The number of an incident that an argument says."""
    return full_number(text)


def desk_now() -> datetime:
    """The time that the running desk has come to; without one, the machine's."""
    from kel.stack.kept import running_database
    from kel.store.connect import connect
    from kel.store.desk import DeskStore

    settings = running_database(Settings())
    if settings is None:
        return datetime.now(UTC)
    with connect(settings) as connection:
        return DeskStore(connection).clock() or datetime.now(UTC)


def _tell(
    connection: "Connection",
    what: str,
    incident: str,
    why: str,
    who: str,
    detail: Mapping[str, str],
) -> None:
    from kel.model.ids import make_id
    from kel.model.situation import Command
    from kel.store.desk import DeskStore

    desk = DeskStore(connection)
    at = desk.clock() or datetime.now(UTC)
    about = (what, incident, at, who, why, *sorted(detail.items()))
    command = Command(make_id("command", *about), at, who, what, incident, why, detail)
    desk.command(command)
    about_what = incident or WITHOUT_INCIDENT.get(what, what)
    if not _desk_runs(connection):
        click.echo(f"{about_what}: σημειώθηκε· δεν τρέχει γραφείο τώρα, θα το πάρει το επόμενο")
        return
    _print_answer(connection, command, about_what)


def _print_answer(connection: "Connection", command: "Command", about: str) -> None:
    from kel.store.connect import query

    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        row = connection.execute(query("answer"), [command.id]).fetchone()
        if row is not None and not row[0]:
            raise click.ClickException(row[1])
        if row is not None:
            click.echo(row[1])
            return
        time.sleep(0.1)
    raise click.ClickException(
        f"{about}: σημειώθηκε, αλλά το γραφείο δεν το πήρε μέσα σε {ANSWER_S:.0f} s: "
        "δείτε `kel doctor`"
    )


def unacknowledgeable(
    number: str, state: tuple[str, datetime | None] | None, zone: tzinfo
) -> str | None:
    """Why an incident in that state, acknowledged then, cannot be acknowledged now, or None."""
    from kel.model.incident import IncidentState
    from kel.model.labels import STATE_LABEL

    if state is None:
        return f"δεν υπάρχει συμβάν {number}: δείτε `kel incidents list --all`"
    name, acknowledged_at = state
    if name == "closed":
        return f"{number}: {STATE_LABEL[IncidentState.CLOSED]}"
    if name != "open" and acknowledged_at is not None:
        return f"{number}: αναγνωρίστηκε ήδη, {acknowledged_at.astimezone(zone):%d/%m %H:%M}"
    return None


def _unknown(connection: "Connection", number: str) -> str | None:
    state = _state(connection, number)
    return unacknowledgeable(number, state and (state[0], None), UTC)


def _state(connection: "Connection", number: str) -> tuple[str, datetime | None] | None:
    row = connection.execute(
        "SELECT state, acknowledged_at FROM incident WHERE number = %s", [number]
    ).fetchone()
    return row and (row[0], row[1])


def _desk_runs(connection: "Connection") -> bool:
    """Whether somebody holds the lock of the active desk in this database."""
    from kel.store.desk import LOCK

    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND (classid::bigint << 32 | objid::bigint) = %s",
        [LOCK],
    ).fetchone()
    return bool(row and row[0])
