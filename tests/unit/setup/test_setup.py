"""The set-up's promises that need no machine to be set up: the lock, the help, no root."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "setup").glob("*.sh"))
OURS = [*SCRIPTS, ROOT / "setup/newer_source.py", ROOT / "Makefile", ROOT / ".ci/run"]


def test_the_lock_is_hashed_and_names_no_index() -> None:
    lock = (ROOT / "requirements/lock.txt").read_text()
    assert "://" not in lock
    assert not re.search(r"^--?[a-z]", lock, re.MULTILINE)
    pins = re.findall(r"^([a-z0-9][\w.-]*)==\S+ (?:;.*)?\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE))
    assert {"setuptools", "faust-streaming", "psycopg-binary", "pytest"} <= set(pins)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_host_is_named(path: Path) -> None:
    assert not re.search(r"[a-z]://|\.(?:org|net|com|io)\b", path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_bash_can_read_it(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)


def test_the_demo_takes_arguments() -> None:
    made = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "demo", "ARGS=--json"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert made.stdout.splitlines()[-1] == ".venv/bin/kel demo --json"


def bash(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code with setup/debian.sh's functions."""
    return subprocess.run(
        ["bash", "-uc", f"source setup/debian.sh; {code}"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_without_root_it_says_what_to_install() -> None:
    told = bash(
        "debian() { echo 12; }; id() { echo 1000; }; require_root mosquitto postgresql-15",
        purpose="demo",
    )
    assert told.returncode == 1
    assert "apt-get install --no-install-recommends mosquitto postgresql-15" in told.stdout
    assert "docker compose up" in told.stdout


def test_elsewhere_than_on_debian_it_says_so() -> None:
    told = bash("debian() { echo 0; }; id() { echo 0; }; require_root mosquitto", purpose="demo")
    assert told.returncode == 1
    assert "Debian 12 and 13" in told.stdout
    assert "docker compose up" in told.stdout


@pytest.mark.parametrize(
    ("version", "runs"),
    [("17.0.15", True), ("21.0.2", True), ("1.8.0_402", False), ("11.0.22", False)],
)
def test_which_java_runs_kafka(version: str, runs: bool) -> None:
    code = f"""java() {{ echo 'openjdk version "{version}" 2025-04-15' >&2; }}; java_runs_kafka"""
    assert (bash(code).returncode == 0) is runs
