"""Processes that begin while the city's folder is edited: they work, say so, and take it up."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from psycopg import Connection

from kel.cli import kel
from kel.run.cityfiles import read_folder
from kel.run.loading import load_folder
from kel.stack.child import Child
from kel.store.health import HealthStore
from kel.store.rulebook import taken
from kel.topics import TELEMETRY
from tests.builders.running import FOLDER, LAMPS, System, kill, wait_until

pytestmark = pytest.mark.integration

HALF = """
[[rule]]
id = "half-written"
kind = "thresh
"""


def lines(child: Child, text: str) -> list[str]:
    return [line for line in child.log.read_text("utf-8").splitlines() if text in line]


def smoke(system: System, connection: Connection, value: float) -> None:
    """A fire sensor speaks until what it says is stored."""
    topic = TELEMETRY.format(community="agios-stefanos", device="fs-01")
    reading = {"ts": datetime.now(UTC).isoformat(), "smoke": value}
    system.say("agios-stefanos", [(topic, orjson.dumps(reading))])
    asked = "SELECT 1 FROM reading_fire WHERE smoke = %s"
    wait_until(lambda: connection.execute(asked, [value]).fetchall(), 60, "the reading")


def test_a_whole_city_that_starts_with_a_half_edited_folder(
    system: System, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "city"))
    rules = folder / "rules.toml"
    good = rules.read_text("utf-8")
    settings = system.settings(city=folder, lamps_per_feeder=LAMPS)
    first = load_folder(settings, connection, "eleni").rulebook.version
    rules.write_text(good + HALF, "utf-8")
    line = len(good.splitlines()) + 4
    place = f"{rules}:{line}: syntax"

    own = {"KEL_CITY": str(folder), "KEL_CLOCK": "system"}
    bridge = system.start_bridge(**own)
    worker = system.start("worker", **own)
    desk = system.start("desk", **own)
    smoke(system, connection, 0.5)
    kill(worker)  # and as often as it dies
    worker.start()
    smoke(system, connection, 0.6)
    for child in (bridge, worker, desk):
        told = lines(child, "as eleni loaded it")
        assert told and all(place in one for one in told), child.tail()
    assert lines(worker, f"rulebook {first} is in use: ")
    assert [t.edition.version for t in taken(connection)] == [first]

    def alarm() -> str:
        found, _ = HealthStore(connection).healths()
        known = found.get("folder")
        return known.hint if known and known.level else ""

    assert place in wait_until(alarm, 60, "the alarm")
    assert lines(desk, "alarm: folder: ")
    for name, value in system.environment(**own).items():
        if name.startswith("KEL_"):
            monkeypatch.setenv(name, value)
    doctor = CliRunner().invoke(kel, ["doctor"]).stdout
    assert doctor.count(place) == 2  # that it is wrong, and that the city runs on another one
    assert "(docs/runbook.md: folder)" in doctor

    rules.write_text(good.replace("below = 2.0\nunit", "below = 1.9\nunit", 1), "utf-8")
    second = read_folder(folder, LAMPS).rulebook.version
    for child in (bridge, worker, desk):
        wait_until(lambda c=child: lines(c, "no mistake any more"), 60, f"{child.name} takes it up")  # type: ignore[misc]
    edit = f"rulebook {second} is taken up after {first}: 0 added, 1 changed, 0 removed: ~"
    assert lines(worker, edit + "zone-pressure-low"), worker.tail()
    assert [t.edition.version for t in taken(connection)] == [first, second]
    smoke(system, connection, 0.7)
    assert all(child.ended is None for child in (bridge, worker, desk))


def test_what_a_process_says_of_itself_no_more_is_over(connection: Connection) -> None:
    put = "INSERT INTO gauge VALUES ('kept_city', %s, now() - make_interval(secs => %s), 1.8e9)"
    for part, seconds in (("here", 5), ("gone", 61)):
        connection.execute(put, [part, seconds])
    store = HealthStore(connection)
    assert list(store.signs("kel.raw", timedelta(days=7)).kept) == ["here"]
