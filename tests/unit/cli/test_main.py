"""The command line itself: exit codes, one clear line an error, and what is loaded for what."""

import json
import os
import subprocess
import sys
import time

import pytest

import kel.cli as cli

CITY = "config/dionysos"


def kel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kel.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "KEL_CITY": CITY, **environment},
        check=False,
    )


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it is done."""
    program = (
        "import sys, json; sys.argv[0] = 'kel'; from kel import cli; cli.run(); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_command_is_told_of_in_the_overview_and_can_be_loaded() -> None:
    done = kel("--help")
    assert done.returncode == 0
    context = cli.click.Context(cli.kel)
    group = cli.kel
    assert isinstance(group, cli.LazyGroup)
    for name, (_, told) in cli.COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert told in done.stdout  # not cut
        command = group.get_command(context, name)
        assert command is not None
        assert command.help


def test_the_overview_comes_at_once() -> None:
    assert min(_seconds("--help") for _ in range(3)) < 0.5


def _seconds(*arguments: str) -> float:
    started = time.monotonic()
    assert kel(*arguments).returncode == 0
    return time.monotonic() - started


def test_what_is_loaded_for_what() -> None:
    assert not {"numpy", "psycopg", "pydantic"} & loaded_by("--help")
    assert not {"faust", "aiokafka", "paho", "psycopg"} & loaded_by("check", CITY)


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "told"),
    [
        (["check", CITY], {}, 0, ""),
        (["check", "/nowhere"], {}, 1, "1 mistake:"),
        (["nonsense"], {}, 2, "No such command 'nonsense'"),
        (["check", "--nonsense"], {}, 2, "No such option"),
        (["load"], {"KEL_CITY": "/nowhere"}, 1, "kel: /nowhere:0: folder: there is no such folder"),
        (["load"], {"KEL_PARTITIONS": "x"}, 1, "kel: KEL_PARTITIONS: "),
        (["load"], {"KEL_DATABASE": "postgresql://127.0.0.1:1/x"}, 1, "kel: connection failed"),
        (["trace"], {"KEL_DATABASE": "postgresql://127.0.0.1:1/x"}, 1, "kel: connection failed"),
        (["maintain", "--keep-days", "0"], {}, 2, "Invalid value for '--keep-days'"),
    ],
)
def test_exit_codes_and_no_traceback(
    arguments: list[str], environment: dict[str, str], code: int, told: str
) -> None:
    done = kel(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_who_reads_may_have_enough() -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {sys.executable} -m kel.cli check /nowhere | true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr


@pytest.mark.parametrize("error", [KeyError("oops"), IndexError("oops"), ZeroDivisionError("oops")])
def test_a_mistake_of_ours_is_not_told_as_the_users(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "kel", fails)
    with pytest.raises(type(error)):
        cli.run()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (cli.EndedError(), 143),
        (ConnectionError("no broker"), 1),
        (PermissionError(13, "Permission denied", "/reports"), 1),
    ],
)
def test_what_ends_a_command_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "kel", fails)
    assert cli.run() == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("kel: ")
    assert len(said.err.splitlines()) == 1
