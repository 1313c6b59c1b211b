"""Alerts in a state: read as they were written, by this version or one before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rules import kept
from rules.evaluate import Evaluator
from tests.builders.city import alert, small_city
from tests.builders.city import at as clock
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

STATES = Path(__file__).parents[2] / "cases/states"
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "category": '"main_burst"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for": '"10m"',
}


def test_what_is_written_is_read() -> None:
    told = alert(small_city(), "ps-01", "pump", clock("10:00"), zone="z01")
    ended = replace(told, cleared_at=clock("11:00"), cleared_why="η τιμή επανήλθε")
    assert kept.read(kept.write([told, ended])) == [told, ended]


@pytest.mark.parametrize("kept_as", [b"", b"[", b'[{"id": 1, "evidence": {"facts": {}}}]'])
def test_what_is_no_state_is_refused(kept_as: bytes) -> None:
    with pytest.raises(ValueError):
        kept.read(np.frombuffer(kept_as, np.uint8))


def test_a_state_of_an_earlier_version_is_taken_without_its_figures_that_were_none() -> None:
    """`not-finite.npz`: two alerts active, of which one fired at a pressure of minus infinity."""
    with np.load(STATES / "not-finite.npz", allow_pickle=False) as arrays:
        state = dict(arrays)
    assert b'"value":null' in state["alerts"].tobytes()
    engine = Evaluator(rulebook(LOW), city(), DEVICES)
    engine.load(state)

    minute = at("2026-07-01T00:20")
    rows = [(minute, n, {"pressure": 3.0}) for n in (11, 12)]
    ended = engine.frame(frame("zone", [*rows, (minute + 11 * MINUTE, 11, {"pressure": 3.0})]))
    first, second = sorted(ended, key=lambda a: a.device)
    said = {"side": "below", "limit": 2.0, "unit": "bar", "for_s": 600.0}
    assert dict(first.evidence.facts) == said
    assert dict(second.evidence.facts) == {"value": 1.5, **said}
    assert first.cleared_at is not None and second.cleared_at is not None
