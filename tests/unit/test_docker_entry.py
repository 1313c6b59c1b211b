"""The broker's entry: logins out of the environment, into a hashed file, out of sight."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "mosquitto/docker-entry.sh"
GOOD = "correct-horse-battery"


def _run(tmp_path, command, **logins):
    environment = {"PATH": os.environ["PATH"], **logins}
    return subprocess.run(
        ["/bin/sh", SCRIPT, tmp_path / "passwords", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_names_become_logins_and_passwords_are_hashed(tmp_path):
    done = _run(tmp_path, ["true"], MQTT_LOGIN_KEL_BRIDGE=GOOD, MQTT_LOGIN_AGIOS_STEFANOS=GOOD)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "passwords").read_text()
    lines = dict(line.split(":", 1) for line in text.splitlines())
    assert set(lines) == {"kel-bridge", "agios-stefanos"}
    assert all(value.startswith(("$6$", "$7$")) for value in lines.values())
    assert GOOD not in text
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0


def test_what_has_no_password_is_no_login(tmp_path):
    _run(tmp_path, ["true"], MQTT_LOGIN_KEL_BRIDGE=GOOD, MQTT_LOGIN_SCADA="", OTHER="x=y")
    assert (tmp_path / "passwords").read_text().count("\n") == 1


def test_the_command_takes_over_and_sees_no_password(tmp_path):
    done = _run(tmp_path, ["sh", "-c", "echo started; env"], MQTT_LOGIN_KEL_DESK=GOOD)
    assert done.stdout.startswith("started")
    assert GOOD not in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["passwords"]


@pytest.mark.parametrize(
    ("password", "said"),
    [("short", "12 characters"), ("with-a-colon:inside", "colon")],
)
def test_a_password_that_would_not_do_is_refused_by_its_name(tmp_path, password, said):
    done = _run(tmp_path, ["echo", "started"], MQTT_LOGIN_SCADA=password)
    assert done.returncode == 1
    assert "MQTT_LOGIN_SCADA" in done.stderr
    assert said in done.stderr
    assert password not in done.stderr + done.stdout
    assert not (tmp_path / "passwords.env").exists()


def test_without_any_login_nothing_starts(tmp_path):
    done = _run(tmp_path, ["echo", "started"])
    assert done.returncode == 1
    assert "nobody could log in" in done.stderr
    assert "started" not in done.stdout
