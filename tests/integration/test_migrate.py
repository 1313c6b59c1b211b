"""Migrations on the real database: in order, once, and never another than what was applied."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from kel.model.order import AWAITED_FOR
from kel.store import migrate as module
from kel.store.connect import connect, query
from kel.store.load import load
from kel.store.migrate import ChangedMigrationError, migrate, migrations, pending
from kel.store.rows import incident_of
from tests.builders.running import OPENED, example, fresh_database

pytestmark = pytest.mark.integration

SCHEMA = """
SELECT 'column', table_name, column_name,
    data_type || ' ' || is_nullable || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'view', viewname, '', definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'right', table_name, privilege_type, grantee
FROM information_schema.role_table_grants WHERE table_schema = 'public'
ORDER BY 1, 2, 3, 4"""


@pytest.fixture
def empty(stack):
    """A connection to a database without anything."""
    with fresh_database(stack, "bare", None) as settings, connect(settings) as connection:
        yield connection


def schema(connection):
    return connection.execute(SCHEMA).fetchall()


def test_each_is_applied_once_and_a_second_time_changes_nothing(empty):
    names = [file.name for file in migrations()]
    assert pending(empty) == names
    assert migrate(empty) == names
    made = schema(empty)
    assert pending(empty) == []
    assert migrate(empty) == []
    assert schema(empty) == made


def test_loading_the_city_again_changes_no_schema_and_no_number(empty, connection):
    migrate(empty)
    first = load(empty, example().city, OPENED)
    made = schema(empty)
    assert load(empty, example().city, OPENED) == first
    assert schema(empty) == made == schema(connection)  # the latter is a copy of the template
    opened = "SELECT count(*), sum(quantity) FROM movement WHERE kind = 'opening'"
    assert empty.execute(opened).fetchone() == connection.execute(opened).fetchone()


def test_applied_one_release_after_the_other_it_is_the_same_schema(empty, monkeypatch, connection):
    files = migrations()
    for count in range(1, len(files) + 1):
        monkeypatch.setattr(module, "migrations", lambda *_, n=count: files[:n])
        assert migrate(empty) == [files[count - 1].name]
    load(empty, example().city, OPENED)
    assert schema(empty) == schema(connection)


def test_who_was_assigned_and_who_was_called_is_known_after_0016(empty, monkeypatch):
    """A crew is what the incident is to get, anybody else is responsible; calls count on."""
    files = migrations()
    before = [f.name for f in files].index("0016_called.sql")
    monkeypatch.setattr(module, "migrations", lambda *_: files[:before])
    migrate(empty)
    empty.execute("INSERT INTO crew VALUES ('water-1', 'Ύδρευση 1', 38.1, 23.8)")
    for number, assigned in (("2026-0001", "water-1"), ("2026-0002", "Μ. Δήμου")):
        empty.execute(
            "INSERT INTO incident (id, number, category, severity, state, community, lat, lon,"
            " title, opened_at, started_at, alerts, requests, assigned, called_at) VALUES"
            " (md5(%s)::uuid, %s, 'pump', 3, 'open', 'drosia', 38.1, 23.8, '', %s, %s, '{}',"
            " '{}', %s, %s)",
            [number, number, OPENED, OPENED, assigned, OPENED],
        )
    for n, (who, minutes) in enumerate((("day", 5), ("day", 15), ("boss", 10))):
        call = {"call": str(n), "who": who, "incident": "2026-0001"}
        empty.execute(
            "INSERT INTO outbox VALUES (md5(%s)::uuid, 'kel/v1/calls', %s, %s, %s)",
            [str(n), Jsonb(call), OPENED + timedelta(minutes=minutes), OPENED],
        )
    empty.execute(
        "INSERT INTO incident_event (id, incident, at, what, who, why)"
        " VALUES (md5('e')::uuid, md5('2026-0002')::uuid, %s, 'assigned', 'Άννα', '')",
        [OPENED],
    )

    monkeypatch.setattr(module, "migrations", lambda *_: files)
    migrate(empty)
    found = empty.execute(query("current_incidents"), [AWAITED_FOR]).fetchall()
    first, second = sorted((incident_of(row) for row in found), key=lambda i: i.number)
    assert (first.crew, first.assigned, first.seen_at) == ("water-1", None, None)
    assert (second.crew, second.assigned, second.seen_at) == (None, "Μ. Δήμου", OPENED)
    assert (first.called, second.called) == (
        {"day": OPENED + timedelta(minutes=15), "boss": OPENED + timedelta(minutes=10)},
        {},
    )


def test_a_migration_that_was_changed_after_it_was_applied_is_refused_by_name(empty, monkeypatch):
    migrate(empty)
    second = migrations()[1].name
    empty.execute("UPDATE migration SET sha256 = 'other' WHERE name = %s", [second])
    with pytest.raises(ChangedMigrationError, match=second):
        migrate(empty)


def test_a_migration_that_fails_leaves_nothing_behind(empty, monkeypatch, tmp_path):
    good, bad = tmp_path / "0001_good.sql", tmp_path / "0002_bad.sql"
    good.write_text("CREATE TABLE good (a integer);")
    bad.write_text("CREATE TABLE half (a integer); SELECT nonsense;")
    monkeypatch.setattr(module, "migrations", lambda *_: [good, bad])
    with pytest.raises(Exception, match="nonsense"):
        migrate(empty)
    assert pending(empty) == [bad.name]
    tables = empty.execute("SELECT to_regclass('good'), to_regclass('half')").fetchone()
    assert tables == ("good", None)


@pytest.mark.parametrize("ledger", ["incident_event", "order_event", "movement", "cost_entry"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET at = at", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_a_ledger_refuses_to_be_changed(connection, ledger, change):
    with pytest.raises(Exception, match=f"{ledger} is a ledger"):
        connection.execute(change.format(ledger))
