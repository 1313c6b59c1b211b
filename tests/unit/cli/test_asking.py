"""The city's clock at a terminal: right, or told to be missing, never another one."""

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from kel.cli import asking
from kel.cli.asking import city_zone, full_number


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


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("253", "2027-0253"),  # past midnight in the city, not yet in UTC
        ("0253", "2027-0253"),
        ("12345", "2027-12345"),
        ("2026-0253", "2026-0253"),
        ("Σ-2026-0003", "Σ-2026-0003"),
        ("²", "²"),
        ("", ""),
    ],
)
def test_a_short_number_is_of_this_year_by_the_citys_clock(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, number: str
) -> None:
    (folder / "city.toml").write_text('timezone = "Europe/Athens"\n', "utf-8")
    monkeypatch.setattr(asking, "desk_now", lambda: datetime(2026, 12, 31, 22, 30, tzinfo=UTC))
    assert full_number(text) == number
