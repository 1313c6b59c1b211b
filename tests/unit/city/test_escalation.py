"""`escalation.toml`: what it says, and every mistake at its line."""

from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest

from kel.city import load_city
from kel.city.escalation import read_escalation
from kel.model.alert import Severity
from kel.model.escalation import Duty, Escalation, QuietHours, Step

GOOD = """margin = "30m"

[quiet]
start = "23:00"
end = "07:00"
severity = "high"

[[contact]]
id = "duty"
name = "Επιφυλακή"

[[duty]]
who = "duty"
days = "mon-sun"
start = "08:00"
end = "08:00"

[[step]]
severity = "medium"
after = "15m"
every = "10m"

[orders]
severity = "low"
every = "1h"
call = "duty"
"""


def test_what_it_says(small: Path) -> None:
    (small / "escalation.toml").write_text(GOOD)
    assert load_city(small).escalation == Escalation(
        steps=(Step(timedelta(minutes=15), timedelta(minutes=10), Severity.MEDIUM, "on-call"),),
        roster=(Duty("duty", frozenset(range(7)), time(8), time(8)),),
        quiet=QuietHours(time(23), time(7), Severity.HIGH),
        contacts={"duty": "Επιφυλακή"},
        margin=timedelta(minutes=30),
        orders=Step(timedelta(0), timedelta(hours=1), Severity.LOW, "duty"),
    )


def test_a_city_without_it_calls_nobody(small: Path) -> None:
    assert load_city(small).escalation == Escalation()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('who = "duty"', 'who = "duti"', "13: duty.0.who: there is no contact duti; did you mean…"),
        ('call = "duty"', 'call = "dut"', "26: orders.call: there is no contact dut; did…"),
        ("every", 'call = "x"\nevery', "21: step.0.call: there is no contact x; known: duty, …"),
        ('"mon-sun"', '"mon-sat"', "12: duty: nobody is on duty on mon at 00:00"),
        ('end = "08:00"', 'end = "07:30"', "12: duty: nobody is on duty on mon at 07:30"),
        ('"medium"', '"loud"', "19: step.0.severity: 'loud' is no severity; known: info, low, …"),
        ('end = "07:00"', 'end = "23:00"', "5: quiet.end: quiet hours that end when they start…"),
        (
            'id = "duty"',
            'id = "requests"',
            "9: contact.requests.id: requests is a word of KEL's own",
        ),
        ('after = "15m"', 'after = "soon"', "20: step.0.after: a duration is written as …"),
        ("margin", "margn", "1: margn: there is no such field; did you mean margin?"),
    ],
)
def test_every_mistake_at_its_line(
    small: Path,
    tells: Callable[[Path, list[str]], None],
    old: str,
    new: str,
    expected: str,
) -> None:
    assert old in GOOD
    (small / "escalation.toml").write_text(GOOD.replace(old, new, 1))
    tells(small, [f"escalation.toml:{expected}"])


def test_a_roster_that_only_orders_call_has_no_gap_either(
    small: Path, tells: Callable[[Path, list[str]], None]
) -> None:
    steps = GOOD.index("[[step]]"), GOOD.index("[orders]")
    only = GOOD[: steps[0]] + GOOD[steps[1] :].replace('call = "duty"\n', "")
    (small / "escalation.toml").write_text(only.replace('"mon-sun"', '"mon-sat"'))
    tells(small, ["escalation.toml:12: duty: nobody is on duty on mon at 00:00"])


def test_a_contact_stands_once(small: Path) -> None:
    twice = GOOD + '\n[[contact]]\nid = "duty"\nname = "Ξανά"\n'
    (small / "escalation.toml").write_text(twice)
    _, mistakes = read_escalation(small)
    assert [m.what for m in mistakes] == ["duty stands here twice"]


def test_a_contact_is_no_login_that_could_write_as_a_format(small: Path) -> None:
    (small / "escalation.toml").write_text(GOOD.replace('"duty"', '"frigate"'))
    _, mistakes = read_escalation(small)
    assert [m.what for m in mistakes] == [
        "the topics of a format begin with frigate, and logins are ids"
    ]
