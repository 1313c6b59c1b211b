"""`kel runbook`: the city's own file, also beside files with mistakes."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from kel.cli import kel

CITY = Path(__file__).parents[3] / "config/dionysos"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 0, "fire          Καπνός ή φωτιά"),
        (("fire",), 0, "Πυροσβεστική 199"),
        (("fyre",), 1, "ο οδηγός δεν έχει «fyre»: δείτε `kel runbook`"),
    ],
)
def test_headings_and_what_one_says(
    arguments: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    shutil.copy(CITY / "runbook.md", tmp_path)  # nothing else of the folder is asked for
    done = CliRunner().invoke(kel, ["runbook", *arguments], env={"KEL_CITY": str(tmp_path)})
    assert (done.exit_code, told in done.output) == (code, True), done.output


def test_a_city_without_the_file(tmp_path: Path) -> None:
    done = CliRunner().invoke(kel, ["runbook"], env={"KEL_CITY": str(tmp_path)})
    assert done.exit_code == 1 and "runbook.md" in done.output
