"""Late readings restate alerts and the incidents they are of, on the real database."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import pytest
from click.testing import CliRunner
from psycopg import Connection

from kel.cli import kel
from kel.model.alert import Alert
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import IncidentState
from kel.model.mistake import Mistake, MistakesError
from kel.model.moment import to_us
from kel.model.situation import Changes
from kel.store import restate_alerts as module
from kel.store.connect import connect
from kel.store.desk import write_changes
from kel.store.doubted import merge
from kel.store.load import numbered
from kel.store.restate_alerts import restate_alerts, waits
from kel.store.stream import _alerts as put_alerts
from rules.book.rulebook import parse_rulebook
from rules.evaluate import Evaluator
from tests.builders import costs_city, week_city
from tests.builders.database import make_database, running_postgres
from tests.builders.rules_city import document, rule_text
from tests.builders.week_city import OPENED, utc

pytestmark = pytest.mark.integration

START = utc(20, 1)
STEP = timedelta(minutes=5)
NOW = START + timedelta(hours=3)
KEPT = timedelta(days=400)
NUMBERS = count(1)
LOW = rule_text(
    id='"low"',
    kind='"threshold"',
    watch='{class="zone", metric="pressure"}',
    below="2.0",
    unit='"bar"',
    for_='"10m"',
    category='"main_burst"',
)


def unread(edition):
    raise AssertionError(f"the present rulebook was in force, nobody asks for {edition.version}")


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture
def settings(server):
    return make_database(server, f"judged_{next(NUMBERS)}", week_city.city(), OPENED)


@pytest.fixture
def connection(settings) -> Iterator[Connection]:
    with connect(settings) as connection:
        connection.execute("UPDATE desk SET clock = %s", [NOW])
        yield connection


@pytest.fixture
def city(connection):
    return numbered(connection, week_city.city())


@pytest.fixture
def rulebook(city):
    return parse_rulebook(document(LOW), city)


def frame_of(city, values: list[tuple[datetime, float]], arrival: datetime | None = None) -> Frame:
    time = np.array([to_us(t) for t, _ in values], np.int64)
    arrived = time if arrival is None else np.full(len(time), to_us(arrival))
    number = np.full(len(time), city.devices["zm-1"].number, np.int32)
    columns = {"pressure": np.array([v for _, v in values]), "flow": np.full(len(time), np.nan)}
    return Frame("zone", time, arrived, number, columns)


def live(connection, city, rulebook, values: list[float | None]) -> list[Alert]:
    """Readings every five minutes (None: not there yet), judged and stored as a worker does."""
    rows = [(START + n * STEP, v) for n, v in enumerate(values) if v is not None]
    frame = frame_of(city, rows)
    engine = Evaluator(rulebook, city, list(city.devices.values()))
    engine.tick(to_us(START) - 1)
    told = {a.id: a for a in (*engine.frame(frame), *engine.tick(to_us(NOW)))}
    with connection.transaction(), connection.cursor() as cursor:
        merge(cursor, frame, np.zeros(len(rows), np.bool_))
        put_alerts(cursor, list(told.values()))
    return list(told.values())


def come_late(connection, city, places: dict[int, float]) -> None:
    rows = [(START + n * STEP, v) for n, v in places.items()]
    with connection.transaction(), connection.cursor() as cursor:
        merge(cursor, frame_of(city, rows, NOW), np.ones(len(rows), np.bool_))


def incident_of(connection, alerts: list[Alert]):
    incident = costs_city.incident(
        id=make_id("incident", "low"),
        number="2026-0042",
        state=IncidentState.CLOSED,
        zone="z1",
        cause="zm-1",
        opened_at=START,
        started_at=START,
        closed_at=NOW,
        alerts=tuple(a.id for a in alerts) or (make_id("alert", "other"),),
    )
    with connection.transaction(), connection.cursor() as cursor:
        write_changes(cursor, Changes(incidents={incident.id: incident}))
    return incident


def restated_rows(connection):
    return connection.execute(
        "SELECT alert, incident, was, became, readings, why, rulebook FROM alert_restated"
    ).fetchall()


def history(connection):
    return connection.execute("SELECT incident, what, who, why FROM incident_event").fetchall()


def iso(minutes):
    return (START + timedelta(minutes=minutes)).isoformat()


def test_the_decision_stays_and_what_would_have_been_stands_beside_it(connection, city, rulebook):
    (alert,) = told = live(connection, city, rulebook, [4, None, None, 1, 1, 1, 4, 4])
    incident = incident_of(connection, told)
    before = connection.execute("SELECT * FROM alert").fetchall()
    come_late(connection, city, {1: 1.0, 2: 1.0})
    assert waits(connection)
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 1
    ((of, in_, was, became, readings, why, version),) = restated_rows(connection)
    assert (of, in_, readings, version) == (alert.id, incident.id, 2, rulebook.version)
    assert was == {"started": iso(15), "detected": iso(25), "cleared": iso(30)}
    assert became == {"started": iso(5), "detected": iso(15), "cleared": iso(30)}
    assert history(connection) == [(incident.id, "judged_again", "kel", why)]
    assert "ειδοποιήσει" in why
    assert connection.execute("SELECT * FROM alert").fetchall() == before
    assert connection.execute("SELECT state FROM incident").fetchall() == [("closed",)]


def test_it_is_listed(connection, city, rulebook, settings, monkeypatch):
    incident_of(connection, live(connection, city, rulebook, [4, None, None, 1, 1, 1, 4, 4]))
    come_late(connection, city, {1: 1.0, 2: 1.0})
    restate_alerts(connection, city, rulebook, KEPT, unread)
    monkeypatch.setenv("KEL_DATABASE", settings.database)
    monkeypatch.setenv("KEL_DATABASE_PASSWORD", settings.database_password.get_secret_value())
    said = CliRunner().invoke(kel, ["incidents", "restated"], catch_exceptions=False).stdout
    assert "2026-0042" in said
    assert "θα είχε αρχίσει" in said
    told = CliRunner().invoke(kel, ["incidents", "restated", "--json"], catch_exceptions=False)
    (line,) = json.loads(told.stdout)
    assert (line["rule"], line["was"]["detected"]) == ("low", iso(25))


def test_looking_again_changes_nothing(connection, city, rulebook):
    incident_of(connection, live(connection, city, rulebook, [4, None, None, 1, 1, 1, 4, 4]))
    come_late(connection, city, {1: 1.0, 2: 1.0})
    restate_alerts(connection, city, rulebook, KEPT, unread)
    first = restated_rows(connection), history(connection)
    assert not waits(connection)
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 0
    assert (restated_rows(connection), history(connection)) == first


def test_an_alert_that_nobody_was_told_is_told_to_the_incident_around_it(
    connection, city, rulebook
):
    assert live(connection, city, rulebook, [4, None, None, None, 4, 4]) == []
    incident = incident_of(connection, [])
    come_late(connection, city, {1: 1.0, 2: 1.0, 3: 1.0})
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 1
    ((of, in_, was, became, readings, _, _),) = restated_rows(connection)
    assert (of, in_, was, readings) == (None, incident.id, None, 3)
    assert became == {"started": iso(5), "detected": iso(15), "cleared": iso(20)}


def test_an_alert_that_should_not_have_been_is_said_to(connection, city, rulebook):
    (alert,) = live(connection, city, rulebook, [1, None, 1, 4, 4, 4])
    come_late(connection, city, {1: 4.0})
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 1
    ((of, in_, _, became, _, _, _),) = restated_rows(connection)
    assert (of, in_, became) == (alert.id, None, None)
    assert history(connection) == []


def test_late_readings_that_change_nothing_are_marked_and_not_told(connection, city, rulebook):
    live(connection, city, rulebook, [4, None, 4, 4])
    come_late(connection, city, {1: 4.0})
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 0
    assert not waits(connection)
    assert restated_rows(connection) == []


def test_what_is_older_than_readings_are_kept_is_passed_over(connection, city, rulebook):
    live(connection, city, rulebook, [4, None, None, 1, 1, 1, 4, 4])
    come_late(connection, city, {1: 1.0, 2: 1.0})
    assert restate_alerts(connection, city, rulebook, timedelta(hours=1), unread) == 0
    assert not waits(connection)


def test_what_has_just_come_waits_for_the_rules_to_pass_it(connection, city, rulebook):
    connection.execute("UPDATE desk SET clock = %s", [START + timedelta(minutes=8)])
    come_late(connection, city, {1: 1.0})
    assert not waits(connection)
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 0
    connection.execute("UPDATE desk SET clock = %s", [NOW])
    assert waits(connection)


def test_a_crash_leaves_all_of_a_group_or_nothing(connection, city, rulebook, monkeypatch):
    live(connection, city, rulebook, [4, None, None, 1, 1, 1, 4, 4])
    come_late(connection, city, {1: 1.0, 2: 1.0})
    whole = module._tell

    def crash(*arguments):
        whole(*arguments)
        raise RuntimeError("killed")

    monkeypatch.setattr(module, "_tell", crash)
    with pytest.raises(RuntimeError, match="killed"):
        restate_alerts(connection, city, rulebook, KEPT, unread)
    assert restated_rows(connection) == []
    monkeypatch.undo()
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 1


# the rulebook that was in force

LOWER = LOW.replace("below = 2.0", "below = 0.5")


def took(connection, when: datetime, text: str, version: str) -> None:
    told = {"version": version, "source": text, "at": when}
    connection.execute(
        "INSERT INTO rulebook (version, source) VALUES (%(version)s, %(source)s)", told
    )
    connection.execute(
        "INSERT INTO rulebook_taken (at, version) VALUES (%(at)s, %(version)s)", told
    )


@pytest.fixture
def present(connection, city):
    """Since two hours ago pressure is low below 0.5 bar; it was below 2 bar before."""
    book = parse_rulebook(document(LOWER), city)
    assert "0.5" in LOWER
    took(connection, START - timedelta(days=9), LOW, "of-old")
    took(connection, START + timedelta(hours=1), LOWER, book.version)
    return book


def test_the_rulebook_that_was_in_force_judges(connection, city, present):
    come_late(connection, city, dict.fromkeys(range(4), 1.0))

    def read(edition):
        assert (edition.version, edition.source) == ("of-old", LOW)
        return city, parse_rulebook(document(edition.source), city)

    assert restate_alerts(connection, city, present, KEPT, read) == 1
    ((_, _, was, became, _, why, version),) = restated_rows(connection)
    assert (was, became["detected"], version) == (None, iso(10), "of-old")
    assert "δεν διαβάζονται" not in why


def test_what_was_detected_after_a_change_is_the_new_rulebooks(connection, city, present):
    """The readings are of 55 to 70 minutes, the change of 60: the old one would have told at 65."""
    come_late(connection, city, dict.fromkeys(range(11, 15), 1.0))

    def read(edition):
        return city, parse_rulebook(document(edition.source), city)

    assert restate_alerts(connection, city, present, KEPT, read) == 0
    assert not waits(connection)


def test_a_rulebook_that_cannot_be_read_any_more_is_told(connection, city, present, caplog):
    come_late(connection, city, dict.fromkeys(range(4), 0.1))

    def read(_edition):
        raise MistakesError([Mistake("/gone/rules.toml", 7, "watch", "there is no such class")])

    assert restate_alerts(connection, city, present, KEPT, read) == 1
    ((*_, why, version),) = restated_rows(connection)
    assert version == present.version
    assert "οι κανόνες of-old που ίσχυαν δεν διαβάζονται πια" in why
    assert "rules.toml:7" in caplog.text and "/gone" not in caplog.text


def test_what_nobody_was_told_and_lasts_is_said_to_last(connection, city, rulebook, caplog):
    """No reading came since: the last that is known is low."""
    assert live(connection, city, rulebook, [4]) == []
    come_late(connection, city, {1: 1.0, 2: 1.0, 3: 1.0})
    assert restate_alerts(connection, city, rulebook, KEPT, unread) == 1
    ((_, _, was, became, _, why, _),) = restated_rows(connection)
    assert (was, became["cleared"]) == (None, None)
    assert "δεν έχει λήξει" in why
    assert why in caplog.text
    assert connection.execute("SELECT count(*) FROM alert").fetchone() == (0,)
