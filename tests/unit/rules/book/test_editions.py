"""What an edit of a rulebook changed."""

import pytest

from rules.book.editions import Edit, edit, sizes, taken_up

A = '[[rule]]\nid = "a"\nbelow = 2.0\nwatch = { class = "zone" }\n'
B = '[[rule]]\nid = "b"\nabove = 1\n'
AT = '[[override]]\nrule = "a"\nzone = "z1"\nbelow = 1.0\n'
TWO = '[[override]]\nrule = "a"\ndevices = ["x", "y"]\nbelow = 1.5\n'
NIGHT = '[[calendar]]\nid = "night"\nhours = ["22:00", "06:00"]\n'

# before (None: there was none), now, what was added, changed, removed
TABLE = [
    (None, A + B, ("a", "b"), (), ()),
    (A + B, B + "# said otherwise\n" + A, (), (), ()),
    (A + B, A, (), (), ("b",)),
    (A, A.replace("2.0", "2.1"), (), ("a",), ()),
    (A, A.replace('"zone"', '"pump"'), (), ("a",), ()),
    (A, A + AT, ("a at z1",), (), ()),
    (A + AT, A + AT.replace("1.0", "1.2") + TWO, ("a at x y",), ("a at z1",), ()),
    (A + AT, A + AT + AT.replace("1.0", "1.2"), ("a at z1 (2)",), (), ()),
]


@pytest.mark.parametrize(("before", "now", "added", "changed", "removed"), TABLE)
def test_rules_and_overrides(
    before: str | None,
    now: str,
    added: tuple[str, ...],
    changed: tuple[str, ...],
    removed: tuple[str, ...],
) -> None:
    old = None if before is None else {"rules": before}
    assert edit(old, {"rules": now}) == Edit(added, changed, removed)


def test_calendars_are_named_as_such() -> None:
    before, now = {"rules": A}, {"rules": A, "calendars": NIGHT}
    assert edit(before, now) == Edit(("calendar night",), (), ())
    later = {"rules": A, "calendars": NIGHT.replace("22", "23")}
    assert edit(now, later) == Edit((), ("calendar night",), ())
    assert edit(later, before) == Edit((), (), ("calendar night",))


def test_what_a_log_says_when_a_rulebook_comes_into_use() -> None:
    before, now = {"rules": A + AT}, {"rules": A.replace("2.0", "2.1") + B, "calendars": NIGHT}
    assert sizes(now) == "2 rules, 0 overrides, 1 calendar"
    first = "rulebook v1 is the first one: 1 rule, 1 override, 0 calendars"
    assert taken_up("v1", before, None, None) == first
    assert taken_up("v1", before, ("v1", before), "eleni") == (
        "rulebook v1 is in use: 1 rule, 1 override, 0 calendars, loaded by eleni"
    )
    assert taken_up("v2", now, ("v1", before), "eleni") == (
        "rulebook v2 is taken up after v1: 2 added, 1 changed, 1 removed: "
        "+b, calendar night  ~a  -a at z1, loaded by eleni"
    )


def test_of_many_names_a_few_are_told() -> None:
    assert str(Edit(tuple("abcdefgh"), (), ())) == "+a, b, c, d, e, f and 2 more"
    assert str(Edit((), (), ())) == "wording alone"
