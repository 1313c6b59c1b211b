"""What an edit of a rulebook changed."""

import pytest

from rules.book.editions import Edit, edit

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
