"""Rulebooks that change while all runs: refused or taken up, and every one that was kept."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg import Connection

from kel.cli import kel
from kel.run.cityfiles import fingerprint, load_city_files
from kel.run.worker import Worker
from kel.settings import Settings
from kel.store.registry import put_version
from kel.store.rulebook import Edition, edition, keep, taken
from tests.builders.running import FOLDER, LAMPS

pytestmark = pytest.mark.integration

RULES = """
[[rule]]
id = "smoke"
kind = "threshold"
label = "Καπνός"
category = "fire"
severity = "high"
watch = { class = "fire", metric = "smoke" }
above = 5.0
unit = "%"

[[rule]]
id = "silent"
kind = "missing"
label = "Χωρίς σήμα"
category = "sensor"
severity = "low"
watch = { class = "fire" }
after = "45m"
when = "night"
"""
NIGHT = '[[calendar]]\nid = "night"\nlabel = "Νύχτα"\nhours = ["22:00", "06:00"]\n'


@pytest.fixture
def folder(tmp_path: Path, database: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example city, and commands that work on it and on the database."""
    city = tmp_path / "city"
    shutil.copytree(FOLDER, city)
    (city / "rules.toml").write_text(RULES, "utf-8")
    (city / "calendars.toml").write_text(NIGHT, "utf-8")
    for name, value in (
        ("DATABASE", database.database),
        ("DATABASE_PASSWORD", database.database_password.get_secret_value()),
        ("CITY", str(city)),
        ("LAMPS_PER_FEEDER", str(LAMPS)),
    ):
        monkeypatch.setenv(f"KEL_{name}", value)
    return city


def run(*arguments: str) -> Result:
    return CliRunner().invoke(kel, list(arguments))


def write(folder: Path, old: str, new: str) -> int:
    """Change the rulebook; tells the line where."""
    file = folder / "rules.toml"
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def versions() -> list[dict[str, object]]:
    done = run("rules", "versions", "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_rulebook_that_is_loaded_is_kept_with_what_it_changed(folder: Path) -> None:
    assert run("load").exit_code == 0
    first = load_city_files(Settings()).rulebook.version
    assert run("load").exit_code == 0  # the same again is no other version
    write(folder, "above = 5.0", "above = 6.0")
    with (folder / "rules.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[override]]\nrule = "smoke"\ncommunity = "drosia"\nabove = 7.0\n')
    with (folder / "calendars.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[calendar]]\nid = "noon"\nlabel = "Μεσημέρι"\nhours = ["12:00", "15:00"]\n')
    assert run("load").exit_code == 0
    one, two = versions()
    assert (one["version"], one["changed"], one["removed"]) == (first, [], [])
    assert one["added"] == ["calendar night", "silent", "smoke"]
    assert two["added"] == ["calendar noon", "smoke at drosia"]
    assert (two["changed"], two["removed"]) == (["smoke"], [])
    assert two["city"] == fingerprint(folder)
    text = run("rules", "show", str(two["version"])[:8]).stdout
    assert f"# version {two['version']}" in text
    assert (folder / "rules.toml").read_text("utf-8") in text
    assert (folder / "calendars.toml").read_text("utf-8") in text
    assert run("rules", "show").stdout == text  # the one in use
    assert first in run("rules", "show", first).stdout
    assert "+calendar noon, smoke at drosia  ~smoke" in run("rules", "versions").stdout


def test_a_version_that_nobody_has(folder: Path) -> None:
    assert run("load").exit_code == 0
    assert "no rulebook has version 'beef'" in str(run("rules", "show", "beef").exception)


def test_back_and_forth_is_three_times_in_use_and_two_texts(connection: Connection) -> None:
    a, b = Edition("a" * 12, "# a"), Edition("ab" * 6, "# b", "# calendars")
    for one in (a, a, b, a):
        keep(connection, one, "city-1")
    assert [t.edition for t in taken(connection)] == [a, b, a]
    moments = [t.at for t in taken(connection)]
    assert moments == sorted(moments)
    assert edition(connection, "ab")[1] == b
    with pytest.raises(LookupError, match="may be any of"):
        edition(connection, "a")


@pytest.fixture
def worker(folder: Path) -> Worker:
    assert run("load").exit_code == 0
    settings = Settings()
    found = Worker(settings, load_city_files(settings), "kafka", None)  # type: ignore[arg-type]
    found._open_store()
    return found


def test_a_bad_rulebook_is_refused_with_its_place_and_the_worker_keeps_its_own(
    folder: Path, worker: Worker, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    line = write(folder, "above = 5.0", "above = 101.0")
    place = f"rules.toml:{line}: rule."
    done = run("load")
    assert done.exit_code != 0 and place in str(done.exception)
    assert worker._read_anew() is None  # it was not loaded
    with connection.cursor() as cursor:  # … and not even if somebody says that it was
        put_version(cursor, fingerprint(folder))
    with caplog.at_level(logging.ERROR):
        assert worker._read_anew() is None
        assert worker._read_anew() is None
    (told,) = [r.getMessage() for r in caplog.records if r.name == "kel.worker"]
    assert place in told and "above: can never hold" in told
    assert len(taken(connection)) == 1


def test_a_good_one_is_taken_up_with_the_version_that_alerts_will_name(
    folder: Path, worker: Worker, connection: Connection
) -> None:
    write(folder, "above = 5.0", "above = 6.0")
    assert worker._read_anew() is None
    assert run("load").exit_code == 0
    found = worker._read_anew()
    assert found is not None
    _, files, _ = found
    assert files.rulebook.by_id["smoke"].above == 6.0  # type: ignore[attr-defined]
    assert taken(connection)[-1].edition.version == files.rulebook.version
