"""Which device explains which: along parents, within related families, and never for ever."""

from dataclasses import replace

import pytest

from rules.incidents.topology import ancestors, children, explains, subtree, topmost
from tests.builders.city import alert, at, cleared, small_city

CITY = small_city()


def test_ancestors_are_nearest_first() -> None:
    assert ancestors(CITY, "ls-01") == ("zm-01", "ps-01")
    assert ancestors(CITY, "ps-01") == ()
    assert ancestors(CITY, "nobody") == ()


def test_a_circle_of_parents_ends() -> None:
    devices = dict(CITY.devices)
    devices["ps-01"] = replace(devices["ps-01"], parent="ls-01")
    circle = small_city(devices=devices)
    assert ancestors(circle, "ls-01") == ("zm-01", "ps-01")
    assert set(subtree(children(circle), "ps-01")) == {"ps-01", *subtree(children(CITY), "ps-01")}


def test_a_device_that_is_its_own_parent_has_none() -> None:
    devices = dict(CITY.devices)
    devices["ps-01"] = replace(devices["ps-01"], parent="ps-01")
    assert ancestors(small_city(devices=devices), "ps-01") == ()


def test_subtree_holds_a_device_and_all_below_it() -> None:
    assert subtree(children(CITY), "zm-01") == ("zm-01", "ls-01", "ls-02")
    assert subtree(children(CITY), "ps-01") == (
        "ps-01",
        "zm-01",
        "ls-01",
        "ls-02",
        "zm-02",
        "ls-03",
    )
    assert subtree(children(CITY), "cam-01") == ("cam-01",)


def test_topmost_of_those_that_speak() -> None:
    assert topmost(CITY, "ls-01", frozenset({"zm-01", "ps-01"})) == "ps-01"
    assert topmost(CITY, "ls-01", frozenset({"zm-01"})) == "zm-01"
    assert topmost(CITY, "ls-01", frozenset()) == "ls-01"


@pytest.mark.parametrize(
    ("parent", "child", "explained"),
    [
        (("ps-01", "pump"), ("zm-01", "low_pressure"), True),
        (("ps-01", "pump"), ("ls-03", "low_pressure"), True),
        (("ps-01", "pump"), ("zm-01", "main_burst"), False),  # no pump bursts a main
        (("zm-01", "main_burst"), ("ls-01", "low_pressure"), True),
        (("zm-01", "main_burst"), ("ls-03", "low_pressure"), False),  # another zone's
        (("zm-01", "main_burst"), ("ls-01", "sensor"), False),  # its battery is its own
        (("fc-01", "feeder"), ("la-01-001", "lamp"), True),
        (("fc-01", "feeder"), ("la-01-001", "sensor"), True),  # dark, so silent
        (("fc-02", "feeder"), ("la-01-001", "lamp"), False),
        (("ls-01", "low_pressure"), ("zm-01", "main_burst"), False),  # never upwards
    ],
)
def test_explains(parent: tuple[str, str], child: tuple[str, str], explained: bool) -> None:
    above = alert(CITY, *parent, at("02:00"))
    below = alert(CITY, *child, at("02:10"))
    assert explains(CITY, above, below) is explained


@pytest.mark.parametrize(
    ("began", "explained"),
    [("20:00", False), ("22:59", False), ("23:01", True), ("03:00", True), ("03:59", True)],
)
def test_an_effect_begins_with_its_cause(began: str, explained: bool) -> None:
    """The feeder is dark from 02:00 to 04:00; a lamp out since the evening is another matter."""
    feeder = cleared(alert(CITY, "fc-01", "feeder", at("02:00", day=5)), at("04:00", day=5))
    day = 4 if began > "12:00" else 5
    assert explains(CITY, feeder, alert(CITY, "la-01-001", "lamp", at(began, day))) is explained


def test_nothing_is_explained_by_what_had_ended() -> None:
    feeder = cleared(alert(CITY, "fc-01", "feeder", at("02:00")), at("04:00"))
    assert not explains(CITY, feeder, alert(CITY, "la-01-001", "lamp", at("04:01")))
