"""Tables for a terminal."""

from datetime import UTC, datetime, timedelta

import pytest

from kel.cli.listing import GAP, ago, number, table, visible
from kel.cli.reject_table import payload_lines

NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)


@pytest.mark.parametrize("width", [10, 40, 60, 100, 400])
def test_what_tells_things_apart_is_never_cut(width: int) -> None:
    rows = [("id-000001", "a name that is long enough to be cut", ("σιωπηλή", "bold"))]
    _, line = table(("Κωδικός", "Όνομα", "Κατάσταση"), rows, width, cut=(1,))
    assert line.plain.startswith("id-000001" + GAP)
    assert line.plain.endswith(GAP + "σιωπηλή")
    least = len("id-000001") + 16 + len("Κατάσταση") + 2 * len(GAP)
    assert line.cell_len <= max(width, least)


def test_without_rows_there_is_a_head() -> None:
    assert [line.plain for line in table(("Α", "Β"), [], 80, cut=(0,))] != []


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(seconds=-5), "τώρα"),
        (timedelta(seconds=59), "τώρα"),
        (timedelta(minutes=7), "πριν 7′"),
        (timedelta(hours=3, minutes=5), "πριν 3 ώ 05′"),
        (timedelta(days=2), "πριν 2 ημ."),
    ],
)
def test_how_long_ago(before: timedelta, told: str) -> None:
    assert ago(NOW - before, NOW) == told
    assert ago(None, NOW) == "ποτέ"


@pytest.mark.parametrize(
    ("value", "told"), [(1234, "1.234"), (-97.0, "−97"), (3.25, "3,2"), (1234567.5, "1.234.567,5")]
)
def test_numbers_are_greek(value: float, told: str) -> None:
    assert number(value) == told


@pytest.mark.parametrize("text", ["\x1b[2J", "\r", "\u202e", "\x9b31m", "\x00", "a\u2028b"])
def test_what_strangers_write_moves_no_cursor(text: str) -> None:
    assert visible(text).isprintable()
    for payload in (text.encode(), f'{{"a": "{text}"}}'.encode(), text.encode("utf-16")):
        assert all(line.isprintable() for line in payload_lines(payload))


def test_a_payload_that_is_deep_or_long_is_shown_cut() -> None:
    assert payload_lines(b"[" * 100_000)[-1] == "… και ακόμη 95.904 byte"
    assert len("".join(payload_lines(b'{"a": "' + b"x" * 60_000 + b'"}'))) < 10_000
