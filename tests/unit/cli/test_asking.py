"""The city's clock at a terminal: right, or told to be missing, never another one."""

from pathlib import Path

import click
import pytest

from kel.cli.asking import city_zone


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEL_CITY", str(tmp_path))
    return tmp_path


def test_it_is_known_while_all_other_files_are_wrong(folder: Path) -> None:
    (folder / "city.toml").write_text('timezone = "Europe/Athens"\n', "utf-8")
    (folder / "rules.toml").write_text("[[rule\n", "utf-8")
    assert str(city_zone()) == "Europe/Athens"


@pytest.mark.parametrize("text", [None, "timezone = ", 'timezone = "Europe/Nowhere"', 'id = "x"'])
def test_where_it_is_not_told_there_is_no_time_rather_than_a_wrong_one(
    folder: Path, text: str | None
) -> None:
    if text is not None:
        (folder / "city.toml").write_text(text, "utf-8")
    with pytest.raises(click.ClickException, match="time zone"):
        city_zone()
