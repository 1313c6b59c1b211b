"""The private folder: nobody else reads it, and what a crashed run left is swept away."""

import os
import socket
import subprocess
import sys
import tempfile

import pytest

from kel.stack import folder
from kel.stack.folder import OWNER, free_port, make_folder, private, remove_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_can_be_passed_through_but_not_listed():
    made = make_folder()
    assert made.stat().st_mode & 0o777 == 0o711
    assert (made / OWNER).read_text() == str(os.getpid())
    remove_folder(made)
    assert not made.exists()


@pytest.mark.parametrize(
    ("owner", "stays"),
    [(dead_pid, False), (os.getpid, True), (lambda: 1, True), (lambda: "", True)],
    ids=["a crashed run's", "a running one's", "another user's", "one that is being made"],
)
def test_what_a_crashed_run_left_goes_with_the_next_start(temporary, owner, stays):
    left = temporary / "kel-left"
    left.mkdir()
    (left / OWNER).write_text(str(owner()))
    make_folder()
    assert left.exists() is stays


def test_folders_of_other_programs_are_left_alone(temporary):
    others = [temporary / "kel-without-owner", temporary / "another"]
    for other in others:
        other.mkdir()
    (others[1] / OWNER).write_text(str(dead_pid()))
    make_folder()
    assert all(other.exists() for other in others)


def test_a_private_folder_is_for_nobody_else(temporary):
    made = private(temporary / "a" / "b", None)
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_parts_run_as_users_of_their_own_where_we_are_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert folder.other_user("postgres") == "postgres"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert folder.other_user("postgres") is None
