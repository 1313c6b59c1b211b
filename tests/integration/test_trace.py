"""From a euro back to the very readings, on the real database and through the command."""

import json
from io import StringIO
from uuid import UUID

import pytest
from click.testing import CliRunner
from rich.console import Console

from kel.cli import kel
from kel.model.cost import CostKind
from kel.reports.trace import WIDTH, render
from kel.reports.trace_words import passed
from kel.store.connect import connect
from kel.store.trace import find_entry, largest, of_incident, trace_entry
from tests.builders import week_city
from tests.builders.database import make_database, running_postgres
from tests.builders.week_city import LABOUR, MATERIAL, OPENED, WATER, utc

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def filled(server):
    settings = make_database(server, "filled", week_city.city(), OPENED)
    week_city.fill(settings)
    return settings


@pytest.fixture
def connection(filled):
    with connect(filled) as connection:
        yield connection


@pytest.fixture
def command(filled, monkeypatch):
    """`kel …` on the filled database; its result."""
    monkeypatch.setenv("KEL_DATABASE", filled.database)
    monkeypatch.setenv("KEL_DATABASE_PASSWORD", filled.database_password.get_secret_value())
    return lambda *args: CliRunner().invoke(kel, args)


def text(trace):
    out = StringIO()
    Console(file=out, width=WIDTH).print(render(trace, week_city.city()))
    return out.getvalue().replace("\u00a0", " ")


def test_labour_leads_to_its_order_incident_rule_and_readings(connection):
    trace = trace_entry(connection, LABOUR)
    assert trace.entry == next(c for c in week_city.costs() if c.id == LABOUR)
    assert trace.order == week_city.order()
    assert trace.incident == next(i for i in week_city.incidents() if i.number == "2026-0002")
    assert [e.what for e in trace.history] == ["opened", "planned"]
    (traced,) = trace.alerts
    assert traced.alert == week_city.alerts()[0]
    assert [(r.at, r.value) for r in traced.series.counted] == [
        (utc(21, 1, 50), 60.0),
        (utc(21, 2, 5), 60.0),
        (utc(21, 2, 20), 60.0),
    ]
    before = [r.value for r in traced.series.readings if r.at < utc(21, 1, 50)]
    assert before == [10.0, 10.0]  # what was usual, from 30 minutes before
    assert trace.lost is None


def test_labour_in_words(connection):
    told = text(trace_entry(connection, LABOUR))
    for words in (
        "36,00 €  =  3 h × 12,00 €/h",
        "Μαρία, βαθμίδα ΔΕ, εκτός ωραρίου, νύχτα",
        "ΕΝΤΟΛΗ ΕΡΓΑΣΙΑΣ Ε-2026-0100",
        "ΣΥΜΒΑΝ 2026-0002",
        "zone-night-flow · βιβλίο κανόνων 0123456789ab",
        "Παροχή 60 m³/h, αναμενόμενη 10, υπέρβαση 50 (όριο 6) επί 20 λεπτά",
        "21/10 04:50  60  ◂ από",
        "21/10 05:20  60  ◂ ως",
        "«Τρέχει νερό»",
    ):
        assert words in told, told
    assert max(map(len, told.splitlines())) <= WIDTH


def test_material_names_its_correction(connection):
    trace = trace_entry(connection, MATERIAL)
    assert [c.amount for c in trace.corrections] == [-8.5]
    told = text(trace)
    assert "Σέλα Φ63, από: όχημα: Ύδρευση 1" in told
    assert "-8,50" in told.replace("\u2212", "-")
    correction = trace_entry(connection, trace.corrections[0].id)
    assert f"την εγγραφή {MATERIAL}" in text(correction)


def test_water_leads_to_the_readings_it_was_measured_on(connection):
    trace = trace_entry(connection, WATER)
    assert trace.order is None
    assert [(r.at, r.value, r.device) for r in trace.lost.readings] == [
        (at, value, "zm-1") for at, value in week_city.flows() if value == 60.0
    ]
    assert passed(trace.lost) == pytest.approx(120.0)  # two hours of 60 m³/h
    told = text(trace)
    assert "100 m³ × 0,62" not in told and "100 m³ × 0,60 €/m³" in told
    assert "συνολικά 120,0 m³, από αυτά 100,0 πάνω από το αναμενόμενο (83" in told


def test_an_entry_is_found_by_the_beginning_of_its_id(connection):
    assert find_entry(connection, str(WATER)[:8].upper()) == WATER
    assert find_entry(connection, str(WATER)) == WATER


@pytest.mark.parametrize("name", ["zz", "%", "_", "", str(UUID(int=7)), "' OR true --"])
def test_an_unknown_entry_is_told(connection, name):
    with pytest.raises(LookupError, match="cost entry"):
        find_entry(connection, name)


def test_an_ambiguous_beginning_is_told(connection):
    ids = [str(c.id) for c in week_city.costs()]
    first = next(i[0] for i in ids if sum(other[0] == i[0] for other in ids) > 1)
    with pytest.raises(LookupError, match="more than one"):
        find_entry(connection, first)


def test_the_largest_of_the_last_day_and_an_incidents_entries(connection):
    lines = largest(connection)
    assert [(line.kind, line.amount) for line in lines] == [
        (CostKind.WATER, 1000),
        (CostKind.WATER, 60),
    ]
    assert find_entry(connection, "largest") == lines[0].id
    assert len(of_incident(connection, "2026-0002")) == 7
    with pytest.raises(LookupError, match="2026-9999"):
        of_incident(connection, "2026-9999")


def test_the_command_lists_and_traces(command):
    listed = command("trace")
    assert listed.exit_code == 0 and str(WATER)[:8] in listed.stdout
    traced = command("trace", str(WATER)[:8])
    assert traced.exit_code == 0 and "ΜΕΤΡΗΣΗ ΤΗΣ ΑΠΩΛΕΙΑΣ" in traced.stdout
    assert str(LABOUR)[:8] in command("trace", "2026-0002").stdout


def test_json_is_one_object_with_all_readings(command):
    told = json.loads(command("trace", str(WATER), "--json").stdout)
    assert told["entry"]["amount"] == "60.00" and told["entry"]["kind"] == "water"
    assert len(told["lost"]["readings"]) == 9
    assert told["alerts"][0]["alert"]["severity"] == "critical"
    lines = json.loads(command("trace", "--json").stdout)
    assert lines["entries"][0]["amount"] == "1000.00"


def test_errors_tell_what_to_do(command, monkeypatch):
    assert isinstance(command("trace", "ffffffff-ffff").exception, LookupError)
    missing = command("report").exception  # the example city is not in this database
    assert isinstance(missing, LookupError) and "kel load" in str(missing)
    monkeypatch.setenv("KEL_DATABASE", "postgresql://kel@127.0.0.1:1/kel")
    assert type(command("trace").exception).__name__ == "OperationalError"
    wrong = command("report", "--week", "2026-W54").exception
    assert isinstance(wrong, ValueError) and "no week 54" in str(wrong)


def test_a_database_without_an_entry_or_a_schema_is_told(server, monkeypatch):
    import psycopg

    empty = make_database(server, "empty", week_city.city(), OPENED)
    with psycopg.connect(server.url, password=server.password, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    monkeypatch.setenv("KEL_DATABASE_PASSWORD", server.password)
    for url, words in (
        (empty.database, "no cost entry yet"),
        (server.url.removesuffix("/kel") + "/bare", "kel migrate"),
    ):
        monkeypatch.setenv("KEL_DATABASE", url)
        error = CliRunner().invoke(kel, ["trace"]).exception
        assert isinstance(error, LookupError) and words in str(error)
