"""Rulebooks that change while all runs: refused or taken up, and every one that was kept."""

import json
import logging
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from psycopg import Connection

from kel.cli import kel
from kel.cli.asking import user
from kel.model.mistake import MistakesError
from kel.run.city_in_use import CityInUse
from kel.run.cityfiles import fingerprint, load_city_files, packed, read_contents
from kel.run.cityfolder import CityFolder
from kel.settings import Settings
from kel.store.kept_city import kept_city
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
    told = run("load")
    assert told.exit_code == 0
    counts, changed = told.stdout.splitlines()
    assert counts.endswith("devices, 2 rules")
    assert f"is taken up after {first}: 2 added, 1 changed, 0 removed: +calendar noon" in changed
    one, two = versions()
    assert (one["version"], one["changed"], one["removed"]) == (first, [], [])
    assert one["added"] == ["calendar night", "silent", "smoke"]
    assert two["added"] == ["calendar noon", "smoke at drosia"]
    assert (two["changed"], two["removed"]) == (["smoke"], [])
    assert two["city"] == fingerprint(folder)
    assert two["who"] == one["who"] == user()
    text = run("rules", "show", str(two["version"])[:8]).stdout
    assert f"# version {two['version']}" in text
    assert (folder / "rules.toml").read_text("utf-8") in text
    assert (folder / "calendars.toml").read_text("utf-8") in text
    assert run("rules", "show").stdout == text  # the one in use
    assert first in run("rules", "show", first).stdout
    first_line, second = run("rules", "versions").stdout.splitlines()
    assert first_line.endswith(f"by {user()}  the first: 2 rules, 0 overrides, 1 calendar")
    assert second.endswith(f"by {user()}  +calendar noon, smoke at drosia  ~smoke")


def test_versions_are_told_by_the_citys_clock(folder: Path) -> None:
    assert run("load").exit_code == 0
    (one,) = versions()
    moment = datetime.fromisoformat(str(one["at"]))
    assert moment.utcoffset() == timedelta(0)
    for zone, text in (("Europe/Athens", 'timezone = "Europe/Athens"'), ("Pacific/Auckland", None)):
        file = folder / "city.toml"
        if text is None:
            there = file.read_text("utf-8").replace("Europe/Athens", zone)
            file.write_text(there, "utf-8")
        else:
            assert text in file.read_text("utf-8")
        told = f"  {moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}  load "
        assert told in run("rules", "versions").stdout


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
def inuse(folder: Path, connection: Connection) -> CityInUse:
    assert run("load").exit_code == 0
    settings = Settings()
    found = CityInUse(settings, load_city_files(settings), None)
    found.number(connection)
    return found


def test_a_bad_rulebook_is_refused_with_its_place_and_the_worker_keeps_its_own(
    folder: Path, inuse: CityInUse, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    line = write(folder, "above = 5.0", "above = 101.0")
    place = f"rules.toml:{line}: rule."
    done = run("load")
    assert done.exit_code != 0 and place in str(done.exception)
    assert inuse.anew(connection) is None  # it was not loaded
    with connection.cursor() as cursor:  # … and not even if somebody says that it was
        put_version(cursor, fingerprint(folder))
    with caplog.at_level(logging.ERROR):
        assert inuse.anew(connection) is None
        assert inuse.anew(connection) is None
    (told,) = [r.getMessage() for r in caplog.records if r.name == "kel.worker"]
    assert place in told and "above: can never hold" in told
    assert len(taken(connection)) == 1


def test_a_good_one_is_taken_up_with_the_version_that_alerts_will_name(
    folder: Path, inuse: CityInUse, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "above = 5.0", "above = 6.0")
    assert inuse.anew(connection) is None
    assert run("load").exit_code == 0
    with caplog.at_level(logging.INFO, "kel.worker"):
        found = inuse.anew(connection)
    assert found is not None
    (told,) = [r.getMessage() for r in caplog.records if r.name == "kel.worker"]
    version = found[1].rulebook.version
    assert told.startswith(f"rulebook {version} is taken up after ")
    assert told.endswith(f": 0 added, 1 changed, 0 removed: ~smoke, loaded by {user()}")
    _, files, _ = found
    assert files.rulebook.by_id["smoke"].above == 6.0  # type: ignore[attr-defined]
    assert taken(connection)[-1].edition.version == files.rulebook.version


# a process that begins while the folder has a mistake


def begin() -> tuple[CityFolder, float]:
    """The folder of a process that begins now, and the limit of the rule that it runs."""
    folder = CityFolder(Settings())
    rule = folder.begin().rulebook.by_id["smoke"]
    return folder, rule.above  # type: ignore[attr-defined]


BREAK = {
    "rules.toml": ("above = 5.0", "above = 101.0", "rule.smoke.above: can never hold"),
    "calendars.toml": ("hours", "huors", "calendar.night.huors"),
    "devices/fire.csv": ("38.", "here.", "lat"),
    "classes.toml": ("[[class]]", "[[class", "syntax"),
}


@pytest.mark.parametrize("name", BREAK)
def test_it_runs_on_the_folder_that_was_loaded_last_until_its_own_is_right(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert run("load").exit_code == 0
    old, new, field = BREAK[name]
    good = (folder / name).read_bytes()
    (folder / name).write_text(good.decode().replace(old, new, 1), "utf-8")
    found, above = begin()
    assert above == 5.0 and found.kept is not None
    assert found.kept.version != fingerprint(folder)
    (told,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert f"as {user()} loaded it at {found.kept.at:%Y-%m-%d %H:%M}" in told
    assert str(found.mistake) in told and f"/{name}:" in told and field in told
    assert [found.changed() for _ in range(3)] == [None] * 3
    (folder / name).write_bytes(good)
    assert found.changed() is None  # it may still be written
    assert found.changed() is not None
    found.taken()
    assert (found.kept, found.mistake) == (None, None)


def test_of_what_was_never_loaded_nothing_is_kept_and_it_refuses_as_ever(folder: Path) -> None:
    write(folder, "above = 5.0", "above = 101.0")
    with pytest.raises(MistakesError, match="can never hold"):
        begin()


def test_a_folder_that_was_edited_and_not_loaded_is_not_what_it_falls_back_to(folder: Path) -> None:
    assert run("load").exit_code == 0
    write(folder, "above = 5.0", "above = 6.0")
    assert begin()[1] == 6.0
    write(folder, "above = 6.0", "above = 101.0")
    assert begin()[1] == 5.0


HOW = ["no folder", "no database", "kept before a rule of KEL's own"]
DAMAGE = {"no zip": b"PK no zip", "cut off": None, "no room": b""}


@pytest.mark.parametrize("how", [*HOW, *DAMAGE])
def test_it_refuses_where_the_other_folder_cannot_be_had(
    folder: Path,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert run("load").exit_code == 0
    write(folder, "above = 5.0", "above = 101.0")
    told = "there is no such folder"
    if how == "no folder":
        folder.rename(folder.with_name("away"))
    elif how == "no database":
        monkeypatch.setenv("KEL_DATABASE", "postgresql://127.0.0.1:1/kel")
        told = "can never hold"
    else:
        kept = kept_city(connection)
        assert kept is not None
        if how == "no room":
            monkeypatch.setattr("tempfile.tempdir", str(folder / "away"))
        else:
            other = packed({**read_contents(folder), "classes.toml": b"x"})
            bad = DAMAGE.get(how, other) or kept.files[: len(kept.files) // 2]
            connection.execute("UPDATE kept_city SET files = %b", [bad])
        told = "can never hold"
    with pytest.raises(MistakesError, match=told):
        begin()
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(errors) == (how != "no folder")
    assert ("cannot be unpacked" in "".join(errors)) == (how in DAMAGE)


def test_to_load_the_same_folder_again_mends_what_was_kept_of_it(
    folder: Path, connection: Connection
) -> None:
    assert run("load").exit_code == 0
    kept = kept_city(connection)
    assert run("load").exit_code == 0
    assert kept_city(connection) == kept and kept is not None  # the same stays as it is
    connection.execute("UPDATE kept_city SET files = %b", [kept.files[:-9]])
    assert run("load").exit_code == 0
    mended = kept_city(connection)
    assert mended is not None and (mended.version, mended.files) == (kept.version, kept.files)


def test_walls_do_not_read_the_folder_that_is_kept(connection: Connection) -> None:
    asked = "SELECT has_table_privilege('kel_reader', 'kept_city', 'SELECT')"
    assert connection.execute(asked).fetchone() == (False,)
