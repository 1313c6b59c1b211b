"""Spans: sums of rows over spans of event time, however the rows are cut."""

import numpy as np
import pytest

from rules.core.spans import Closed, Spans, ends_every, rounds
from rules.parts.nested import nested, part

NAN = float("nan")


def closed(found: Closed) -> list[tuple[int, int, float, float]]:
    columns = found.slot, found.end, found.sums[:, 0], found.counts[:, 0]
    return list(zip(*(c.tolist() for c in columns), strict=True))


def give(spans: Spans, *rows: tuple[int, int, float]) -> Closed:
    """Rows (slot, time, value); spans of 10."""
    slot, time, value = (np.array(column) for column in zip(*rows, strict=True))
    return spans.rows(slot.astype(np.intp), ends_every(time, 10), value.astype(float)[:, None])


def test_a_span_is_closed_by_its_own_next_row_or_by_a_tick() -> None:
    spans = Spans(3, 1)
    assert closed(give(spans, (0, 1, 1.0), (0, 9, 2.0), (2, 0, NAN))) == []
    assert closed(give(spans, (0, 10, 4.0), (0, 25, 8.0))) == [(0, 10, 3.0, 2.0), (0, 20, 4.0, 1.0)]
    assert closed(spans.tick(9)) == []
    assert closed(spans.tick(10)) == [(2, 10, 0.0, 0.0)]
    assert closed(spans.tick(30)) == [(0, 30, 8.0, 1.0)]
    assert closed(give(spans, (0, 29, 1.0))) == [] == closed(spans.tick(99))  # too late


def test_a_sum_does_not_depend_on_how_rows_are_cut() -> None:
    random = np.random.default_rng(1)
    rows = [(0, t, float(v)) for t, v in enumerate(random.normal(0, 1e6, 95))]
    whole, single = Spans(1, 1), Spans(1, 1)
    one = [*closed(give(whole, *rows)), *closed(whole.tick(100))]
    two = [c for row in rows for c in closed(give(single, row))] + closed(single.tick(100))
    assert one == two


def test_means_and_rounds() -> None:
    spans = Spans(2, 1)
    found = give(
        spans, (0, 1, 2.0), (0, 2, 4.0), (0, 11, NAN), (0, 21, 1.0), (1, 5, 7.0), (1, 15, 1.0)
    )
    assert found.means[:, 0].tolist() == [3.0, pytest.approx(NAN, nan_ok=True), 7.0]
    assert [r.slot.tolist() for r in rounds(found)] == [[0, 1], [0]]


def test_it_goes_on_from_its_state() -> None:
    one, two = Spans(1, 1), Spans(2, 1)
    give(one, (0, 1, 2.0))
    two.load(one.state(), np.array([0]), np.array([1]))
    assert closed(give(two, (1, 12, 1.0))) == [(1, 10, 2.0, 1.0)]


def test_nested_states_come_apart_again() -> None:
    state = {"x": np.arange(3)}
    whole = nested(a=state, ab={"x": np.arange(2)})
    assert part(whole, "a").keys() == {"x"}
    assert part(whole, "ab")["x"].tolist() == [0, 1]
