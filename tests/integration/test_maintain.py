"""Upkeep on the real database: hours as numpy has them, nothing lost, nothing kept for too long."""

import shutil
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from click.testing import CliRunner
from psycopg import Connection

from kel.cli import kel
from kel.settings import Settings
from kel.store.connect import connect
from kel.store.maintain import (
    BusyError,
    alone,
    drop_old,
    forget_contacts,
    forget_rejects,
    roll_up,
)
from kel.store.migrate import is_community
from tests.builders.running import FOLDER

pytestmark = pytest.mark.integration

NOW = datetime(2026, 10, 18, 12, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
METRICS = ("flow", "pressure", "volume")


@pytest.fixture(autouse=True)
def clock(connection: Connection) -> None:
    """The data's time is NOW, whatever this machine's is."""
    connection.execute("UPDATE desk SET clock = %s", [NOW])


def number(connection: Connection, device: str) -> int:
    return connection.execute("SELECT number FROM device WHERE id = %s", [device]).fetchone()[0]


def put(connection: Connection, device: str, rows, arrival: datetime | None = None) -> None:
    """Rows of (time, flow, pressure, volume) of a zone's meter; NaN where it did not say."""
    which = number(connection, device)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading_zone (time, arrival, device, flow, pressure, volume) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [(t, arrival or t, which, *(None if v != v else v for v in vs)) for t, *vs in rows],
        )


def series(start: datetime, minutes: int, every: int, seed: int):
    """A meter's readings with gaps, not in the order of their time."""
    random = np.random.default_rng(seed)
    times = [start + timedelta(minutes=m) for m in range(0, minutes, every)]
    values = random.normal(20, 5, (len(times), 3))
    values[random.random(values.shape) < 0.2] = np.nan
    kept = random.permutation(len(times))[: int(len(times) * 0.9)]
    return [(times[i], *map(float, values[i])) for i in kept]


def expected(by_device, until: datetime):
    """count, mean, min, max of every whole hour, by numpy."""
    found = defaultdict(list)
    for device, rows in by_device.items():
        for time, *values in rows:
            hour = time.replace(minute=0, second=0, microsecond=0)
            for metric, value in zip(METRICS, values, strict=True):
                if value == value and hour < until:
                    found[device, metric, hour].append(value)
    return {
        key: (len(v), np.mean(v), np.min(v), np.max(v))  # type: ignore[arg-type]
        for key, v in found.items()
    }


def hours(connection: Connection):
    rows = connection.execute(
        "SELECT d.id, metric, hour, count, mean, lowest, highest "
        "FROM reading_hour JOIN device d ON d.number = device"
    ).fetchall()
    return {(d, m, h): tuple(told) for d, m, h, *told in rows}


def assert_alike(found, wanted) -> None:
    assert found.keys() == wanted.keys()
    for key, told in found.items():
        np.testing.assert_allclose(told, wanted[key], rtol=1e-12, err_msg=str(key))


def test_hours_are_as_numpy_has_them_and_whole(connection: Connection) -> None:
    start = NOW - timedelta(hours=30, minutes=17)
    by_device = {d: series(start, 30 * 60 + 15, 5, n) for n, d in enumerate(("zm-01", "zm-02"))}
    for device, rows in by_device.items():
        put(connection, device, rows)
    changed = roll_up(connection)
    wanted = expected(by_device, NOW.replace(minute=0))
    assert changed == len(wanted) > 150
    assert_alike(hours(connection), wanted)


def test_again_changes_nothing(connection: Connection) -> None:
    put(connection, "zm-01", series(NOW - 20 * HOUR, 1200, 5, 3))
    assert roll_up(connection) > 0
    before = hours(connection)
    assert roll_up(connection) == 0
    assert hours(connection) == before


@pytest.mark.parametrize("age", [timedelta(hours=9), timedelta(days=20), timedelta(days=55)])
def test_what_comes_late_restates_its_hour(connection: Connection, age: timedelta) -> None:
    late = NOW - age
    early = series(late - 3 * HOUR, 360, 5, 4)
    recent = series(NOW - 3 * HOUR, 180, 5, 5)
    put(connection, "zm-01", early)
    put(connection, "zm-01", recent)
    roll_up(connection)
    after = (late + timedelta(seconds=7), 99.5, 1.5, float("nan"))
    put(connection, "zm-01", [after], arrival=NOW)
    assert roll_up(connection) == 2  # its hour, the two metrics that it tells
    wanted = expected({"zm-01": [*early, *recent, after]}, NOW.replace(minute=0))
    assert_alike(hours(connection), wanted)


def test_a_run_that_was_left_out_is_caught_up(connection: Connection) -> None:
    first = series(NOW - timedelta(days=40), 600, 5, 6)
    second = series(NOW - timedelta(days=25), 600, 5, 7)
    put(connection, "zm-01", first)
    roll_up(connection)
    put(connection, "zm-01", second)
    roll_up(connection)
    assert_alike(hours(connection), expected({"zm-01": [*first, *second]}, NOW))


def chunks(connection: Connection, table: str = "reading_zone") -> int:
    return len(connection.execute("SELECT show_chunks(%s::regclass)", [table]).fetchall())


def test_chunks_past_the_retention_go_and_their_hours_stay(connection: Connection) -> None:
    old = series(NOW - timedelta(days=80), 600, 5, 8)
    kept = series(NOW - timedelta(days=20), 600, 5, 9)
    put(connection, "zm-01", old)
    put(connection, "zm-01", kept)
    connection.execute(
        "INSERT INTO reading_other VALUES (%s, 1, 'x', 1)", [NOW - timedelta(days=80)]
    )
    roll_up(connection)
    before = hours(connection)
    assert drop_old(connection, 60) == 2
    assert chunks(connection, "reading_other") == 0
    stored = connection.execute("SELECT min(time) FROM reading_zone").fetchone()
    assert stored == (min(t for t, *_ in kept),)
    assert hours(connection) == before
    assert drop_old(connection, 60) == 0
    roll_up(connection)
    assert hours(connection) == before  # also without the readings that they came from


def test_nothing_is_dropped_that_is_not_rolled_up(connection: Connection) -> None:
    """Neither what nobody had rolled up, nor what came too late for an ordinary run."""
    old = series(NOW - timedelta(days=200), 600, 5, 10)
    put(connection, "zm-01", old)
    assert drop_old(connection, 100) >= 1
    assert_alike(hours(connection), expected({"zm-01": old}, NOW))


def test_a_very_late_reading_counts_before_it_goes(connection: Connection) -> None:
    old = series(NOW - timedelta(days=200), 600, 5, 11)
    recent = series(NOW - 3 * HOUR, 120, 5, 12)
    put(connection, "zm-01", old)
    put(connection, "zm-01", recent)
    roll_up(connection)
    late = (NOW - timedelta(days=200) + timedelta(seconds=3), 50.0, 5.0, 500.0)
    put(connection, "zm-01", [late], arrival=NOW)
    roll_up(connection)
    drop_old(connection, 100)
    wanted = expected({"zm-01": [*old, late, *recent]}, NOW.replace(minute=0))
    assert_alike(hours(connection), wanted)


def test_a_short_retention_is_refused(connection: Connection) -> None:
    put(connection, "zm-01", series(NOW - timedelta(days=80), 60, 5, 13))
    before = chunks(connection)
    for days in (29, 0, -1):
        with pytest.raises(ValueError, match="30 days at least"):
            drop_old(connection, days)
    assert chunks(connection) == before


def test_it_needs_no_community_edition(connection: Connection) -> None:
    """The tests above run on what Debian and the set-up build."""
    assert not is_community(connection)


# what may name a person


def test_rejects_go_after_their_retention(connection: Connection) -> None:
    for days in (0, 89, 91, 400):
        connection.execute(
            "INSERT INTO reject VALUES (%s, %s, 't', 'Μαρία', 5, 'not_json', '', NULL)",
            [uuid4(), NOW - timedelta(days=days)],
        )
    assert forget_rejects(connection, 90) == 2
    assert forget_rejects(connection, 90) == 0
    assert connection.execute("SELECT count(*) FROM reject").fetchone() == (2,)


def request(connection: Connection, days: int) -> UUID:
    id_, at = uuid4(), NOW - timedelta(days=days)
    connection.execute(
        "INSERT INTO request VALUES (%s, %s, %s, 'drosia', 'road', 'λακκούβα')", [id_, at, at]
    )
    connection.execute("INSERT INTO contact VALUES (%s, 'Μαρία', '6900000000')", [id_])
    return id_


def incident(connection: Connection, requests: list[UUID], closed_days: int | None) -> None:
    id_ = uuid4()
    connection.execute(
        "INSERT INTO incident (id, number, category, severity, state, community, lat, lon, title,"
        " opened_at, started_at, closed_at, alerts, requests) VALUES"
        " (%s, %s, 'road', 1, %s, 'drosia', 0, 0, '', %s, %s, %s, '{}', %s)",
        [
            id_,
            f"2026-{str(id_)[:4]}",
            "open" if closed_days is None else "closed",
            NOW,
            NOW,
            None if closed_days is None else NOW - timedelta(days=closed_days),
            requests,
        ],
    )


@pytest.mark.parametrize(
    ("arrived", "closed", "goes"),
    [
        (500, 400, True),
        (500, 300, False),  # worked on for long
        (500, None, False),  # still open
        (300, 290, False),
    ],
)
def test_contacts_go_when_their_incident_was_closed_long_ago(
    connection: Connection, arrived: int, closed: int | None, goes: bool
) -> None:
    asked = request(connection, arrived)
    incident(connection, [asked, request(connection, 0)], closed)
    assert forget_contacts(connection, 365) == goes
    left = connection.execute("SELECT request FROM contact").fetchall()
    assert ((asked,) in left) != goes
    assert connection.execute("SELECT count(*) FROM request").fetchone() == (2,)


def test_contacts_of_requests_without_incident(connection: Connection) -> None:
    request(connection, 366)
    kept = request(connection, 364)
    assert forget_contacts(connection, 365) == 1
    assert connection.execute("SELECT request FROM contact").fetchall() == [(kept,)]


# the command


def run(database: Settings, *arguments: str):
    environment = {
        "KEL_DATABASE": database.database,
        "KEL_DATABASE_PASSWORD": database.database_password.get_secret_value(),
    }
    return CliRunner().invoke(kel, ["maintain", *arguments], env=environment)


def test_the_command_does_all_of_it(database: Settings, connection: Connection) -> None:
    put(connection, "zm-01", [(NOW - timedelta(days=500), 1.0, 2.0, 3.0)])
    request(connection, 500)
    said = run(database)
    assert said.exit_code == 0, said.output
    assert said.output == (
        "3 hours rolled up, 0 costs and 0 alerts restated, 1 chunks dropped, "
        "0 rejects and 1 contacts forgotten\n"
    )


@pytest.mark.parametrize("option", ["--keep-days", "--keep-rejects-days", "--keep-contacts-days"])
def test_the_command_refuses_a_retention_of_nothing(database: Settings, option: str) -> None:
    assert run(database, option, "0").exit_code != 0


def test_two_at_once(database: Settings, connection: Connection) -> None:
    with connect(database) as other, alone(other), pytest.raises(BusyError), alone(connection):
        pass
    with alone(connection):
        pass


def tell_late(connection: Connection, device: str, time: datetime) -> None:
    """As a worker does, in the transaction that stores the reading."""
    connection.execute(
        "INSERT INTO late (id, device, time, arrival, fate) VALUES (%s, %s, %s, %s, 'late')",
        [uuid4(), number(connection, device), time, NOW],
    )


def hour_of(connection: Connection, device: str, hour: datetime) -> tuple[int, float] | None:
    return connection.execute(
        "SELECT count, mean FROM reading_hour WHERE device = %s AND hour = %s AND metric = 'flow'",
        [number(connection, device), hour],
    ).fetchone()


def test_what_came_late_restates_its_hour_however_old_it_is(connection: Connection) -> None:
    old = NOW.replace(minute=0) - timedelta(days=200)
    put(connection, "zm-01", [(old, 1.0, 1.0, 1.0), (NOW - 3 * HOUR, 1.0, 1.0, 1.0)])
    roll_up(connection)
    assert hour_of(connection, "zm-01", old) == (1, 1.0)
    put(connection, "zm-01", [(old + HOUR / 2, 3.0, 1.0, 1.0)], arrival=NOW)
    tell_late(connection, "zm-01", old + HOUR / 2)
    tell_late(connection, "zm-01", NOW)  # of an hour that is not over
    roll_up(connection)
    assert hour_of(connection, "zm-01", old) == (2, 2.0)
    assert roll_up(connection) == 0
    left = connection.execute("SELECT time FROM late WHERE rolled_at IS NULL").fetchall()
    assert left == [(NOW,)]
    assert connection.execute("SELECT count(restated_at) FROM late").fetchone() == (0,)


def test_an_hour_whose_readings_are_gone_is_not_replaced_by_what_came_late(
    connection: Connection,
) -> None:
    old = NOW.replace(minute=0) - timedelta(days=400)
    put(connection, "zm-01", [(old, 1.0, 1.0, 1.0), (old + HOUR / 4, 2.0, 1.0, 1.0)])
    roll_up(connection)
    assert drop_old(connection, 365) == 1
    put(connection, "zm-01", [(old + HOUR / 2, 9.0, 1.0, 1.0)], arrival=NOW)
    tell_late(connection, "zm-01", old + HOUR / 2)
    roll_up(connection)
    assert hour_of(connection, "zm-01", old) == (2, 1.5)


def test_what_is_told_of_late_readings_goes_with_readings(connection: Connection) -> None:
    tell_late(connection, "zm-01", NOW)
    drop_old(connection, 365)
    assert connection.execute("SELECT count(*) FROM late").fetchone() == (1,)
    connection.execute("UPDATE late SET arrival = %s", [NOW - timedelta(days=366)])
    drop_old(connection, 365)
    assert connection.execute("SELECT count(*) FROM late").fetchone() == (0,)


# for how long, where the command is not told


def run_with(database: Settings, folder: Path, *arguments: str):
    environment = {
        "KEL_DATABASE": database.database,
        "KEL_DATABASE_PASSWORD": database.database_password.get_secret_value(),
        "KEL_CITY": str(folder),
    }
    return CliRunner().invoke(kel, ["maintain", *arguments], env=environment)


@pytest.mark.parametrize(
    ("said", "arguments", "dropped"),
    [
        ("", (), 0),  # 400 days
        ('keep = "60d"\n', (), 1),
        ('keep = "60d"\n', ("--keep-days", "90"), 1),
        ('keep = "90d"\n', ("--keep-days", "400"), 0),
        ("keep = 60\n", (), 0),  # a mistake: nothing is dropped
        ("keep = 60\n", ("--keep-days", "90"), 1),
    ],
)
def test_the_city_says_how_long_readings_are_kept(
    database: Settings,
    connection: Connection,
    tmp_path: Path,
    said: str,
    arguments: tuple[str, ...],
    dropped: int,
) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "city")
    text = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(said + text, "utf-8")
    put(connection, "zm-01", [(NOW - timedelta(days=120), 1.0, 2.0, 3.0)])
    done = run_with(database, folder, *arguments)
    assert done.exit_code == 0, done.output
    assert f" {dropped} chunks dropped, " in done.output
