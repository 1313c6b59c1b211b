"""KEL's processes as children: more of them, fewer, and started again when they die."""

import sys
from types import SimpleNamespace

import pytest

from kel.run import services
from kel.run.services import MOST_DEATHS, Services
from kel.stack.child import PartError

TELLS = (sys.executable, "-c", "import os, time; print(os.environ, flush=True); time.sleep(60)")
DIES = (sys.executable, "-c", "exit(3)")


def made(tmp_path, command=TELLS, workers=1):
    stack = SimpleNamespace(
        folder=tmp_path, environment=lambda login, **more: {"KEL_MQTT_USER": login, **more}
    )
    return Services(stack, {"KEL_CITY": "here"}, workers, command)


def test_each_has_a_log_of_its_own(tmp_path):
    logs = [log.name for log in made(tmp_path, workers=3).logs]
    assert logs == ["bridge.log", "worker.log", "worker-3.log", "worker-4.log", "desk.log"]


def test_one_more_comes_with_settings_of_its_own_and_goes_unwatched(tmp_path):
    with made(tmp_path) as running:
        extra = running.add("bridge", KEL_CITY="there")
        assert running.pids("bridge")[1] == extra.pid
        while "there" not in extra.tail():
            assert extra.ended is None
        running.remove(extra)
        assert extra.ended is not None
        running.watch()
        assert (running.restarts, len(running.pids("bridge"))) == (0, 1)


def test_what_was_killed_is_started_again_and_what_was_removed_is_not(tmp_path):
    with made(tmp_path, workers=2) as running:
        first, second = running.named("worker")
        before = first.pid
        first.kill()
        second.kill()
        running.remove(second)
        running.watch()
        assert running.restarts == 1
        assert running.pids("worker") == [first.pid] != [before]


def test_one_that_dies_again_and_again_is_told_with_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(services, "WITHIN_S", 60)
    with made(tmp_path, DIES) as running, pytest.raises(PartError, match=f"died {MOST_DEATHS} tim"):
        while True:
            running.watch()
