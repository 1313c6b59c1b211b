"""The agenda: the earliest of all that is due, whatever changed in between."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kel.model.ids import make_id
from rules.incidents.agenda import Agenda, Due, Key
from tests.builders.city import at

KEYS: list[Key] = [("incident", make_id("incident", n)) for n in range(4)]


def due(minutes: int, about: str = "a") -> Due:
    return Due(at("03:00") + timedelta(minutes=minutes), about, lambda moment: None)


STEP = st.tuples(
    st.sampled_from(KEYS),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=3),
)


@given(st.lists(STEP, max_size=30))
def test_next_is_the_earliest_of_all_that_is_due(steps: list[Any]) -> None:
    agenda, dues = Agenda(), dict[Key, list[Due]]()
    for key, found in steps:
        dues[key] = [due(*one) for one in found]
        agenda.changed(key)
        first = agenda.next(lambda k: dues[k])
        every = [(d.at, d.about) for some in dues.values() for d in some]
        assert (first and (first.at, first.about)) == min(every, default=None)


def test_only_what_changed_is_asked_again() -> None:
    agenda, asked = Agenda(), list[Key]()

    def dues_of(key: Key) -> list[Due]:
        asked.append(key)
        return [due(1)]

    for key in KEYS:
        agenda.changed(key)
    agenda.next(dues_of)
    asked.clear()
    agenda.next(dues_of)
    assert asked == []
    agenda.changed(KEYS[2])
    agenda.next(dues_of)
    assert asked == [KEYS[2]]


def test_what_is_over_is_due_no_longer() -> None:
    agenda = Agenda()
    agenda.changed(KEYS[0])
    assert agenda.next(lambda k: [due(1)]) is not None
    agenda.changed(KEYS[0])
    assert agenda.next(lambda k: []) is None
