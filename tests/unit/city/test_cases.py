"""Whole city folders that were broken once, each with all that is said of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CITY_CASES = Path(__file__).parents[2] / "cases" / "city"
NAMES = sorted(f.name for f in CITY_CASES.iterdir() if f.is_dir())


@pytest.mark.parametrize("name", NAMES)
def test_city_case(name: str, small: Path, tells: Callable[[Path, list[str]], None]) -> None:
    case = CITY_CASES / name
    absent = case / "absent.txt"
    shutil.copytree(case, small, dirs_exist_ok=True)
    for file in absent.read_text().split() if absent.exists() else ():
        (small / file).unlink()
    tells(small, (case / "mistakes.txt").read_text().splitlines())
