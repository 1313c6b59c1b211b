"""The rulebook of config/ltown, on a network made up here that has the devices of its folder."""

from pathlib import Path

import numpy as np

from kel.backtest.long import Long, frames_of
from kel.model.alert import Alert
from kel.model.moment import to_us
from kel.run.cityfiles import read_folder
from rules.evaluate import Evaluator
from tests.builders.rules_city import HOUR, at

FILES = read_folder(Path(__file__).parents[3] / "config/ltown")
START, DAYS, PER_DAY = at("2026-01-01T00:00"), 21, 96
SENSORS = [d.id for d in FILES.city.devices.values() if d.id.startswith("n")]
NAMES = ["p227", "p235", "PUMP_1", "T1", *SENSORS]  # as the benchmark's files have them


def play(leak_day: float | None, fallen: tuple[str, ...] = ()) -> list[Alert]:
    """Three weeks, told day by day; from `leak_day` on the sensors `fallen` lie 0.1 m lower."""
    rng = np.random.default_rng(3)
    n = DAYS * PER_DAY
    day = np.arange(n) / PER_DAY
    use = 150 + 60 * np.sin(2 * np.pi * day) + rng.normal(0, 5, n)
    running = (np.sin(5 * day) > 0).astype(float)
    level = 3 + 0.5 * np.sin(3 * day)
    table = np.full((n, len(NAMES)), np.nan)
    table[:, :4] = np.stack([0.48 * use, 0.52 * use, 44 * running, level], axis=1)
    for place, sensor in enumerate(SENSORS, 4):
        head = 50 - 1e-5 * place * use**2 + 0.1 * level + rng.normal(0, 0.03, n)
        leaks = leak_day is not None and sensor in fallen
        table[:, place] = head - np.where(day >= (leak_day or 0), 0.1, 0) * leaks
    which = np.tile(np.arange(len(NAMES), dtype=np.int32), n)
    time = np.repeat(START + (day * 24 * HOUR).round().astype(np.int64), len(NAMES))
    values = table.reshape(-1)
    columns = {
        "flow": np.where(which < 3, values, np.nan),
        "level": np.where(which == 3, values, np.nan),
        "pressure": np.where(which > 3, values, np.nan),
    }
    frames, left = frames_of(Long(time, which, NAMES, columns), FILES.city)
    assert not left.strangers
    one = Evaluator(FILES.rulebook, FILES.city, list(FILES.city.devices.values()))
    told = one.frame(frames["node"])
    for days in range(1, DAYS + 1):
        told += one.tick(START + days * 24 * HOUR)
    return told


def test_a_quiet_network_has_no_alerts() -> None:
    assert play(None) == []


def test_a_leak_is_found_within_a_day_near_what_fell() -> None:
    (alert,) = play(14.0, ("n105", "n114"))
    assert alert.device in ("n105", "n114")
    assert 0 < (to_us(alert.detected_at) - START) / HOUR - 14 * 24 <= 24
    assert alert.cleared_at is None
