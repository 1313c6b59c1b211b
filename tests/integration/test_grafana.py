"""Every panel's SQL, run as the role that walls read with, on the real database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row
from pydantic import SecretStr

from grafana.queries import panel_queries, queries
from grafana.wall import wall
from kel.model.alert import Severity
from kel.model.incident import Handover, IncidentState
from kel.model.situation import Changes
from kel.settings import Settings
from kel.stack.folder import make_folder, remove_folder
from kel.stack.postgres import Postgres
from kel.store.classes import table_of
from kel.store.connect import connect
from kel.store.desk import DeskStore
from kel.store.load import load
from kel.store.migrate import let_reader_in, migrate
from kel.store.stream import StreamStore
from tests.builders import wall_city

pytestmark = pytest.mark.integration

NAMES = tuple(queries())
PERSONAL = ("contact", "reject", "command")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    folder = make_folder()
    postgres = Postgres(folder)
    try:
        postgres.prepare()
        postgres.child.start()
        postgres.ready()
        yield postgres
    finally:
        postgres.child.end()
        remove_folder(folder)


def _database(server: Postgres, name: str) -> Settings:
    with psycopg.connect(server.url, password=server.password, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = Settings(
        database=server.url.removesuffix("/kel") + f"/{name}",
        database_password=SecretStr(server.password),
        reader_password=SecretStr("only-reads"),
    )
    with connect(settings) as connection:
        migrate(connection)
        let_reader_in(connection, settings)
        load(connection, wall_city.city(), wall_city.NOW)
    return settings


@pytest.fixture(scope="module")
def empty(server: Postgres) -> Settings:
    """A city of which nothing was heard yet."""
    return _database(server, "empty")


@pytest.fixture(scope="module")
def night(server: Postgres) -> Settings:
    """The night of the burst, through the stores' own doors."""
    settings = _database(server, "night")
    with connect(settings) as connection:
        city = load(connection, wall_city.city(), wall_city.NOW)
        stream = StreamStore(connection, "kel.raw", "t1")
        stream.progress([0, 1])
        stream.commit(wall_city.outputs(city))
        desk = DeskStore(connection)
        desk.commit(wall_city.NOW, wall_city.changes(), desk.situation())
    return settings


@contextmanager
def _reader(settings: Settings) -> Iterator[psycopg.Connection]:
    url = settings.database.replace("kel@", "kel_reader@")
    with psycopg.connect(url, password="only-reads") as connection:
        yield connection


def _ask(settings: Settings, name: str) -> list[dict]:
    with _reader(settings) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(queries()[name]).fetchall()


def _one(settings: Settings, name: str) -> dict:
    (row,) = _ask(settings, name)
    return row


def _lines(settings: Settings, name: str) -> list[tuple[str, float]]:
    return [(row["text"], row["value"]) for row in _ask(settings, name)]


@pytest.mark.parametrize("which", ["empty", "night"])
def test_every_panel_is_answered(request, which):
    with _reader(request.getfixturevalue(which)) as connection:
        answers = [(title, connection.execute(sql)) for title, sql in panel_queries(wall())]
    assert len(answers) == len(NAMES)
    silent = {title for title, cursor in answers if not cursor.fetchall()}
    assert silent <= ({"Πού"} if which == "empty" else set())  # a map may have no marker


def test_incidents_by_severity_leave_out_what_is_restored(night):
    expected = {"Κρίσιμα": 1, "Υψηλά": 1, "Μεσαία": 0, "Χαμηλά": 0}
    assert _one(night, "severities") == expected
    assert _one(night, "unacknowledged") == {"Χωρίς αναγνώριση": 1}


def test_the_worst_incident_stands_first_with_age_state_and_crew(night):
    assert _lines(night, "incidents") == [
        ("2026-0001 · 1 ώ 35′ · Θραύση αγωγού — ζώνη Κέντρο · Δροσιά · Ύδρευση 1 επί τόπου", 4),
        (
            "2026-0002 · 20′ · Γραμμή χωρίς ρεύμα — Πεύκων · Δροσιά · ανοικτό · "
            "Ηλεκτρολόγοι στάλθηκε",
            3,
        ),
        ("2026-0003 · 10 ώ 00′ · Βλάβη — Δροσιά · αποκαταστάθηκε", -1),
    ]


def test_every_state_has_its_word_and_what_is_restored_stands_last(server):
    settings = _database(server, "states")
    found = [
        _incident("2026-0011", "handed_on", handed=Handover("ΔΕΔΔΗΕ", "7", wall_city.NOW, None)),
        _incident("2026-0012", "verified", verified_at=wall_city.NOW),
        _incident("2026-0013", "open", reopened_at=wall_city.NOW),
        _incident("2026-0014", "open"),
    ]
    with connect(settings) as connection:
        load(connection, wall_city.city(), wall_city.NOW)
        desk = DeskStore(connection)
        changes = Changes(incidents={i.id: i for i in found})
        desk.commit(wall_city.NOW, changes, desk.situation())
    words = ("άνοιξε ξανά", "ανοικτό", "διαβιβάστηκε", "επαληθεύτηκε")
    lines = _lines(settings, "incidents")
    assert [text.rsplit(" · ", 1)[1] for text, _ in lines] == list(words)
    assert [value for _, value in lines] == [2, 2, 2, -1]
    assert _one(settings, "unacknowledged") == {"Χωρίς αναγνώριση": 2}
    assert _one(settings, "severities")["Μεσαία"] == 3


def _incident(number, state, **more):
    given = (number, "main_burst", Severity.MEDIUM, IncidentState(state), 30, "Βλάβη — Δροσιά")
    return wall_city.incident(*given, **more)


def test_a_quiet_city_says_so(empty):
    assert _lines(empty, "incidents") == [("Κανένα ενεργό συμβάν", -3)]
    assert _one(empty, "severities") == {"Κρίσιμα": 0, "Υψηλά": 0, "Μεσαία": 0, "Χαμηλά": 0}


def test_more_incidents_than_there_is_room_for_are_counted(server):
    settings = _database(server, "many")
    with connect(settings) as connection:
        desk = DeskStore(connection)
        desk.commit(wall_city.NOW, wall_city.many_incidents(14), desk.situation())
    lines = _lines(settings, "incidents")
    assert len(lines) == 10
    assert lines[-1] == ("… και άλλα 5 ενεργά συμβάντα", -2)


def test_water_lost_is_what_flows_above_the_usual_where_there_is_a_burst(night):
    assert _one(night, "water_lost") == {"m³/h που χάνονται": 14}


def test_zones_now_against_the_usual_of_the_hour(night):
    assert _lines(night, "zones") == [("Κέντρο · 22 m³/h", 275), ("Βορράς · 5 m³/h", 100)]


def test_the_last_night_beside_the_nights_before(night):
    lines = _lines(night, "nights")
    assert [text for text, _ in lines] == ["Κέντρο · συνήθως 16", "Βορράς · συνήθως 13"]
    # 03:30 to 04:00 of this night is 22 m³/h over 500 connections
    assert [value for _, value in lines] == pytest.approx([44.0, 12.5])


def test_costs_of_the_athens_day_with_cash_and_management_apart(night):
    assert _one(night, "cost_today") == {"Ταμειακά": 120, "Διαχειριστικά": 75.5}


def test_crews_and_what_they_are_late_with(night):
    assert _one(night, "crews_out") == {"Έξω": 1, "Χωρίς εντολή": 1}
    assert _lines(night, "crews") == [
        ("Ηλεκτρολόγοι · 2026-0002 · θα έπρεπε 04:25", 4),
        ("Ύδρευση 1 · 2026-0001 · έως 06:00", 3),
        ("Τεχνικά", 0),
    ]


def test_pumps_tell_efficiency_standstill_and_silence(night):
    lines = _lines(night, "pumps")
    assert [text for text, _ in lines] == [
        "Α/Σ 1 60m",
        "Α/Σ 2 40m",
        "Α/Σ 3 60m",
        "Α/Σ 4 60m",
    ]
    assert [value for _, value in lines] == pytest.approx([65.4, 43.6, -1, -2])


def test_lamps_and_feeders_without_supply(night):
    assert _one(night, "lamps") == {"Φωτιστικά": 75, "Γραμμές εκτός": 1}


def test_alerts_by_the_local_hour(night):
    rows = _ask(night, "alerts")
    assert [r["Ώρα"] for r in rows[-3:]] == ["02", "03", "04"]
    assert [r["Ειδοποιήσεις"] for r in rows[-3:]] == [1, 0, 1]
    assert [r["Συμβάντα"] for r in rows[-3:]] == [1, 0, 1]
    assert len(rows) == 12


def test_the_map_has_incidents_and_places(night):
    assert [r["number"] for r in _ask(night, "map")] == ["2026-0001", "2026-0002"]
    assert {r["name"] for r in _ask(night, "places")} == {"Δροσιά", "Άνοιξη"}


def test_the_time_is_that_of_the_data(night, empty):
    assert _one(night, "clock") == {"Ώρα δεδομένων": "21/10 04:30"}
    with connect(empty) as connection:
        (close,) = connection.execute("SELECT abs(extract(epoch FROM kel_now() - now())) < 1")
    assert close == (True,)


def test_health_of_a_story_is_told_in_its_own_time(night):
    row = _one(night, "health")
    assert 0 <= row["Σιωπή ροής"] < 60  # real seconds since the workers' commit
    assert row["Υστέρηση"] == 30  # the slower partition; the desk stands where that one does
    assert row["Ηλικία μέτρησης"] == 0
    assert row["Απορρίψεις/ώρα"] == 2
    assert row["Συσκευές εκτός"] == 1


def test_kel_s_own_health_the_worst_first_and_who_does_not_examine(night, empty):
    assert _lines(night, "kel_health") == [("Προσομοίωση", -1)]
    assert _lines(empty, "kel_health") == [("Δεν ελέγχθηκε ακόμη", -1)]
    with connect(empty) as connection:
        put = (
            "INSERT INTO health VALUES (%s, %s, now(), %s, 'do', 1, now()) "
            "ON CONFLICT (name) DO UPDATE SET level = excluded.level"
        )
        try:
            connection.execute(put, ["lag", 0, "Υστέρηση 0 s"])
            assert _lines(empty, "kel_health") == [("Όλα λειτουργούν", 0)]
            for name, level in (("lag", 1), ("drafts", 1), ("outbox", 1), ("desk", 2)):
                connection.execute(put, [name, level, name])
            assert _lines(empty, "kel_health") == [
                ("desk", 2),
                ("Υστέρηση 0 s", 1),
                ("… και άλλα 2", -2),
            ]
            connection.execute("UPDATE health SET level = 0, at = now() - interval '3 minutes'")
            assert _lines(empty, "kel_health") == [("Κανείς δεν ελέγχει το ΚΕΛ", 2)]
        finally:
            connection.execute("DELETE FROM health")


def test_latency_is_that_of_the_slowest_partition_while_it_is_fresh(empty):
    assert _one(empty, "health")["Καθυστέρηση p99"] is None
    with connect(empty) as connection:
        try:
            connection.execute(
                "INSERT INTO gauge VALUES ('latency_p99', '0', now(), 0.2), "
                "('latency_p99', '1', now(), 0.7), ('latency_p50', '1', now(), 9), "
                "('latency_p99', '2', now() - interval '3 minutes', 50)"
            )
            assert _one(empty, "health")["Καθυστέρηση p99"] == 0.7
        finally:
            connection.execute("DELETE FROM gauge")


def test_lag_of_a_living_stream_is_told_by_the_real_clock(night):
    with connect(night) as connection, connection.transaction(force_rollback=True):
        connection.execute("UPDATE progress SET tick = now() - interval '90 seconds'")
        connection.execute("UPDATE desk SET clock = now() - interval '100 seconds'")
        ((lag,),) = connection.execute("SELECT lag FROM wall_health").fetchall()
        connection.execute("SET LOCAL kel.clock = 'story'")
        ((story,),) = connection.execute("SELECT lag FROM wall_health").fetchall()
    assert lag == pytest.approx(90, abs=1)
    assert story == pytest.approx(10, abs=1)  # only the desk is behind


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO community VALUES ('x', 'x', 1, 0, 0)",
        "UPDATE incident SET state = 'closed'",
        "DELETE FROM alert",
        "TRUNCATE movement",
        "CREATE TABLE mine (n integer)",
        "CREATE VIEW mine AS SELECT 1",
        "DROP VIEW wall_incident",
    ],
)
def test_a_wall_cannot_write(night, statement):
    with _reader(night) as connection:
        connection.execute("SET default_transaction_read_only = off")  # the rights alone must hold
        connection.commit()
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize("table", [*PERSONAL, "request", "reply", "outbox"])
def test_a_wall_cannot_read_what_may_name_a_citizen(night, table):
    with _reader(night) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {table}")


def test_a_wall_may_count_and_place_requests_without_their_text(night):
    with _reader(night) as connection:
        connection.execute("SELECT id, at, arrival, community, category, lat, lon FROM request")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT text FROM request")


def test_a_new_table_is_closed_until_it_is_opened(night):
    with connect(night) as connection:
        connection.execute("CREATE TABLE later (n integer)")
    with _reader(night) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM later")


def test_what_devices_measured_is_open(night):
    with _reader(night) as connection:
        for cls in wall_city.city().classes:
            connection.execute(f"SELECT * FROM {table_of(cls)}")


def test_no_personal_table_stands_behind_a_panel(night):
    """What a view reads, it reads with its owner's rights: no view may open such a table."""
    with connect(night) as connection:
        rows = connection.execute(
            "SELECT DISTINCT view_name, table_name FROM information_schema.view_table_usage "
            "WHERE view_schema = 'public' AND table_name = ANY(%s)",
            [list(PERSONAL)],
        ).fetchall()
    assert set(rows) <= {("reject_count", "reject")}
