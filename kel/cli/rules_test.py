"""`kel rules test`: does the rulebook do what its tests say?"""

import json
from pathlib import Path

import click

from kel.settings import Settings

TESTS = "tests"  # the folder of a city's rule tests, within the city's own


@click.command("test")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option("--only", default="", help="cases whose file or name holds this text")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a case")
def test(folder: Path | None, only: str, as_json: bool) -> None:
    """Run the rule tests of a city's FOLDER (else KEL_CITY): its tests/*.toml.

    Each case says readings, moments, and the alerts that must be active then. Exit code 1 where
    one fails, or where a rule has no case that makes it fire. Reads files alone.
    """
    from kel.city import read_document
    from kel.run.cityfiles import read_folder
    from rules.trials.rehearse import failures, untested
    from rules.trials.trial import parse_trials

    where = folder or Settings().city
    files = read_folder(where)
    found = sorted((where / TESTS).glob("*.toml"))
    if not found:
        raise click.ClickException(f"{where / TESTS} holds no tests: see docs/adding.md")
    trials = [
        trial
        for file in found
        for trial in parse_trials(read_document(file), files.rulebook, files.city)
    ]
    chosen = [t for t in trials if only in f"{Path(t.file).name}: {t.case.name}"]
    if not chosen:
        raise click.ClickException(f"no case holds {only!r}")
    failed = 0
    for trial in chosen:
        wrong = failures(trial, files.rulebook, files.city)
        failed += bool(wrong)
        _say(f"{Path(trial.file).name}:{trial.line}: {trial.case.name}", wrong, as_json)
    bare = [] if only else untested(files.rulebook, trials)
    for rule in bare:
        click.echo(f"✗ {rule}: no case makes this rule fire", err=True)
    told = f"{len(chosen)} cases, {failed} failed"
    click.echo(f"{told}, {len(bare)} rules untested" if bare else told, err=True)
    if failed or bare:
        raise click.exceptions.Exit(1)


def _say(case: str, wrong: list[str], as_json: bool) -> None:
    if as_json:
        told = {"case": case, "ok": not wrong, "wrong": wrong}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{'✗' if wrong else '✓'} {case}")
    for sentence in wrong:
        click.echo(f"    {sentence}")
