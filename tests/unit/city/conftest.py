"""A small city without a mistake, to be broken one thing at a time."""

import shutil
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pytest

from kel.city.check import check
from kel.run.cityfiles import RULES, mistakes_of

CASES = Path(__file__).parents[2] / "cases" / "city"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    shutil.copytree(CASES / "good", folder)
    return folder


@pytest.fixture
def tells() -> Callable[[Path, list[str]], None]:
    """Holds all that `check` says of a folder against what is expected, line by line.

    The folder is left out of file names; an expected line that ends in … is only a beginning.
    """

    def compare(folder: Path, expected: list[str]) -> None:
        whole = mistakes_of if (folder / RULES).exists() else check
        found = [str(m).replace(f"{folder.as_posix()}/", "") for m in whole(folder)]
        assert [cut(*pair) for pair in zip_longest(found, expected, fillvalue="")] == expected

    return compare


def cut(found: str, expected: str) -> str:
    return f"{found[: len(expected) - 1]}…" if expected.endswith("…") else found


@pytest.fixture
def breaks(
    small: Path, tells: Callable[[Path, list[str]], None]
) -> Callable[[str, str, str, list[str]], None]:
    """Write something else into a file of the small city, and see what is told of it."""

    def break_it(file: str, old: str, new: str, expected: list[str]) -> None:
        text = (small / file).read_text()
        assert old in text
        (small / file).write_text(text.replace(old, new, 1))
        tells(small, expected)

    return break_it
