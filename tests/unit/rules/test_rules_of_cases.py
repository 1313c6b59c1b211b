"""The rulebooks of tests/cases/rules do what their tests say; no kind of rule is without any."""

import shutil
from pathlib import Path

import pytest

from kel.city import read_document
from kel.run.cityfiles import CityFiles, read_folder
from rules.kinds import KINDS
from rules.trials.rehearse import failures, untested
from rules.trials.trial import Trial, parse_trials

ROOT = Path(__file__).parents[3]
RULES, GOOD = ROOT / "tests/cases/rules", ROOT / "tests/cases/city/good"
NAMES = sorted(f.name for f in RULES.iterdir() if f.is_dir())


def rehearsed(folder: Path) -> tuple[CityFiles, list[Trial]]:
    files = read_folder(folder)
    trials = [
        trial
        for file in sorted((folder / "tests").glob("*.toml"))
        for trial in parse_trials(read_document(file), files.rulebook, files.city)
    ]
    return files, trials


@pytest.mark.parametrize("name", NAMES)
def test_its_cases_come_out_as_written_and_every_rule_has_one(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(GOOD, folder)
    shutil.copytree(RULES / name, folder, dirs_exist_ok=True)
    files, trials = rehearsed(folder)
    wrong = {t.case.name: failures(t, files.rulebook, files.city) for t in trials}
    assert wrong == {t.case.name: [] for t in trials}
    assert untested(files.rulebook, trials) == []


def test_every_kind_has_a_rule_with_tests() -> None:
    folders = [ROOT / "config/dionysos", *(RULES / name for name in NAMES)]
    found = {r["kind"] for f in folders for r in read_document(f / "rules.toml").data["rule"]}
    assert found == set(KINDS)
