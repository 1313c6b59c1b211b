"""Clocks: the machine's never goes back and is due in its time, the story's says what it heard."""

import pytest

from kel.run.clocks import StoryClock, SystemClock


def test_a_story_tells_the_time_before_a_step_and_ends_it_with_a_tick():
    clock = StoryClock()
    assert (clock.now(), clock.due()) == (None, None)
    assert clock.hear(b'{"now": 5, "tick": false}') is None
    assert clock.now() == 5
    assert clock.hear(b'{"now": 5, "tick": true}') == 5
    assert clock.due() is None


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"[]", b"5", b"{}", b'{"now": 6}', b'{"now": null, "tick": true}']
)
def test_a_story_clock_passes_over_nonsense(payload):
    clock = StoryClock()
    clock.hear(b'{"now": 5, "tick": false}')
    assert clock.hear(payload) is None
    assert clock.now() == 5


@pytest.fixture
def machine(monkeypatch):
    now = [10_000_000_000]
    monkeypatch.setattr("kel.run.clocks.time_ns", lambda: now[0])
    return now


def test_the_system_clock_is_due_once_in_its_time(machine):
    clock = SystemClock(1.0)
    assert clock.due() == 10_000_000
    assert clock.due() is None
    machine[0] += 999_999_000
    assert clock.due() is None
    machine[0] += 1_000
    assert clock.due() == 11_000_000 == clock.now()


def test_a_machine_whose_time_is_set_back_stands_still_until_it_is_there_again(machine):
    clock = SystemClock(1.0)
    clock.due()
    machine[0] -= 5_000_000_000
    assert (clock.now(), clock.due()) == (10_000_000, None)
    machine[0] += 6_000_000_000
    assert (clock.now(), clock.due()) == (11_000_000, 11_000_000)
