"""`kel doctor` on real parts: a line for each thing that is wrong, none where nothing is."""

import asyncio
import resource
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from kel.run import doctor
from kel.run.doctor import problems, reach
from kel.run.doctor_database import refusal, server_problem, skew_problem
from kel.settings import Settings
from kel.stack.child import Child
from kel.store.connect import connect
from kel.store.migrate import migrate
from kel.topics import BRIDGE, RAW
from tests.builders.database import running_postgres
from tests.builders.running import FOLDER, System, fresh_database, wait_until

pytestmark = pytest.mark.integration

SLOWEST_S = 15.0
TEST_LOGIN = "doctor_test_login"


def usual(system: System, **more: object) -> Settings:
    return system.settings("kel-bridge", **more)


def the_problem(settings: Settings) -> str:
    """The one line that is told."""
    found = problems(settings)
    assert len(found) == 1, found
    assert "\n" not in found[0]
    return found[0]


def test_nothing_is_wrong_with_a_healthy_stack(system: System) -> None:
    assert problems(usual(system)) == []


def test_the_command_says_so_and_its_exit_code_follows(system: System) -> None:
    def run(**more: str) -> tuple[str, int | None]:
        child = Child(
            "doctor",
            [sys.executable, "-m", "kel.cli", "doctor"],
            system.stack.folder / "doctor.log",
            env=system.environment("kel-bridge", **more),
        )
        child.log.unlink(missing_ok=True)
        child.start()
        wait_until(lambda: child.ended is not None, SLOWEST_S)
        return child.log.read_text("utf-8"), child.ended

    assert run() == ("✓ nothing is wrong\n", 0)
    text, code = run(KEL_MQTT_PASSWORD="wrong", KEL_KAFKA=f"127.0.0.1:{closed_port()}")
    assert code == 1
    assert [line[0] for line in text.splitlines()] == ["✗", "✗"]
    text, code = run(KEL_PARTITIONS="many")
    assert (text[:20], code) == ("kel: KEL_PARTITIONS:", 1)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# ports, logins, names: nothing is broken, the settings are


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: {"mqtt_port": closed_port()}, "nobody listens there"),
        (lambda s: {"mqtt_host": "no-such-host.invalid"}, "the host name is unknown"),
        (lambda s: {"mqtt_password": SecretStr("wrong")}, "check KEL_MQTT_USER, KEL_MQTT_PASSWORD"),
        (lambda s: {"mqtt_user": "nobody-known"}, "asked as KEL_MQTT_USER=nobody-known"),
        (
            lambda s: {
                "mqtt_user": "kel-desk",
                "mqtt_password": SecretStr(s.stack.mosquitto.passwords["kel-desk"]),
            },
            "`topic read $SYS/#` in the acl file",
        ),
        (lambda s: {"kafka": f"127.0.0.1:{closed_port()}"}, "nobody listens there"),
        (lambda s: {"kafka": "127.0.0.1"}, "is not host:port"),
        (lambda s: {"kafka": f"127.0.0.1:{s.stack.mosquitto.port}"}, "does not answer as it"),
        (lambda s: {"partitions": 24}, "set KEL_PARTITIONS=12"),
        (lambda s: {"database": "postgres//oops"}, "KEL_DATABASE is no address"),
        (
            lambda s: {"database": f"postgresql://kel@127.0.0.1:{closed_port()}/kel"},
            "nobody listens there",
        ),
        (lambda s: {"database_password": SecretStr("wrong")}, "set KEL_DATABASE_PASSWORD"),
        (lambda s: {"database_password": SecretStr("")}, "set KEL_DATABASE_PASSWORD"),
        (
            lambda s: {"database": s.stack.postgres.url + "_of_nobody"},
            "`CREATE DATABASE kel_of_nobody OWNER kel`",
        ),
        (
            lambda s: {"lamps_per_feeder": 5},
            "48 devices of the city are not in the database",
        ),
        (lambda s: {"city": FOLDER / "nowhere"}, "there is no such folder"),
    ],
)
def test_a_wrong_setting(
    system: System, change: Callable[[System], dict[str, object]], told: str
) -> None:
    assert told in the_problem(usual(system, **change(system)))


def test_a_mistake_in_the_city(system: System, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "city")
    rules = tmp_path / "city/rules.toml"
    rules.write_text(rules.read_text("utf-8").replace('unit = "bar"', 'unit = "kW"', 1), "utf-8")
    told = the_problem(usual(system, city=tmp_path / "city"))
    assert "rules.toml:" in told
    assert f"`kel check {tmp_path / 'city'}`" in told


# the database and what it holds


@pytest.mark.parametrize(
    ("broken_by", "told"),
    [
        ("DELETE FROM migration WHERE name LIKE '0006%'", "run `kel migrate`"),
        ("DELETE FROM device WHERE id = 'ps-07'", "1 device of the city is not in the database"),
        ("ALTER TABLE reading_pump DROP COLUMN head", "no column for reading_pump.head"),
        ("GRANT INSERT ON incident, stock TO kel_reader", "kel_reader may write incident, stock:"),
        ("GRANT SELECT ON contact TO kel_reader", "kel_reader may read contact, which may hold"),
        (
            "INSERT INTO progress VALUES ('kel.raw', 0, 'another', 7)",
            "`kel doctor --forget-topic`",
        ),
        (
            "INSERT INTO progress VALUES "
            "('another', 0, 'x', 7, NULL, now() - interval '25 minutes')",
            "not brought on for 25 minutes",
        ),
        (
            "INSERT INTO health VALUES ('lag', 0, now(), 'α', 'all is well', 0, now()), "
            "('outbox', 1, now(), 'β', '3 messages wait', 0, now())",
            "3 messages wait (docs/runbook.md: outbox)",
        ),
        (
            "INSERT INTO health VALUES "
            "('outbox', 2, now(), 'β', '3 messages wait', 0, now() - interval '4 minutes')",
            "nobody has examined KEL's own health for 4 minutes",
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
            " current_database()); END $$",
            "the database takes no writes",
        ),
    ],
)
def test_something_wrong_in_the_database(system: System, broken_by: str, told: str) -> None:
    with connect(system.database) as connection:
        connection.execute(broken_by.encode())
    assert told in the_problem(usual(system))


@contextmanager
def login(system: System, grants: str) -> Iterator[dict[str, object]]:
    """A role of the database that is not its owner."""
    with connect(system.database) as connection:
        connection.execute(f"CREATE ROLE {TEST_LOGIN} LOGIN PASSWORD 'x'".encode())
        connection.execute(grants.format(login=TEST_LOGIN).encode() if grants else b"SELECT")
        try:
            yield {
                "database": system.database.database.replace("//kel@", f"//{TEST_LOGIN}@"),
                "database_password": SecretStr("x"),
            }
        finally:
            connection.execute(f"DROP OWNED BY {TEST_LOGIN}".encode())
            connection.execute(f"DROP ROLE {TEST_LOGIN}".encode())


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        (
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}",
            "may not write alert, alert_restated and",
        ),
        ("", f"{TEST_LOGIN} may not even look"),
    ],
)
def test_a_role_without_rights(system: System, grants: str, told: str) -> None:
    with login(system, grants) as settings:
        assert told in the_problem(usual(system, **settings))


def test_an_empty_database(system: System) -> None:
    with fresh_database(system.stack, "doctor_bare", None) as bare:
        told = the_problem(usual(system, database=bare.database))
    assert "lacks the migration 0001_city.sql" in told


def test_timescaledb_is_not_loaded(system: System) -> None:
    with running_postgres() as postgres:
        settings = usual(
            system, database=postgres.url, database_password=SecretStr(postgres.password)
        )
        with connect(settings) as connection:
            migrate(connection)
            connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'plpgsql'")
        postgres.child.end()
        postgres.child.start()
        wait_until(lambda: reach("127.0.0.1", postgres.port, "", "") is None)
        assert "set shared_preload_libraries = 'timescaledb'" in the_problem(settings)


# the stream


def test_the_topic_is_missing(system: System) -> None:
    async def remove() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=system.settings().kafka)
        await admin.start()
        try:
            await admin.delete_topics([RAW])
            while RAW in await admin.list_topics():
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    asyncio.run(remove())
    assert "start `kel bridge` once" in the_problem(usual(system))


def test_the_bridge_has_gone(system: System) -> None:
    with system.link("kel-bridge") as link:
        link.publish([(BRIDGE.format(bridge="bridge"), b"offline")], retain=True)
    assert "start `kel bridge`" in the_problem(usual(system))


# the machine


def test_too_few_files_may_be_open(system: System) -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    try:
        assert "ulimit -n 4096" in the_problem(usual(system))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def test_the_disk_is_full(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK_GB", 10**9)
    assert all("free on the disk of" in line for line in problems(usual(system)))
    assert problems(usual(system))


@pytest.mark.parametrize(("off_s", "told"), [(0, False), (-1, False), (90, True), (-90, True)])
def test_the_clocks_differ(off_s: int, told: bool) -> None:
    here = datetime(2026, 10, 18, 12, tzinfo=UTC)
    asked = timedelta(seconds=1)  # a slow answer is no skew
    problem = skew_problem(here, here + timedelta(seconds=off_s), here + asked)
    assert bool(problem) == told
    assert not problem or "NTP" in problem


@pytest.mark.parametrize(("number", "told"), [(150000, False), (170004, False), (140009, True)])
def test_an_old_postgres(number: int, told: bool) -> None:
    assert bool(server_problem(number)) == told


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("mosquitto version 2.0.11", 0),
        ("mosquitto version 1.6.12", 1),
        ("EMQX", 0),
        ("", 0),
        (None, 1),
    ],
)
def test_an_old_broker(version: str | None, told: int) -> None:
    assert len(list(doctor._version(version, "kel-bridge"))) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "kel"',
            "add a line to that file",
        ),
        ('FATAL:  extension "timescaledb" must be preloaded', "TimescaleDB is not loaded"),
        ("FATAL:  sorry, too many clients already", "sorry, too many clients already"),
    ],
)
def test_what_a_server_may_say_to_a_login(said: str, told: str) -> None:
    line = refusal(f"connection failed: connection to server failed: {said}\n", "kel", "kel")
    assert told in line
    assert "\n" not in line


# it ends in time


def test_parts_that_listen_and_say_nothing(system: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept = []

        def take() -> None:
            while True:
                try:
                    kept.append(silent.accept())
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        port = silent.getsockname()[1]
        started = time.monotonic()
        found = problems(
            usual(
                system,
                mqtt_port=port,
                kafka=f"127.0.0.1:{port}",
                database=f"postgresql://kel@127.0.0.1:{port}/kel",
            )
        )
        assert time.monotonic() - started < SLOWEST_S
    assert len(found) == 3


def test_a_check_that_hangs_or_breaks_is_a_line_too(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: Settings) -> Iterator[str]:
        yield "a first line"
        raise RuntimeError("oh\nno")

    def hangs(_: Settings) -> Iterator[str]:
        time.sleep(5)
        yield "never heard"

    monkeypatch.setattr(doctor, "_kafka", breaks)
    monkeypatch.setattr(doctor, "_database", hangs)
    assert problems(usual(system), limit_s=2) == [
        "a first line",
        "Kafka: unforeseen RuntimeError: oh",
        "the database: no answer in time; is that machine overloaded or hung?",
    ]
