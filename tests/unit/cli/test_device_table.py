"""Devices and strangers on a terminal."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.guess import Guess
from kel.cli.device_table import device_table, draft_table, radio
from kel.store.registry import Presence, Stranger

NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)


def device(id_: str, presence: str | None, state: str = "active", **signs: float) -> Presence:
    return Presence(
        id_, f"Συσκευή {id_}", "leak", "Αισθητήρας", "drosia", None, None, state, presence, "kel",
        id_, NOW - timedelta(minutes=5) if presence == "online" else None, signs,
    )  # fmt: skip


def stranger(address: str = "ab", count: int = 3, source: str = "kel") -> Stranger:
    return Stranger(source, address, NOW, NOW, count, min(count, 100), f"kel/v1/x/{address}")


def lines(*devices: Presence, most: int = 10, strangers: int = 0, width: int = 100) -> list[str]:
    made = device_table(devices, NOW, "Europe/Athens", width, most, strangers)
    return [line.plain for line in made]


def test_who_is_not_heard_stands_first() -> None:
    told = lines(
        device("a", "online"),
        device("b", None, "retired"),
        device("c", "unheard"),
        device("d", "silent"),
        device("e", "offline"),
    )
    assert told[0] == "Συσκευές (5), 18/10 12:00"
    assert [line[0] for line in told[3:]] == ["e", "d", "c", "a", "b"]
    assert [line.split("leak")[1].split()[0] for line in told[3:]] == [
        "εκτός",
        "σιωπηλή",
        "χωρίς",
        "σε",
        "αποσυρμένη",
    ]


def test_a_low_battery_stands_out() -> None:
    made = device_table(
        [device("a", "online", battery=12.4), device("b", "online", battery=80)],
        NOW, "UTC", 100, 10, 0,
    )  # fmt: skip
    low = [span for line in made for span in line.spans if "red" in str(span.style)]
    assert len(low) == 1
    assert "12%" in made[3].plain


def test_what_is_left_out_is_counted() -> None:
    told = lines(*(device(f"d{n}", "online") for n in range(30)), most=10, strangers=2)
    assert told[-2] == "… και ακόμη 20: --most"
    assert told[-1] == "2 άγνωστες συσκευές περιμένουν ένταξη: kel devices list --drafts"
    assert lines(strangers=1)[-1].startswith("1 άγνωστη συσκευή περιμένει")


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        ({}, ""),
        ({"battery": 3.0}, ""),
        ({"rssi": -97.0, "snr": -4.5}, "−97 dBm −4,5 dB"),
        ({"margin": 12.0}, "περιθ. 12 dB"),
        ({"linkquality": 120.0}, "LQI 120"),
    ],
)
def test_the_radio_is_told_as_the_device_tells_it(signs: dict[str, float], told: str) -> None:
    assert radio(signs) == told


def test_a_stranger_is_told_with_what_it_probably_is() -> None:
    guesses = {("kel", "ab"): Guess("drosia", "fire"), ("kel", "x\x1b[2J"): Guess()}
    told = draft_table([stranger(count=120), stranger("x\x1b[2J")], guesses, NOW, 100, 7)
    text = "\n".join(line.plain for line in told)
    assert "Άγνωστες συσκευές (7)" in text
    assert "120 (κρατήθηκαν 100)  fire, drosia" in text
    assert "kel devices adopt kel ab --class fire --id … --name …" in text
    assert "… και ακόμη 5: --most" in text
    assert "\x1b" not in text


def test_more_strangers_than_can_be_kept_apart_are_an_alarm() -> None:
    told = draft_table([stranger("", 4321, "")], {}, NOW, 100, 1)
    assert told[-1].plain.startswith("Και 4.321 μηνύματα από ακόμη περισσότερους αποστολείς")
    told = draft_table([stranger("", 1, "")], {}, NOW, 100, 1)
    assert told[-1].plain.startswith("Και 1 μήνυμα από ακόμη περισσότερους αποστολείς")
