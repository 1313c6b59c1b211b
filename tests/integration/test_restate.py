"""Late readings restate what was lost, on the real database and through `kel maintain`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import count
from uuid import UUID

import numpy as np
import pytest
from click.testing import CliRunner
from psycopg import Connection
from rich.console import Console

from kel.cli import kel
from kel.costs.lost import lost
from kel.model.cost import CostEntry
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentEvent, IncidentState
from kel.model.moment import to_us
from kel.model.situation import Changes
from kel.reports.trace import WIDTH, render
from kel.store import restate as module
from kel.store.connect import connect
from kel.store.desk import write_changes
from kel.store.doubted import merge
from kel.store.load import numbered
from kel.store.readings import StoredReadings
from kel.store.restate import restate, waits
from kel.store.trace import find_entry, trace_entry
from kel.store.week import read_week
from tests.builders import costs_city, week_city
from tests.builders.database import make_database, running_postgres
from tests.builders.running import FOLDER, LAMPS, example
from tests.builders.week_city import MONDAY, OPENED, utc

pytestmark = pytest.mark.integration

STARTED, REPAIRED, CLOSED = utc(20, 1), utc(20, 3), utc(20, 5)  # a Tuesday
NOW = utc(22, 2)
STEP = timedelta(minutes=5)
HOUR = timedelta(hours=1)
KEPT = timedelta(days=400)
NUMBERS = count(1)


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture
def settings(server):
    return make_database(server, f"restate_{next(NUMBERS)}", week_city.city(), OPENED)


@pytest.fixture
def connection(settings) -> Iterator[Connection]:
    with connect(settings) as connection:
        connection.execute("UPDATE desk SET clock = %s", [NOW])
        yield connection


@pytest.fixture
def city(connection):
    return numbered(connection, week_city.city())


def come(connection: Connection, city, times, flow: float, *, late: bool, device="zm-1") -> None:
    """Readings as a worker stores them: what rules had passed is told as late."""
    times = np.array([to_us(t) for t in times], np.int64)
    arrival = np.full(len(times), to_us(NOW - 3 * HOUR)) if late else times
    known = city.devices[device]
    frame = Frame(
        *("zone", times, arrival, np.full(len(times), known.number, np.int32)),
        {"flow": np.full(len(times), flow), "pressure": np.full(len(times), np.nan)},
    )
    with connection.transaction(), connection.cursor() as cursor:
        merge(cursor, frame, np.full(len(times), late))


def every(since: datetime, until: datetime) -> list[datetime]:
    return [since + n * STEP for n in range((until - since) // STEP)]


def burst(**changes) -> Incident:
    values = {
        "id": make_id("incident", changes.get("number", "burst")),
        "state": IncidentState.CLOSED,
        "zone": "z1",
        "cause": None,
        "opened_at": STARTED,
        "started_at": STARTED,
        "resolved_at": REPAIRED,
        "closed_at": CLOSED,
        "alerts": (make_id("alert", "night"),),
    }
    return costs_city.incident(**{**values, **changes})


def end(connection: Connection, city, incident: Incident, *, what="resolved") -> list[CostEntry]:
    """Write an incident and what the desk books at its end."""
    about = incident if what == "resolved" else replace(incident, resolved_at=None)
    ended = incident.state is IncidentState.CLOSED
    entries = lost(city, about, StoredReadings(connection, city), CLOSED) if ended else []
    events = [
        IncidentEvent(make_id("event", incident.id, told), incident.id, at, told, "kel", "")
        for told, at in (("resolved", REPAIRED), (what, REPAIRED + HOUR / 2))
    ]
    with connection.transaction(), connection.cursor() as cursor:
        write_changes(
            cursor,
            Changes(incidents={incident.id: incident}, costs=entries, incident_events=events),
        )
    return entries


def usual_and_burst(connection: Connection, city) -> None:
    """10 m³/h is usual; 70 from the start, of which half an hour is known in time."""
    come(connection, city, every(STARTED - 24 * HOUR, STARTED), 10.0, late=False)
    come(connection, city, every(STARTED, STARTED + HOUR / 2), 70.0, late=False)


def ledger(connection: Connection) -> list[tuple[UUID, UUID | None, Decimal]]:
    return connection.execute(
        "SELECT id, corrects, amount FROM cost_entry ORDER BY at, id"
    ).fetchall()


def state(connection: Connection):
    """All that a run may change."""
    events = connection.execute("SELECT incident, what, why FROM incident_event ORDER BY seq")
    marks = connection.execute("SELECT time, restated_at FROM late ORDER BY time")
    return ledger(connection), events.fetchall(), marks.fetchall()


def unmarked(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM late WHERE restated_at IS NULL").fetchone()
    assert row
    return row[0]


def test_a_late_reading_corrects_what_was_lost_and_again_changes_nothing(connection, city):
    usual_and_burst(connection, city)
    (entry,) = end(connection, city, burst())
    assert entry.amount == Decimal("15.00")  # 25 minutes of 60 m³/h
    assert not waits(connection)
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED + HOUR), 70.0, late=True)
    assert waits(connection)
    assert restate(connection, city, KEPT) == 1
    first, correction = ledger(connection)
    assert first == (entry.id, None, Decimal("15.00"))
    assert correction[1:] == (entry.id, Decimal("54.00"))  # in all 115 minutes, to the repair
    whole = lost(city, burst(), StoredReadings(connection, city), CLOSED)
    assert whole[0].amount == Decimal("69.00")
    (told,) = connection.execute(
        "SELECT at, who, why FROM incident_event WHERE what = 'restated'"
    ).fetchall()
    assert told == (
        *(NOW, "kel"),
        "Χαμένο νερό: από 15,00 € σε 69,00 €, με 18 μετρήσεις που ήρθαν αργά",
    )
    before = state(connection)
    assert unmarked(connection) == 0
    assert restate(connection, city, KEPT) == 0
    connection.execute("UPDATE late SET restated_at = NULL")  # even if nobody knew of the run
    assert restate(connection, city, KEPT) == 0
    assert state(connection)[:2] == before[:2]


def test_a_second_late_reading_corrects_what_stands_by_now(connection, city):
    usual_and_burst(connection, city)
    (entry,) = end(connection, city, burst())
    come(connection, city, every(STARTED + HOUR / 2, STARTED + HOUR), 70.0, late=True)
    assert restate(connection, city, KEPT) == 1
    connection.execute("UPDATE desk SET clock = clock + interval '1 day'")
    come(connection, city, every(STARTED + HOUR, REPAIRED), 70.0, late=True)
    assert restate(connection, city, KEPT) == 1
    assert [(of, amount) for _, of, amount in ledger(connection)] == [
        (None, Decimal("15.00")),
        (entry.id, Decimal("18.00")),
        (entry.id, Decimal("36.00")),
    ]


def test_a_loss_that_nobody_had_measured_is_booked(connection, city):
    come(connection, city, every(STARTED - 24 * HOUR, STARTED), 10.0, late=False)
    assert end(connection, city, burst()) == []
    come(connection, city, every(STARTED, REPAIRED), 70.0, late=True)
    assert restate(connection, city, KEPT) == 1
    assert [(of, amount) for _, of, amount in ledger(connection)] == [(None, Decimal("69.00"))]
    assert restate(connection, city, KEPT) == 0


def test_what_two_incidents_of_a_meter_lost_at_the_same_time_is_booked_once(connection, city):
    """Nobody had measured it when they ended; the second began in the midst of the first."""
    come(connection, city, every(STARTED - 24 * HOUR, STARTED), 10.0, late=False)
    assert end(connection, city, burst()) == []
    assert end(connection, city, burst(number="2026-0413", started_at=STARTED + HOUR)) == []
    come(connection, city, every(STARTED, REPAIRED), 70.0, late=True)
    assert restate(connection, city, KEPT) == 1
    assert [amount for *_, amount in ledger(connection)] == [Decimal("69.00")]


def test_a_crash_between_changes_nothing(connection, city, monkeypatch):
    usual_and_burst(connection, city)
    end(connection, city, burst())
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED), 70.0, late=True)
    before, real = state(connection), module.query

    def crash(name: str) -> bytes:
        if name == "mark_restated":
            raise ConnectionError("gone")
        return real(name)

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(module, "query", crash)
        restate(connection, city, KEPT)
    assert state(connection) == before
    assert restate(connection, city, KEPT) == 1


@pytest.mark.parametrize("what", ["reopened", "still_active", "part_done"])
def test_where_no_repair_held_the_loss_goes_on_to_the_end(connection, city, what):
    usual_and_burst(connection, city)
    end(connection, city, burst(), what=what)
    come(connection, city, every(STARTED + HOUR / 2, CLOSED), 70.0, late=True)
    restate(connection, city, KEPT)
    amounts = [amount for *_, amount in ledger(connection)]
    assert sum(amounts) == Decimal("141.00")  # 235 minutes


@pytest.mark.parametrize(
    ("what", "changes", "kept"),
    [
        ("an incident before", {"started_at": STARTED - 9 * HOUR, "resolved_at": STARTED}, KEPT),
        ("one merged into another", {"alerts": ()}, KEPT),
        ("another zone's", {"zone": None}, KEPT),
        ("one whose readings may be gone", {}, timedelta(days=15)),
    ],
)
def test_late_readings_that_touch_no_loss_are_marked(connection, city, what, changes, kept):
    usual_and_burst(connection, city)
    end(connection, city, burst(**changes))
    before = ledger(connection)
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED), 70.0, late=True)
    assert restate(connection, city, kept) == 0, what
    assert ledger(connection) == before
    assert unmarked(connection) == 0


def test_late_readings_wait_for_an_incident_under_way(connection, city):
    """The desk may be booking it at this moment, from readings that it read before they came."""
    usual_and_burst(connection, city)
    open_ = burst(state=IncidentState.RESOLVED, closed_at=None)
    end(connection, city, open_)
    booked = lost(city, burst(), StoredReadings(connection, city), CLOSED)
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED), 70.0, late=True)
    come(connection, city, [STARTED - HOUR - STEP / 2], 10.0, late=True)
    assert restate(connection, city, KEPT) == 0
    assert unmarked(connection) == 18  # not the one from before it began
    with connection.transaction(), connection.cursor() as cursor:
        write_changes(cursor, Changes(incidents={open_.id: burst()}, costs=booked))
    assert restate(connection, city, KEPT) == 1
    assert sum(amount for *_, amount in ledger(connection)) == Decimal("69.00")
    assert unmarked(connection) == 0


def test_the_week_and_a_trace_show_the_correction(connection, city):
    usual_and_burst(connection, city)
    (entry,) = end(connection, city, burst())
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED), 70.0, late=True)
    restate(connection, city, KEPT)
    week = read_week(connection, city, MONDAY, NOW)
    assert week.cost.management == Decimal("69.00")
    assert week.water.lost_m3.this == pytest.approx(115.0)
    assert [sum(d.kinds.values()) for d in week.days[:4]] == [0, 15, 0, 54]
    trace = trace_entry(connection, ledger(connection)[1][0])
    out = StringIO()
    Console(file=out, width=WIDTH).print(render(trace, city))
    told = out.getvalue().replace("\u00a0", " ")
    for words in (
        "διόρθωση: από 15.00 € σε 69.00 €",
        "μετρήσεις που ήρθαν αργά: 18, Πέμ 22/10, 02:00",
        f"την εγγραφή {entry.id}",
        "διορθώθηκε το κόστος",
        "από αυτά 115,0 πάνω από το αναμενόμενο",
    ):
        assert words in told, told
    assert find_entry(connection, "largest") == entry.id  # of the last day that has a first entry


def test_the_command_does_it_with_the_city_of_its_folder(server, monkeypatch):
    given = example().city
    settings = make_database(server, f"restate_{next(NUMBERS)}", given, OPENED)
    for name, value in (
        ("DATABASE", settings.database),
        ("DATABASE_PASSWORD", settings.database_password.get_secret_value()),
        ("CITY", str(FOLDER)),
        ("LAMPS_PER_FEEDER", str(LAMPS)),
    ):
        monkeypatch.setenv(f"KEL_{name}", value)
    with connect(settings) as connection:
        connection.execute("UPDATE desk SET clock = %s", [NOW])
        city = numbered(connection, given)
        meter = next(d for d in city.devices.values() if d.cls == "zone")
        times = every(STARTED - 24 * HOUR, STARTED)
        community = meter.community
        come(connection, city, times, 10.0, late=False, device=meter.id)
        end(connection, city, burst(zone=meter.zone, community=community))
        come(connection, city, every(STARTED, REPAIRED), 70.0, late=True, device=meter.id)
        said = CliRunner().invoke(kel, ["maintain"], catch_exceptions=False)
        assert ", 1 costs and " in said.output
        assert len(ledger(connection)) == 1


def test_an_incident_that_ends_meanwhile_is_not_passed_over(
    connection, city, settings, monkeypatch
):
    usual_and_burst(connection, city)
    still_open = burst(state=IncidentState.RESOLVED, closed_at=None)
    end(connection, city, still_open)
    booked = lost(city, burst(), StoredReadings(connection, city), CLOSED)
    come(connection, city, every(STARTED + HOUR / 2, REPAIRED), 70.0, late=True)
    real = module.query

    def and_the_desk_closes(name: str) -> bytes:
        if name == "mark_restated":
            with connect(settings) as other, other.transaction(), other.cursor() as cursor:
                write_changes(cursor, Changes(incidents={still_open.id: burst()}, costs=booked))
        return real(name)

    with monkeypatch.context() as patch:
        patch.setattr(module, "query", and_the_desk_closes)
        restate(connection, city, KEPT)
    restate(connection, city, KEPT)
    assert sum(amount for *_, amount in ledger(connection)) == Decimal("69.00")
