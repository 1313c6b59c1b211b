"""A city's folder as a whole: its fingerprint, and what no parser can take."""

import shutil
from pathlib import Path

import pytest

from kel.run.cityfiles import (
    fingerprint,
    mistakes_of,
    packed,
    read_contents,
    read_folder,
    read_packed,
)
from tests.builders.running import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "city"))


def test_a_copy_elsewhere_has_the_same(folder: Path) -> None:
    assert fingerprint(folder) == fingerprint(FOLDER)


@pytest.mark.parametrize("name", [".rules.toml.swp", "devices/.fire.csv.part", "rules.toml~", "x"])
def test_what_editors_leave_changes_nothing(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert fingerprint(folder) == fingerprint(FOLDER)


def test_every_change_of_a_file_changes_it(folder: Path) -> None:
    seen = {fingerprint(folder)}
    fire = folder / "devices/fire.csv"
    fire.write_bytes(fire.read_bytes() + b"\n")
    seen.add(fingerprint(folder))
    fire.rename(folder / "devices/fires.csv")
    seen.add(fingerprint(folder))
    (folder / "devices/fires.csv").unlink()
    seen.add(fingerprint(folder))
    (folder / "more.toml").write_text("")
    seen.add(fingerprint(folder))
    assert len(seen) == 5


def test_what_was_packed_is_read_as_the_folder_is_and_is_the_same_every_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = packed(read_contents(folder))
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert packed(read_contents(folder)) == files
    assert read_packed(files, 4).rulebook.version == read_folder(folder, 4).rulebook.version


def test_what_was_packed_and_is_damaged_is_an_os_error_whatever_is_wrong(folder: Path) -> None:
    files = packed(read_contents(folder))
    middle = len(files) // 2
    flipped = files[:middle] + bytes(255 - b for b in files[middle : middle + 99])
    for bad in (b"", b"PK", files[:middle], flipped + files[middle + 99 :]):
        with pytest.raises(OSError, match="it is damaged"):
            read_packed(bad)


def test_what_is_nested_beyond_all_measure_is_one_mistake(folder: Path) -> None:
    rules = folder / "rules.toml"
    deep = ".".join(["a"] * 20_000)
    rules.write_text(f"{rules.read_text('utf-8')}\n[{deep}]\n", "utf-8")
    (mistake,) = mistakes_of(folder)
    assert mistake.what == "tables or rules are nested too deeply"
