"""The demo's Mosquitto is the project's own, with a few lines set otherwise."""

import pytest

from kel.stack.folder import ROOT
from kel.stack.mosquitto import configure

OWN = {"listener", "password_file", "acl_file", "persistence_location"}


def test_lines_are_set_and_all_others_stay():
    text = "# listener of old\nlistener 1883\n\nacl_file /x\nlistener_allow_anonymous false\n"
    assert configure(text, {"listener": "5 127.0.0.1"}) == (
        "# listener of old\nlistener 5 127.0.0.1\n\nacl_file /x\nlistener_allow_anonymous false\n"
    )


def test_a_setting_that_has_no_line_is_refused_by_name():
    with pytest.raises(KeyError, match="no line acl_file"):
        configure("listener 1883\n", {"acl_file": "x"})


def test_a_second_line_of_the_same_name_is_not_set_too():
    assert configure("topic a\ntopic b\n", {"topic": "c"}) == "topic c\ntopic b\n"


def test_the_projects_configuration_has_each_line_that_a_stack_sets_once():
    lines = (ROOT / "mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    keys = [line.split(" ", 1)[0] for line in lines]
    assert {key: keys.count(key) for key in OWN} == dict.fromkeys(OWN, 1)
