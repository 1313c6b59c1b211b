"""`kel backtest` on files: its lines, its table, what it says of what it left out."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from kel.cli import kel
from tests.builders.running import FOLDER, LAMPS, example

PUMP = sorted(d.id for d in example().city.devices.values() if d.cls == "pump")[0]
DESIGN = example().city.devices[PUMP].attributes["design_head"]
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
KEYS = [
    "rule", "kind", "device", "zone", "started_at", "detected_at", "cleared_at", "severity",
    "evidence",
]  # fmt: skip


def at(minutes):
    return (BEGIN + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def head(minute):
    """Low from 10:00 to 12:00."""
    return DESIGN * (0.7 if 600 <= minute < 720 else 1.0)


LINES = [f"{at(m)},{PUMP},{head(m):.3f},1" for m in range(0, 1440, 5)]


@pytest.fixture
def ran(tmp_path):
    def run(lines, *more, name="readings.csv", head="time,device,head,running"):
        file = tmp_path / name
        file.write_text("\n".join((head, *lines)) + "\n")
        environment = {"KEL_CITY": str(FOLDER), "KEL_LAMPS_PER_FEEDER": str(LAMPS)}
        return CliRunner().invoke(kel, ["backtest", str(file), *more], env=environment)

    return run


def alerts_of(result):
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return [alert for alert in found if alert["device"] == PUMP]


def test_one_json_line_an_alert_by_its_last_word(ran):
    (alert,) = alerts_of(ran(LINES, "--json"))
    assert list(alert) == KEYS
    assert alert["rule"] == "pump-head-low" and alert["kind"] == "threshold"
    assert alert["started_at"] == "2026-09-01T10:00:00+00:00"
    assert alert["detected_at"] == "2026-09-01T10:15:00+00:00"
    assert alert["cleared_at"] == "2026-09-01T12:15:00+00:00"
    assert alert["severity"] == "high"
    assert alert["evidence"]["facts"]["value"] == pytest.approx(0.7, abs=0.01)


def test_what_is_active_at_the_end_has_no_end(ran):
    (alert,) = alerts_of(ran(LINES[:135], "--json"))
    assert alert["cleared_at"] is None


def test_lines_in_any_order_tell_the_same(ran):
    mixed = ran(LINES[::-1], "--json")
    assert alerts_of(mixed) == alerts_of(ran(LINES, "--json"))
    assert "not in order of time (287 rows): all of it was sorted" in mixed.stderr


def test_alerts_stand_in_order_of_detection(ran):
    result = ran([LINES[0], LINES[-1]], "--json")  # all that should speak is silent
    told = [json.loads(line)["detected_at"] for line in result.stdout.splitlines()]
    assert len(told) > 10
    assert told == sorted(told)


def test_a_table_for_people(ran):
    result = ran(LINES)
    (line,) = [line for line in result.stdout.splitlines() if PUMP in line]
    assert "01/09/2026 13:15" in line  # in Athens
    assert "pump-head-low" in line and "υψηλή" in line
    assert ran(["2026-09-01T00:00Z,nobody,1,1", LINES[0]]).stdout.strip() == "καμία ειδοποίηση"


def test_what_was_left_out_is_named_once(ran):
    lines = [line + ",5" for line in LINES] + [f"{at(0)},nobody,1,1,", f"{at(5)},nobody,1,1,"]
    lines += [f"{at(1)},{PUMP},99999,1,", f"{at(2)},{PUMP},,,"]
    result = ran(lines, "--json", head="time,device,head,running,colour")
    told = result.stderr.splitlines()
    assert len([line for line in told if "nobody" in line]) == 1
    assert "2 rows of 1 devices that the city does not have: nobody 2×" in result.stderr
    assert "288 values not of the device's class: pump.colour 288×" in result.stderr
    assert "1 values out of range: pump.head 1×" in result.stderr
    assert "1 rows without any value" in result.stderr
    assert len(alerts_of(result)) == 1


REFUSED = {
    "a value": ([LINES[0], f"{at(5)},{PUMP},open,1"], "readings.csv:3: head: 'open' is no number"),
    "nothing of this city": (["2026-09-01T00:00Z,nobody,1,1"], "no row is of a device and metric"),
    "and why": (["2026-09-01T00:00Z,nobody,1,1"], "devices that the city does not have: nobody"),
    "no rows": ([], "it has no rows"),
    "another age": (
        ["0001-01-01T00:00Z,zm-01,1,1"],
        ":2: time: '0001-01-01T00:00Z' is not of the ",
    ),
}


def test_names_of_strangers_do_not_write_to_the_terminal(ran):
    result = ran([LINES[0], f"{at(0)},\x1b[2J,1,1"])
    assert "\x1b" not in result.stderr
    assert "'\\x1b[2J' 1×" in result.stderr


def test_times_without_an_offset_are_told(ran):
    result = ran([line.replace("Z,", ",", 1) for line in LINES], "--json")
    assert "288 times without an offset were taken as UTC, not as Europe/Athens" in result.stderr
    assert len(alerts_of(result)) == 1


def test_rules_that_need_denser_readings_are_left_out_and_told(ran):
    """Of a day one reading an hour: who is silent for so long cannot be told."""
    result = ran(LINES[::12], "--json")
    assert [a["rule"] for a in alerts_of(result)] == ["pump-head-low"]
    (told,) = [line for line in result.stderr.splitlines() if "Δεν κρίθηκαν" in line]
    assert "μία μέτρηση ανά 1 ώ" in told and "pump-silent" in told


def test_a_device_that_falls_silent_is_told_though_it_is_the_only_one(ran):
    few = [line for n, line in enumerate(LINES) if n < 24 or n == 287]
    assert [a["rule"] for a in alerts_of(ran(few, "--json"))] == ["pump-silent"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(ran, name):
    lines, told = REFUSED[name]
    result = ran(lines)
    assert result.exit_code != 0
    assert told in str(result.exception)


def test_another_rulebook_for_the_same_file(ran, tmp_path):
    rules = tmp_path / "rules.toml"
    text = (FOLDER / "rules.toml").read_text("utf-8")
    rules.write_text(text.replace("below = 0.85", "below = 0.6"), "utf-8")
    assert alerts_of(ran(LINES, "--json", "--rules", str(rules))) == []


def test_a_rulebook_with_mistakes_is_refused_with_their_place(ran, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nid = "x"\n', "utf-8")
    result = ran(LINES, "--rules", str(rules))
    assert result.exit_code == 1
    assert "rules.toml:1" in result.stderr and "has mistakes" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--from", "2026-09-01"],
        [str(FOLDER / "rules.toml"), "--from", "2026-09-01", "--to", "2026-09-02"],
        ["--export", "/nowhere/at/all", "--rules", str(FOLDER / "rules.toml")],
    ],
)
def test_arguments_that_do_not_go_together(arguments):
    result = CliRunner().invoke(kel, ["backtest", *arguments])
    assert result.exit_code == 2
    assert "Usage" in result.stderr


def test_progress_is_told_where_it_is_asked_for(ran):
    result = ran(LINES, "--progress", "--json")
    assert "100%  288 of 288 rows" in result.stderr
    assert "100%" not in ran(LINES, "--json").stderr


def test_neither_stream_nor_broker_is_loaded():
    code = (
        "import sys, kel.cli.backtest, kel.run.backtest_history, kel.run.backtest_export;"
        "print([m for m in ('faust', 'aiokafka', 'paho') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
