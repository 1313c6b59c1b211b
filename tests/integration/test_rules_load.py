"""`kel rules load` on the real database: a day that was decided by the desk, and what it asked."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from kel.cli import kel
from kel.model.alert import Alert
from kel.model.reading import Output
from kel.model.request import Request
from kel.run.decide import decide
from kel.settings import Settings
from kel.stack.postgres import Postgres
from kel.store.connect import connect
from kel.store.desk import DeskStore
from kel.store.stream import put_effects
from tests.acceptance.story import NoReadings
from tests.builders.city import LAMPS, alert, at, cleared, request, small_city
from tests.builders.database import make_database, running_postgres
from tests.builders.running import FOLDER

pytestmark = pytest.mark.integration

CITY = small_city()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DAY = ("--from", "2026-03-04", "--to", "2026-03-05")


def dark_feeder() -> list[Alert]:
    lamps = [
        alert(CITY, f"la-01-{n:03d}", "lamp", at("01:01"), at("01:10") + n * SECOND)
        for n in range(1, LAMPS + 1)
    ]
    found = [alert(CITY, "fc-01", "feeder", at("01:00"), at("01:05")), *lamps]
    return [cleared(one, at("03:00")) for one in found]


def loose_contact() -> list[Alert]:
    """Three times within a minute."""
    found = [alert(CITY, "fs-01", "fire", at("05:00") + 30 * n * SECOND) for n in range(3)]
    return [cleared(one, one.detected_at + 10 * SECOND) for one in found]


def yesterdays_pump() -> list[Alert]:
    """It stands from the day before for 28 hours."""
    return [cleared(alert(CITY, "ps-01", "pump", at("16:00", day=3)), at("20:00"))]


def crowd() -> list[Request]:
    """Twelve citizens, each with something else, within ten minutes."""
    return [request("other", at("10:00") + n * 45 * SECOND, n=n) for n in range(12)]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def decided(server: Postgres) -> Settings:
    """The database after two days."""
    settings = make_database(server, "load", CITY, at("00:00", day=3))
    effects = Output(0, 0, 0)
    effects.alerts = [*yesterdays_pump(), *dark_feeder(), *loose_contact()]
    effects.requests = crowd()
    with connect(settings) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            put_effects(cursor, effects)
        store, now = DeskStore(connection), at("15:00", day=3)
        situation = store.situation()
        while now < at("00:00", day=5):
            now += 30 * MINUTE
            inputs = store.inputs(now)
            changes = decide(CITY, situation, inputs, NoReadings())
            store.commit(now, changes, situation, inputs.taken)
            situation.apply(changes)
            situation.take(inputs)
    return settings


@pytest.fixture
def run(decided: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[type["Asked"]]:
    monkeypatch.setenv("KEL_DATABASE", decided.database)
    monkeypatch.setenv("KEL_DATABASE_PASSWORD", decided.database_password.get_secret_value())
    monkeypatch.setenv("KEL_CITY", str(FOLDER))
    yield Asked


class Asked:
    def __init__(self, *more: str) -> None:
        self.done: Result = CliRunner().invoke(kel, ["rules", "load", *more])

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.done.stdout)
        return found


def test_a_day_with_a_flood_and_a_loose_contact_is_told_and_not_kept(run: type[Asked]) -> None:
    asked = run(*DAY, "--json")
    found = asked.json()
    assert asked.done.exit_code == 1
    # the feeder, the fire, twelve citizens; the lamps join the feeder, and call nobody
    assert found["alerts"] == len(dark_feeder()) + len(loose_contact())
    assert found["calls"] == 1 + 1 + len(crowd())
    assert (found["floods"], found["most_in_ten_minutes"]) == (1, 12)
    assert found["stale"] == 1
    assert found["chattering"] == ["fire fs-01"]
    assert found["keeps"] == {
        "per_hour": True,
        "most_a_day": True,
        "floods": False,
        "stale": True,
        "chattering": False,
    }


def test_two_operators_share_it_and_there_is_no_flood(run: type[Asked]) -> None:
    found = run(*DAY, "--operators", "2", "--json").json()
    assert (found["floods"], found["most_in_ten_minutes"]) == (0, 6)


def test_a_quiet_period_is_kept(run: type[Asked]) -> None:
    asked = run("--from", "2026-03-04T12:00:00", "--to", "2026-03-04T18:00:00")
    assert asked.done.exit_code == 0, asked.done.output
    assert "04/03/2026 12:00 – 04/03/2026 18:00" in asked.done.stdout
    assert "✗" not in asked.done.stdout


def test_of_some_minutes_no_rate_is_judged_and_numbers_are_greek(run: type[Asked]) -> None:
    asked = run("--from", "2026-03-04T10:00:00", "--to", "2026-03-04T10:05:00")
    hour, day = asked.done.stdout.splitlines()[2:4]
    assert re.fullmatch(r"· κοίταξε την ώρα +–   έως 6· δεν κρίνεται σε .* μία ώρα", hour)
    assert re.fullmatch(r"· το πολύ την ημέρα +7   έως 150· δεν κρίνεται σε .* μία ημέρα", day)
    assert asked.done.exit_code == 0, asked.done.output  # seven at once are no flood yet
    rate = run(*DAY).done.stdout.splitlines()[2]
    assert re.fullmatch(r"✓ κοίταξε την ώρα +0,58   έως 6", rate)  # 14 in 24 hours


def test_without_a_period_it_is_all_that_is_known(run: type[Asked]) -> None:
    found = run("--json").json()
    since, until = (datetime.fromisoformat(str(found[name])) for name in ("since", "until"))
    assert (since, until) == (at("16:00", day=3), at("00:00", day=5))


def test_a_database_without_incidents_has_no_load(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = make_database(server, "empty", CITY, at("00:00"))
    monkeypatch.setenv("KEL_DATABASE", empty.database)
    monkeypatch.setenv("KEL_DATABASE_PASSWORD", empty.database_password.get_secret_value())
    monkeypatch.setenv("KEL_CITY", str(FOLDER))
    done = Asked().done
    assert done.exit_code != 0
    assert "no incident was ever opened" in done.output + str(done.exception)
