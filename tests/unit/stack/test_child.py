"""Children: they end with whoever started them, and tell how they ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kel.stack.child import Child, PartError

ROOT = Path(__file__).resolve().parents[3]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """
import sys, time
from pathlib import Path
from kel.stack.child import Child
child = Child("sleep", [sys.executable, "-c", "import time; time.sleep(60)"], Path(sys.argv[1]))
print(child.start().pid, flush=True)
time.sleep(60)
"""


def gone(pid, within_s=5.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # ended; whoever adopted it has not looked yet
            return True
        time.sleep(0.02)
    return False


def test_a_child_dies_with_its_parent_also_after_sigkill(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "log"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.wait()
    assert gone(pid)


def test_it_ends_well_when_told_and_at_once_when_it_does_not_listen(tmp_path):
    well = Child("well", SLEEP, tmp_path / "well").start()
    well.end()
    assert well.ended == -signal.SIGTERM
    stubborn = Child("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "stubborn").start()
    while "ready" not in stubborn.tail():
        time.sleep(0.02)
    stubborn.end(timeout_s=0.1)
    assert stubborn.ended == -signal.SIGKILL
    stubborn.end()  # once more is no harm


def test_it_is_killed_whatever_it_listens_to_and_can_be_started_again(tmp_path):
    child = Child("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log").start()
    while "ready" not in child.tail():
        time.sleep(0.02)
    child.kill()
    assert child.ended == -signal.SIGKILL
    assert child.start().ended is None
    child.kill()


def test_it_can_be_started_again(tmp_path):
    child = Child("again", SLEEP, tmp_path / "log").start()
    first = child.pid
    child.end()
    assert child.start().pid != first
    assert child.ended is None
    child.end()


def test_one_that_ended_by_itself_is_told_with_the_end_of_its_log(tmp_path):
    words = "\n".join(f"line {n}" for n in range(40))
    child = Child("broken", [sys.executable, "-c", f"print({words!r}); exit(3)"], tmp_path / "log")
    child.start()
    while child.ended is None:
        time.sleep(0.02)
    with pytest.raises(PartError, match=r"broken ended with 3:\nline 25[^$]*line 39"):
        child.check()


def test_a_child_that_never_was_has_no_log_and_ends_at_once(tmp_path):
    child = Child("none", SLEEP, tmp_path / "log")
    child.end()
    assert (child.pid, child.ended, child.tail()) == (0, None, "(no log)")
