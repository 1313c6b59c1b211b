"""`kel devices` on a real database, a city's folder and, once, the whole line."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg import Connection

from kel.cli import kel
from kel.model.ids import make_id
from kel.model.message import Batch, Message
from kel.model.moment import MINUTE_US, to_us
from kel.model.request import Reject
from kel.run.cityfiles import fingerprint
from kel.store.registry import CHANNEL, city_version
from kel.store.rejects import put_rejects
from kel.topics import RAW, partition_of
from tests.builders.running import FOLDER, OPENED, System, wait_until

pytestmark = pytest.mark.integration

START = to_us(OPENED)
NEW = {
    "--class": "fire",
    "--id": "fs-90",
    "--name": "Αισθητήρας 90",
    "--community": "drosia",
    "--lat": "38.1180",
    "--lon": "23.8560",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city's folder that a test may change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "city"))


def run(system: System, folder: Path, *arguments: str, **more: str) -> Result:
    environment = {**system.environment("kel-desk"), "KEL_CITY": str(folder), **more}
    return CliRunner().invoke(kel, ["devices", *arguments], env=environment)


def adopt(system: System, folder: Path, *more: str, **given: str) -> Result:
    options = {**NEW, **{f"--{k}": v for k, v in given.items()}}
    told = [word for pair in options.items() for word in pair]
    return run(system, folder, "adopt", "kel", "fs-90", *told, *more)


def listed(system: System, folder: Path, *arguments: str) -> dict[str, dict[str, object]]:
    told = run(system, folder, "list", "--json", *arguments)
    assert told.exit_code == 0, told.output
    return {line["id"]: line for line in json.loads(told.stdout)}


def text(folder: Path, cls: str) -> str:
    return (folder / f"devices/{cls}.csv").read_text("utf-8")


def state(connection: Connection, device: str) -> object:
    row = connection.execute("SELECT state FROM device WHERE id = %s", [device]).fetchone()
    return row and row[0]


def come_to(connection: Connection, minute: int) -> None:
    """The time that the stream has come to."""
    insert = (
        "INSERT INTO progress (topic, partition, topic_id, next, tick) VALUES (%s, 0, 't', 1, %s)"
    )
    connection.execute(insert, [RAW, OPENED + timedelta(minutes=minute)])


def status(connection: Connection, device: str, minute: int, online: bool) -> None:
    connection.execute(
        "UPDATE device SET online = %s, online_at = %s WHERE id = %s",
        [online, OPENED + timedelta(minutes=minute), device],
    )


def latest(connection: Connection, device: str, minute: int, metrics: str = "{}") -> None:
    at = OPENED + timedelta(minutes=minute)
    connection.execute(
        "INSERT INTO device_latest SELECT number, %s, %s, %s FROM device WHERE id = %s",
        [at, at, metrics, device],
    )


def speak(connection: Connection, *strangers: str) -> None:
    """Each of them says something that is refused."""
    with connection.transaction(), connection.cursor() as cursor:
        for who in strangers:
            plain = (f"kel/v1/drosia/{who}/telemetry", b"{}", 2, "unknown_device", "", None)
            put_rejects(cursor, [Reject(make_id(who), OPENED, *plain, "kel", who)])


def test_who_is_heard_and_who_is_not(system: System, connection: Connection, folder: Path) -> None:
    """Meters report every 5 minutes, so 15 without a word is silence; it is 01:00 in the stream."""
    latest(connection, "zm-01", 50)
    latest(connection, "zm-02", 44)
    latest(connection, "zm-03", 50)
    latest(connection, "zm-04", 50)
    latest(connection, "zm-05", 40)
    status(connection, "zm-03", 55, False)  # its last will, after its last reading
    status(connection, "zm-04", 45, False)  # a reading came later
    status(connection, "zm-05", 58, True)  # born again, nothing measured yet
    come_to(connection, 60)
    found = listed(system, folder, "--class", "zone")
    told = {id_: found[id_]["presence"] for id_ in ("zm-01", "zm-02", "zm-03", "zm-04", "zm-05")}
    assert told == {
        "zm-01": "online",
        "zm-02": "silent",
        "zm-03": "offline",
        "zm-04": "online",
        "zm-05": "online",
    }
    assert found["zm-06"]["presence"] == "unheard"
    assert set(listed(system, folder, "--state", "offline")) == {"zm-03"}
    assert set(listed(system, folder, "--state", "silent")) == {"zm-02"}
    shown = run(system, folder, "list", "--class", "zone", "--zone", "z02")
    assert "Συσκευές (1), 01/10 04:00" in shown.output
    assert "σιωπηλή" in shown.output
    assert "πριν 16′" in shown.output


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--zone", "there is no zone nosuch; known: z01, z02, "),
        ("--class", "there is no class nosuch; known: pump, zone, "),
    ],
)
def test_what_the_city_does_not_have_is_no_empty_list(
    system: System, option: str, told: str
) -> None:
    answer = run(system, FOLDER, "list", option, "nosuch")
    assert answer.exit_code == 1
    assert told in str(answer.exception)


def test_battery_and_radio_are_shown_from_where_they_are_told(
    system: System, connection: Connection, folder: Path
) -> None:
    latest(connection, "ls-01", 50, '{"battery": 12, "pressure": 4.2}')
    for minute, value in ((49, -50.0), (50, -97.0)):
        connection.execute(
            "INSERT INTO reading_other SELECT %s, number, 'rssi', %s FROM device"
            " WHERE id = 'ls-01'",
            [OPENED + timedelta(minutes=minute), value],
        )
    come_to(connection, 60)
    assert listed(system, folder, "--search", "LS-01")["ls-01"]["signs"] == {
        "battery": 12,
        "rssi": -97.0,
    }
    shown = run(system, folder, "list", "--search", "ls-01").output
    assert "12%" in shown
    assert "−97 dBm" in shown


def test_a_stranger_is_adopted_into_folder_and_database(
    system: System, connection: Connection, folder: Path
) -> None:
    before = text(folder, "fire")
    connection.execute(f"LISTEN {CHANNEL}")
    told = adopt(system, folder, "--no-retry")
    assert told.exit_code == 0, told.output
    line = "fs-90,Αισθητήρας 90,drosia,38.118,23.856,kel\n"
    assert text(folder, "fire") == before + line  # its comment and order stand as they were
    assert state(connection, "fs-90") == "active"
    assert city_version(connection) == fingerprint(folder)
    assert [n.channel for n in connection.notifies(timeout=5, stop_after=1)] == [CHANNEL]
    again = adopt(system, folder, "--no-retry")
    assert "there is a device fs-90 already" in again.output


def test_what_is_missing_is_said_with_a_guess(
    system: System, connection: Connection, folder: Path
) -> None:
    told = run(system, folder, "adopt", "kel", "fs-90", "--id", "fs-90")
    assert told.exit_code == 2
    assert "say --class, --name, --community, --lat, --lon" in told.output


MISTAKES = [
    ({"community": "nowhere"}, ["devices/fire.csv:15: community: there is no community nowhere"]),
    ({"lat": "12.0"}, ["devices/fire.csv:15: lat: "]),
    ({"id": "UPPER"}, ["no id"]),
    ({"class": "pump"}, ["as a pump, say --attribute design_flow=… --attribute design_head=…"]),
    ({"class": "lamp"}, ["as a lamp, say --attribute rated_power=…"]),
    ({"parent": "nobody"}, ["parent: there is no device nobody"]),
    ({"name": "a\nb"}, ["a cell is one line of text"]),
    ({"class": "fires"}, ["there is no class fires; did you mean fire?"]),
]


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_a_row_that_makes_a_mistake_leaves_folder_and_database(
    system: System, connection: Connection, folder: Path, given: dict[str, str], told: list[str]
) -> None:
    before = fingerprint(folder)
    answer = adopt(system, folder, **given)
    assert answer.exit_code != 0
    said = answer.output + str(answer.exception)
    assert all(part in said for part in told), said
    assert fingerprint(folder) == before
    assert [p.name for p in folder.rglob(".*")] == []
    assert state(connection, given.get("id", "fs-90")) is None


def test_a_folder_that_cannot_be_written_says_which_line_to_add(
    system: System, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("kel.city.writing._write_part", frozen)
    before = fingerprint(folder)
    told = adopt(system, folder).output
    assert "fire.csv cannot be written (Read-only file system)" in told
    assert "\nfs-90,Αισθητήρας 90,drosia,38.118,23.856,kel\n" in told
    assert "kel rejected retry --source kel --address fs-90" in told
    assert fingerprint(folder) == before


def test_a_device_is_retired_and_comes_back(
    system: System, connection: Connection, folder: Path
) -> None:
    before = text(folder, "camera")
    assert run(system, folder, "retire", "cam-01").exit_code == 0
    assert state(connection, "cam-01") == "retired"
    after = text(folder, "camera")
    assert ",source,state\n" in after
    assert after.count("retired") == 1
    assert set(listed(system, folder, "--state", "retired")) == {"cam-01"}
    assert "τίποτε" in run(system, folder, "retire", "cam-01").output
    told = run(system, folder, "reinstate", "cam-01")
    assert told.exit_code == 0
    assert "retry" not in told.output  # it would leave a camera's messages alone
    assert state(connection, "cam-01") == "active"
    assert text(folder, "camera").replace(",state\n", "\n").replace(",\n", "\n") == before


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("la-01-001", "laid out by feeder f01 in feeders.csv"),
        ("cam-1", "there is no device cam-1; did you mean cam-"),
        ("'; DROP TABLE device; --", "there is no device"),
    ],
)
def test_what_has_no_row_cannot_be_retired(
    system: System, folder: Path, device: str, told: str
) -> None:
    answer = run(system, folder, "retire", device)
    assert answer.exit_code == 1
    assert told in str(answer.exception)


@pytest.mark.parametrize("form", ["csv", "geojson"])
def test_what_was_exported_is_imported_and_changes_nothing(
    system: System, connection: Connection, folder: Path, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"all.{form}"
    told = run(system, folder, "export", "--format", form, "-o", str(file))
    assert told.exit_code == 0, told.output
    assert "φωτιστικά του feeders.csv δεν έχουν δική τους γραμμή" in told.output
    before = fingerprint(folder)
    rows = "SELECT id, state, lat, lon, address, attributes FROM device ORDER BY id"
    stored = connection.execute(rows).fetchall()
    told = run(system, folder, "import", str(file))
    assert told.exit_code == 0, told.output + str(told.exception)
    assert "0 αρχεία άλλαξαν" in told.output
    assert fingerprint(folder) == before
    assert connection.execute(rows).fetchall() == stored


def test_many_devices_come_at_once(
    system: System, connection: Connection, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    lines = [f"fs-{n},Αισθητήρας {n},drosia,38.118,23.856,kel" for n in range(50, 90)]
    lines.append("fs-01,Άλλο όνομα,agios-stefanos,38.13095,23.86319,kel")
    file.write_text("id,name,community,lat,lon,source\n" + "\n".join(lines), "utf-8")
    assert "41 συσκευές" in run(system, folder, "import", str(file), "--class", "fire").output
    names = "SELECT count(*), max(name) FILTER (WHERE id = 'fs-01') FROM device WHERE cls = 'fire'"
    rows = len(text(folder, "fire").splitlines()) - 2
    assert connection.execute(names).fetchone() == (rows, "Άλλο όνομα")


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["fs-50"], "Ό,τι έλεγαν ως άγνωστες: kel rejected retry --source kel --address fs-50\n"),
        (["fs-51"], ""),
        (
            ["fs-50", "fs-60", "fs-70", "fs-80"],
            "Ό,τι έλεγαν ως άγνωστες: kel rejected retry --reason unknown_device\n",
        ),
    ],
)
def test_strangers_that_are_imported_are_told_how_to_hear_what_they_said(
    system: System,
    connection: Connection,
    folder: Path,
    tmp_path: Path,
    ids: list[str],
    told: str,
) -> None:
    speak(connection, *(f"fs-{n}" for n in (50, 60, 70, 80)))
    file = tmp_path / "new.csv"
    lines = [f"{id_},Αισθητήρας,drosia,38.118,23.856,kel" for id_ in ids]
    file.write_text("\n".join(["id,name,community,lat,lon,source", *lines]), "utf-8")
    answer = run(system, folder, "import", str(file), "--class", "fire")
    assert answer.exit_code == 0, answer.output
    count = "1 συσκευή" if len(ids) == 1 else f"{len(ids)} συσκευές"
    assert answer.output == f"{count}, 1 αρχείο άλλαξε\n{told}"


IMPORTS = [
    (
        "a.csv",
        "id,name,community,lat,lon,source,colour\nfs-50,Α,drosia,38.118,23.856,kel,red\n",
        ["a.csv:1: colour: there is no such column"],
    ),
    (
        "a.csv",
        "id,name,community,lat,lon,source\nfs-50,Α,drosia,38.118,23.856,kel\n"
        "fs-51,Β,nowhere,38.118,23.856,kel\n,Γ,drosia,38.118,23.856,kel\n",
        ["a.csv:4: id: is missing"],
    ),
    (
        "a.csv",
        "id,name,community,lat,lon,source\nfs-50,Α,drosia,38.118,23.856,kel\n"
        "fs-51,Β,nowhere,38.118,23.856,kel\nfs-52,Γ,drosia,x,23.856,kel\n",
        ["a.csv:3: community: there is no community nowhere", "a.csv:4: lat: "],
    ),
    ("a.csv", "id;name\n", ["separated by commas"]),
    ("a.csv", "", ["no header"]),
    ("a.txt", "x", ["a .csv or a .geojson file"]),
    ("a.geojson", "{", ["a.geojson:1: syntax: not JSON"]),
    ("a.geojson", '{"type": "Feature"}', ["should be FeatureCollection"]),
    (
        "a.geojson",
        '{"type": "FeatureCollection", "features": [\n'
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [23.856, 38.118]},\n'
        ' "properties": {"id": "fs-50", "name": "Α", "community": "nowhere", "source": "kel"}},\n'
        '{"type": "Feature", "geometry": null, "properties": {}},\n'
        '{"type": "Feature", "geometry": {"type": "LineString", "coordinates": [1, 2]},\n'
        ' "properties": {"id": "x"}}]}',
        ["a.geojson:4: features.1: should be a Feature", "a.geojson:5: ", "should be a Point"],
    ),
]


@pytest.mark.parametrize(("name", "content", "told"), IMPORTS)
def test_an_import_with_a_mistake_changes_nothing_and_names_all(
    system: System, folder: Path, tmp_path: Path, name: str, content: str, told: list[str]
) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8")
    before = fingerprint(folder)
    answer = run(system, folder, "import", str(file), "--class", "fire")
    assert answer.exit_code == 1
    said = str(answer.exception)
    assert all(part in said for part in told), said
    assert fingerprint(folder) == before


# the whole way


def spoken(minute: int) -> Message:
    at = START + minute * MINUTE_US
    payload = f'{{"ts": {at // 1000}, "smoke": {minute}, "humidity": 40}}'.encode()
    return Message("kel/v1/drosia/fs-90/telemetry", payload, at)


def test_a_stranger_speaks_is_adopted_and_its_first_readings_are_there(
    system: System, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kel.run.registry.PATIENCE_S", 60.0)
    worker = system.start("worker", KEL_CITY=str(folder))
    partition = partition_of("topic:kel/v1/drosia", system.settings().partitions)
    system.write_batches((partition, Batch((spoken(n),), START)) for n in range(12))
    drafts = "SELECT count FROM draft WHERE address = 'fs-90'"
    wait_until(lambda: connection.execute(drafts).fetchone() == (12,), 60, "the draft")
    told = run(system, folder, "list", "--drafts")
    assert "Άγνωστες συσκευές (1)" in told.output
    assert "fire, drosia" in told.output
    assert "άγνωστη συσκευή περιμένει" in run(system, folder, "list").output
    lacks = run(system, folder, "adopt", "kel", "fs-90", "--id", "fs-90", "--name", "x")
    assert "say --class (probably fire), --community (probably drosia)" in lacks.output
    told = adopt(system, folder)
    assert told.exit_code == 0, told.output
    assert "Δεκτά: 12\n" in told.output
    readings = "SELECT array_agg(smoke ORDER BY time) FROM reading_fire"
    assert connection.execute(readings).fetchone() == ([float(n) for n in range(12)],)
    assert connection.execute("SELECT count(*) FROM reject").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)
    assert connection.execute("SELECT sum(rejects) FROM reject_count").fetchone() == (12,)
    assert worker.ended is None, worker.tail()


def test_adopted_while_kafka_is_away_what_it_said_waits(
    system: System, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> str:
        raise ConnectionError("no Kafka at 127.0.0.1:9092")

    message = spoken(1)
    with connection.transaction(), connection.cursor() as cursor:
        plain = ("x", OPENED, message.topic, message.payload, len(message.payload))
        reject = Reject(make_id(*plain), *plain[1:], "unknown_device", "", None, "kel", "fs-90")
        put_rejects(cursor, [reject])
    monkeypatch.setattr("kel.run.retry.ensure_topic", away)
    told = adopt(system, folder)
    assert told.exit_code == 1
    assert "adopted; what it said so far waits among the rejects (no Kafka" in told.output
    assert "kel rejected retry --source kel --address fs-90" in told.output
    assert state(connection, "fs-90") == "active"
    assert connection.execute("SELECT count(*), count(retried_at) FROM reject").fetchone() == (1, 0)
