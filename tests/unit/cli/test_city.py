"""`kel check`: every mistake with file, line and field, and what would be right."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kel.cli import kel

ROOT = Path(__file__).resolve().parents[3]
FORM = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): (?P<field>[^:]+): (?P<what>.+)$")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy of the example city, to be broken."""
    return shutil.copytree(ROOT / "config/dionysos", tmp_path / "city")


def check(folder: Path) -> Result:
    return CliRunner().invoke(kel, ["check", str(folder)])


def replace(name: str, old: str, new: str) -> Callable[[Path], int]:
    """Break a file; tells the line in which it happened."""

    def change(city: Path) -> int:
        text = (city / name).read_text("utf-8")
        assert old in text
        (city / name).write_text(text.replace(old, new, 1), "utf-8")
        return text[: text.index(old)].count("\n") + 1

    return change


def test_a_good_folder() -> None:
    done = check(ROOT / "config/dionysos")
    assert (done.exit_code, done.stdout) == (0, f"{ROOT / 'config/dionysos'}: no mistakes\n")


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "hint"),
    [
        ("rules.toml", 'unit = "bar"', 'unit = "l/s"', "unit", "'bar'"),
        ("rules.toml", 'severity = "critical"', 'severity = "hihg"', "severity", "known: info,"),
        ("rules.toml", 'kind = "night_flow"', 'kind = "nightflow"', "kind", "night_flow"),
        ("crews.toml", 'grade = "te"', 'grade = "xx"', "grade", "te"),
        ("devices/zone.csv", "zm-02,", "zm-01,", "id", "zm-01"),
        ("devices/zone.csv", "38.1388", "here", "lat", "here"),
        ("items.csv", "\n", "\n\n\n", "", ""),  # empty lines are none
    ],
)
def test_a_mistake_has_file_line_field_and_hint(
    city: Path, name: str, old: str, new: str, field: str, hint: str
) -> None:
    line = replace(name, old, new)(city)
    done = check(city)
    if not field:
        assert done.exit_code == 0, done.output
        return
    assert done.exit_code == 1
    told = [FORM.match(text) for text in done.stdout.splitlines()]
    assert all(told), done.stdout
    here = [m for m in told if m and m["file"].endswith(name) and int(m["line"]) == line]
    assert [m for m in here if m["field"].split(".")[-1] == field and hint in m["what"]], told


def test_all_mistakes_at_once(city: Path) -> None:
    replace("rules.toml", 'unit = "bar"', 'unit = "l/s"')(city)
    replace("rules.toml", 'severity = "critical"', 'severity = "hihg"')(city)
    done = check(city)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("2 mistakes: ")


def test_no_such_folder(tmp_path: Path) -> None:
    done = check(tmp_path / "none")
    assert (done.exit_code, done.stdout) == (
        1,
        f"{tmp_path / 'none'}:0: folder: there is no such folder\n",
    )
