"""What compose.yaml runs besides the images: the broker's entry, and KEL's own commands."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from kel.cli import kel
from kel.metrics import Metric, serve
from kel.run.expose import TURN
from kel.settings import Settings
from kel.stack.child import Child
from kel.stack.folder import free_port, make_folder, other_user, private, remove_folder
from kel.stack.mosquitto import configure, wait_for_port
from kel.stack.postgres import Postgres

pytestmark = [pytest.mark.integration, pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
SECRET = "correct-horse-battery"


@pytest.fixture
def broker() -> Iterator[tuple[int, Child]]:
    """The shipped entry, configuration and ACL, with the bridge's login alone."""
    folder = make_folder()
    port, owner = free_port(), other_user("mosquitto")
    inside = private(folder / "config", owner)
    acl = inside / "acl"
    acl.write_text((ROOT / "mosquitto/acl").read_text("utf-8"), "utf-8")
    conf = inside / "mosquitto.conf"
    conf.write_text(
        configure(
            (ROOT / "mosquitto/mosquitto.conf").read_text("utf-8"),
            {
                "listener": f"{port} 127.0.0.1",
                "password_file": str(inside / "passwords"),
                "acl_file": str(acl),
                "persistence_location": f"{private(folder / 'data', owner)}/",
            },
        ),
        "utf-8",
    )
    entry = ["/bin/sh", ROOT / "mosquitto/docker-entry.sh", inside / "passwords"]
    child = Child(
        "mosquitto",
        [*entry, "/usr/sbin/mosquitto", "-c", conf],
        folder / "mosquitto.log",
        env={"MQTT_LOGIN_KEL_BRIDGE": SECRET},
    ).start()
    try:
        wait_for_port(child, port)
        yield port, child
    finally:
        child.end()
        remove_folder(folder)


def _answer(port: int, user: str, password: str) -> str:
    """What the broker says to a login."""
    said: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(user, password)
    client.on_connect = lambda *a: said.append(a[3].getName())
    client.connect("127.0.0.1", port)
    for _ in range(100):
        client.loop(0.1)
        if said:
            break
    client.disconnect()
    return said[0]


def test_the_broker_knows_the_logins_of_its_environment_and_no_other(broker):
    port, child = broker
    assert _answer(port, "kel-bridge", SECRET) == "Success"
    for user, password in (("kel-bridge", "wrong-password"), ("scada", SECRET), ("", "")):
        assert _answer(port, user, password) == "Not authorized"
    shown = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    assert b"mosquitto" in shown
    assert SECRET.encode() not in shown + Path(f"/proc/{child.pid}/environ").read_bytes()


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    folder = make_folder()
    postgres = Postgres(folder)
    try:
        postgres.prepare()
        postgres.child.start()
        postgres.ready()
        yield {
            "KEL_CITY": str(ROOT / "config/dionysos"),
            "KEL_DATABASE": postgres.url,
            "KEL_DATABASE_PASSWORD": postgres.password,
            "KEL_READER_PASSWORD": "only-reads",
        }
    finally:
        postgres.child.end()
        remove_folder(folder)


@pytest.fixture(scope="module")
def migrated(environment) -> dict[str, str]:
    for command in ("migrate", "load"):
        result = CliRunner().invoke(kel, [command], env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return environment


def _connect(environment) -> psycopg.Connection:
    return psycopg.connect(
        environment["KEL_DATABASE"],
        password=environment["KEL_DATABASE_PASSWORD"],
        autocommit=True,
    )


def _health(environment, process):
    return CliRunner().invoke(kel, ["health", process], env=environment)


def test_migrate_and_load_make_the_database_and_let_the_wall_in(migrated):
    url = migrated["KEL_DATABASE"].replace("kel@", "kel_reader@")
    with psycopg.connect(url, password="only-reads") as connection:
        ((devices,),) = connection.execute("SELECT count(*) FROM device").fetchall()
    assert devices > 2000


@pytest.mark.parametrize("process", ["bridge", "worker", "desk"])
def test_a_process_that_has_not_begun_is_not_healthy(migrated, process):
    with _connect(migrated) as connection:
        connection.execute("DELETE FROM progress")
    result = _health(migrated, process)
    assert result.exit_code == 1
    assert "has not begun" in result.output


@pytest.mark.parametrize(
    ("tick", "at", "clock", "unwell"),
    [
        (1, 1, 2, set()),
        (300, 1, 300, {"bridge"}),  # workers commit old time: nothing new comes
        (1, 300, 2, {"worker"}),
        (1, 1, 300, {"desk"}),
    ],
    ids=["all well", "bridge stands", "worker stands", "desk stands"],
)
def test_who_stands_still_is_told_apart(migrated, tick, at, clock, unwell):
    """tick, at, clock: seconds ago that the stream's time, its last commit and the desk stand."""
    with _connect(migrated) as connection:
        connection.execute("DELETE FROM progress")
        connection.execute(
            "INSERT INTO progress (topic, partition, topic_id, next, tick, at) SELECT 'kel.raw', "
            "p, 't', 1, now() - %s * interval '1 s', now() - %s * interval '1 s' "
            "FROM generate_series(0, 3) AS p",
            [tick, at],
        )
        connection.execute("UPDATE desk SET clock = now() - %s * interval '1 s'", [clock])
    found = {p for p in ("bridge", "worker", "desk") if _health(migrated, p).exit_code}
    assert found == unwell


def test_a_process_is_asked_itself_where_it_tells_its_figures(migrated):
    """Whatever the database says of the others: here nothing is in the stream at all."""
    turn, name = [time.time()], [TURN]
    port = free_port()
    end = serve(Settings(metrics_port=port), lambda: [Metric(name[0], "A turn", turn[0])])
    asked = {**migrated, "KEL_METRICS_PORT": str(port)}
    try:
        assert _health(asked, "worker").exit_code == 0
        turn[0] -= 61
        stands = _health(asked, "worker")
        assert (stands.exit_code, "61 s" in stands.output) == (1, True)
        turn[0] += 100
        assert _health(asked, "worker").exit_code == 0
        name[0] = "another"
        assert "is not KEL" in _health(asked, "worker").output
    finally:
        end()
    gone = _health(asked, "worker")
    assert gone.exit_code == 1
    assert f"KEL_METRICS_PORT={port}" in gone.output


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.0 200 OK\r\n\r\n\xff{"])
def test_what_is_no_answer_is_not_healthy(migrated, answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=take)
        thread.start()
        port = server.getsockname()[1]
        result = _health({**migrated, "KEL_METRICS_PORT": str(port)}, "desk")
        thread.join()
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
