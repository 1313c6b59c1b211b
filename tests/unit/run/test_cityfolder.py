"""A folder that changes on disk: taken when it stands still and is right, told once when not."""

import shutil

import pytest

from kel.run.cityfolder import CityFolder
from kel.settings import Settings
from tests.builders.running import FOLDER

BAD = "id,name\n"


@pytest.fixture
def city(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "city")


@pytest.fixture
def folder(city):
    return CityFolder(Settings(city=city, lamps_per_feeder=4))


def row(city):
    """One more fire sensor."""
    with (city / "devices/fire.csv").open("a", encoding="utf-8") as file:
        file.write("fs-99,Αισθητήρας 99,dionysos,38.0995,23.8860,kel\n")


def test_nothing_is_told_of_a_folder_that_stands_still(folder):
    assert [folder.changed() for _ in range(3)] == [None] * 3


def test_a_change_is_taken_once_it_stands_still(city, folder):
    row(city)
    assert folder.changed() is None  # it may still be written
    assert "fs-99" in folder.changed().city.devices
    assert folder.changed() is None


def test_a_folder_that_goes_on_changing_is_waited_for(city, folder):
    for n in range(3):
        (city / "note.txt").write_text("x" * n)
        assert folder.changed() is None
    assert folder.changed() is not None


@pytest.mark.parametrize("how", ["a file with a mistake", "a file less", "no folder"])
def test_a_mistake_is_told_once_and_what_was_right_again_is_taken(city, folder, how, caplog):
    if how == "no folder":
        city.rename(city.with_name("away"))
    elif how == "a file less":
        (city / "devices/fire.csv").unlink()
    else:
        (city / "devices/fire.csv").write_text(BAD, "utf-8")
    assert [folder.changed() for _ in range(4)] == [None] * 4
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1
    if how == "no folder":
        city.with_name("away").rename(city)
    shutil.copy(FOLDER / "devices/fire.csv", city / "devices/fire.csv")
    row(city)
    assert folder.changed() is None
    assert "fs-99" in folder.changed().city.devices


def test_hidden_files_are_no_part_of_a_city(city, folder):
    (city / ".half-written").write_text("x")
    assert [folder.changed() for _ in range(2)] == [None] * 2


BAD_RULES = [
    ('severity = "critical"', 'severity = "hihg"', "severity"),
    ('metric = "pressure"', 'metric = "presure"', "watch.metric"),
    ('unit = "bar"', 'unit = "l/s"', "unit"),
]


@pytest.mark.parametrize(("old", "new", "field"), BAD_RULES)
def test_a_bad_rulebook_is_refused_with_file_line_and_field(city, folder, caplog, old, new, field):
    file = city / "rules.toml"
    text = file.read_text("utf-8")
    line = text[: text.index(old)].count("\n") + 1
    file.write_text(text.replace(old, new, 1), "utf-8")
    assert [folder.changed() for _ in range(3)] == [None] * 3
    (told,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert f"{file}:{line}: rule." in told and f".{field}: " in told
    file.write_text(f"{text}# as it was\n", "utf-8")
    assert folder.changed() is None
    assert folder.changed().rulebook.rules


@pytest.mark.parametrize("name", ["calendars.toml", "fire_risk.csv"])
def test_calendars_are_part_of_the_folder(city, folder, name):
    before = (city / name).read_text("utf-8")
    (city / name).write_text(before + "\n# a note\n", "utf-8")
    assert folder.changed() is None
    assert folder.changed() is not None
