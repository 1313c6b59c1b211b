"""What is wrong with the database and what it holds, for `kel doctor`. Changes nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from kel.model.mistake import MistakesError
from kel.run.cityfiles import load_city_files
from kel.settings import Settings
from kel.store.classes import table_of
from kel.store.connect import connect
from kel.store.health import HealthStore
from kel.store.migrate import pending

MOST_SKEW_S = 2.0
OLDEST_POSTGRES = 150000
STANDS_STILL = "10 minutes"
NOT_EXAMINED_S = 120.0

Problems = Iterator[str]

LACKS_RIGHT = """
SELECT t.relname FROM pg_class t
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND t.relname <> 'migration'
    AND NOT (has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT'))
ORDER BY 1"""
READER_WRITES = """
SELECT t.relname FROM pg_class t
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
    AND has_table_privilege('kel_reader', t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
ORDER BY 1"""
_LOADER = "timescaledb.disable_load"  # a setting that is there where the library is
PERSONAL = ("contact", "reject", "command", "reply", "outbox")  # what kel_reader must not even read


def database_problems(settings: Settings, reach: Callable[[str, int], str | None]) -> Problems:
    """Problems of the database; `reach` tells why a host and port cannot be spoken to."""
    try:
        where = conninfo_to_dict(settings.database)
    except psycopg.ProgrammingError as error:
        yield f"KEL_DATABASE is no address of a database: {str(error).strip()}"
        return
    host, port = where.get("host"), int(where.get("port") or 5432)
    if isinstance(host, str) and host and not host.startswith("/") and "," not in host:
        away = reach(host, port)
        if away:
            yield away
            return
    try:
        connection = connect(settings)
    except psycopg.OperationalError as error:
        yield refusal(str(error), str(where.get("user", "")), str(where.get("dbname", "")))
        return
    with connection:
        connection.execute("SET statement_timeout = '5s'")
        try:
            yield from _inside(connection, settings)
        except psycopg.errors.InsufficientPrivilege as error:
            first = str(error).splitlines()[0]
            yield f"{_user(connection)} may not even look ({first}): {_let(connection)}"


def refusal(said: str, user: str, name: str) -> str:
    """One line of what the server or libpq said when it let nobody in."""
    lines = said.strip().splitlines() or ["(no text)"]
    line = next((line for line in lines if "FATAL:" in line), lines[0])
    text = line.split("FATAL:")[-1].strip()
    if "password authentication failed" in text or "no password supplied" in text:
        return f"the database refuses {user}: {text}: set KEL_DATABASE_PASSWORD"
    if "pg_hba.conf" in text:
        return f"the database lets no {user} in from this machine: {text}: add a line to that file"
    if "does not exist" in text and "database" in text:
        return (
            f"there is no database {name}: `CREATE DATABASE {name} OWNER {user}`, then "
            "`kel migrate` and `kel load` (or set KEL_DATABASE)"
        )
    if "must be preloaded" in text:
        return _NOT_LOADED
    return f"no database: {text} (KEL_DATABASE)"


_NOT_LOADED = (
    "TimescaleDB is not loaded: set shared_preload_libraries = 'timescaledb' in postgresql.conf, "
    "and restart PostgreSQL"
)


def _user(connection: Connection) -> str:
    return connection.info.user


def _let(connection: Connection) -> str:
    return f"run `kel migrate` as the tables' owner, or let {_user(connection)} own the database"


def _inside(connection: Connection, settings: Settings) -> Problems:
    problem = server_problem(connection.info.server_version)
    if problem:
        yield problem
    yield from _clock(connection)
    if not _loaded(connection):
        yield _NOT_LOADED
        return
    if _value(connection, "SHOW transaction_read_only") == "on":
        yield "the database takes no writes: a standby, or default_transaction_read_only is on"
    waiting = pending(connection)
    if waiting:
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        yield f"the database lacks the migration {waiting[0]}{more}: run `kel migrate`"
        return
    yield from _rights(connection)
    yield from _reader(connection)
    yield from _devices(connection, settings)
    yield from _still(connection)
    yield from _health(connection)


def server_problem(number: int) -> str | None:
    """Whether PostgreSQL is too old; `number` as libpq has it, 150012 for 15.12."""
    if number >= OLDEST_POSTGRES:
        return None
    return f"PostgreSQL {number // 10000} is too old: KEL needs {OLDEST_POSTGRES // 10000} or newer"


def _clock(connection: Connection) -> Problems:
    before = datetime.now(UTC)
    there = _value(connection, "SELECT clock_timestamp()")
    after = datetime.now(UTC)
    assert isinstance(there, datetime)
    problem = skew_problem(before, there, after)
    if problem:
        yield problem


def skew_problem(before: datetime, there: datetime, after: datetime) -> str | None:
    """Whether the clock `there`, read between two moments here, is another than this machine's."""
    skew = max((before - there).total_seconds(), (there - after).total_seconds())
    if skew <= MOST_SKEW_S:
        return None
    return (
        f"this machine's clock and the database's differ by {skew:.0f} s: let both follow NTP "
        "(`timedatectl set-ntp true`, or apt-get install systemd-timesyncd)"
    )


def _loaded(connection: Connection) -> bool:
    # not by shared_preload_libraries itself: only a superuser may read that
    return bool(_value(connection, "SELECT count(*) FROM pg_settings WHERE name = %s", _LOADER))


def _rights(connection: Connection) -> Problems:
    tables = [name for (name,) in connection.execute(LACKS_RIGHT).fetchall()]
    if tables:
        yield f"{_user(connection)} may not write {_some(tables)}: {_let(connection)}"


def _reader(connection: Connection) -> Problems:
    if not _value(connection, "SELECT count(*) FROM pg_roles WHERE rolname = 'kel_reader'"):
        yield (
            "the role kel_reader, as whom walls read, is missing: a database's dump holds no "
            "roles, bring them from the old server (`pg_dumpall --roles-only`)"
        )
        return
    tables = [name for (name,) in connection.execute(READER_WRITES).fetchall()]
    if tables:
        yield (
            f"kel_reader may write {_some(tables)}: `REVOKE INSERT, UPDATE, DELETE, TRUNCATE "
            "ON ALL TABLES IN SCHEMA public FROM kel_reader`"
        )
    seen = [
        t
        for t in PERSONAL
        if _value(connection, "SELECT has_table_privilege('kel_reader', %s, 'SELECT')", t)
    ]
    if seen:
        yield (
            f"kel_reader may read {_some(seen)}, which may hold citizens' names: "
            f"`REVOKE ALL ON {', '.join(seen)} FROM kel_reader`"
        )


def _devices(connection: Connection, settings: Settings) -> Problems:
    try:
        city = load_city_files(settings).city
    except MistakesError:
        return  # told with the city's folder
    known = {row[0] for row in connection.execute("SELECT id FROM device").fetchall()}
    missing = [device for device in city.devices if device not in known]
    if missing:
        count = len(missing)
        are = "1 device of the city is" if count == 1 else f"{count} devices of the city are"
        yield f"{are} not in the database ({missing[0]} …): run `kel load`"
        return
    stored = set(
        connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public'"
        ).fetchall()
    )
    wanted = [(table_of(c.id), m.name) for c in city.classes.values() for m in c.metrics]
    lacking = [f"{table}.{metric}" for table, metric in wanted if (table, metric) not in stored]
    if lacking:
        yield f"the database has no column for {_some(lacking)}: run `kel load`"


def _still(connection: Connection) -> Problems:
    minutes = _value(
        connection,
        "SELECT extract(epoch FROM max(now() - at)) / 60 FROM progress "
        "HAVING max(now() - at) > %s::interval",
        STANDS_STILL,
    )
    if minutes is not None:
        yield (
            f"a partition was not brought on for {float(str(minutes)):.0f} minutes: "
            "are `kel bridge` and `kel worker` running? see their logs"
        )


def _health(connection: Connection) -> Problems:
    """What the examiner found, where one runs: in a story, and before the first desk, none does."""
    found, age = HealthStore(connection).healths()
    if age is not None and age > NOT_EXAMINED_S:
        yield (
            f"nobody has examined KEL's own health for {age / 60:.0f} minutes: is `kel desk` "
            "running? see its log"
        )
        return
    for health in sorted(found.values(), key=lambda h: (-h.level, h.since)):
        if health.level:
            yield f"{health.hint} (docs/runbook.md: {health.name})"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def _value(connection: Connection, question: str, *values: object) -> object:
    row = connection.execute(question.encode(), values or None).fetchone()
    return row[0] if row else None
